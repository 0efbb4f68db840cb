"""Does a driving policy really drive? Simulate, record, train and score on any laptop."""

__version__ = "0.1.0"

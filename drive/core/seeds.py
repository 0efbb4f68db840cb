"""Which seeds are for what."""

RESERVED_SEEDS = 1_000_000  # seeds from here on are for evaluation alone; below: training and recording

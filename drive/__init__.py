"""Does a driving policy really drive? Simulate, record, train and score on any laptop.

Importing `drive` registers `drive/Lane-v0` with Gymnasium; nothing else is loaded.
"""

import gymnasium

__version__ = "0.1.0"

gymnasium.register(
    id="drive/Lane-v0",
    entry_point="drive.sim.env:LaneEnv",
    vector_entry_point="drive.sim.vector:LaneVectorEnv",
)

"""The version of what is simulated.

Raised whenever pictures or states of the same scenario and actions change on purpose.
"""

SIMULATOR_VERSION = 1

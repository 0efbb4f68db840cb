"""Control laws: pure functions that import nothing of the simulator."""

"""The driving session: the only loop that steps a world, and who takes part in it."""

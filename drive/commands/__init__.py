"""The commands that are not a verb: thin."""

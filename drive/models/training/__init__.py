"""Training: the loop, its folder, its device."""

"""What moves: vehicle dynamics, traffic, collisions."""

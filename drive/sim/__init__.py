"""The world: maps, actors, sensors, and the environments over them."""

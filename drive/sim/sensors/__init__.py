"""What looks at the world: cameras and the renderer."""

"""Road networks: lanes, readers and generators, routes."""

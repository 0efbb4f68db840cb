"""The modular stack: lane detection, tracking, control."""

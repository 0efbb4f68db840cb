"""Pages for the browser: drive, and look at recordings."""

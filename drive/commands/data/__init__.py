"""`drive data`: what recordings hold, whether they are whole, and how to join, split and edit them."""

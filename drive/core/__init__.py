"""What knows nothing of driving."""

"""What `q` of a list finds."""

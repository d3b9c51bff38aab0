"""What a person may look at: what would be read and sent, what would leave for a file, how each part is."""

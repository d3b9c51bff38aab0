"""What was read and isn't acknowledged yet: kept on the disk, numbered, and answered for to the server."""

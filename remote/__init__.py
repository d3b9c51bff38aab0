"""Remote sessions: prepared with a ticket; commands to devices, and their replies."""

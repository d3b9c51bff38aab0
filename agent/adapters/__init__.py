"""What reads equipment: one folder a protocol, and beside them what they share. Each puts entries into a sink."""

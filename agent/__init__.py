"""What runs on or beside the equipment's workstation: adapters, privacy filter, outbox, uplink, commands."""

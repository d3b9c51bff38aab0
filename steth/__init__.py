"""The command line, the settings, and the wiring of processes: only here objects of all rooms are put together."""

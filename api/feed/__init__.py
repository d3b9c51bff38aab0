"""The live stream: one reader of the database a process, and its clients (server-sent events)."""

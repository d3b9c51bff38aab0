"""Judging: the engine, episodes, silence and presence, and what people do with an alert."""

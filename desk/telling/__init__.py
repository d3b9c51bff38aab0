"""Telling people: an outbox, what is written, and the ways out."""

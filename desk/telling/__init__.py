"""Telling people: an outbox of messages, their texts, and the channels that they are sent by."""

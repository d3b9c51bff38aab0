"""Tickets and telling people."""

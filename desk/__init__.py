"""Tickets, clocks and telling people."""

"""Tickets over HTTP."""

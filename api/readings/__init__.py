"""Readings and events over HTTP."""

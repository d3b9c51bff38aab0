"""Tickets: opened in the batch of their alert, worked on by people, with their history and evidence."""

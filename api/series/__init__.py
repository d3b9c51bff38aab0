"""A signal over time, for charts."""

"""The configuration: its shapes, its file, and what stands in it, such as addresses, zones and certificates."""

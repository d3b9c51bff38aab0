"""The audit log: chained, verified, its heads signed."""

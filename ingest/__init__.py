"""From the broker to the commit: consumer, stages, de-duplication, dead letters."""

"""Rules, episodes, suppression, presence, and what spans devices."""

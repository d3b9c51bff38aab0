"""What `steth jobs` does beside the rooms: who leads, how jobs run, upkeep, and what it measures."""

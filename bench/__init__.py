"""Load and peers: what the path does on this machine, as ratios in one run."""

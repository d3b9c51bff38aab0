"""Devices over HTTP: minted, enrolled, shown with the three facts."""

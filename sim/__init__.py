"""Simulated equipment that speaks the real protocols to a real agent, and a fleet generator for load."""

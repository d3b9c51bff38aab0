"""Tests by kind: unit, contract, integration, acceptance; the fixtures of real parts; chaos and fuzzing."""

"""Checkpoints of states that readings alone changed: written every ten seconds, not with every batch (delivery 14)."""

from collections.abc import Callable
from typing import Final

CHECKPOINT_MS: Final = 10_000
"""A row of state is written on a change of the engine's state, else this often."""
SWEEP: Final = 1_000
"""States written in one transaction beyond those it must."""


class Owed:
    """Which states of a lane are to be written, in order of their first change. ``steady_ms``: a clock nobody sets."""

    def __init__(self, *, steady_ms: Callable[[], int]) -> None:
        self._steady_ms = steady_ms
        self._since: dict[str, int] = {}

    def add(self, uid: str) -> None:
        """It changed."""
        if uid not in self._since:
            self._since[uid] = self._steady_ms()

    def written(self, uid: str) -> None:
        """It is in the database."""
        self._since.pop(uid, None)

    def due(self, *, all_of_them: bool = False) -> list[str]:
        """Those that have waited long enough, the oldest first."""
        limit = self._steady_ms() - CHECKPOINT_MS
        due: list[str] = []
        for uid, since in self._since.items():
            if len(due) >= SWEEP or not (all_of_them or since <= limit):
                break
            due.append(uid)
        return due

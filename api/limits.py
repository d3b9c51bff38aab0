"""A limit on attempts, as a pure decision on `now`."""

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta
from math import ceil


class Attempts:
    """Counts failed attempts of each key: `most` within `within` are free, then one has to wait.

    In memory: a restart forgets it, and each process counts by itself. At most `keys` keys are remembered, the one
    longest unused is forgotten first, so that made-up names can't fill the memory.
    """

    def __init__(self, *, most: int, within: timedelta, keys: int = 10_000) -> None:
        self._most = most
        self._within = within
        self._keys = keys
        self._failed: OrderedDict[Hashable, list[datetime]] = OrderedDict()

    def wait_s(self, key: Hashable, now: datetime) -> int:
        """Whole seconds until the next attempt is free; 0: now."""
        recent = self._recent(key, now)
        if len(recent) < self._most:
            return 0
        return max(1, ceil((recent[-self._most] + self._within - now).total_seconds()))

    def failed(self, key: Hashable, now: datetime) -> None:
        """Count an attempt that failed."""
        self._failed[key] = [*self._recent(key, now), now][-self._most :]
        self._failed.move_to_end(key)
        if len(self._failed) > self._keys:
            self._failed.popitem(last=False)

    def succeeded(self, key: Hashable) -> None:
        """Forget the failures of a key."""
        self._failed.pop(key, None)

    def _recent(self, key: Hashable, now: datetime) -> list[datetime]:
        return [at for at in self._failed.get(key, []) if at > now - self._within]

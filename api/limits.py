"""A limit on attempts, as a pure decision on `now`."""

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil


class Attempts:
    """Counts the attempts of each key that did not succeed: `most` within `within` are free, then one has to wait.

    An attempt counts from its beginning, so that a thousand at the same moment are no way around. In memory: a restart
    forgets it, and each process counts by itself. At most `keys` keys are remembered, the one longest unused is
    forgotten first, so that made-up names can't fill the memory.
    """

    def __init__(self, *, most: int, within: timedelta, keys: int = 10_000) -> None:
        self._most = most
        self._within = within
        self._keys = keys
        self._attempts: OrderedDict[Hashable, list[datetime]] = OrderedDict()

    def wait_s(self, key: Hashable, now: datetime) -> int:
        """Whole seconds until the next attempt is free; 0: now."""
        recent = self._recent(key, now)
        if len(recent) < self._most:
            return 0
        return max(1, ceil((recent[-self._most] + self._within - now).total_seconds()))

    def begin(self, key: Hashable, now: datetime) -> None:
        """Count an attempt."""
        self._attempts[key] = [*self._recent(key, now), now][-self._most :]
        self._attempts.move_to_end(key)
        if len(self._attempts) > self._keys:
            self._attempts.popitem(last=False)

    def succeeded(self, key: Hashable, began: datetime) -> None:
        """The attempt that began then was a success: it doesn't count."""
        attempts = self._attempts.get(key, [])
        if began in attempts:
            attempts.remove(began)

    def forget(self, key: Hashable) -> None:
        """Forget all attempts of a key."""
        self._attempts.pop(key, None)

    def _recent(self, key: Hashable, now: datetime) -> list[datetime]:
        # Both ways: attempts of before the clock was put back don't count for as long.
        return [at for at in self._attempts.get(key, []) if abs(now - at) < self._within]


def network_of(address: str) -> str:
    """Whose address it is, for counting: all of an IPv6 /64 is one customer's (RFC 6177), an IPv4 address one's own."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(ip_network((parsed, 64), strict=False)) if mapped is None else str(mapped)
    return str(parsed)

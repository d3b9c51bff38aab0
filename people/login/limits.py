"""Who may try a password or a one-time code now, as pure decisions on `now`. In memory: a restart forgets them, and
each process counts by itself."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Final

KNOWN_FOR: Final = timedelta(days=30)
"""So long a network in which somebody proved a password is one where that account is at home."""


class Attempts:
    """Counts the attempts of each key that did not succeed: `most` within `within` are free, then one has to wait.

    An attempt counts from its beginning, so that a thousand at the same moment are no way around. At most `keys` keys
    are remembered, the one longest unused is forgotten first, so that made-up names can't fill the memory.
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

    def withdraw(self, key: Hashable, began: datetime) -> None:
        """The attempt that began then doesn't count."""
        attempts = self._attempts.get(key, [])
        if began in attempts:
            attempts.remove(began)

    def has_any(self, key: Hashable, now: datetime) -> bool:
        """Whether any attempt of a key counts now."""
        return bool(self._recent(key, now))

    def forget(self, key: Hashable) -> None:
        """Forget all attempts of a key."""
        self._attempts.pop(key, None)

    def _recent(self, key: Hashable, now: datetime) -> list[datetime]:
        # Both ways: attempts of before the clock was put back don't count for as long.
        return [at for at in self._attempts.get(key, []) if abs(now - at) < self._within]


class _Budget:
    """Attempts of a key, and a reserve beside them for who has not failed yet."""

    def __init__(self, *, most: int, within: timedelta, reserve: int, reserve_within: timedelta) -> None:
        self.main = Attempts(most=most, within=within)
        self.reserve = Attempts(most=reserve, within=reserve_within)


@dataclass(frozen=True, kw_only=True)
class Try:
    """A password that may be tried. `home`: where this account proved it before. `wait_s`: others have used up what
    there was, so a wrong one is answered as one too many, with the seconds to wait; 0: as wrong."""

    account: str
    network: str
    place: Hashable
    home: bool
    began: datetime
    wait_s: int
    counted: tuple[tuple[Attempts, Hashable], ...]

    @property
    def lane(self) -> Hashable:
        """With whom it waits for its turn to be checked: strangers with all of their network."""
        return self.place if self.home else self.network


class Logins:
    """Guessing is slow, and nobody's guesses lock somebody else out (ADR 0030).

    A place is an account in a network, or in a browser that proved its password before. It has five attempts in five
    minutes. At home (such a browser, or a network in which the password was right within `KNOWN_FOR`) that is the only
    limit. Elsewhere an account has ten in 15 minutes and a network 50 in five; once they are used up, a place that has
    not failed itself may still try, ten more in 15 minutes for an account and 60 a minute in a network.
    Who is signed in already and says the password again (`confirm`) has a place by token, and an account ten in 15
    minutes: a token makes others.
    """

    def __init__(self) -> None:
        minute = timedelta(minutes=1)
        self._places = Attempts(most=5, within=5 * minute)
        self._accounts = _Budget(most=10, within=15 * minute, reserve=10, reserve_within=15 * minute)
        self._networks = _Budget(most=50, within=5 * minute, reserve=60, reserve_within=minute)
        self._confirmed = Attempts(most=10, within=15 * minute)
        self._homes = Attempts(most=1, within=KNOWN_FOR)

    def begin(self, *, account: str, network: str, browser: str | None = None, now: datetime) -> Try | int:
        """Count an attempt; seconds until the next one where it may not be. `browser`: one of this account's."""
        place = (account, network if browser is None else browser)
        home = browser is not None or self._homes.has_any((account, network), now)
        drawn = () if home else ((self._accounts, account), (self._networks, network))
        wait_s = max((budget.main.wait_s(key, now) for budget, key in drawn), default=0)
        counted = tuple((budget.reserve if budget.main.wait_s(key, now) else budget.main, key) for budget, key in drawn)
        refused_s = max(self._places.wait_s(place, now), *(of.wait_s(key, now) for of, key in counted), 0)
        if wait_s and self._places.has_any(place, now):
            refused_s = max(refused_s, wait_s)
        if refused_s:
            return refused_s
        tried = Try(account=account, network=network, place=place, home=home, began=now, wait_s=wait_s, counted=counted)
        return self._begun(tried)

    def confirm(self, *, account: str, network: str, token: int, now: datetime) -> Try | int:
        """Count an attempt of an account's token; seconds until the next one where it may not be."""
        place = (account, f"token {token}")
        if refused_s := max(self._places.wait_s(place, now), self._confirmed.wait_s(account, now)):
            return refused_s
        counted = ((self._confirmed, account),)
        return self._begun(
            Try(account=account, network=network, place=place, home=True, began=now, wait_s=0, counted=counted)
        )

    def _begun(self, tried: Try) -> Try:
        self._places.begin(tried.place, tried.began)
        for attempts, key in tried.counted:
            attempts.begin(key, tried.began)
        return tried

    def unchecked(self, tried: Try) -> None:
        """Its password was never looked at: no guess, and who only came at a bad moment isn't held up for it."""
        for attempts, key in ((self._places, tried.place), *tried.counted):
            attempts.withdraw(key, tried.began)

    def succeeded(self, tried: Try) -> None:
        """The password was right: the place has not failed, and is a home."""
        self._places.forget(tried.place)
        for attempts, key in tried.counted:
            attempts.withdraw(key, tried.began)
        self._homes.begin((tried.account, tried.network), tried.began)


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

"""Failed logins, and codes that enrolled nothing, on their way to the audit log. Pure.

They are told one by one while they are few, and counted when they are a flood.

What was typed as a name may be a password in the wrong field, so it never gets there: an unknown name is a digest,
keyed anew in each process, that tells one name typed twenty times from twenty names.
"""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from people.accounts import Holder
from people.audit.chain import Entry
from people.login.limits import Attempts, network_of
from people.roles import OPERATOR

SINGLY: Final = 30
"""Failures a minute and network that become entries of their own: a flood hides no failure from elsewhere."""
SINGLY_OF_ALL: Final = 300
ADDRESSES: Final = 8
"""Addresses that an entry of what was counted names."""
MINUTE: Final = timedelta(minutes=1)
NOBODY: Final = "nobody"
"""The actor of what an unknown name did."""


@dataclass(frozen=True, kw_only=True)
class Whose:
    """In whose chain and of which account a failure is told. `name` None: there is no such account."""

    org: int = OPERATOR
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Folded:
    count: int
    first: datetime
    last: datetime
    addresses: tuple[str, ...] = ()


class Failures:
    """Counts within each minute. Nothing decided here depends on whether a name is known: the time would tell.

    `action`, `subject`: what the log calls it, of whoever there is no account of.
    """

    def __init__(self, *, action: str = "login-failed", subject: str = "account") -> None:
        self._action = action
        self._subject = subject
        self._key = secrets.token_bytes(32)
        self._of_network = Attempts(most=SINGLY, within=MINUTE)
        self._of_all = Attempts(most=SINGLY_OF_ALL, within=MINUTE, keys=1)
        self._folded: dict[Whose, _Folded] = {}

    def tell(self, account: Holder | None, typed: str, *, address: str, now: datetime) -> Entry | None:
        """The entry of a failure; None: it was only counted, and `due` tells it. `account`: whose name was typed, None:
        nobody's.
        """
        whose = Whose() if account is None else Whose(org=account.org, name=account.name)
        network = network_of(address)
        if self._of_network.wait_s(network, now) or self._of_all.wait_s(None, now):
            before = self._folded.get(whose, _Folded(count=0, first=now, last=now))
            known = before.addresses
            more = () if address in known or len(known) >= ADDRESSES else (address,)
            self._folded[whose] = replace(before, count=before.count + 1, last=now, addresses=(*known, *more))
            return None
        self._of_network.begin(network, now)
        self._of_all.begin(None, now)
        name = {} if account is not None else {"name": self._digest(typed)}
        return self._entry(whose, now, {"address": address, **name})

    def due(self, now: datetime | None = None) -> list[tuple[Whose, Entry]]:
        """What was counted for a minute; None: all that was counted. It stays until `told`."""
        return [
            (whose, self._entry(whose, one.last, {"count": one.count, "addresses": ", ".join(one.addresses)}))
            for whose, one in self._folded.items()
            if now is None or abs(now - one.first) >= MINUTE
        ]

    def told(self, whose: Whose, entry: Entry) -> None:
        """An entry of `due` stands in the log; what was counted meanwhile is kept."""
        left = self._folded.pop(whose)
        count = left.count - int(entry.detail["count"] or 0)
        if count:
            self._folded[whose] = replace(left, count=count, first=left.last)

    def _digest(self, typed: str) -> str:
        return hashlib.blake2b(typed.encode(), key=self._key, digest_size=6).hexdigest()

    def _entry(self, whose: Whose, at: datetime, detail: dict[str, str | int]) -> Entry:
        subject = self._subject if whose.name is None else f"{self._subject}:{whose.name}"
        actor = whose.name or NOBODY
        return Entry(org=whose.org, at=at, actor=actor, action=self._action, subject=subject, detail=detail)

"""Verifies a chain of the audit log: entry by entry, and against signed heads that were kept of it. Pure.

A chain that fits in itself may still be a forgery from end to end: who may write the table can hash all of it anew.
What shows that, and what was cut off the end, are heads that others hold (people/audit/heads.py).
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from people.audit.chain import GENESIS, Chain, Link, chained

_NONE: Final = frozenset[str]()


class Fault(StrEnum):
    """What is wrong at the first place where something is."""

    CHANGED = "changed"
    """The entry isn't what was hashed."""
    UNLINKED = "unlinked"
    """The entry doesn't follow the one before: something between was removed, put in, or changed its place."""
    FOREIGN = "foreign"
    """The entry is of another organisation than the chain."""
    REWRITTEN = "rewritten"
    """The chain fits, but isn't the one that a head was signed of."""
    CUT = "cut"
    """The chain ends before an entry that was there."""


@dataclass(frozen=True, kw_only=True)
class Broken:
    """Where a chain stops being whole. `id`: of the entry, None where it is missing; all before it fit."""

    position: int
    id: int | None
    fault: Fault


def own_head(chain: Chain) -> dict[int, set[str]]:
    """What the database itself says of where the chain ends, to be held to like any other head."""
    return {chain.entries: {chain.head.hex()}}


class Walk:
    """Goes along a chain, oldest first: `step` with each link, then `end`; the first fault is the last answer.

    `heads`: hashes in hex that were kept of this chain, by position. `behind`, `previous`: to go on behind a
    position whose hash is known to be good.
    """

    def __init__(
        self,
        *,
        org: int | None,
        heads: Mapping[int, AbstractSet[str]],
        behind: int = 0,
        previous: bytes = GENESIS,
    ) -> None:
        self._org = org
        self._heads = heads
        self.position = behind
        self.hash = previous

    def step(self, link: Link) -> Broken | None:
        """The next link, or why it isn't the next."""
        place = self.position + 1
        if link.position != place or link.previous != self.hash:
            return Broken(position=place, id=link.id, fault=Fault.UNLINKED)
        if not _is_whole(link):
            return Broken(position=place, id=link.id, fault=Fault.CHANGED)
        if link.entry.org != self._org:
            return Broken(position=place, id=link.id, fault=Fault.FOREIGN)
        if self._heads.get(place, _NONE) - {link.hash.hex()}:
            return Broken(position=place, id=link.id, fault=Fault.REWRITTEN)
        self.position, self.hash = place, link.hash
        return None

    def end(self) -> Broken | None:
        """No link is left."""
        if max(self._heads, default=0) > self.position:
            return Broken(position=self.position + 1, id=None, fault=Fault.CUT)
        return None


def _is_whole(link: Link) -> bool:
    try:
        return link.hash == chained(link.entry, link.previous)
    except (TypeError, ValueError):  # what stands there now isn't even an entry
        return False

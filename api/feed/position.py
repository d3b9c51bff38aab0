"""Where in the stream a client is, as the `id` of its last event, and whether it can go on from there. Pure.

The order is (xid, table, row): rows become part of the stream only once their transaction is older than every one that
still runs (delivery 19), so that none can come later with a lower position.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_AWAY_MS: Final = 15 * 60_000
"""Who was away for longer loads everything again: what it shows is older than any list it could still patch."""
_TEXT: Final = re.compile(r"(\d{1,15})-(\d{1,19})-(\d)-(\d{1,19})\Z", re.ASCII)


@dataclass(frozen=True, order=True, kw_only=True)
class Position:
    """All rows up to and including this one were told. `table` 0 with `row` 0: all of the transactions before `xid`."""

    xid: int
    table: int
    row: int

    def below(self, table: int) -> tuple[int, int]:
        """(xid, row) that rows of this table must lie above to come after this position."""
        if table == self.table:
            return self.xid, self.row
        return self.xid, -1 if table > self.table else 2**63 - 1


class Away(StrEnum):
    """Why a client can't go on from where it was, and must load everything again. Stable words."""

    UNKNOWN = "unknown-position"
    TOO_LONG = "away-too-long"
    TOO_MUCH = "too-much-missed"
    TOO_SLOW = "too-slow"
    FAILED = "server-failed"
    SIGHT = "sight-changed"
    SIGNED_OUT = "signed-out"
    TOO_MANY = "too-many-of-this-account"
    STOPPING = "server-stopping"


def encode(position: Position, now_ms: int) -> str:
    """The `id` of an event that is sent at `now_ms`."""
    return f"{now_ms}-{position.xid}-{position.table}-{position.row}"


def decode(last: str, *, head: Position, begins: int = 0, now_ms: int) -> Position | Away:
    """The position of a `Last-Event-ID`, or why it is none to go on from.

    `head`: behind everything that could be told by now. Nothing ahead of it was ever told from this database, nor what
    lies before `begins`, the first transaction since it was restored (0: it never was): who comes with such a one shows
    what isn't there.
    """
    found = _TEXT.match(last)
    if found is None:
        return Away.UNKNOWN
    at_ms, xid, table, row = map(int, found.groups())
    if now_ms - at_ms > MAX_AWAY_MS or at_ms - now_ms > MAX_AWAY_MS:
        return Away.TOO_LONG
    position = Position(xid=xid, table=table, row=row)
    if xid < begins or position > head:
        return Away.UNKNOWN
    return position

"""The growing tables of the stream, read so that nothing is skipped that commits late, and nothing told twice
(delivery 19)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.feed.position import Position
from store.pool import Connection
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)

MAX_ROWS: Final = 500
"""Of one table at a time."""
ALERTS: Final = 1
TICKETS: Final = 2
_TABLES: Final = {ALERTS: "stream_alert_events", TICKETS: "stream_ticket_events"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the log: something happened to this alert or ticket."""

    position: Position
    subject: object


@dataclass(frozen=True, kw_only=True)
class Read:
    """What came after a position, in order. `head`: all rows up to it are in it or in what was read before.
    `held_s`: how long the oldest row waits that can't be told yet, because an older transaction still runs.
    `more`: there are rows above `head` already. `begins`: as of `Boundary`."""

    rows: Sequence[Row]
    head: Position
    held_s: float
    more: bool
    begins: int


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """`position`: behind everything that can be told by now. `held_s`: how long the oldest row behind it waits.
    `begins`: the first transaction since the database was last restored, else 0."""

    position: Position
    held_s: float
    begins: int


async def boundary(connection: Connection) -> Boundary:
    """How far the stream can be told by now."""
    found = await _SQL.one(connection, "stream_boundary", {})
    assert found is not None  # noqa: S101 - no FROM
    return Boundary(
        position=Position(xid=found["xid"], table=0, row=0),
        held_s=float(found["held_s"] or 0.0),
        begins=found["begins"] or 0,
    )


async def read_after(connection: Connection, after: Position, *, limit: int = MAX_ROWS) -> Read:
    """The rows above a position, of all tables merged. Rows are seen as the connection's tenancy lets them be."""
    now = await boundary(connection)
    limit_of = now.position
    rows: list[Row] = []
    head = limit_of
    for table, statement in _TABLES.items():
        xid, row = after.below(table)
        found = await _SQL.many(
            connection, statement, {"xid": xid, "row": row, "boundary": limit_of.xid, "limit": limit}
        )
        rows += [
            Row(position=Position(xid=each["xid"], table=table, row=each["id"]), subject=each["subject"])
            for each in found
        ]
        if len(found) == limit:
            head = min(head, rows[-1].position)
    told = sorted((row for row in rows if row.position <= head), key=lambda row: row.position)
    return Read(rows=told, head=max(head, after), held_s=now.held_s, more=head < limit_of, begins=now.begins)


def latest_of(rows: Sequence[Row]) -> list[Row]:
    """One row of each subject, the last: what is told is the subject as it is now."""
    last = {(row.position.table, row.subject): row for row in rows}
    return sorted(last.values(), key=lambda row: row.position)

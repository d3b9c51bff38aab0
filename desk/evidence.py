"""The evidence of a ticket: its device's readings in a range of time, frozen when bulk has passed it (DELIVERY 8)."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from desk.events import TicketEvent, add_events
from store.pool import Pool
from store.sql import load_queries

PATIENCE_MS: Final = 6 * 3600_000
"""How long a silent device's bulk is waited for: a night's power cut is over by then, or somebody has gone there."""
MOST: Final = 100
_QUERIES: Final = load_queries(Path(__file__).with_name("queries.sql"))


class Reading(Struct, frozen=True, kw_only=True):
    """One reading. `unit` is empty where it is the catalog's; `quality`: 0 good, 1 uncertain, 2 bad."""

    at: datetime
    metric: str
    unit: str
    value: float
    quality: int


class Evidence(Struct, frozen=True, kw_only=True):
    """The readings from `begins` to `ends`, both included, in order of time. `frozen_at` None: more may come in.

    `more`: there are more readings than were asked for.
    """

    begins: datetime
    ends: datetime
    frozen_at: datetime | None
    readings: Sequence[Reading]
    more: bool


class Freezer:
    """Freezes what is complete, and what can't be waited for any longer. A job of `steth alerts`."""

    def __init__(self, *, pool: Pool, patience_ms: int = PATIENCE_MS) -> None:
        self._pool = pool
        self._patience_ms = patience_ms

    async def run_once(self, now_ms: int) -> int:
        """Freeze up to `MOST` tickets, each with an event that counts its readings; how many."""
        due = {"now_ms": now_ms, "patience_ms": self._patience_ms, "most": MOST}
        async with self._pool.connection() as connection, connection.transaction():
            rows = await (await connection.execute(_QUERIES["freeze_evidence"], due)).fetchall()
            await add_events(connection, [_event(row, now_ms) for row in rows])
        return len(rows)


def _event(row: Sequence[Any], now_ms: int) -> TicketEvent:
    ticket_id, org_id, begins, ends, count, complete = row
    return TicketEvent(
        ticket_id=ticket_id,
        org_id=org_id,
        at_ms=now_ms,
        event="evidence-frozen",
        message="ticket.evidence_frozen" if complete else "ticket.evidence_frozen_incomplete",
        params={"from": begins.isoformat(), "to": ends.isoformat(), "count": count},
    )


async def read_evidence(connection: AsyncConnection[Any], ticket_id: int, *, limit: int = 10_000) -> Evidence | None:
    """The evidence of a ticket, or None where the connection's organisation has no such ticket.

    `connection`: of the api role, scoped to an organisation; it reads through the view that knows whose a device is.
    """
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_QUERIES["evidence_range"], (ticket_id,))
        found = await cursor.fetchone()
        if found is None:
            return None
        device_id, begins, ends, frozen_at = found
        await cursor.execute(_QUERIES["evidence_readings"], (device_id, begins, ends, limit + 1))
        rows = await cursor.fetchall()
    readings = [
        Reading(at=at, metric=metric, unit=unit, value=value, quality=quality)
        for at, metric, unit, value, quality in rows[:limit]
    ]
    return Evidence(begins=begins, ends=ends, frozen_at=frozen_at, readings=readings, more=len(rows) > limit)

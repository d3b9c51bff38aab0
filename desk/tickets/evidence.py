"""The evidence of a ticket: what its device measured and told in a range of time. While more may come in it is read
where it is; when bulk has passed the range it is copied (delivery 8), and kept as long as the ticket."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import psycopg
import structlog
from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from desk.tickets.events import TicketEvent, add_events
from store.pool import Pool
from store.sql import queries_beside

PATIENCE_MS: Final = 6 * 3600_000
"""How long a silent device's bulk is waited for: a night's power cut is over by then, or somebody has gone there."""
MOST: Final = 100
FEW: Final = 20
"""Of tickets that the former version froze, so many a turn: nobody waits for them."""
MOST_READINGS: Final = 50_000
"""Of one ticket: a quarter of an hour of 50 signals a second. Packed, 900 kB at the most."""
MOST_EVENTS: Final = 1_000
MOST_EVENT_BYTES: Final = 262_144
AGAIN_MS: Final = 10 * 60_000
"""A copy that failed is tried again, behind the others."""
_log: Final = structlog.get_logger("desk.evidence")
_QUERIES: Final = queries_beside(__file__)


class Reading(Struct, frozen=True, kw_only=True):
    """One reading. `unit` is empty where it is the catalog's; `quality`: 0 good, 1 uncertain, 2 bad."""

    at: datetime
    metric: str
    unit: str
    value: float
    quality: int


class Evidence(Struct, frozen=True, kw_only=True):
    """The readings from `begins` to `ends`, both included, in order of time. `frozen_at` None: more may come in.

    `more`: there are more readings than were asked for. `cut`: there were more than a copy holds.
    """

    begins: datetime
    ends: datetime
    frozen_at: datetime | None
    readings: Sequence[Reading]
    more: bool
    cut: bool


class Signal(Struct, frozen=True, kw_only=True):
    """A signal's readings as columns of equal length, in order of time; `unit` and `quality` as of `Reading`."""

    metric: str
    unit: str
    at: Sequence[datetime]
    value: Sequence[float]
    quality: Sequence[int]


class Told(Struct, frozen=True, kw_only=True):
    """What the device reported, other than readings, as it is in device_event."""

    at: datetime
    kind: str
    body: dict[str, Any]


class Exhibit(Struct, frozen=True, kw_only=True):
    """All evidence of a ticket, for a chart: at most MOST_READINGS readings and MOST_EVENTS events, the newest."""

    begins: datetime
    ends: datetime
    frozen_at: datetime | None
    cut: bool
    signals: Sequence[Signal]
    events: Sequence[Told]


class Freezer:
    """Copies what is complete, and what can't be waited for any longer. A job of `steth jobs`."""

    def __init__(self, *, pool: Pool, patience_ms: int = PATIENCE_MS) -> None:
        self._pool = pool
        self._patience_ms = patience_ms

    async def run_once(self, now_ms: int) -> int:
        """Freeze up to `MOST` tickets, each in a transaction of its own, with an event that counts its readings; how
        many. One that fails is put off and said; the others go on. Raises psycopg's errors where the database is away.
        """
        due = {"now_ms": now_ms, "patience_ms": self._patience_ms, "again_ms": AGAIN_MS, "most": MOST, "few": FEW}
        async with self._pool.connection() as connection:
            found = await (await connection.execute(_QUERIES["due_evidence"], due)).fetchall()
        frozen = 0
        for (ticket_id,) in found:
            try:
                async with self._pool.connection() as connection, connection.transaction():
                    frozen += await _freeze(connection, ticket_id, now_ms)
            except psycopg.errors.QueryCanceled as error:
                await self._put_off(ticket_id, error, now_ms)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                raise
            except psycopg.Error as error:
                await self._put_off(ticket_id, error, now_ms)
        return frozen

    async def _put_off(self, ticket_id: int, error: psycopg.Error, now_ms: int) -> None:
        _log.warning("evidence_not_copied", ticket=ticket_id, error=type(error).__name__, code=error.sqlstate)
        async with self._pool.connection() as connection:
            await connection.execute(_QUERIES["put_off_evidence"], {"ticket": ticket_id, "next_ms": now_ms + AGAIN_MS})


async def _freeze(connection: AsyncConnection[Any], ticket_id: int, now_ms: int) -> int:
    """Copy the evidence of a ticket, once: 1, or 0 where another did."""
    row = await (await connection.execute(_QUERIES["lock_evidence"], (ticket_id,))).fetchone()
    if row is None:
        return 0
    org_id, device_id, begins, ends, was_frozen, complete, count = row
    of = {"ticket": ticket_id, "org": org_id, "device": device_id, "begins": begins, "ends": ends}
    await connection.execute(_QUERIES["copy_readings"], {**of, "most": MOST_READINGS})
    limits = {"most": MOST_EVENTS, "bytes": MOST_EVENT_BYTES}
    copied = await connection.execute(_QUERIES["copy_events"], {**of, **limits})
    [(told,)] = await (await connection.execute(_QUERIES["count_events"], {**of, **limits})).fetchall()
    cut = count > MOST_READINGS or told > copied.rowcount
    readings = min(count, MOST_READINGS)
    state = {"ticket": ticket_id, "now_ms": now_ms, "readings": readings, "cut": cut}
    await connection.execute(_QUERIES["freeze_evidence"], state)

    def event(name: str, message: str, params: dict[str, Any]) -> TicketEvent:
        return TicketEvent(ticket_id=ticket_id, org_id=org_id, at_ms=now_ms, event=name, message=message, params=params)

    events = []
    if not was_frozen:  # else the former version has said it
        message = "ticket.evidence_frozen" if complete else "ticket.evidence_frozen_incomplete"
        params = {"from": begins.isoformat(), "to": ends.isoformat(), "count": count}
        events.append(event("evidence-frozen", message, params))
    if cut:
        events.append(event("evidence-cut", "ticket.evidence_cut", {"readings": readings, "events": copied.rowcount}))
    await add_events(connection, events)
    return 1


class _Range(Struct, frozen=True):
    device_id: int
    begins: datetime
    ends: datetime
    frozen_at: datetime | None
    copied: bool
    cut: bool


async def read_evidence(connection: AsyncConnection[Any], ticket_id: int, *, limit: int = 10_000) -> Evidence | None:
    """The evidence of a ticket, or None where the connection's organisation has no such ticket.

    `connection`: of the api role, scoped to an organisation; it reads through the view that knows whose a device is.
    """
    async with connection.cursor(row_factory=tuple_row) as cursor:
        of = await _range(cursor, ticket_id)
        if of is None:
            return None
        if of.copied:
            await cursor.execute(_QUERIES["evidence_readings"], (ticket_id, limit + 1))
        else:
            await cursor.execute(_QUERIES["uncopied_readings"], (of.device_id, of.begins, of.ends, limit + 1))
        rows = await cursor.fetchall()
    readings = [
        Reading(at=at, metric=metric, unit=unit, value=value, quality=quality)
        for at, metric, unit, value, quality in rows[:limit]
    ]
    return Evidence(
        begins=of.begins,
        ends=of.ends,
        frozen_at=of.frozen_at,
        readings=readings,
        more=len(rows) > limit,
        cut=of.cut,
    )


async def read_exhibit(connection: AsyncConnection[Any], ticket_id: int) -> Exhibit | None:
    """All evidence of a ticket, or None where the connection's organisation has no such ticket (`read_evidence`)."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        of = await _range(cursor, ticket_id)
        if of is None:
            return None
        place = (of.device_id, of.begins, of.ends)
        if of.copied:
            signals = await (await cursor.execute(_QUERIES["evidence_signals"], (ticket_id,))).fetchall()
            events = await (await cursor.execute(_QUERIES["evidence_events"], (ticket_id,))).fetchall()
        else:
            signals = await (await cursor.execute(_QUERIES["uncopied_signals"], (*place, MOST_READINGS))).fetchall()
            events = await (await cursor.execute(_QUERIES["uncopied_events"], (*place, MOST_EVENTS))).fetchall()
    return Exhibit(
        begins=of.begins,
        ends=of.ends,
        frozen_at=of.frozen_at,
        cut=of.cut,
        signals=[
            Signal(metric=metric, unit=unit, at=at, value=value, quality=quality)
            for metric, unit, at, value, quality in signals
        ],
        events=[Told(at=at, kind=kind, body=body) for at, kind, body in events],
    )


async def _range(cursor: psycopg.AsyncCursor[tuple[Any, ...]], ticket_id: int) -> _Range | None:
    await cursor.execute(_QUERIES["evidence_range"], (ticket_id,))
    found = await cursor.fetchone()
    return None if found is None else _Range(*found)

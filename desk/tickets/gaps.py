"""Reports that never came: written into the open tickets of their device, and a sign that the database is a copy."""

from typing import Any, Final

import structlog
from psycopg import AsyncConnection

from desk.tickets.events import TicketEvent, add_events
from ingest.gaps import Lost, take_gaps
from store.installation import settle
from store.pool import Pool
from store.sql import queries_beside

MOST: Final = 500
QUIET_MS: Final = 10 * 60_000
"""A ticket is told of gaps once within so long. Devices whose gaps come within it have a cause in common."""
MANY: Final = 3
"""An agent never drops live reports (delivery 2). Where some of one device are gone, its outbox was wiped; where some
of so many are at once, the database forgot them."""
_log: Final = structlog.get_logger("desk.gaps")
_QUERIES: Final = queries_beside(__file__)


class GapNotes:
    """A job of `steth jobs`."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool

    async def run_once(self, now_ms: int) -> int:
        """Write up to `MOST` gaps into tickets; how many events. A gap is taken as its event is written."""
        since_ms = now_ms - QUIET_MS
        async with self._pool.connection() as connection, connection.transaction():
            lost = await take_gaps(connection, most=MOST)
            if not lost:
                return 0
            asked = {"devices": list(lost), "since_ms": since_ms}
            tickets = await (await connection.execute(_QUERIES["tickets_of_gaps"], asked)).fetchall()
            events = [_event(ticket_id, org_id, lost[device_id], now_ms) for ticket_id, device_id, org_id in tickets]
            await add_events(connection, events)
            await _settle(connection, since_ms)
        return len(events)


async def _settle(connection: AsyncConnection[Any], since_ms: int) -> None:
    row = await (await connection.execute(_QUERIES["gaps_at_once"], {"since_ms": since_ms})).fetchone()
    gone, devices = row or (0, 0)
    if gone >= min(MANY, max(2, devices)):
        _log.warning("gaps_at_once", devices=gone)
        await settle(connection, put_back=True)


def _event(ticket_id: int, org_id: int, lost: Lost, now_ms: int) -> TicketEvent:
    params: dict[str, Any] = {"to": lost.until.isoformat(), "count": lost.reports}
    message = "ticket.gap.from_the_start"
    if lost.since is not None:
        message, params["from"] = "ticket.gap" if lost.reports else "ticket.gap.unknown", lost.since.isoformat()
    return TicketEvent(ticket_id=ticket_id, org_id=org_id, at_ms=now_ms, event="gap", message=message, params=params)

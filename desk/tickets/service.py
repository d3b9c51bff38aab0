"""A device gets another dealer: the former one's tickets end, and what is still wrong opens tickets of the new one."""

from typing import Any, Final

from psycopg import AsyncConnection

from desk.tickets.effects import TicketOpened
from desk.tickets.events import Telling, TicketEvent, add_events, add_tellings
from desk.tickets.numbers import Unnumbered, number_tickets
from store.sql import queries_beside

_QUERIES: Final = queries_beside(__file__)


async def change_dealer(connection: AsyncConnection[Any], device_id: int, *, now_ms: int) -> list[TicketOpened]:
    """Carry out the change that is due of a device, in the caller's transaction; the tickets that opened by it.

    From the commit on nothing that is written of the device is the former dealer's: batches that run end first, and
    what waited to be told or done for him is withdrawn (migration 0010).
    """
    due = {"device": device_id, "now_ms": now_ms}
    found = await (await connection.execute(_QUERIES["change_dealer"], due)).fetchall()
    if not found:
        return []
    before = {ticket_id: (number, runbook) for ticket_id, number, runbook in found}
    rows = await (await connection.execute(_QUERIES["opened_anew"], (list(before),))).fetchall()
    events, tellings = [], []
    for ticket_id, org_id, _, severity, *_ in rows:
        events.append(
            TicketEvent(
                ticket_id=ticket_id,
                org_id=org_id,
                at_ms=now_ms,
                event="opened",
                message="ticket.taken_over",
                params={"number": before[ticket_id][0]},
            )
        )
        tellings.append(Telling(ticket_id=ticket_id, step="opened", severity=severity, at_ms=now_ms))
    await add_events(connection, events)
    await add_tellings(connection, tellings)
    new = [Unnumbered(ticket_id=row[0], zone=row[-2], restored_ms=row[-1]) for row in rows]
    numbers = await number_tickets(connection, new, now_ms=now_ms)
    return [
        TicketOpened(
            ticket_id=ticket_id,
            number=numbers[ticket_id],
            family=family,
            severity=severity,
            occurred_ms=occurred_ms,
            detected_ms=detected_ms,
            runbook=before[ticket_id][1],
            evidence_from_ms=from_ms,
            evidence_to_ms=to_ms,
        )
        for ticket_id, _, family, severity, occurred_ms, detected_ms, from_ms, to_ms, *_ in rows
    ]

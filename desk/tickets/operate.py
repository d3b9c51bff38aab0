"""What people do with a ticket. Called by the API, in its transaction, scoped to an organisation."""

from typing import Any, Final

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from desk.errors import TicketConflictError, TicketNotFoundError, TicketRefusedError
from desk.tickets.events import TicketEvent, add_events
from desk.tickets.status import NEEDS_NOTE, TRANSITIONS, Action, Status, actions
from store.sql import queries_beside

_QUERIES: Final = queries_beside(__file__)


class Moved(Struct, frozen=True, kw_only=True):
    """A ticket after an action."""

    status: Status
    version: int


async def transition(
    connection: AsyncConnection[Any],
    *,
    ticket_id: int,
    action: Action,
    actor: str,
    note: str,
    expected_version: int,
    now_ms: int,
) -> Moved:
    """Move a ticket and write who did it into its history, with how many of its alerts were still active then.

    Raises TicketNotFoundError, TicketConflictError (the version isn't `expected_version`), or TicketRefusedError
    with the code `wrong_status` or `note_missing`.
    """
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_QUERIES["lock_ticket"], (ticket_id,))
        found = await cursor.fetchone()
        if found is None:
            raise TicketNotFoundError(ticket_id)
        org_id, old, version = found
        if version != expected_version:
            raise TicketConflictError(version=version)
        new = TRANSITIONS.get((old, action))
        if new is None:
            raise TicketRefusedError(
                "wrong_status", f"{action!r} can't be done with a ticket that is {old}: {_possible(old)}"
            )
        if action in NEEDS_NOTE and not note.strip():
            raise TicketRefusedError("note_missing", f"{action!r} needs a note that says why")
        await cursor.execute(_QUERIES["count_open_alerts"], (ticket_id,))
        [(active,)] = await cursor.fetchall()
        await cursor.execute(_QUERIES["move_ticket"], {"id": ticket_id, "status": new, "now_ms": now_ms})

    await add_events(
        connection,
        [
            TicketEvent(
                ticket_id=ticket_id,
                org_id=org_id,
                at_ms=now_ms,
                event=action,
                actor=actor,
                message="ticket.closed_while_wrong" if new == "closed" and active else "ticket.state",
                params={"who": actor, "old": old, "new": new, "note": note, "active_alerts": active},
            )
        ],
    )
    return Moved(status=new, version=version + 1)


async def device_retired(connection: AsyncConnection[Any], *, device_id: int, actor: str, now_ms: int) -> None:
    """Write into the open tickets of a device that it is watched no longer: they stay open, a person closes them."""
    await _note(connection, device_id, "device-retired", "ticket.device_retired", {}, actor=actor, now_ms=now_ms)


async def device_moved(
    connection: AsyncConnection[Any], *, device_id: int, site_id: int, site: str, actor: str, now_ms: int
) -> None:
    """The open tickets of a device are at another site of its hospital from now on, and say so."""
    await connection.execute(_QUERIES["tickets_move"], {"device": device_id, "site": site_id})
    await _note(
        connection, device_id, "device-moved", "ticket.device_moved", {"site": site}, actor=actor, now_ms=now_ms
    )


async def _note(
    connection: AsyncConnection[Any],
    device_id: int,
    event: str,
    message: str,
    params: dict[str, Any],
    *,
    actor: str,
    now_ms: int,
) -> None:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_QUERIES["open_tickets_of"], (device_id,))
        found = await cursor.fetchall()
    await add_events(
        connection,
        [
            TicketEvent(
                ticket_id=ticket_id,
                org_id=org_id,
                at_ms=now_ms,
                event=event,
                actor=actor,
                message=message,
                params={"who": actor, **params},
            )
            for ticket_id, org_id in found
        ],
    )


def _possible(status: Status) -> str:
    possible = actions(status)
    return f"possible are {', '.join(possible)}" if possible else "nothing can"

"""What people do with a ticket. Called by the API, in its transaction, scoped to an organisation."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from catalog.model import Catalog, PartRef, Text
from desk.errors import TicketConflictError, TicketLacksError, TicketNotFoundError, TicketRefusedError
from desk.tickets.events import TicketEvent, add_events
from desk.tickets.repair import Choices, Repair, choices, lacking, told
from desk.tickets.status import NEEDS_NOTE, TRANSITIONS, Action, Standing, Status, after, refused
from store.sql import as_json, queries_beside

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
    catalog: Catalog,
    repair: Repair | None = None,
) -> Moved:
    """Move a ticket and write who did it into its history, with how many of its alerts were still active then.

    `repair`: of `mend`, which needs it, and of nothing else. What an account may at all is for the caller to know.
    Raises TicketNotFoundError, TicketConflictError (the version isn't `expected_version`), TicketRefusedError with the
    code `wrong_status`, `own_repair` or `own_ticket`, or TicketLacksError.
    """
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_QUERIES["lock_ticket"], (ticket_id,))
        found = await cursor.fetchone()
        if found is None:
            raise TicketNotFoundError(ticket_id)
        org_id, status, holder, repaired_by, arrived_ms, causes, parts, version = found
        if version != expected_version:
            raise TicketConflictError(version=version)
        at = Standing(status=status, holder=holder, repaired_by=repaired_by, arrived_ms=arrived_ms)
        new = _moved(at, action, actor=actor, now_ms=now_ms)
        known = choices(msgspec.convert(causes, list[Text]), msgspec.convert(parts, list[PartRef]), catalog)
        _complete(action, note, repair, known)
        await cursor.execute(_QUERIES["count_open_alerts"], (ticket_id,))
        [(active,)] = await cursor.fetchall()
        await cursor.execute(
            _QUERIES["move_ticket"], {"id": ticket_id, "now_ms": now_ms, **msgspec.structs.asdict(new)}
        )
        if repair is not None:
            row = {
                "ticket": ticket_id,
                "now_ms": now_ms,
                "actor": actor,
                "note": note,
                "cause": repair.cause,
                "words": as_json(known.causes[repair.cause].name),
                "actions": list(repair.actions),
                "parts": as_json(repair.parts),
            }
            await cursor.execute(_QUERIES["add_repair"], row)

    said = {"who": actor, "old": status, "new": new.status, "note": note, "active_alerts": active}
    event = TicketEvent(
        ticket_id=ticket_id,
        org_id=org_id,
        at_ms=now_ms,
        event=action,
        actor=actor,
        message=_MESSAGES.get(action, "ticket.state"),
        params={**said, **({} if repair is None else told(repair, known))},
    )
    if new.status == "closed" and active:
        event = msgspec.structs.replace(event, message="ticket.closed_while_wrong")
    await add_events(connection, [event])
    return Moved(status=new.status, version=version + 1)


_MESSAGES: Final[Mapping[Action, str]] = MappingProxyType(
    {
        "mend": "ticket.repaired",
        "take-over": "ticket.taken_over_by",
        "confirm": "ticket.confirmed",
        "decline": "ticket.declined",
        "release": "ticket.released",
    }
)


def _moved(at: Standing, action: Action, *, actor: str, now_ms: int) -> Standing:
    new = after(at, action, actor=actor, now_ms=now_ms)
    if new is None:
        possible = [each for status, each in TRANSITIONS if status == at.status]
        rest = f"possible are {', '.join(possible)}" if possible else "nothing can"
        raise TicketRefusedError("wrong_status", f"{action!r} can't be done with a ticket that is {at.status}: {rest}")
    if refused(at, action, actor=actor):
        if action == "take-over":
            raise TicketRefusedError("own_ticket", "this account has the ticket already")
        raise TicketRefusedError(
            "own_repair",
            "nobody verifies his own repair: another account does, or the hospital by POST …/confirm, or a manager by"
            " POST …/release with a note",
        )
    return new


_NO_REPAIR: Final = (
    "'mend' needs the cause, what was done and the parts: GET …/choices lists what to choose of. A page or program of a"
    " former version doesn't ask for them: load it anew"
)


def _complete(action: Action, note: str, repair: Repair | None, known: Choices) -> None:
    """Raises TicketLacksError."""
    found = []
    if action in NEEDS_NOTE and not note.strip():
        found.append(("body.note", f"{action!r} needs a note that says why"))
    if repair is None:
        if action == "mend":
            found.append(("body.repair", _NO_REPAIR))
    elif action != "mend":
        found.append(("body.repair", f"{action!r} takes none: leave it out"))
    else:
        found += [
            ("body.note" if each.where == "note" else f"body.repair.{each.where}", each.what)
            for each in lacking(repair, note, known)
        ]
    if found:
        raise TicketLacksError(found)


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

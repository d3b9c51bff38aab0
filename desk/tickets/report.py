"""A person reports a fault: a ticket of its own, or one more thing that an open ticket knows. Called by the API."""

from typing import Any, Final, Literal

from msgspec import Struct
from psycopg import AsyncConnection

from catalog.model import Severity
from desk.errors import NoReportError
from desk.tickets.events import Telling, TicketEvent, add_events, add_own_tellings
from desk.tickets.numbers import Unnumbered, number_tickets
from desk.tickets.opening import EVIDENCE_MS, worse
from store.sql import as_json, queries_beside

_QUERIES: Final = queries_beside(__file__)
FAMILY: Final = "reported"
Usable = Literal["yes", "limited", "no"]
SEVERITIES: Final[dict[Usable, Severity]] = {"no": "critical", "limited": "major", "yes": "minor"}
"""As severities are meant (catalog.model.SEVERITIES): by what the equipment can still do."""


class Report(Struct, frozen=True, kw_only=True):
    """What a person says. `usable`: whether the equipment can be used; `since_ms`: when it began, as far as they know
    (ms since 1970 UTC); `contact`: whom to ask; `caller`: who said so by phone, None: who writes it down himself."""

    words: str
    usable: Usable
    since_ms: int
    contact: str
    caller: str | None = None


class Reported(Struct, frozen=True, kw_only=True):
    """The ticket that a report opened or joined."""

    number: str
    opened: bool


async def report_fault(
    connection: AsyncConnection[Any],
    *,
    device_id: int,
    report: Report,
    joins: str | None,
    actor: str,
    now_ms: int,
) -> Reported:
    """Open a ticket, or let the report join the open ticket of the device with the number `joins`; whoever is told of
    tickets is told of it. When it was reported is kept apart from when equipment told (`reported_at`).

    Raises NoReportError: the device is watched no longer, `joins` is no open ticket of it, or there is an open report.
    """
    severity, step, new = SEVERITIES[report.usable], "opened", None
    now: dict[str, Any] = {"device": device_id, "now_ms": now_ms}
    if joins is not None:
        found = await (await connection.execute(_QUERIES["lock_reported"], {**now, "number": joins})).fetchone()
        if found is None:
            raise NoReportError("the ticket to join is not an open one of this device: read its open tickets again")
        ticket_id, org_id, known = found
        severity, step = worse(known, severity), f"reported-{now_ms}"
        await connection.execute(_QUERIES["join_report"], {**now, "id": ticket_id, "severity": severity})
    else:
        params = as_json({"family": FAMILY, "words": report.words})
        row = {**now, "severity": severity, "since_ms": report.since_ms, "before_ms": EVIDENCE_MS, "params": params}
        found = await (await connection.execute(_QUERIES["report_fault"], row)).fetchone()
        if found is None:
            raise NoReportError("this device has an open report, which this one can join, or it is retired")
        ticket_id, org_id, zone, restored_ms = found
        new = Unnumbered(ticket_id=ticket_id, zone=zone, restored_ms=restored_ms)
    event = TicketEvent(
        ticket_id=ticket_id,
        org_id=org_id,
        at_ms=now_ms,
        event="reported",
        actor=actor,
        message="ticket.reported" if report.caller is None else "ticket.reported_by_phone",
        params={
            "who": actor,
            "caller": report.caller or "",
            "words": report.words,
            "usable": report.usable,
            "contact": report.contact,
            "since": report.since_ms,
        },
    )
    await add_events(connection, [event])
    await add_own_tellings(connection, [Telling(ticket_id=ticket_id, step=step, severity=severity, at_ms=now_ms)])
    if new is None:
        return Reported(number=str(joins), opened=False)
    return Reported(number=(await number_tickets(connection, [new], now_ms=now_ms))[ticket_id], opened=True)

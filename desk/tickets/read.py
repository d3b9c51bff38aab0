"""A ticket as people read it. Times are UTC; `message` and `params` are to be rendered in the reader's language."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from alerts.effects import Kind
from catalog.model import PartRef, Severity, Text
from desk.tickets.status import Status
from store.sql import queries_beside
from wire.items import Verdict

MOST: Final = 500
"""Of each list of a ticket the newest so many: a fault that comes and goes all night makes thousands of events."""
_QUERIES: Final = queries_beside(__file__)

R = TypeVar("R", bound=Struct)


class Event(Struct, frozen=True, kw_only=True):
    """A row of the history. `actor` is empty where the system did it."""

    id: int
    at: datetime
    event: str
    actor: str
    message: str
    params: dict[str, Any]


class Alert(Struct, frozen=True, kw_only=True):
    """An alert of the ticket, as its condition is now."""

    id: UUID
    kind: Kind
    subject: str
    severity: Severity
    condition: str
    occurred_at: datetime
    cleared_at: datetime | None
    count: int
    message: str
    params: dict[str, Any]


class Session(Struct, frozen=True, kw_only=True):
    """A remote session: prepared, until somebody asks for consent."""

    id: int
    state: str
    scopes: list[str]
    runbook: str | None
    minutes: int
    at: datetime
    version: int


class CommandState(Struct, frozen=True, kw_only=True):
    """What the device was asked, and what it answered. `reason`: a message id, or empty."""

    id: str
    runbook: str | None
    status: str
    issued_at: datetime
    expires_at: datetime
    sent_at: datetime | None
    replied_at: datetime | None
    reason: str
    verdict: Verdict | None


class Told(Struct, frozen=True, kw_only=True):
    """Who was told, or is still to be. `error`: why the last attempt failed, a message of the catalog (words, in older
    rows); it holds nothing of the address."""

    recipient: str
    step: str
    state: str
    attempts: int
    told_at: datetime | None
    error: str
    error_params: dict[str, Any]


class Ticket(Struct, frozen=True, kw_only=True):
    """One ticket. `occurred_at`: on the equipment; `detected_at`: when we learned of it; `opened_at`: of the ticket."""

    id: int
    number: str
    org_id: int
    org: str
    site_id: int
    site: str
    zone: str
    device_uid: str
    device_name: str
    model: str
    family: str
    severity: Severity
    status: Status
    occurred_at: datetime
    detected_at: datetime
    opened_at: datetime
    closed_at: datetime | None
    evidence_from: datetime
    evidence_to: datetime
    evidence_frozen_at: datetime | None
    causes: list[Text]
    parts: list[PartRef]
    message: str
    params: dict[str, Any]
    version: int


class Case(Struct, frozen=True, kw_only=True):
    """A ticket with all that belongs to it. The readings are apart: `desk.tickets.evidence.read_evidence`."""

    ticket: Ticket
    events: Sequence[Event]
    alerts: Sequence[Alert]
    sessions: Sequence[Session]
    commands: Sequence[CommandState]
    tellings: Sequence[Told]


async def read_case(connection: AsyncConnection[Any], ticket_id: int) -> Case | None:
    """The ticket, or None where the connection's organisation has no such. Six statements: wants one transaction."""
    found = await _rows(connection, Ticket, "ticket", ticket_id)
    if not found:
        return None
    return Case(
        ticket=found[0],
        events=await _rows(connection, Event, "ticket_events", ticket_id, MOST),
        alerts=await _rows(connection, Alert, "ticket_alerts", ticket_id, MOST),
        sessions=await _rows(connection, Session, "ticket_sessions", ticket_id),
        commands=await _rows(connection, CommandState, "ticket_commands", ticket_id),
        tellings=await _rows(connection, Told, "ticket_tellings", ticket_id, MOST),
    )


async def _rows(connection: AsyncConnection[Any], kind: type[R], statement: str, *params: int) -> list[R]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_QUERIES[statement], params)
        return [msgspec.convert(row, kind) for row in await cursor.fetchall()]

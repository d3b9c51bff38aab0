"""The stage that prepares a remote session for each new ticket, and requests its read-only diagnosis."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct
from psycopg import AsyncConnection

from catalog.model import Catalog, Model, Runbook, Severity
from desk.tickets.effects import TicketOpened
from desk.tickets.events import TicketEvent, add_events
from ingest.ports import Batch
from store.sql import as_json, queries_beside
from wire.commands import Command, RunRunbook, Scope
from wire.ids import mint_command_id

QUERIES: Final = queries_beside(__file__)
EXPIRY_MS: Final = 10 * 60_000
"""How long a command waits for its device: beyond it the diagnosis would no longer be of the moment of the fault."""
MINUTES: Final[Mapping[Severity, int]] = {"critical": 60, "major": 60, "minor": 30, "warning": 30}
"""How long a prepared session may last; the operator on the equipment can only shorten it."""
WAITS: Final = timedelta(days=7)
"""How long a prepared session may be started: what it asks for was chosen for the fault as it was then."""
ON_SCREEN: Final = frozenset({"aec", "detector", "workstation"})
"""Subsystems whose trouble shows on the workstation's screen, so that looking at it helps."""


class Prepared(Struct, frozen=True, kw_only=True):
    """A session that waits for a click and then for consent. `command`: a runbook to be run at once, if any."""

    scopes: tuple[Scope, ...]
    runbook: str | None
    minutes: int
    command: RunRunbook | None


def prepare(opened: TicketOpened, model: Model | None, runbooks: Mapping[str, Runbook]) -> Prepared:
    """What a ticket's remote session asks for: as little as the case needs, since the operator must agree to all of it.

    `diagnose` and `logs` always, `view` where the screen tells more, and what the suggested runbook needs. Only a
    read-only runbook that the model has is sent unasked; whether it runs, the device's own standing policy says.
    """
    runbook = runbooks.get(opened.runbook) if opened.runbook is not None else None
    family = model.families.get(opened.family) if model is not None else None
    scopes: set[Scope] = {Scope.DIAGNOSE, Scope.LOGS}
    if family is not None and family.subsystem in ON_SCREEN:
        scopes.add(Scope.VIEW)
    if runbook is not None:
        scopes.update(runbook.scopes)
    unasked = runbook is not None and runbook.read_only and model is not None and runbook.key in model.runbooks
    return Prepared(
        scopes=tuple(scope for scope in Scope if scope in scopes),
        runbook=None if runbook is None else runbook.key,
        minutes=MINUTES[opened.severity],
        command=RunRunbook(runbook=runbook.key) if runbook is not None and unasked else None,
    )


class Case(Struct, frozen=True, kw_only=True):
    """A ticket that opened, and the device that it is about."""

    opened: TicketOpened
    device_id: int
    org_id: int
    model: str


class PrepareStage:
    """A session for each ticket that the batch opened."""

    name = "remote.prepare"

    def __init__(self, *, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self, connection: AsyncConnection, batch: Batch) -> None:
        """See `ingest.ports.Stage`."""
        cases = [
            Case(opened=opened, device_id=work.device.id, org_id=work.device.org_id, model=work.device.model)
            for work in batch.works
            for opened in work.effects
            if isinstance(opened, TicketOpened)
        ]
        await add_sessions(connection, cases, self._catalog, now_ms=batch.now.wall_ms)


async def add_sessions(
    connection: AsyncConnection[Any], cases: Sequence[Case], catalog: Catalog, *, now_ms: int
) -> None:
    """Rows of `remote_session`, `ticket_event` and `command` for tickets that opened, in the caller's transaction."""
    sessions: list[dict[str, Any]] = []
    commands: list[dict[str, Any]] = []
    events: list[TicketEvent] = []
    for case in cases:
        ticket_id = case.opened.ticket_id
        made = prepare(case.opened, catalog.models.get(case.model), catalog.runbooks)
        whose = {"ticket_id": ticket_id, "device_id": case.device_id, "org_id": case.org_id}
        what = {"scopes": made.scopes, "runbook": made.runbook, "minutes": made.minutes, "at_ms": now_ms}
        sessions.append({**whose, **what})
        events.append(_event(ticket_id, case.org_id, now_ms, made))
        if made.command is not None:
            body = Command(id=mint_command_id(), issued=now_ms, expires=now_ms + EXPIRY_MS, do=made.command)
            commands.append({**whose, "body": body})
    if sessions:
        await connection.execute(QUERIES["add_sessions"], (as_json(sessions),))
    await add_events(connection, events)
    if commands:
        await connection.execute(QUERIES["add_commands"], (as_json(commands),))


def _event(ticket_id: int, org_id: int, now_ms: int, made: Prepared) -> TicketEvent:
    known = {} if made.runbook is None else {"runbook": made.runbook}
    return TicketEvent(
        ticket_id=ticket_id,
        org_id=org_id,
        at_ms=now_ms,
        event="session-prepared",
        message="remote.prepared" if known else "remote.prepared.plain",
        params={**known, "scopes": made.scopes, "minutes": made.minutes},
    )

"""What is written of a ticket beside its row: its append-only history, and who is to be told."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from psycopg import AsyncConnection

from catalog.model import Severity
from store.sql import as_json, queries_beside

_QUERIES: Final = queries_beside(__file__)


class TicketEvent(Struct, frozen=True, kw_only=True):
    """One row. `message` and `params` say what happened, for a person; `actor` is empty where the system did it.
    `dealer_id`: whose the fact is; None: the ticket's own dealer's."""

    ticket_id: int
    org_id: int
    at_ms: int
    event: str
    message: str
    params: Mapping[str, Any]
    actor: str = ""
    dealer_id: int | None = None


class Telling(Struct, frozen=True, kw_only=True):
    """Whoever is to be told of a ticket gets a row for it. `step`: why; the same one twice is told once."""

    ticket_id: int
    step: str
    severity: Severity
    at_ms: int


async def add_events(connection: AsyncConnection, events: Sequence[TicketEvent]) -> None:
    """Append, in this order, in the caller's transaction; one statement, none for nothing."""
    if events:
        await connection.execute(_QUERIES["add_events"], (as_json(events),))


async def add_tellings(connection: AsyncConnection[Any], tellings: Sequence[Telling]) -> None:
    """For each recipient of the ticket's dealer and of its hospital."""
    if tellings:
        await connection.execute(_QUERIES["add_tellings"], (_rows(tellings),))


async def add_own_tellings(connection: AsyncConnection[Any], tellings: Sequence[Telling]) -> None:
    """The same, of tickets that the asking organisation sees: for the API."""
    await connection.execute(_QUERIES["tell_own"], (_rows(tellings),))


def _rows(tellings: Sequence[Telling]) -> str:
    return as_json(
        [
            {
                "ticket_id": each.ticket_id,
                "step": each.step,
                "message": "notify.ticket",
                "params": {"severity": each.severity},
                "at_ms": each.at_ms,
            }
            for each in tellings
        ]
    )

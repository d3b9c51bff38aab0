"""The append-only history of a ticket: ticket_event."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection

from store.sql import load_queries

_QUERIES: Final = load_queries(Path(__file__).with_name("queries.sql"))


class TicketEvent(Struct, frozen=True, kw_only=True):
    """One row. `message` and `params` say what happened, for a person; `actor` is empty where the system did it."""

    ticket_id: int
    org_id: int
    at_ms: int
    event: str
    message: str
    params: Mapping[str, Any]
    actor: str = ""


async def add_events(connection: AsyncConnection, events: Sequence[TicketEvent]) -> None:
    """Append, in this order, in the caller's transaction; one statement, none for nothing."""
    if events:
        await connection.execute(_QUERIES["add_events"], (msgspec.json.encode(events).decode(),))

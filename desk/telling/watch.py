"""Whether anybody is told at all: a fact of its own, since a channel that fails can't say so by itself."""

from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from store.sql import queries_beside

PATIENCE_S: Final = 300.0
"""A recipient that fails for longer is out of reach; a message that waits for longer is overdue."""
_QUERIES: Final = queries_beside(__file__)


class Untold(Struct, frozen=True, kw_only=True):
    """A hospital, and a dealer that serves it and has nobody told of its tickets. `since`: when the last of the
    dealer's recipients began to fail."""

    id: int
    name: str
    dealer: str
    why: Literal["no-recipient", "failing"]
    since: datetime | None


class Watch(Struct, frozen=True, kw_only=True):
    """`waits_s`: how long the message that waits longest has waited; 0 where none does."""

    untold: list[Untold]
    waits_s: float


async def look(connection: AsyncConnection[Any], now_ms: int) -> Watch:
    """Of what the connection's role sees: staff of every hospital, the platform's own roles of all."""
    times = {"now_ms": now_ms, "patience_ms": round(PATIENCE_S * 1000)}
    rows = await _fetch(connection, "untold", times)
    [(waits_s,)] = await _fetch(connection, "overdue", times)
    names = Untold.__struct_fields__
    return Watch(untold=[Untold(**dict(zip(names, row, strict=True))) for row in rows], waits_s=max(0.0, waits_s))


async def _fetch(connection: AsyncConnection[Any], name: str, params: dict[str, int]) -> list[tuple[Any, ...]]:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_QUERIES[name], params)
        return await cursor.fetchall()

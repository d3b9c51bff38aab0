"""Who is sent the signed heads of the audit log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from psycopg import AsyncConnection

from catalog.model import Lang
from store.sql import queries_beside

_QUERIES: Final = queries_beside(__file__)


class Keeper(Struct, frozen=True, kw_only=True):
    """A recipient marked for it. `org`: whose chain's heads. `sent_at`: the time in the last one that was taken."""

    id: int
    org: int
    address: str
    language: Lang
    sent_at: datetime | None


async def read_keepers(connection: AsyncConnection[Any]) -> Sequence[Keeper]:
    """All of them, by id."""
    rows = await (await connection.execute(_QUERIES["keepers"])).fetchall()
    return [Keeper(**dict(zip(Keeper.__struct_fields__, row, strict=True))) for row in rows]


async def note_sent(connection: AsyncConnection[Any], keeper: Keeper, at: str) -> None:
    """He has the head of this time."""
    await connection.execute(_QUERIES["head_told"], {"id": keeper.id, "at": at})

"""What was done when a fault was repaired before, and whether it came again."""

from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from store.sql import queries_beside

_QUERIES: Final = queries_beside(__file__)


async def read_helped(
    connection: AsyncConnection[Any],
    *,
    family: str,
    device: int | None = None,
    model: str | None = None,
    hospital: int | None = None,
    dealer: int | None = None,
    days: int = 30,
    limit: int = 10,
) -> list[DictRow]:
    """The last repair of each closed ticket of a family that the asker sees, the latest first: of one device, of a
    model, of all.

    `hospital`, `dealer`: whose rows a list has, found by their index. `again_at`: when a ticket of the family opened
    again on the same device within so many days; None: none did.
    """
    of = {"family": family, "device": device, "model": model, "hospital": hospital, "dealer": dealer}
    return await _QUERIES.many(connection, "helped", {**of, "days": days, "limit": limit})

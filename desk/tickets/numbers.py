"""The number of a ticket: the dealer's prefix, the day where the site is, and how many of the dealer's opened that day.

After a restore the numbers that were given out since the backup can't be known, so the rest of that day goes on in a
block of its own: five digits that say the second of the restore, before the count. No second restore of the same backup
comes to the same block within a day.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from msgspec import Struct
from psycopg import AsyncConnection

from desk.zones import day_of
from store.sql import queries_beside

_QUERIES: Final = queries_beside(__file__)

BLOCKS: Final = 99_999
"""Seconds until a block comes again: longer than a day of 25 hours."""


class Unnumbered(Struct, frozen=True, kw_only=True):
    """A new ticket, the zone of its site, and when the database was last restored (ms since 1970 UTC)."""

    ticket_id: int
    zone: str
    restored_ms: int | None


def block_of(day: date, *, restored_ms: int | None, zone: str) -> int:
    """The block of a ticket that opens on `day` at a site in `zone`; 0 is the plain one, with no digits of its own.

    `restored_ms`: when the database was last restored (ms since 1970 UTC), None: never.
    """
    if restored_ms is None or day > day_of(restored_ms, zone):
        return 0
    return restored_ms // 1000 % BLOCKS + 1


async def number_tickets(
    connection: AsyncConnection[Any], opened: Sequence[Unnumbered], *, now_ms: int
) -> dict[int, str]:
    """Number new tickets; by their ids. The last statement of a transaction, or nearly: the day's counter is hot."""
    days = [day_of(now_ms, each.zone) for each in opened]
    blocks = [
        block_of(day, restored_ms=each.restored_ms, zone=each.zone) for each, day in zip(opened, days, strict=True)
    ]
    cursor = await connection.execute(_QUERIES["number_tickets"], ([each.ticket_id for each in opened], days, blocks))
    return dict(await cursor.fetchall())

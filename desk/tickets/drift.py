"""Whether alerts and tickets agree. They are written in one transaction; this is the proof, for tests and the
doctor."""

from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from store.sql import queries_beside

_QUERIES: Final = queries_beside(__file__)


class Drift(Struct, frozen=True, kw_only=True):
    """`lasting`: alerts that had a ticket and have no open one though they last, the first since `lasting_since`: a
    person closed it, until the next occurrence. `apart`: numbers of open tickets that must never be: nothing of it is
    wrong and its history doesn't say so, one of its alerts is worse than it, or it isn't numbered. `astray`: what lasts
    and isn't of the dealer that serves the device: tickets by number, alerts and tellings by id."""

    lasting: int
    lasting_since: datetime | None
    apart: list[str]
    astray: list[str]


async def find_drift(connection: AsyncConnection[Any]) -> Drift:
    """Look, as steth_jobs or steth_owner. Reads open alerts and open tickets only."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_QUERIES["lasting_alerts"])
        [(lasting, since)] = await cursor.fetchall()
        await cursor.execute(_QUERIES["tickets_apart"])
        apart = [number for (number,) in await cursor.fetchall()]
        await cursor.execute(_QUERIES["astray"])
        astray = [each for (each,) in await cursor.fetchall()]
    return Drift(lasting=lasting, lasting_since=since, apart=apart, astray=astray)

"""Room for readings: how old one may be, and what is done while there is no partition for one."""

import asyncio
import contextlib
from typing import Final

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from ingest.memory import SQL
from store.pool import Pool

_log: Final = structlog.get_logger("ingest.room")


class Room:
    """``reach_ms``: how old a reading may be."""

    def __init__(self, *, pool: Pool, reach_ms: int) -> None:
        self._pool = pool
        self._reach_ms = reach_ms
        self._kept_from_ms = 0

    def oldest_ms(self, now_ms: int) -> int:
        """The oldest time for which there may be room; what is older is set aside."""
        return max(now_ms - self._reach_ms, self._kept_from_ms)

    async def wait(self) -> None:
        """A reading has no partition. Nothing is wrong with the reports: they wait until there is room.

        Unless it lies where readings were dropped: from now on such ones are set aside, like what is out of reach.
        """
        with contextlib.suppress(psycopg.Error, PoolTimeout):
            async with self._pool.connection() as connection:
                row = await (await connection.execute(SQL["kept_from"])).fetchone()
            if row is not None and row[0] > self._kept_from_ms:
                self._kept_from_ms = row[0]
                return
        _log.error("reading_has_no_partition", todo="run `steth migrate`, or let `steth jobs` run")
        await asyncio.sleep(1)


def no_partition(error: BaseException) -> bool:
    """Whether a row found no partition of ``reading``: the same SQLSTATE as a violated check, without a constraint."""
    return isinstance(error, psycopg.errors.CheckViolation) and error.diag.constraint_name is None

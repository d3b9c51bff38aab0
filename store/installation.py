"""Whether the database is a restored copy of itself: decided by the database, checked by each process as it starts.

The rules are in `settle_installation` (migration 0008), so that whoever asks first settles it for all.
"""

import asyncio
from typing import Any, Final

import psycopg
import structlog

from store.errors import StoreError, StoreErrorCode
from store.migrate import newest_version
from store.pool import Pool
from store.statements import QUERIES

_log: Final = structlog.get_logger("store.installation")
RECOVERY_S: Final = 60


async def settle(connection: psycopg.AsyncConnection[Any], *, put_back: bool = False) -> bool:
    """Let the database look at where it is; whether it was noticed now that this is a copy.

    `put_back`: the caller saw that an older state was put back in place. Cheap where nothing has changed.
    """
    row = await (await connection.execute(QUERIES["settle"], (put_back,))).fetchone()
    copied = row is not None and bool(row[0])
    if copied:
        _log.warning("restored_copy")
    return copied


async def settle_first(pool: Pool) -> None:
    """Settle before a process does anything else: a server that is still recovering is waited for, up to a minute.

    Raises StoreError where the schema is older than this version, or the server goes on recovering: a replica takes
    nothing.
    """
    for _ in range(RECOVERY_S):
        try:
            async with pool.connection() as connection:
                await _need_schema(connection)
                await settle(connection)
        except (psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.ReadOnlySqlTransaction):
            await asyncio.sleep(1.0)
        else:
            return
    raise StoreError(StoreErrorCode.CONNECTION, "the database is recovering, or a replica: give the primary's address")


async def _need_schema(connection: psycopg.AsyncConnection[Any]) -> None:
    try:
        row = await (await connection.execute(QUERIES["schema_version"])).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):  # of before this role may read it
        row = None
    if row is None or (row[0] or 0) < newest_version():
        raise StoreError(StoreErrorCode.MIGRATION, "the database lacks migrations: run `steth migrate` first") from None


class Watch:
    """Settles again at each turn, and sees an older state that is put back meanwhile. A job of `steth jobs`."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool
        self._horizon = 0

    async def run_once(self) -> int:
        """1 if it was noticed now that this is a copy, else 0. Raises psycopg's errors."""
        async with self._pool.connection() as connection:
            copied = await settle(connection)
            row = await (await connection.execute(QUERIES["horizon"])).fetchone()
            horizon = 0 if row is None else int(row[0])
            if horizon < self._horizon:  # transactions never go back
                copied = await settle(connection, put_back=True)
                self._horizon = 0
            else:
                self._horizon = horizon
        return int(copied)

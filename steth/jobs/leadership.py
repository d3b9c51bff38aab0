"""One leader among the processes of `steth jobs`: the others stand by."""

import asyncio
import contextlib
from types import TracebackType
from typing import Final, Self

import psycopg
import structlog

from steth.jobs.statements import QUERIES

_LOCK: Final = 0x5354_4554_4802
"""`STETH` 2; 1 is the lock of migrations."""
STILL_S: Final = 20.0
"""A leader asks several times a second."""
_log: Final = structlog.get_logger("steth.jobs")


class Leadership:
    """An advisory lock of the database, held by a connection of its own.

    It only saves work: a leader that was cut off and doesn't know it yet does no harm, since every row that a job works
    on is claimed, and what it does is keyed so that twice is once (delivery 19). Close it, or leave it as a context
    manager, to let another process lead at once; a killed process's lock ends with its connection, and that of one that
    stands still (stopped, its machine paused) when it hasn't asked for `STILL_S`: its kernel answers for it for ever.
    """

    def __init__(self, *, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.AsyncConnection | None = None
        self._leads = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def leads(self) -> bool:
        """Whether this process leads at this moment: asks the database each time, and takes the lead when it is free.

        False while the database can't be reached.
        """
        try:
            if self._connection is None:
                self._connection = await psycopg.AsyncConnection.connect(
                    self._dsn,
                    autocommit=True,
                    application_name="steth-leader",
                    options=f"-c idle_session_timeout={round(STILL_S * 1000)}",
                    connect_timeout=5,
                    keepalives_idle=5,
                    keepalives_interval=2,
                    keepalives_count=3,
                )
            cursor = await self._connection.execute(QUERIES["lead_on" if self._leads else "lead"], {"lock": _LOCK})
            row = await cursor.fetchone()
        except psycopg.Error as error:
            _log.warning("leadership_unknown", error=type(error).__name__)
            await self.close()
            return False
        leads = row is not None and bool(row[0])
        if leads != self._leads:
            _log.info("leads" if leads else "stands_by")
        self._leads = leads
        return leads

    async def close(self) -> None:
        """Give up the lead and the connection."""
        connection, self._connection, self._leads = self._connection, None, False
        if connection is None:
            return
        # The server ends a session, and its locks, some time after the connection; the next one would have to wait.
        with contextlib.suppress(psycopg.Error, TimeoutError):
            async with asyncio.timeout(1.0):
                await connection.execute(QUERIES["lead_no_more"])
        await connection.close()

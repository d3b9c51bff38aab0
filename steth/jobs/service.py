"""Changes of dealer, carried out when they are due. A job of `steth jobs`."""

from typing import Final

import psycopg
import structlog

from catalog.model import Catalog
from desk.tickets.service import change_dealer
from remote.prepare import Case, add_sessions
from steth.jobs.statements import QUERIES
from store.pool import Pool

MOST: Final = 50
_log: Final = structlog.get_logger("steth.jobs")


class ServiceChanges:
    """Each device in a transaction of its own: a hospital of many changes at its day, one by one."""

    def __init__(self, *, pool: Pool, catalog: Catalog) -> None:
        self._pool = pool
        self._catalog = catalog

    async def run_once(self, now_ms: int) -> int:
        """Up to `MOST` of those due; how many were carried out. One that fails keeps no other: its error is raised when
        all were tried."""
        async with self._pool.connection() as connection:
            due = {"now_ms": now_ms, "most": MOST}
            rows = await (await connection.execute(QUERIES["changes_due"], due)).fetchall()
        failed: psycopg.Error | None = None
        for device_id, org_id, model in rows:
            try:
                await self._change(device_id, org_id, model, now_ms)
            except psycopg.Error as error:
                failed = error
        if failed is not None:
            raise failed
        return len(rows)

    async def _change(self, device_id: int, org_id: int, model: str, now_ms: int) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            opened = await change_dealer(connection, device_id, now_ms=now_ms)
            cases = [Case(opened=each, device_id=device_id, org_id=org_id, model=model) for each in opened]
            await add_sessions(connection, cases, self._catalog, now_ms=now_ms)
        _log.info("dealer_changed", device=device_id, tickets=[each.number for each in opened])

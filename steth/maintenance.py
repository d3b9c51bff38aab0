"""Upkeep of the database by the leader of `steth alerts`: room for readings ahead, and their roll-ups."""

from datetime import UTC, datetime
from typing import Final

import psycopg

from ingest.rows import AHEAD_MS, BEHIND_MS
from store.partitions import ensure_partitions
from store.pool import Connection
from store.rollup import roll_up

_DAY_MS: Final = 86_400_000
AHEAD_DAYS: Final = 40 + AHEAD_MS // _DAY_MS
BEHIND_DAYS: Final = 10 + BEHIND_MS // _DAY_MS
"""Room for readings: what ingest takes, and more than a month of this job not running."""


async def make_room(dsn_owner: str) -> int:
    """Partitions of readings and their roll-ups ahead of time; how many were made."""
    return await Upkeep(dsn_owner=dsn_owner).make_room()


class Upkeep:
    """The jobs, each on a connection of steth_owner's of its own: seldom, and the owner's sessions stay few."""

    def __init__(self, *, dsn_owner: str) -> None:
        self._dsn = dsn_owner

    async def make_room(self) -> int:
        """Make partitions ahead of time; returns how many."""
        async with await self._connect() as connection:
            made = await ensure_partitions(
                connection, now=datetime.now(UTC), behind_days=BEHIND_DAYS, ahead_days=AHEAD_DAYS
            )
        return len(made)

    async def roll_up(self) -> int:
        """Roll up what was written since; returns how many buckets were made or changed."""
        async with await self._connect() as connection:
            return await roll_up(connection, now=datetime.now(UTC))

    async def _connect(self) -> Connection:
        return await psycopg.AsyncConnection.connect(
            self._dsn,
            autocommit=True,
            connect_timeout=10,
            application_name="steth-upkeep",
            options="-c timezone=UTC",
        )

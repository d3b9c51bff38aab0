"""Upkeep of the database by the leader of `steth alerts`, and at `steth migrate`: room ahead for readings, roll-ups,
dropping what is too old; on TimescaleDB's community edition the policies that do this there.
"""

import asyncio
from datetime import UTC, datetime
from typing import Final

import psycopg
from prometheus_client import Gauge

from ingest.rows import AHEAD_MS
from store.installation import settle
from store.move import move_to_community
from store.partitions import ensure_partitions
from store.policies import apply_policies, check_policies
from store.pool import Connection
from store.retention import Keep, drop_old
from store.rollup import LEVELS, lags, roll_up
from store.sweep import sweep

_DAY_MS: Final = 86_400_000
AHEAD_DAYS: Final = 40 + AHEAD_MS // _DAY_MS
"""Room for readings: what ingest takes, and more than a month of this job not running."""
LAG: Final = Gauge("steth_store_rollup_lag_seconds", "How far the roll-ups kept by our job are behind now.", ["level"])


class Upkeep:
    """The jobs, each on a connection of steth_owner's of its own: seldom, and the owner's sessions stay few."""

    def __init__(self, *, dsn_owner: str, keep: Keep) -> None:
        self._dsn = dsn_owner
        self._keep = keep

    async def make_room(self) -> int:
        """Make partitions ahead of time; returns how many."""
        async with await self._connect() as connection:
            made = await ensure_partitions(
                connection, now=datetime.now(UTC), behind_days=self._keep.raw_days, ahead_days=AHEAD_DAYS
            )
        return len(made)

    async def roll_up(self) -> int:
        """Roll up what was written since; returns how many buckets were made or changed."""
        now = datetime.now(UTC)
        async with await self._connect() as connection:
            made = await roll_up(connection, now=now)
            for level, seconds in zip(LEVELS, await lags(connection, now=now), strict=False):
                LAG.labels(level).set(seconds)
        return made

    async def drop_old(self) -> int:
        """Drop what is too old; returns how many partitions or chunks."""
        async with await self._connect() as connection:
            return len(await drop_old(connection, now=datetime.now(UTC), keep=self._keep))

    async def sweep(self) -> int:
        """Delete what else is too old; returns how many rows."""
        async with await self._connect() as connection:
            return await sweep(connection, now=datetime.now(UTC), keep=self._keep)

    async def set_policies(self) -> int:
        """On the community edition: policies as the settings say; returns how many were changed. Raises StoreError
        where one of them fails."""
        changed = await asyncio.to_thread(apply_policies, self._dsn, keep=self._keep, now=datetime.now(UTC))
        await asyncio.to_thread(check_policies, self._dsn)
        return len(changed)

    async def move(self) -> bool:
        """From the Apache edition to the community edition, where the server's licence now allows it."""
        return await asyncio.to_thread(move_to_community, self._dsn, now=datetime.now(UTC))

    async def settle(self) -> bool:
        """Whether it was noticed now that the database is a restored copy."""
        async with await self._connect() as connection:
            return await settle(connection)

    async def _connect(self) -> Connection:
        # It must not queue for a lock with ingest behind it, nor wait for a network that is gone.
        return await psycopg.AsyncConnection.connect(
            self._dsn,
            autocommit=True,
            connect_timeout=10,
            application_name="steth-upkeep",
            options="-c timezone=UTC -c lock_timeout=5000 -c idle_in_transaction_session_timeout=60000",
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=20_000,
        )

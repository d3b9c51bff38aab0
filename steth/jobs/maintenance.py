"""Upkeep of the database: room ahead for readings, roll-ups, dropping what is too old.

The leader of `steth jobs` keeps it up as steth_jobs, which can do no more than that. What takes the owner is laid by
`steth migrate`: how long what is kept, and on TimescaleDB's community edition the policies that drop it there.
"""

import asyncio
from datetime import UTC, datetime
from typing import Final

import psycopg
from prometheus_client import Gauge

from ingest.clocks import DAY_MS
from ingest.rows import AHEAD_MS
from steth.jobs.sweep import sweep
from store.installation import settle
from store.move import move_to_community
from store.partitions import ensure_partitions
from store.policies import apply_policies, check_policies
from store.pool import Connection
from store.retention import Keep, drop_old, note_keeping
from store.rollup import LEVELS, lags, roll_up

AHEAD_DAYS: Final = 40 + AHEAD_MS // DAY_MS
"""Room for readings: what ingest takes, and more than a month of this job not running."""
LAG: Final = Gauge("steth_store_rollup_lag_seconds", "How far the roll-ups kept by our job are behind now.", ["level"])


class Groundwork:
    """What `steth migrate` does after the migrations, as steth_owner."""

    def __init__(self, *, dsn_owner: str, keep: Keep) -> None:
        self._dsn = dsn_owner
        self._keep = keep

    async def move(self) -> bool:
        """From the Apache edition to the community edition, where the server's licence now allows it."""
        return await asyncio.to_thread(move_to_community, self._dsn, now=datetime.now(UTC))

    async def settle(self) -> bool:
        """Whether it was noticed now that the database is a restored copy."""
        async with await _connect(self._dsn) as connection:
            return await settle(connection)

    async def make_room(self) -> int:
        """Make partitions ahead of time; returns how many."""
        return await _make_room(self._dsn, self._keep)

    async def set_ages(self) -> int:
        """Note how long what is kept, and make the policies of the community edition so; returns how many ages and
        policies were changed. Raises StoreError where one of them fails."""
        async with await _connect(self._dsn) as connection:
            noted = await note_keeping(connection, keep=self._keep)
        changed = await asyncio.to_thread(apply_policies, self._dsn, keep=self._keep, now=datetime.now(UTC))
        return noted + len(changed)


class Upkeep:
    """The jobs, each on a connection of steth_jobs' of its own: a turn may take longer than one of the pool."""

    def __init__(self, *, dsn_jobs: str, keep: Keep) -> None:
        self._dsn = dsn_jobs
        self._keep = keep

    async def make_room(self) -> int:
        """Make partitions ahead of time; returns how many."""
        return await _make_room(self._dsn, self._keep)

    async def roll_up(self) -> int:
        """Roll up what was written since; returns how many buckets were made or changed."""
        now = datetime.now(UTC)
        async with await _connect(self._dsn) as connection:
            made = await roll_up(connection, now=now)
            for level, seconds in zip(LEVELS, await lags(connection, now=now), strict=False):
                LAG.labels(level).set(seconds)
        return made

    async def drop_old(self) -> int:
        """Drop what is too old; returns how many partitions or chunks."""
        async with await _connect(self._dsn) as connection:
            return len(await drop_old(connection, now=datetime.now(UTC), keep=self._keep))

    async def sweep(self) -> int:
        """Delete what else is too old; returns how many rows."""
        async with await _connect(self._dsn) as connection:
            return await sweep(connection, now=datetime.now(UTC), keep=self._keep)

    async def check_policies(self) -> int:
        """Returns 0: nothing was done. Raises StoreError (`store.policies`)."""
        await asyncio.to_thread(check_policies, self._dsn, keep=self._keep)
        return 0


async def _make_room(dsn: str, keep: Keep) -> int:
    async with await _connect(dsn) as connection:
        made = await ensure_partitions(
            connection, now=datetime.now(UTC), behind_days=keep.raw_days, ahead_days=AHEAD_DAYS
        )
    return len(made)


async def _connect(dsn: str) -> Connection:
    # It must not queue for a lock with ingest behind it, nor wait for a network that is gone.
    return await psycopg.AsyncConnection.connect(
        dsn,
        autocommit=True,
        connect_timeout=10,
        application_name="steth-upkeep",
        options="-c timezone=UTC -c lock_timeout=5000 -c idle_in_transaction_session_timeout=60000",
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=20_000,
    )

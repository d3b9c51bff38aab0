"""Pieces of `reading` come ahead and go by age, and ingest never waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors

from store import partitions
from store.errors import StoreError
from store.partitions import drop_pieces, ensure_partitions
from store.pieces import Pieces
from store.pool import Connection
from store.retention import Keep, note_keeping
from tests.fixtures.postgres import Database

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
ROW = "INSERT INTO reading (ts, device_id, metric_id, value, quality) VALUES (%s, 1, 1, 0, 0)"


@asynccontextmanager
async def connected(dsn: str, *, autocommit: bool = True) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=autocommit) as connection:
        yield connection


async def count(connection: Connection) -> int:
    row = await (await connection.execute("SELECT count(*) FROM reading")).fetchone()
    assert row is not None
    return int(row[0])


async def test_made_ahead_and_only_once(database: Database) -> None:
    async with connected(database.jobs) as jobs:
        made = await ensure_partitions(jobs, now=NOW, behind_days=30, ahead_days=40)
        months = ("2026_10", "2026_11", "2026_12", "2027_01")
        assert made == [f"{table}_{month}" for table in ("reading", "reading_1m", "reading_1h") for month in months]
        assert await ensure_partitions(jobs, now=NOW, behind_days=30, ahead_days=40) == []
        assert await ensure_partitions(jobs, now=NOW, behind_days=60, ahead_days=40) == [
            "reading_2026_09",
            "reading_1m_2026_09",
            "reading_1h_2026_09",
        ]


async def test_each_moment_of_the_span_has_a_place_and_its_index(database: Database) -> None:
    async with connected(database.jobs) as jobs, connected(database.ingest) as ingest:
        await ensure_partitions(jobs, now=NOW, behind_days=30, ahead_days=30)
        edge = datetime(2026, 12, 1, tzinfo=UTC)
        for ts in (NOW - timedelta(days=30), NOW, edge - timedelta(microseconds=1), edge, NOW + timedelta(days=30)):
            await ingest.execute(ROW, (ts,))
        with pytest.raises(errors.CheckViolation):
            await ingest.execute(ROW, (NOW - timedelta(days=90),))
        rows = await jobs.execute(
            "SELECT count(*) FROM pg_index i JOIN pg_inherits n ON n.inhrelid = i.indexrelid"
            " WHERE n.inhparent = 'reading_device_ts'::regclass AND i.indisvalid"
        )
        assert await rows.fetchone() == (3,)


async def test_ingest_writes_while_partitions_are_made(database: Database) -> None:
    async with connected(database.jobs) as jobs, connected(database.ingest, autocommit=False) as ingest:
        await ensure_partitions(jobs, now=NOW, behind_days=1, ahead_days=1)
        await ingest.execute(ROW, (NOW,))  # its transaction stays open
        await jobs.execute("SET lock_timeout = '500ms'")
        assert await ensure_partitions(jobs, now=NOW, behind_days=200, ahead_days=1)
        await ingest.execute("SET LOCAL lock_timeout = '500ms'")
        await ingest.execute(ROW, (NOW - timedelta(days=100),))  # and finds the new partition
        await ingest.commit()
        assert await count(jobs) == 2


async def test_a_month_that_cannot_be_made_is_named_and_the_others_are(database: Database) -> None:
    async with connected(database.jobs) as jobs, connected(database.owner) as owner:
        await owner.execute("CREATE VIEW reading_1m_2026_12 AS SELECT 1")
        with pytest.raises(StoreError, match=r"^reading_1m_2026_12: DuplicateTable 42P07: the rest is done"):
            await ensure_partitions(jobs, now=NOW, behind_days=1, ahead_days=40)
        await owner.execute("DROP VIEW reading_1m_2026_12")
        assert await ensure_partitions(jobs, now=NOW, behind_days=1, ahead_days=40) == ["reading_1m_2026_12"]


@asynccontextmanager
async def with_readings(database: Database, *days: int, kept: int = 30) -> AsyncIterator[Connection]:
    """The jobs' connection to a database with a reading of so many days ago each, which are kept for `kept` days."""
    async with connected(database.owner) as owner, connected(database.jobs) as jobs:
        await note_keeping(owner, keep=Keep(raw_days=kept))
        await ensure_partitions(jobs, now=NOW, behind_days=95, ahead_days=1)
        async with connected(database.ingest) as ingest:
            for ago in days:
                await ingest.execute(ROW, (NOW - timedelta(days=ago),))
        yield jobs


async def test_dropped_by_age_month_by_month(database: Database) -> None:
    async with with_readings(database, 0, 30, 60, 90) as jobs:
        assert await drop_pieces(jobs, "reading", before=datetime(2026, 10, 1, tzinfo=UTC), pieces=Pieces()) == [
            "reading_2026_08",
            "reading_2026_09",
        ]
        assert await count(jobs) == 2
        last = datetime(2026, 10, 31, 23, 59, tzinfo=UTC)
        assert await drop_pieces(jobs, "reading", before=last, pieces=Pieces()) == []


async def test_whoever_reads_is_waited_for_a_moment_and_nobody_waits_behind_the_drop(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "TRIES", 2)
    before = datetime(2026, 10, 1, tzinfo=UTC)
    async with (
        with_readings(database, 0, 60) as jobs,
        connected(database.ingest, autocommit=False) as reader,
        connected(database.ingest) as ingest,
    ):
        assert await count(reader) == 2  # holds the partitions until it ends
        pieces = Pieces()
        dropping = asyncio.create_task(drop_pieces(jobs, "reading", before=before, pieces=pieces))
        await ingest.execute("SET lock_timeout = '1s'")
        while not dropping.done():
            await ingest.execute(ROW, (NOW,))
        assert await dropping == []
        with pytest.raises(StoreError, match=r"^reading_2026_08: LockNotAvailable 55P03; reading_2026_09: LockNotAv"):
            pieces.check()
        await reader.rollback()
        assert len(await drop_pieces(jobs, "reading", before=before, pieces=Pieces())) == 2


async def test_a_drop_that_the_former_version_left_half_done_is_finished(database: Database) -> None:
    async with connected(database.owner) as owner, with_readings(database) as jobs:
        await owner.execute("ALTER TABLE reading DETACH PARTITION reading_2026_09")  # cut off before its DROP
        before = datetime(2026, 10, 1, tzinfo=UTC)
        dropped = await drop_pieces(jobs, "reading", before=before, pieces=Pieces())
        assert dropped == ["reading_2026_08", "reading_2026_09"]


async def test_chunks_are_dropped_by_age_on_every_engine_and_young_ones_never(engine_database: Database) -> None:
    async with with_readings(engine_database, 0, 30, 90, kept=70) as jobs:
        assert len(await drop_pieces(jobs, "reading", before=datetime(2026, 9, 25, tzinfo=UTC), pieces=Pieces())) >= 1
        assert await count(jobs) == 2
        young = Pieces()
        assert await drop_pieces(jobs, "reading", before=NOW + timedelta(days=40), pieces=young) == []
        with pytest.raises(StoreError, match="InsufficientPrivilege 42501"):
            young.check()
        assert await count(jobs) == 2


async def test_dropping_wants_autocommit(database: Database) -> None:
    async with connected(database.jobs, autocommit=False) as jobs:
        with pytest.raises(ValueError, match="autocommit"):
            await drop_pieces(jobs, "reading", before=NOW, pieces=Pieces())

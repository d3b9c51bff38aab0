"""Pieces of `reading` come ahead and go by age, and ingest never waits for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors

from store.errors import StoreError
from store.partitions import drop_pieces, ensure_partitions
from store.pieces import Pieces
from store.pool import Connection
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
    async with connected(database.owner) as owner:
        made = await ensure_partitions(owner, now=NOW, behind_days=30, ahead_days=40)
        months = ("2026_10", "2026_11", "2026_12", "2027_01")
        assert made == [f"{table}_{month}" for table in ("reading", "reading_1m", "reading_1h") for month in months]
        assert await ensure_partitions(owner, now=NOW, behind_days=30, ahead_days=40) == []
        assert await ensure_partitions(owner, now=NOW, behind_days=60, ahead_days=40) == [
            "reading_2026_09",
            "reading_1m_2026_09",
            "reading_1h_2026_09",
        ]


async def test_each_moment_of_the_span_has_a_place_and_its_index(database: Database) -> None:
    async with connected(database.owner) as owner:
        await ensure_partitions(owner, now=NOW, behind_days=30, ahead_days=30)
        edge = datetime(2026, 12, 1, tzinfo=UTC)
        for ts in (NOW - timedelta(days=30), NOW, edge - timedelta(microseconds=1), edge, NOW + timedelta(days=30)):
            await owner.execute(ROW, (ts,))
        with pytest.raises(errors.CheckViolation):
            await owner.execute(ROW, (NOW - timedelta(days=90),))
        rows = await owner.execute(
            "SELECT count(*) FROM pg_index i JOIN pg_inherits n ON n.inhrelid = i.indexrelid"
            " WHERE n.inhparent = 'reading_device_ts'::regclass AND i.indisvalid"
        )
        assert await rows.fetchone() == (3,)


async def test_ingest_writes_while_partitions_are_made_and_dropped(database: Database) -> None:
    async with connected(database.owner) as owner, connected(database.ingest, autocommit=False) as ingest:
        await ensure_partitions(owner, now=NOW, behind_days=1, ahead_days=1)
        await ingest.execute(ROW, (NOW,))  # its transaction stays open
        await owner.execute("SET lock_timeout = '500ms'")
        assert await ensure_partitions(owner, now=NOW, behind_days=200, ahead_days=1)
        await ingest.execute("SET LOCAL lock_timeout = '500ms'")
        await ingest.execute(ROW, (NOW - timedelta(days=100),))  # and finds the new partition
        await ingest.commit()
        assert await count(owner) == 2


async def test_a_month_that_cannot_be_made_is_named_and_the_others_are(database: Database) -> None:
    async with connected(database.owner) as owner:
        await owner.execute("CREATE VIEW reading_1m_2026_12 AS SELECT 1")
        with pytest.raises(StoreError, match=r"^reading_1m_2026_12: DuplicateTable 42P07: the rest is done"):
            await ensure_partitions(owner, now=NOW, behind_days=1, ahead_days=40)
        await owner.execute("DROP VIEW reading_1m_2026_12")
        assert await ensure_partitions(owner, now=NOW, behind_days=1, ahead_days=40) == ["reading_1m_2026_12"]


async def test_dropped_by_age_month_by_month(database: Database) -> None:
    async with connected(database.owner) as owner:
        await ensure_partitions(owner, now=NOW, behind_days=95, ahead_days=1)
        for days in (0, 30, 60, 90):
            await owner.execute(ROW, (NOW - timedelta(days=days),))
        assert await drop_pieces(owner, "reading", before=datetime(2026, 10, 1, tzinfo=UTC), pieces=Pieces()) == [
            "reading_2026_08",
            "reading_2026_09",
        ]
        assert await count(owner) == 2
        assert (
            await drop_pieces(owner, "reading", before=datetime(2026, 10, 31, 23, 59, tzinfo=UTC), pieces=Pieces())
            == []
        )


async def test_a_drop_that_was_cut_off_is_finished(database: Database) -> None:
    before = datetime(2026, 11, 1, tzinfo=UTC)
    async with connected(database.owner) as owner, connected(database.superuser, autocommit=False) as reader:
        await ensure_partitions(owner, now=NOW, behind_days=60, ahead_days=1)
        await owner.execute(ROW, (NOW - timedelta(days=30),))
        await owner.execute("ALTER TABLE reading DETACH PARTITION reading_2026_09")  # cut off before its DROP
        assert await count(reader) == 1  # holds the partition until it ends
        await owner.execute("SET lock_timeout = '100ms'")
        pieces = Pieces()
        assert await drop_pieces(owner, "reading", before=before, pieces=pieces) == ["reading_2026_09"]
        with pytest.raises(StoreError, match=r"^reading_2026_10: LockNotAvailable 55P03: the rest is done"):
            pieces.check()
        await reader.rollback()
        assert await drop_pieces(owner, "reading", before=before, pieces=Pieces()) == ["reading_2026_10"]
        assert await count(owner) == 0
        rows = await owner.execute("SELECT relname FROM pg_class WHERE relname ~ '^reading_2026' AND relkind = 'r'")
        assert await rows.fetchall() == [("reading_2026_11",)]


async def test_chunks_are_dropped_by_age_on_every_engine(engine_database: Database) -> None:
    async with connected(engine_database.owner) as owner:
        await ensure_partitions(owner, now=NOW, behind_days=95, ahead_days=1)
        for days in (0, 30, 90):
            await owner.execute(ROW, (NOW - timedelta(days=days),))
        assert len(await drop_pieces(owner, "reading", before=datetime(2026, 10, 1, tzinfo=UTC), pieces=Pieces())) >= 1
        assert await count(owner) == 2


async def test_dropping_wants_autocommit(database: Database) -> None:
    async with connected(database.owner, autocommit=False) as owner:
        with pytest.raises(ValueError, match="autocommit"):
            await drop_pieces(owner, "reading", before=NOW, pieces=Pieces())

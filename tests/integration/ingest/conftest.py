"""Fixtures of the ingest tests."""

import psycopg
import pytest_asyncio

from store.partitions import ensure_partitions
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.postgres import Database
from tests.integration.ingest.harness import Bench, now


async def made(database: Database, broker: Mosquitto) -> Bench:
    async with await psycopg.AsyncConnection.connect(database.owner) as connection:
        await ensure_partitions(connection, now=now(), behind_days=100, ahead_days=40)
    return Bench(database=database, broker=broker)


@pytest_asyncio.fixture
async def bench(database: Database, private_mosquitto: Mosquitto) -> Bench:
    """A fresh database with room for readings, and a broker of the test's own."""
    return await made(database, private_mosquitto)


@pytest_asyncio.fixture
async def each_bench(engine_database: Database, private_mosquitto: Mosquitto) -> Bench:
    """The same on plain PostgreSQL and on TimescaleDB."""
    return await made(engine_database, private_mosquitto)

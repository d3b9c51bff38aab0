"""Fixtures of the ingest tests."""

from collections.abc import AsyncIterator

import psycopg
import pytest_asyncio

from store.partitions import ensure_partitions
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.postgres import Database
from tests.integration.ingest.harness import Bench, now


@pytest_asyncio.fixture
async def bench(database: Database, private_mosquitto: Mosquitto) -> AsyncIterator[Bench]:
    """A fresh database with room for readings, and a broker of the test's own."""
    async with await psycopg.AsyncConnection.connect(database.owner) as connection:
        await ensure_partitions(connection, now=now(), behind_days=100, ahead_days=40)
    yield Bench(database=database, broker=private_mosquitto)

import asyncio

import pytest

from steth.jobs.leadership import Leadership
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import rows


async def test_one_leads_and_the_other_stands_by_until_it_leaves(database: Database) -> None:
    async with Leadership(dsn=database.jobs) as other:
        async with Leadership(dsn=database.jobs) as one:
            assert [await one.leads(), await other.leads(), await one.leads()] == [True, False, True]
        assert await other.leads()


async def test_a_leader_whose_connection_died_knows_it_and_another_takes_over(database: Database) -> None:
    async with Leadership(dsn=database.jobs) as one, Leadership(dsn=database.jobs) as other:
        assert await one.leads()
        rows(database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'steth-leader'")
        assert await _until(other)
        assert not await one.leads()
        assert not await one.leads()


async def test_a_leader_that_stands_still_leads_no_longer(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped, or its machine paused: its kernel keeps the connection alive, and its lock with it."""
    monkeypatch.setattr("steth.jobs.leadership.STILL_S", 0.2)
    async with Leadership(dsn=database.jobs) as one, Leadership(dsn=database.jobs) as other:
        assert await one.leads()
        assert await _until(other)
        assert not await one.leads()
        assert not await one.leads()


async def test_nobody_leads_without_a_database() -> None:
    async with Leadership(dsn="host=127.0.0.1 port=1 dbname=none user=nobody") as one:
        assert not await one.leads()


async def _until(leadership: Leadership) -> bool:
    for _ in range(200):
        if await leadership.leads():
            return True
        await asyncio.sleep(0.01)
    return False

"""The jobs of `steth jobs` side by side, on a real database: each one's failure is its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from steth.jobs.runner import Job, Jobs
from store.pool import Pool, open_pool
from tests.fixtures.postgres import Database

Turn = Callable[[], Awaitable[int]]


@asynccontextmanager
async def working(database: Database, *jobs: Job, max_size: int = 4) -> AsyncIterator[tuple[Jobs, Pool]]:
    async with open_pool(database.jobs, role="jobs", max_size=max_size) as pool:
        made = Jobs(jobs=jobs, pool=pool)
        made.lead(leads=True)
        task = asyncio.create_task(made.run())
        try:
            yield made, pool
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.wait([task])


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - whatever is asked
            await asyncio.sleep(0.01)


def noted(database: Database) -> dict[str, tuple[object, ...]]:
    with psycopg.connect(database.jobs) as connection:
        rows = connection.execute("SELECT name, failing_since IS NOT NULL, error FROM job").fetchall()
    return {name: tuple(rest) for name, *rest in rows}


def counts(turns: list[int]) -> Turn:
    async def turn() -> int:
        turns.append(1)
        return 1

    return turn


def fails(error: BaseException) -> Turn:
    async def turn() -> int:
        raise error

    return turn


@pytest.mark.parametrize(
    "error",
    [
        KeyError("ZhangSan"),
        TypeError("ZhangSan"),
        MemoryError(),
        RecursionError(),
        psycopg.ProgrammingError("ZhangSan"),
        ExceptionGroup("ZhangSan", [ValueError("ZhangSan")]),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_job_s_failure_is_its_own(database: Database, error: Exception) -> None:
    turns: list[int] = []
    with capture_logs() as logs:
        bad, good = Job(name="bad", every_s=0.01, run=fails(error)), Job(name="good", every_s=0.01, run=counts(turns))
        async with working(database, bad, good) as (jobs, _):
            await until(lambda: len(turns) > 20)
            assert [line.split()[0] for line in jobs.failing()] == ["bad"]
            await until(lambda: noted(database).get("bad") == (True, type(error).__name__))
            assert REGISTRY.get_sample_value("steth_jobs_failing", {"job": "bad"}) == 1
            assert REGISTRY.get_sample_value("steth_jobs_failing", {"job": "good"}) == 0
            assert "ZhangSan" not in str(jobs.failing())
    assert noted(database)["good"] == (False, "")
    assert [entry["event"] for entry in logs].count("job_failed") == 1
    assert "ZhangSan" not in str(logs)
    assert "test_jobs.py" in str(logs)


async def test_it_is_said_to_work_once_it_does(database: Database) -> None:
    answers = iter([ConnectionResetError(), ConnectionResetError()])

    async def turn() -> int:
        for error in answers:
            raise error
        return 1

    with capture_logs() as logs:
        async with working(database, Job(name="once", every_s=0.01, run=turn)) as (jobs, _):
            await until(lambda: any(entry["event"] == "job_works_again" for entry in logs))
            assert jobs.failing() == []
            await until(lambda: noted(database)["once"] == (False, ""))
    assert [entry["event"] for entry in logs] == ["job_failed", "job_works_again"]


async def test_a_job_that_hangs_is_broken_off_and_stops_nobody(database: Database) -> None:
    turns: list[int] = []

    async def hang() -> int:
        await asyncio.Event().wait()
        return 0

    jobs = (Job(name="hangs", every_s=0.01, run=hang, limit_s=0.2), Job(name="good", every_s=0.01, run=counts(turns)))
    async with working(database, *jobs) as (made, _):
        await until(lambda: len(turns) > 20 and bool(made.failing()))
        assert "broken off" in made.failing()[0]
        await until(lambda: "broken off" in str(noted(database).get("hangs")))


async def test_a_job_that_takes_every_connection_stops_no_other_for_long(database: Database) -> None:
    """Those that need one wait for it no longer than the other's limit, and go on."""
    turns: list[int] = []
    held: list[int] = []
    async with open_pool(database.jobs, role="jobs", max_size=2) as pool:

        async def greedy() -> int:
            async with pool.connection(), pool.connection():
                held.append(1)
                await asyncio.Event().wait()
            return 0

        async def modest() -> int:
            async with pool.connection() as connection:
                await connection.execute("SELECT 1")
            turns.append(1)
            return 0

        made = Jobs(
            pool=pool,
            jobs=[
                Job(name="greedy", every_s=0.01, run=greedy, limit_s=0.3),
                Job(name="modest", every_s=0.01, run=modest),
            ],
        )
        made.lead(leads=True)
        task = asyncio.create_task(made.run())
        await until(lambda: bool(held) and len(turns) > 20)
        task.cancel()
        await asyncio.wait([task])


async def test_who_does_not_lead_rests_and_tells_nothing(database: Database) -> None:
    turns: list[int] = []
    async with working(
        database,
        Job(name="good", every_s=0.01, run=counts(turns)),
        Job(name="bad", every_s=0.01, run=fails(KeyError())),
    ) as (jobs, _):
        await until(lambda: bool(turns) and bool(jobs.failing()))
        jobs.lead(leads=False)
        assert jobs.failing() == []
        await asyncio.sleep(0.05)
        turns.clear()
        await asyncio.sleep(0.05)
        assert turns == []
        jobs.lead(leads=True)
        await until(lambda: bool(turns))

"""How jobs take their turns, fail, rest and are told of, by a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self, cast

import psycopg
import pytest
from prometheus_client import REGISTRY
from psycopg import errors
from structlog.testing import capture_logs

from steth.jobs.runner import NOTE_S, Job, Jobs
from store.pool import Pool
from tests.fixtures.hand import by_hand, pass_s, turns

BEGAN = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)


class Notes:
    """A pool whose connections keep what is written into the table `job`."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.error: Exception | None = None

    @asynccontextmanager
    async def connection(self, timeout: float) -> AsyncIterator[Self]:  # noqa: ASYNC109 - the pool's
        assert timeout < 60
        yield self

    async def execute(self, _: bytes, given: dict[str, Any]) -> None:
        if self.error is not None:
            raise self.error
        self.rows.append(given)


class Work:
    """A job that does as it is told, and when it did."""

    def __init__(self, name: str = "job", *, every_s: float = 10.0, limit_s: float = 60.0) -> None:
        self.began: list[float] = []
        self.outcome: Callable[[], Awaitable[int]] | Exception | int = 1
        self.job = Job(name=name, every_s=every_s, run=self._turn, limit_s=limit_s)

    async def _turn(self) -> int:
        self.began.append(asyncio.get_running_loop().time())
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome if isinstance(self.outcome, int) else await self.outcome()


class Office:
    """Jobs that run."""

    def __init__(self, *works: Work) -> None:
        self.notes = Notes()
        self.jobs = Jobs(
            jobs=[work.job for work in works],
            pool=cast("Pool", self.notes),
            clock=lambda: BEGAN + timedelta(seconds=asyncio.get_running_loop().time()),
        )

    @classmethod
    @asynccontextmanager
    async def open(cls, *works: Work, leads: bool = True) -> AsyncIterator[Self]:
        office = cls(*works)
        office.jobs.lead(leads=leads)
        task = asyncio.create_task(office.jobs.run())
        try:
            await turns()
            yield office
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.wait([task])

    @staticmethod
    async def wait(seconds: int) -> None:
        """Let time pass, a second at a time."""
        for _ in range(seconds):
            pass_s(1)
            await turns()


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def sample(name: str, job: str) -> float | None:
    return REGISTRY.get_sample_value(f"steth_jobs_{name}", {"job": job})


async def forever() -> int:
    await asyncio.Event().wait()
    return 0


@by_hand
async def test_a_job_comes_again_after_its_pause_from_when_it_ended() -> None:
    async def slow() -> int:
        await asyncio.sleep(3)
        return 0

    work = Work(every_s=10)
    async with Office.open(work) as office:
        await office.wait(10)
        work.outcome = slow
        await office.wait(24)
    assert work.began == [0, 10, 20, 33]


FAILS = [
    (KeyError(), [0, 5, 15, 35, 75, 135, 195]),
    (errors.AdminShutdown(), [0, 1, 2, 3, 4, 5, 6]),
]


@pytest.mark.parametrize(("error", "began"), FAILS, ids=["wrong", "away"])
@by_hand
async def test_a_job_that_fails_is_tried_again_and_goes_on_at_its_pace_once_it_works(
    error: Exception, began: list[int]
) -> None:
    work = Work()
    work.outcome = error
    async with Office.open(work) as office:
        await office.wait(began[-1] - 1)
        work.outcome = 1
        await office.wait(12)
    assert work.began == [*began, began[-1] + 10]


@by_hand
async def test_nobody_works_who_does_not_lead() -> None:
    work = Work()
    async with Office.open(work, leads=False) as office:
        await office.wait(100)
        assert work.began == []
        office.jobs.lead(leads=True)
        await turns()
        assert work.began == [100]
        office.jobs.lead(leads=True)
        await office.wait(9)
        office.jobs.lead(leads=False)
        await office.wait(100)
        assert work.began == [100]
        office.jobs.lead(leads=True)
        await turns()
        assert work.began == [100, 209]


@by_hand
async def test_what_fails_is_told_until_it_works_and_by_nobody_who_does_not_lead() -> None:
    bad, good = Work("bad"), Work("good")
    bad.outcome = KeyError("ZhangSan")
    async with Office.open(bad, good) as office:
        await office.wait(7)
        line = "bad fails since 2026-11-30 04:00:00Z, 2 times: KeyError"
        assert office.jobs.failing() == [line]
        assert (sample("failing", "bad"), sample("failing", "good")) == (1, 0)
        office.jobs.lead(leads=False)
        assert (office.jobs.failing(), sample("failing", "bad")) == ([], 0)
        office.jobs.lead(leads=True)
        await office.wait(20)
        assert office.jobs.failing() == ["bad fails since 2026-11-30 04:00:15Z, 2 times: KeyError"]
        bad.outcome = 1
        await office.wait(60)
        assert (office.jobs.failing(), sample("failing", "bad")) == ([], 0)


@by_hand
async def test_a_turn_under_way_that_fails_when_another_leads_is_no_failure() -> None:
    async def fails_late() -> int:
        await asyncio.sleep(5)
        raise KeyError

    work = Work("late")
    work.outcome = fails_late
    async with Office.open(work) as office:
        office.jobs.lead(leads=False)
        await office.wait(6)
        assert (office.jobs.failing(), sample("failures_total", "late")) == ([], None)


@by_hand
async def test_a_turn_that_takes_too_long_is_broken_off_and_said_to_be() -> None:
    hangs, waits = Work("hangs", limit_s=20), Work("waits", every_s=1)
    hangs.outcome, waits.outcome = forever, TimeoutError("no answer")
    async with Office.open(hangs, waits) as office:
        await office.wait(19)
        assert [line.split()[0] for line in office.jobs.failing()] == ["waits"]
        await office.wait(1)
        assert [line.split(": ", 1)[1] for line in office.jobs.failing()] == [
            "it was broken off after 20 s", "TimeoutError: no answer",
        ]  # fmt: skip
        hangs.outcome = 1
        await office.wait(5)
        assert hangs.began == [0, 25]


@by_hand
async def test_each_kind_of_failure_is_one_line_of_the_log_until_it_works() -> None:
    work = Work(every_s=1)
    with capture_logs() as logs:
        async with Office.open(work) as office:
            for outcome in (KeyError(), KeyError("other"), ValueError(), KeyError(), 1, KeyError(), 1, 1):
                work.outcome = outcome
                await office.wait(60)
    assert [(line["event"], line.get("error", line.get("failures"))) for line in logs] == [
        ("job_failed", "KeyError"),
        ("job_failed", "ValueError"),
        ("job_works_again", logs[2]["failures"]),
        ("job_failed", "KeyError"),
        ("job_works_again", logs[4]["failures"]),
    ]
    assert "test_runner.py" in str(logs[0]["where"])
    assert logs[2]["failures"] > logs[4]["failures"]


@by_hand
async def test_ever_new_kinds_fill_no_log() -> None:
    work = Work(every_s=1)
    with capture_logs() as logs:
        async with Office.open(work) as office:
            for nth in range(120):
                work.outcome = type(f"Kind{nth}", (Exception,), {})()
                await office.wait(60)
    assert len(logs) == 100


@by_hand
async def test_how_it_is_is_noted_when_it_changes_and_once_a_minute() -> None:
    work = Work(every_s=10, limit_s=30)
    async with Office.open(work) as office:
        await office.wait(125)
        assert [note["ended"] for note in office.notes.rows] == [at(0), at(60), at(120)]
        work.outcome = KeyError()
        await office.wait(30)
        work.outcome = 1
        await office.wait(30)
        told = [(note["ended"], note["since"], note["failures"], note["error"]) for note in office.notes.rows[3:]]
        assert told == [(at(120), at(130), 1, "KeyError"), (at(165), None, 0, "")]
        assert {note["name"] for note in office.notes.rows} == {"job"}


@pytest.mark.parametrize(("every_s", "limit_s", "due_s"), [(10, 30, 150), (3600, 30, 3690)])
@by_hand
async def test_it_is_overdue_a_minute_after_its_next_turn_must_have_ended(
    every_s: int, limit_s: int, due_s: int
) -> None:
    async with Office.open(Work(every_s=every_s, limit_s=limit_s)) as office:
        assert [note["due"] for note in office.notes.rows] == [at(due_s)]


@pytest.mark.parametrize("error", [psycopg.OperationalError(), OSError()])
@by_hand
async def test_what_could_not_be_noted_is_noted_with_the_next_turn(error: Exception) -> None:
    work = Work(every_s=10)
    async with Office.open(work) as office:
        await office.wait(50)
        office.notes.error = error
        await office.wait(20)
        office.notes.error = None
        assert [note["ended"] for note in office.notes.rows] == [at(0)]
        await office.wait(10)
        assert [note["ended"] for note in office.notes.rows] == [at(0), at(80)]
        await office.wait(int(NOTE_S) - 1)
        assert len(office.notes.rows) == 2


@by_hand
async def test_what_was_done_is_counted() -> None:
    work = Work("counts")
    work.outcome = 7
    async with Office.open(work) as office:
        await office.wait(20)
        work.outcome = KeyError()
        await office.wait(20)
    assert (sample("rows_total", "counts"), sample("failures_total", "counts")) == (21, 2)

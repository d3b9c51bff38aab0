"""The jobs of `steth jobs`: each in a task of its own, so that its failure, and its waiting, is its own.

A job that fails is tried again, ever more seldom; what failed is logged once for each kind, counted, noted in the table
`job` for `steth doctor`, and told by /readyz and the metrics, until a turn of it ends well.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from traceback import format_tb
from typing import Final

import psycopg
import structlog
from prometheus_client import Counter, Gauge
from psycopg_pool import PoolTimeout

from people.audit.heads import HeadError
from steth.jobs.statements import QUERIES
from store.errors import StoreError, kind_of, one_line
from store.pool import Pool

_log: Final = structlog.get_logger("steth.jobs")
DONE: Final = Counter("steth_jobs_rows_total", "Rows that a job acted on.", ["job"])
FAILED: Final = Counter("steth_jobs_failures_total", "Rounds of a job that failed.", ["job"])
FAILING: Final = Gauge("steth_jobs_failing", "1 from a turn of a job that failed to one that ended well.", ["job"])
AWAY_S: Final = 1.0
"""Until a database, or a broker, that is away is asked again: people wait for what the jobs do."""
FIRST_S: Final = 5.0
LONGEST_S: Final = 60.0
NOTE_S: Final = 60.0
"""Between two notes of a job that goes well."""
_KINDS: Final = 100


@dataclass(frozen=True, kw_only=True)
class Job:
    """`every_s`: seconds from the end of a turn to the next. `limit_s`: after so long a turn is broken off. `run`
    returns how many rows it acted on."""

    name: str
    every_s: float
    run: Callable[[], Awaitable[int]]
    limit_s: float = 60.0


@dataclass(kw_only=True)
class Standing:
    """How a job is. `since` is null while its last turn ended well; `failures` counts turns in a row."""

    ended: datetime | None = None
    since: datetime | None = None
    failures: int = 0
    error: str = ""
    kinds: set[str] = field(default_factory=set)


def pause_s(every_s: float, failures: int, *, away: bool) -> float:
    """Seconds until the next turn after so many failures in a row. `away`: what it needs can't be reached, which isn't
    the job's fault and ends at any moment."""
    if failures == 0:
        return every_s
    if away:
        return min(every_s, AWAY_S)
    return min(FIRST_S * 2.0 ** min(failures - 1, 20), max(every_s, LONGEST_S))


def is_away(error: BaseException) -> bool:
    """Whether something can't be reached: the database (08, 57P and errors without a code; it has no session left, or
    is a replica that doesn't lead yet) or another machine."""
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return True
    if isinstance(error, psycopg.OperationalError):
        return error.sqlstate is None or error.sqlstate.startswith(("08", "57P", "53300"))
    return isinstance(error, PoolTimeout | ConnectionError)


def said(error: BaseException) -> str:
    """What may be logged of an error. A message may quote a device's data, unless it is about a connection or our
    own."""
    code = getattr(error, "sqlstate", None) or ""
    if isinstance(error, StoreError | HeadError | OSError | PoolTimeout | psycopg.OperationalError):
        return f"{type(error).__name__} {code}".strip() + f": {one_line(error)[:300]}"
    return f"{type(error).__name__} {code}".strip()


class Jobs:
    """`run` until cancelled. Jobs rest while this process doesn't lead."""

    def __init__(
        self,
        *,
        jobs: Sequence[Job],
        pool: Pool,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._jobs = jobs
        self._pool = pool
        self._clock = clock
        self._leads = asyncio.Event()
        self._standing = {job.name: Standing() for job in jobs}

    def lead(self, *, leads: bool) -> None:
        """Go on, or rest: a turn under way is ended first, for all that a job does is claimed or undone."""
        if leads:
            self._leads.set()
        elif self._leads.is_set():
            self._leads.clear()
            for job in self._jobs:
                self._ended(job, None)  # another process leads: it tells

    def failing(self) -> list[str]:
        """A line for each job whose last turn failed."""
        return [
            f"{name} fails since {standing.since:%Y-%m-%d %H:%M:%SZ}, {standing.failures} times: {standing.error}"
            for name, standing in self._standing.items()
            if standing.since is not None
        ]

    async def run(self) -> None:
        """Each job in turns of its own."""
        async with asyncio.TaskGroup() as group:
            for job in self._jobs:
                group.create_task(self._keep(job), name=f"job {job.name}")

    async def _keep(self, job: Job) -> None:
        noted_s = -NOTE_S
        loop = asyncio.get_running_loop()
        while True:
            await self._leads.wait()
            before = self._standing[job.name].error
            away = await self._turn(job)
            standing = self._standing[job.name]
            if standing.error != before or loop.time() - noted_s >= NOTE_S:
                noted_s = loop.time() if await self._note(job, standing) else noted_s
            await asyncio.sleep(pause_s(job.every_s, standing.failures, away=away))

    async def _turn(self, job: Job) -> bool:
        """One turn; whether it failed for something that can't be reached."""
        standing = self._standing[job.name]
        try:
            async with asyncio.timeout(job.limit_s):
                done = await job.run()
        except Exception as error:  # noqa: BLE001 - whatever nobody foresaw: a job's failure is its own
            if self._leads.is_set():
                self._failed(job, standing, error)
            return is_away(error)
        DONE.labels(job.name).inc(done)
        if standing.since is not None:
            _log.info("job_works_again", job=job.name, failures=standing.failures)
        self._ended(job, self._clock())
        return False

    def _ended(self, job: Job, at: datetime | None) -> None:
        FAILING.labels(job.name).set(0)
        self._standing[job.name] = Standing(ended=at)

    def _failed(self, job: Job, standing: Standing, error: Exception) -> None:
        FAILED.labels(job.name).inc()
        FAILING.labels(job.name).set(1)
        standing.since = standing.since or self._clock()
        standing.failures += 1
        broken_off = isinstance(error, TimeoutError) and not str(error)
        standing.error = f"it was broken off after {job.limit_s:.0f} s" if broken_off else said(error)
        kind = kind_of(error)
        if kind not in standing.kinds and len(standing.kinds) < _KINDS:
            standing.kinds.add(kind)
            where = format_tb(error.__traceback__)
            _log.error("job_failed", job=job.name, error=standing.error, where=where)

    async def _note(self, job: Job, standing: Standing) -> bool:
        """Write down how it is, if that can be done."""
        now = self._clock()
        due = now + timedelta(seconds=max(job.every_s, NOTE_S, LONGEST_S) + job.limit_s + NOTE_S)
        what: dict[str, object] = {"name": job.name, "ended": standing.ended, "due": due, "since": standing.since}
        what |= {"failures": standing.failures, "error": standing.error}
        with suppress(psycopg.Error, PoolTimeout, OSError):
            async with self._pool.connection(timeout=5.0) as connection:
                await connection.execute(QUERIES["note_job"], what)
            return True
        return False

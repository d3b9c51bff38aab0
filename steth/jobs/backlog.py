"""What waits in the database, for the metrics of whoever leads: one process tells it, or it would count twice."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from desk.telling.watch import look
from steth.jobs.statements import QUERIES
from store.pool import Pool

_WAITING: Final[tuple[tuple[str, str], ...]] = (
    ("to_judge_waiting_reports", "Reports stored whose judgement failed and is to be tried again."),
    ("to_judge_oldest_seconds", "Age of the oldest of them."),
    ("telling_waiting_messages", "Messages to people that are not told yet."),
    ("telling_overdue_seconds", "How long the one that waits longest has waited."),
    ("telling_given_up_messages", "Messages to people that could not be told, of the last day."),
    ("commands_waiting", "Commands to devices without an answer."),
    ("evidence_waiting_tickets", "Tickets whose evidence is not complete yet."),
    ("dead_letters_day_reports", "Dead letters of the last day."),
    ("mark_age_seconds", "Age of the newest committed report of any device."),
    ("partitions_unowned", "Partitions of 16 that no ingest process owns."),
    ("lease_expired_seconds", "How long ago the oldest lease of a partition ran out; 0: all are held."),
    ("untold_hospitals", "Hospitals with equipment of whose tickets nobody is told."),
)


class Backlog(Collector):
    """`measure` now and then while this process leads; `forget` when it doesn't."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool
        self._found: tuple[float, ...] = ()

    async def measure(self, now_ms: int) -> int:
        """Look; returns 0: nothing was done."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(QUERIES["backlog"])).fetchone()
            watch = await look(connection, now_ms)
        assert row is not None  # noqa: S101 - aggregates
        self._found = tuple(max(0.0, float(value)) for value in (*row, len(watch.untold)))
        return 0

    def forget(self) -> None:
        """Another process leads: it tells."""
        self._found = ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What was found last; nothing where nothing was."""
        for (name, about), value in zip(_WAITING, self._found, strict=False):
            yield GaugeMetricFamily(f"steth_jobs_{name}", about, value=value)

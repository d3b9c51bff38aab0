"""The fleet in numbers, for the metrics of whoever leads: one process tells them, or they would count twice."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from alerts.clock import BEATS
from catalog.model import SEVERITIES
from steth.jobs.statements import QUERIES
from store.pool import Pool

STATES: Final = ("fresh", "late", "never")
STATUSES: Final = ("new", "to-dispatch", "accepted", "on-site", "awaiting-parts", "to-verify")
LANES: Final = ("live", "bulk")
_FAMILIES: Final = (
    ("devices", "state", STATES, "Active devices: fresh, late (heartbeats are missing), never heard."),
    ("open_alerts", "severity", SEVERITIES, "Alerts whose condition lasts."),
    ("open_tickets", "status", STATUSES, "Tickets that are not closed."),
    ("outbox_reports", "lane", LANES, "Reports that wait on the equipment, as its last heartbeats say."),
)


class Fleet(Collector):
    """`measure` now and then while this process leads; `forget` when it doesn't. ``heartbeat_s``: of devices that
    have not told their own."""

    def __init__(self, *, pool: Pool, heartbeat_s: float) -> None:
        self._pool = pool
        self._heartbeat_s = heartbeat_s
        self._found: dict[tuple[str, str], float] | None = None

    async def measure(self) -> int:
        """Look; returns 0: nothing was done."""
        async with self._pool.connection() as connection:
            rows = await connection.execute(QUERIES["fleet"], {"beats": BEATS, "heartbeat_s": self._heartbeat_s})
            self._found = {(name, label): float(count) async for name, label, count in rows}
        return 0

    def forget(self) -> None:
        """Another process leads: it tells."""
        self._found = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What was found last, also where it is none; nothing where nobody looked."""
        if self._found is None:
            return
        for name, label, values, about in _FAMILIES:
            family = GaugeMetricFamily(f"steth_jobs_fleet_{name}", about, labels=[label])
            for value in values:
                family.add_metric([value], self._found.get((name, value), 0.0))
            yield family

"""A signal over time, as columns for a chart: which resolution, and where the gaps are. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal

from alerts.clock import BEATS
from catalog.model import Signal

Resolution = Literal["raw", "1m", "1h", "1d"]
MAX_POINTS: Final = 2000
LONGEST: Final = timedelta(days=3660)
_BASE_S: Final[Mapping[Resolution, float]] = MappingProxyType({"raw": 0.0, "1m": 60.0, "1h": 3600.0, "1d": 86_400.0})
# Divisors of the next larger unit, so that every bin is whole minutes, hours or days of the roll-up below it.
_WIDTHS_S: Final = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30),
    *(60, 120, 180, 300, 600, 900, 1200, 1800),
    *(3600, 7200, 10_800, 14_400, 21_600, 28_800, 43_200),
    *(86_400 * days for days in (1, 2, 5, 10, 30, 90)),
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """From which relation to read, in bins of `width`, which start at whole multiples of it since 1970 UTC."""

    resolution: Resolution
    width: timedelta


@dataclass(kw_only=True)
class Columns:
    """Points from oldest to newest: `t` in ms since 1970 UTC, `lo`, `avg`, `hi` of `n` readings that were not bad,
    and how many `bad` ones there were beside them. A point of None and 0 is a break in the line."""

    t: list[int] = field(default_factory=list)
    lo: list[float | None] = field(default_factory=list)
    avg: list[float | None] = field(default_factory=list)
    hi: list[float | None] = field(default_factory=list)
    n: list[int] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)

    def add(self, row: tuple[int, float | None, float | None, float | None, int, int]) -> None:
        """Append a point: t, lo, avg, hi, n, bad."""
        t, lo, avg, hi, n, bad = row
        self.t.append(t)
        self.lo.append(lo)
        self.avg.append(avg)
        self.hi.append(hi)
        self.n.append(n)
        self.bad.append(bad)


def plan(start: datetime, end: datetime, points: int) -> Plan:
    """The finest bins of which at most `points` cover [start, end), and the coarsest relation that can fill them."""
    span_s = (end - start).total_seconds()
    # One less: a range that begins within a bin touches one more of them.
    width_s = next((w for w in _WIDTHS_S if span_s <= w * max(1, points - 1)), _WIDTHS_S[-1])
    resolution: Resolution = "raw"
    for name, base_s in _BASE_S.items():
        if width_s >= base_s:
            resolution = name
    return Plan(resolution=resolution, width=timedelta(seconds=width_s))


def aligned(moment: datetime, width: timedelta, *, up: bool) -> datetime:
    """The bin's edge at or before a moment, or at or after it."""
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    rest = since % width
    return moment - rest + (width if up and rest else timedelta(0))


def gap_of(signal: Signal | None, width: timedelta) -> timedelta | None:
    """The longest distance between two points that are still one line; None: nobody knows how often it is measured.

    A signal of each exposure is measured when somebody is X-rayed: a quiet night is no gap.
    """
    if signal is None or signal.cadence == "exposure":
        return None
    return max(timedelta(seconds=BEATS * signal.cadence), width * 2)


def with_gaps(
    rows: Sequence[tuple[int, float | None, float | None, float | None, int, int]], gap: timedelta | None
) -> Columns:
    """The points, with a break wherever two lie further apart than `gap`. At most twice as many as rows."""
    columns = Columns()
    longest_ms = None if gap is None else gap / timedelta(milliseconds=1)
    before: int | None = None
    for row in rows:
        if before is not None and longest_ms is not None and row[0] - before > longest_ms:
            columns.add((before + 1, None, None, None, 0, 0))
        columns.add(row)
        before = row[0]
    return columns

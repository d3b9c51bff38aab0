"""A chart's resolution and gaps, decided on values."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.series.columns import MAX_POINTS, Columns, Resolution, aligned, gap_of, plan, with_gaps
from api.series.runs import runs_of
from catalog.load import load

NOW = datetime(2026, 11, 22, 4, 0, 30, tzinfo=UTC)
SIGNALS = load().models["generic-dr"].signals


@pytest.mark.parametrize(
    ("span", "points", "resolution", "width_s"),
    [
        (timedelta(minutes=5), 500, "raw", 1),
        (timedelta(hours=6), 500, "1m", 60),
        (timedelta(hours=6), 2000, "raw", 15),
        (timedelta(days=1), 500, "1m", 180),
        (timedelta(days=7), 500, "1m", 1800),
        (timedelta(days=30), 500, "1h", 7200),
        (timedelta(days=365), 500, "1d", 86_400),
        (timedelta(days=3660), 500, "1d", 10 * 86_400),
        (timedelta(days=3660), 2, "1d", 90 * 86_400),
    ],
)
def test_the_resolution_fits_the_range_and_the_points(
    span: timedelta, points: int, resolution: Resolution, width_s: float
) -> None:
    fit = plan(NOW - span, NOW, points)
    assert (fit.resolution, fit.width.total_seconds()) == (resolution, width_s)


@given(
    st.integers(0, 2_500_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.timedeltas(timedelta(milliseconds=1), timedelta(days=365 * 3)),
    st.integers(60, MAX_POINTS),
)
def test_never_more_bins_than_points_and_only_whole_bins_of_the_roll_up(
    start: datetime, span: timedelta, points: int
) -> None:
    fit = plan(start, start + span, points)
    first, last = aligned(start, fit.width, up=False), aligned(start + span, fit.width, up=True)
    assert first <= start < start + span <= last
    assert (last - first) / fit.width <= points + 1, "the bins at both ends may be cut"
    base = {"raw": 0.1, "1m": 60, "1h": 3600, "1d": 86_400}[fit.resolution]
    assert fit.width.total_seconds() >= base
    if fit.resolution != "raw":
        assert fit.width.total_seconds() % base == 0


def point(t: int) -> tuple[int, float, float, float, int, int]:
    return t, 1.0, 1.0, 1.0, 1, 0


def test_the_line_is_broken_where_nothing_came_and_nowhere_else() -> None:
    columns = with_gaps([point(0), point(1000), point(4001), point(5000)], timedelta(seconds=3))
    assert columns.t == [0, 1000, 1001, 4001, 5000]
    assert columns.avg == [1.0, 1.0, None, 1.0, 1.0]
    assert columns.n == [1, 1, 0, 1, 1]
    assert with_gaps([point(0), point(3000)], timedelta(seconds=3)).t == [0, 3000]
    assert with_gaps([point(0), point(10**9)], None).t == [0, 10**9]
    assert with_gaps([], timedelta(seconds=3)).t == []


def test_what_is_a_gap_depends_on_how_often_the_signal_is_measured() -> None:
    regular = next(signal for signal in SIGNALS.values() if signal.cadence != "exposure")
    by_chance = next(signal for signal in SIGNALS.values() if signal.cadence == "exposure")
    assert not isinstance(regular.cadence, str)
    assert gap_of(regular, timedelta(0)) == timedelta(seconds=3 * regular.cadence)
    assert gap_of(regular, timedelta(days=1)) == timedelta(days=2), "never within one bin and the next"
    assert gap_of(by_chance, timedelta(minutes=1)) is None, "a quiet night is no gap"
    assert gap_of(None, timedelta(minutes=1)) is None


def strip(*values: float | None) -> Columns:
    """A reading each 10 ms; None: a break in the line."""
    columns = Columns()
    for nth, value in enumerate(values):
        columns.add((nth * 10, value, value, value, 0 if value is None else 1, 0))
    return columns


def test_a_strip_is_runs_that_end_where_nothing_came() -> None:
    columns = strip(1, 1, 0, None, 0)
    lasting = [(run.begins, run.ends, run.value, run.n) for run in runs_of(columns, width_ms=0, lasts=True)]
    assert lasting == [(0, 20, 1, 2), (20, 20, 0, 1), (40, 40, 0, 1)]
    by_chance = [(run.begins, run.ends) for run in runs_of(columns, width_ms=0, lasts=False)]
    assert by_chance == [(0, 10), (20, 20), (40, 40)], "between two exposures nobody knows"


def test_bins_in_which_it_was_both_are_neither_and_bad_readings_end_no_run() -> None:
    columns = strip(1, 1)
    columns.add((20, 0, 0.5, 1, 4, 0))
    columns.add((30, None, None, None, 0, 3))
    columns.add((40, 0, 0.5, 1, 2, 0))
    runs = [(run.begins, run.ends, run.value, run.n) for run in runs_of(columns, width_ms=10, lasts=False)]
    assert runs == [(0, 20, 1, 2), (20, 50, None, 6)]

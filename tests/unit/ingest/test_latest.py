"""The newest values, merged late, against the same decided reading by reading."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ingest.latest import PER_DEVICE, Latest, Values

LIMIT = 1_000

METRICS = st.lists(st.integers(1, 6), min_size=1, max_size=4)


@st.composite
def report(draw: st.DrawFn) -> tuple[list[int], int, list[int] | None, list[float], list[int] | None]:
    metric = draw(METRICS)
    size = len(metric)
    dt = draw(st.none() | st.lists(st.integers(-300, 300), min_size=size, max_size=size))
    value = draw(st.lists(st.integers(0, 99).map(float), min_size=size, max_size=size))
    quality = draw(st.none() | st.lists(st.integers(0, 2), min_size=size, max_size=size))
    return metric, draw(st.integers(300, LIMIT + 100)), dt, value, quality


@given(st.lists(report(), max_size=30), st.integers(0, 30))
def test_merged_late_or_reading_by_reading_is_the_same(
    reports: list[tuple[list[int], int, list[int] | None, list[float], list[int] | None]], looked_at: int
) -> None:
    latest = Latest()
    plain: Values = {}
    for number, (metric, at, dt, value, quality) in enumerate(reports):
        latest.note(metric, at, dt, value, quality, limit_ms=LIMIT)
        for i, m in enumerate(metric):
            t = at + (dt[i] if dt else 0)
            if t <= LIMIT and (m not in plain or t >= plain[m][0]):
                plain[m] = (t, value[i], quality[i] if quality else 0)
        assert len(latest) >= len(plain)
        if number == looked_at:
            assert latest.values() == plain
    assert msgspec.msgpack.decode(latest.packed(), type=Values) == plain
    assert Latest(latest.packed()).values() == plain
    assert latest.newest_ms == max((t for t, _, _ in plain.values()), default=0)


def test_reports_of_one_kind_are_not_heaped_up() -> None:
    latest = Latest()
    for at in range(10_000):
        latest.note([1, 2], at, None, [at, at], None, limit_ms=10**9)
        latest.note([3], at, None, [at], None, limit_ms=10**9)
    assert len(latest._recent) == 2
    assert latest.values() == {1: (9_999, 9_999, 0), 2: (9_999, 9_999, 0), 3: (9_999, 9_999, 0)}


def test_a_device_has_so_many_metrics_and_no_more() -> None:
    latest = Latest()
    for first in range(0, 2 * PER_DEVICE, 7):
        latest.note(list(range(first, first + 7)), first, None, [1.0] * 7, None, limit_ms=10**9)
    assert len(latest.values()) == PER_DEVICE
    latest.note([1], 10**6, None, [2.0], None, limit_ms=10**9)
    assert latest.values()[1] == (10**6, 2.0, 0)

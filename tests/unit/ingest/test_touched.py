"""What a batch says of the times it touched: all of them, and not much more."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.touched import AROUND_MS, Touched, touched

NOW = 1_795_000_020_000
MINUTE = 60_000


def said(rows: list[tuple[int, int]]) -> Touched:
    device = np.array([device for device, _ in rows], dtype=np.int32)
    return touched(device, np.array([ms for _, ms in rows], dtype=np.int64), now_ms=NOW)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 2**31 - 1), st.one_of(st.integers(-AROUND_MS, AROUND_MS), st.integers(-(10**10), 10**8))
        ),
        max_size=30,
    )
)
def test_each_reading_is_covered_and_late_ones_by_the_minute(rows: list[tuple[int, int]]) -> None:
    rows = [(device, NOW + offset) for device, offset in rows]
    found = said(rows)
    for device, ms in rows:
        assert any(of in (None, device) and lo <= ms // 1000 < hi for of, lo, hi in zip(*found, strict=True)), (
            device,
            ms,
        )
    minutes = {(device, ms // MINUTE) for device, ms in rows if abs(ms - NOW) > AROUND_MS}
    late = [(device, lo // 60, hi // 60) for device, lo, hi in zip(*found, strict=True) if device is not None]
    assert sum(hi - lo for _, lo, hi in late) == len(minutes)
    assert sum(device is None for device in found.devices) <= 1


def test_a_usual_batch_says_one_range() -> None:
    assert said([(device, NOW - 1000 * device) for device in range(1, 60)]) == (
        [None],
        [NOW // MINUTE * 60 - 60],
        [NOW // MINUTE * 60],
    )


def test_runs_of_minutes_are_one_range_each() -> None:
    begin = NOW - 86_400_000
    rows = [(7, begin + minute * MINUTE) for minute in (0, 1, 2, 5, 6)] + [(8, begin + 3 * MINUTE)]
    first = begin // MINUTE * 60
    assert said(rows) == ([7, 7, 8], [first, first + 300, first + 180], [first + 180, first + 420, first + 240])


def test_nothing_says_nothing() -> None:
    assert said([]) == ([], [], [])

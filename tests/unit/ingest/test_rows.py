"""Rows of the binary COPY, against psycopg's own idea of them."""

import struct
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import PyFormat, Transformer

from ingest.rows import AHEAD_MS, ReadingRows
from wire.limits import MAX_MILLIS

NOW = 1_795_000_000_000
BEHIND_MS = 90 * 86_400_000
OLDEST = NOW - BEHIND_MS
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def by_psycopg(ms: int, device: int, metric: int, value: float, quality: int) -> bytes:
    adapt = Transformer()
    moment = EPOCH + timedelta(milliseconds=ms)
    fields = [
        adapt.get_dumper(moment, PyFormat.BINARY).dump(moment),
        struct.pack(">i", device),
        struct.pack(">i", metric),
        adapt.get_dumper(value, PyFormat.BINARY).dump(value),
        struct.pack(">h", quality),
    ]
    return struct.pack(">h", 5) + b"".join(struct.pack(">i", len(f)) + bytes(f) for f in fields if f is not None)


@given(
    st.lists(
        st.tuples(
            st.integers(OLDEST, NOW + AHEAD_MS),
            st.integers(1, 2**31 - 1),
            st.integers(1, 2**31 - 1),
            st.floats(allow_nan=False),
            st.integers(0, 2),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_the_same_bytes_as_psycopg(table: list[tuple[int, int, int, float, int]]) -> None:
    rows = ReadingRows()
    for ms, device, metric, value, quality in table:
        rows.add(device=device, at=ms, dt=None, metric=[metric], value=[value], quality=[quality])
    body, _, aside = rows.split(now_ms=NOW, oldest_ms=OLDEST)
    assert aside == []
    assert body[:11] == b"PGCOPY\n\xff\r\n\x00"
    assert body[19:-2] == b"".join(by_psycopg(*row) for row in table)
    assert body[-2:] == b"\xff\xff"


def test_times_outside_the_window_are_set_aside() -> None:
    rows = ReadingRows()
    far = [-BEHIND_MS - 1, 0, AHEAD_MS + 1, MAX_MILLIS]
    rows.add(device=1, at=NOW, dt=far, metric=[1, 2, 3, 4], value=[1, 2, 3, 4], quality=[0, 1, 2, 0])
    rows.add(device=2, at=-(2**70), dt=None, metric=[5], value=[5], quality=None)
    body, _, aside = rows.split(now_ms=NOW, oldest_ms=OLDEST)
    assert aside == [
        (1, 1, OLDEST - 1, 1.0, 0),
        (1, 3, NOW + AHEAD_MS + 1, 3.0, 2),
        (1, 4, NOW + MAX_MILLIS, 4.0, 0),
        (2, 5, -(2**62), 5.0, 0),
    ]
    assert len(body) == 19 + 48 + 2


def test_columns_that_only_some_blocks_have() -> None:
    """Deltas and qualities are left out by most reports: what is missing is 0, before and after."""
    rows = ReadingRows()
    rows.add(device=1, at=NOW, dt=None, metric=[1, 2], value=[1, 2], quality=None)
    rows.add(device=2, at=NOW, dt=[-5, 7], metric=[3, 4], value=[3, 4], quality=[1, 2])
    rows.add(device=3, at=NOW, dt=None, metric=[5], value=[5], quality=None)
    body, _, aside = rows.split(now_ms=NOW, oldest_ms=OLDEST)
    table = [
        (NOW, 1, 1, 1.0, 0),
        (NOW, 1, 2, 2.0, 0),
        (NOW - 5, 2, 3, 3.0, 1),
        (NOW + 7, 2, 4, 4.0, 2),
        (NOW, 3, 5, 5.0, 0),
    ]
    assert body[19:-2] == b"".join(by_psycopg(*row) for row in table)
    assert (len(rows), aside) == (5, [])


def test_nothing_is_no_copy() -> None:
    assert ReadingRows().split(now_ms=NOW, oldest_ms=OLDEST) == (b"", ([], [], []), [])

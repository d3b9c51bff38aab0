"""Readings as rows of a binary COPY, built column by column: the limit of one process is here."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

POSTGRES_EPOCH_MS: Final = 946_684_800_000
"""2000-01-01 UTC, from which PostgreSQL counts the microseconds of a timestamptz (binary format)."""
COPY: Final = "COPY reading (ts, device_id, metric_id, value, quality) FROM STDIN (FORMAT BINARY)"
BEHIND_MS: Final = 90 * 24 * 3600 * 1000
AHEAD_MS: Final = 24 * 3600 * 1000
"""The window of times a reading may have, around the server's clock; what lies outside is set aside (DELIVERY 12).
``store.partitions`` keeps room for it."""

_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_ROW: Final = np.dtype(
    [
        ("fields", ">i2"),
        ("ts_size", ">i4"),
        ("ts", ">i8"),
        ("device_size", ">i4"),
        ("device", ">i4"),
        ("metric_size", ">i4"),
        ("metric", ">i4"),
        ("value_size", ">i4"),
        ("value", ">f8"),
        ("quality_size", ">i4"),
        ("quality", ">i2"),
    ]
)

Aside = tuple[int, int, int, float, int]
"""device id, metric id, time (ms), value, quality."""


class ReadingRows:
    """Columns of readings: time (ms since 1970 UTC, corrected), device id, metric id, value, quality."""

    def __init__(self) -> None:
        self._ms: list[int] = []
        self._device: list[int] = []
        self._metric: list[int] = []
        self._value: list[float] = []
        self._quality: list[int] = []

    def __len__(self) -> int:
        return len(self._ms)

    def add(self, *, device: int, ms: list[int], metric: list[int], value: list[float], quality: list[int]) -> None:
        """Rows of one device; the lists have one length."""
        self._ms += ms
        self._device += [device] * len(ms)
        self._metric += metric
        self._value += value
        self._quality += quality

    def split(self, *, now_ms: int) -> tuple[bytes, list[Aside]]:
        """What goes into COPY, and the rows whose time lies outside the window around ``now_ms``."""
        try:
            ms = np.array(self._ms, dtype=np.int64)
        except OverflowError:
            # Not reachable through the codec's bounds plus an offset's, but a batch must not stall on arithmetic.
            ms = np.array([min(max(m, -(2**62)), 2**62) for m in self._ms], dtype=np.int64)
        inside = (ms >= now_ms - BEHIND_MS) & (ms <= now_ms + AHEAD_MS)
        aside: list[Aside] = []
        keep: NDArray[np.intp] | slice = slice(None)
        if not inside.all():
            keep = np.nonzero(inside)[0]
            aside = [
                (self._device[i], self._metric[i], int(ms[i]), self._value[i], self._quality[i])
                for i in np.nonzero(~inside)[0].tolist()
            ]
        ms = ms[keep]
        rows = np.empty(len(ms), dtype=_ROW)
        rows["fields"] = 5
        rows["ts_size"] = 8
        rows["ts"] = (ms - POSTGRES_EPOCH_MS) * 1000
        rows["device_size"] = 4
        rows["device"] = np.array(self._device, dtype=np.int32)[keep]
        rows["metric_size"] = 4
        rows["metric"] = np.array(self._metric, dtype=np.int32)[keep]
        rows["value_size"] = 8
        rows["value"] = np.array(self._value, dtype=np.float64)[keep]
        rows["quality_size"] = 2
        rows["quality"] = np.array(self._quality, dtype=np.int16)[keep]
        return (_HEADER + rows.tobytes() + _TRAILER if len(rows) else b""), aside

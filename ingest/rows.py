"""Readings as rows of a binary COPY, built column by column: the limit of one process is here."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.touched import Touched, touched
from wire.items import GOOD

POSTGRES_EPOCH_MS: Final = 946_684_800_000
"""2000-01-01 UTC, from which PostgreSQL counts the microseconds of a timestamptz (binary format)."""
AHEAD_MS: Final = 24 * 3600 * 1000
"""How far ahead of the server's clock a reading may be; what lies beyond is set aside (delivery 12).
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


class Split(NamedTuple):
    """The body of COPY, empty for no rows; what its rows touch; and the rows whose time lies outside the window."""

    body: bytes
    touched: Touched
    asides: list[Aside]


class ReadingRows:
    """Columns of readings: time (ms since 1970 UTC, corrected), device id, metric id, value, quality.

    Of a block of one device with one time only the lengths differ: device and time are repeated at the end, by numpy.
    """

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._devices: list[int] = []
        self._at: list[int] = []
        self._dt: list[int] = []
        self._metric: list[int] = []
        self._value: list[float] = []
        self._quality: list[int] = []

    def __len__(self) -> int:
        return len(self._metric)

    def add(
        self,
        device: int,
        at: int,
        dt: Sequence[int] | None,
        metric: Sequence[int],
        value: Sequence[float],
        quality: Sequence[int] | None,
    ) -> None:
        """Rows of one device, measured at ``at`` + ``dt`` (None: 0); the columns have one length. No quality: good."""
        if dt is not None:
            self._dt += [0] * (len(self._metric) - len(self._dt))
            self._dt += dt
        if quality is not None:
            self._quality += [GOOD] * (len(self._metric) - len(self._quality))
            self._quality += quality
        self._sizes.append(len(metric))
        self._devices.append(device)
        self._at.append(at)
        self._metric += metric
        self._value += value

    def split(self, *, now_ms: int, oldest_ms: int) -> Split:
        """What goes into COPY, and the rows before ``oldest_ms`` or too far ahead of ``now_ms``."""
        size = len(self._metric)
        ms = np.repeat(_int64(self._at), self._sizes)
        device = np.repeat(np.array(self._devices, dtype=np.int32), self._sizes)
        quality = np.zeros(size, dtype=np.int16)
        quality[: len(self._quality)] = self._quality
        ms[: len(self._dt)] += np.array(self._dt, dtype=np.int64)
        metric = np.array(self._metric, dtype=np.int32)
        value = np.array(self._value, dtype=np.float64)
        inside = (ms >= oldest_ms) & (ms <= now_ms + AHEAD_MS)
        aside: list[Aside] = []
        if not inside.all():
            out = ~inside
            columns = (device[out], metric[out], ms[out], value[out], quality[out])
            aside = list(zip(*(column.tolist() for column in columns), strict=True))
            ms, device, metric, value, quality = (
                ms[inside],
                device[inside],
                metric[inside],
                value[inside],
                quality[inside],
            )
        rows = np.empty(len(ms), dtype=_ROW)
        rows["fields"] = 5
        rows["ts_size"] = 8
        rows["ts"] = (ms - POSTGRES_EPOCH_MS) * 1000
        rows["device_size"] = 4
        rows["device"] = device
        rows["metric_size"] = 4
        rows["metric"] = metric
        rows["value_size"] = 8
        rows["value"] = value
        rows["quality_size"] = 2
        rows["quality"] = quality
        body = _HEADER + rows.tobytes() + _TRAILER if len(rows) else b""
        return Split(body, touched(device, ms, now_ms=now_ms), aside)


def _int64(values: list[int]) -> NDArray[np.int64]:
    """Times beyond 64 bits, which an offset of the sender's could make, become the furthest: far outside the window."""
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError:
        return np.array([min(max(ms, -(2**62)), 2**62) for ms in values], dtype=np.int64)

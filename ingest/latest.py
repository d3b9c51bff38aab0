"""The newest value of each metric of a device.

Most reports of a device name the same metrics, so that only the last of them matters. What came since is kept as it
came, and merged when somebody wants to know: at a checkpoint, not with every reading.
"""

from collections.abc import Sequence
from itertools import repeat
from typing import Final

import msgspec

from wire.items import GOOD

Values = dict[int, tuple[int, float, int]]
"""metric id → (time in ms, value, quality)."""
PER_DEVICE: Final = 1_000
"""Distinct metrics of a device that have a newest value; the largest model of the catalog has a tenth of that."""
LATEST_AHEAD_MS: Final = 5 * 60_000
"""How far a clock may be ahead: a value from further in the future is stored, and is nobody's latest (delivery 16)."""
_decode: Final = msgspec.msgpack.Decoder(Values).decode
_encode: Final = msgspec.msgpack.Encoder().encode
_KEPT: Final = 8
"""Reports kept before they are merged: kinds of reports that a device sends."""


class Latest:
    """Never older than what was known: a backlog doesn't overwrite the present. At most ``PER_DEVICE`` metrics."""

    __slots__ = ("_merged", "_recent", "_size", "newest_ms")

    def __init__(self, packed: bytes | None = None) -> None:
        self._merged: Values = _decode(packed) if packed else {}
        self._recent: list[tuple[list[int], int, Sequence[float], Sequence[int] | None]] = []
        """Metrics, time, values, qualities; each not older than all before it, and no two of the same metrics."""
        self._size = len(self._merged)
        self.newest_ms = max([at for at, _, _ in self._merged.values()], default=0)

    def __len__(self) -> int:
        """How many metrics; more than there are while some reports aren't merged."""
        return self._size

    def values(self) -> Values:
        """All of them."""
        merged = self._merged
        for metric, at, value, quality in self._recent:
            for m, v, q in zip(metric, value, quality or repeat(GOOD), strict=False):
                merged[m] = (at, v, q)
        self._recent.clear()
        self._size = len(merged)
        return merged

    def packed(self) -> bytes:
        """For the database."""
        return _encode(self.values())

    def note(
        self,
        metric: list[int],
        at: int,
        dt: Sequence[int] | None,
        value: Sequence[float],
        quality: Sequence[int] | None,
        *,
        limit_ms: int,
    ) -> None:
        """Readings at ``at`` + ``dt`` (None: 0). What lies beyond ``limit_ms`` is nobody's latest."""
        if dt is not None or not self.newest_ms <= at <= limit_ms or self._size + len(metric) > PER_DEVICE:
            self._one_by_one(
                metric, [at] * len(metric) if dt is None else [at + d for d in dt], value, quality, limit_ms
            )
            return
        self.newest_ms = at
        recent = self._recent
        for index, one in enumerate(recent):
            if one[0] == metric:
                del recent[index]
                break
        else:
            self._size += len(metric)
        recent.append((metric, at, value, quality))
        if len(recent) > _KEPT:
            self.values()

    def _one_by_one(
        self, metric: list[int], times: list[int], value: Sequence[float], quality: Sequence[int] | None, limit_ms: int
    ) -> None:
        merged = self.values()
        for m, t, v, q in zip(metric, times, value, quality or repeat(GOOD), strict=False):
            old = merged.get(m)
            if t <= limit_ms and (t >= old[0] if old is not None else len(merged) < PER_DEVICE):
                merged[m] = (t, v, q)
                self.newest_ms = max(self.newest_ms, t)
        self._size = len(merged)

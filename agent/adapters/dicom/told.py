"""Deduplicates exposures: an image and a dose report often describe the same one, and it is stored once.

It is kept in the outbox with what it is about, in a ring of parts of which one is written with an entry (1 kB). A mark
is 8 keyed bytes of a UID, 4 of the object that told, and the metrics as bits; so an object that wasn't kept is never
taken for told by itself when it comes again.
"""

import struct
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

from agent.adapters.port import Sink

PARTS: Final = 64
MARKS: Final = 64
"""Marks of a part; with an exposure's two to three the ring remembers some 1500 exposures, a week of a busy DR."""
METRICS: Final = (
    "detector.temperature", "detector.exposures_since_calibration", "detector.exposures_total",
    "detector.time_since_exposure", "detector.active_time", "detector.sensitivity", "exposure.index",
    "exposure.target_index", "exposure.deviation_index", "tube.voltage", "tube.current", "exposure.time",
    "exposure.mas", "exposure.dap", "exposure.aborted", "detector.nominal",
)  # fmt: skip
"""What the bits mean; new ones go to the end, for they are on the disk."""
_BITS: Final = {metric: 1 << bit for bit, metric in enumerate(METRICS)}
_MARK: Final = struct.Struct("<8s4sI")
_HEAD: Final = struct.Struct("<Q")
"""In front of a part: its number since the beginning, by which the oldest and the newest are known."""


class Told:
    """The marks of one source. ``name``: in front of its positions."""

    def __init__(self, *, sink: Sink, name: str) -> None:
        self._names = [f"{name}:told:{part}" for part in range(PARTS)]
        self._known: OrderedDict[bytes, dict[bytes, int]] = OrderedDict()
        kept = [sink.position(each) or b"" for each in self._names]
        parts = sorted((_HEAD.unpack_from(part)[0], part[_HEAD.size :]) for part in kept if len(part) >= _HEAD.size)
        self._number: int = parts[-1][0] if parts else 0
        self._part: bytes = parts[-1][1] if parts else b""
        for _, part in parts:
            for mark, teller, bits in _MARK.iter_unpack(part[: len(part) - len(part) % _MARK.size]):
                self._learn(mark, teller, bits)

    def of(self, exposure: Iterable[bytes], *, seen: bytes) -> frozenset[str]:
        """The metrics that other objects than this one told of an exposure."""
        bits = 0
        for key in exposure:
            for teller, told in self._known.get(key[:8], {}).items():
                bits |= told if teller != seen[:4] else 0
        return frozenset(metric for metric, bit in _BITS.items() if bits & bit)

    def add(self, exposure: Iterable[bytes], metrics: Iterable[str], *, seen: bytes) -> Mapping[str, bytes]:
        """An object tells these metrics of an exposure; what is to be committed with them."""
        bits = sum(_BITS.get(metric, 0) for metric in set(metrics))
        changed: dict[str, bytes] = {}
        for mark in (key[:8] for key in exposure):
            if not bits & ~self._known.get(mark, {}).get(seen[:4], 0):
                continue
            if len(self._part) >= MARKS * _MARK.size:
                self._number, self._part = self._number + 1, b""
            self._part += _MARK.pack(mark, seen[:4], bits)
            self._learn(mark, seen[:4], bits)
            changed[self._names[self._number % PARTS]] = _HEAD.pack(self._number) + self._part
        return changed

    def _learn(self, mark: bytes, teller: bytes, bits: int) -> None:
        told = self._known.pop(mark, {})
        told[teller] = told.get(teller, 0) | bits
        self._known[mark] = told
        while len(self._known) > PARTS * MARKS:
            self._known.popitem(last=False)

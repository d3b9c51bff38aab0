"""HL7 messages on a stream of bytes: the Minimal Lower Layer Protocol, release 1. Sans-io.

A block is VT, the message, FS, CR (HL7 v2.3.1 appendix C, C.4.3; IHE ITI TF-2x, C.2.1). VT and FS occur
nowhere in a message, whatever its encoding: GB 18030's second bytes begin at 0x30.
"""

from collections import Counter
from typing import Final, NamedTuple

VT: Final = b"\x0b"
FS: Final = b"\x1c"
CR: Final = b"\r"
HEAD: Final = 4096
"""Bytes that are kept of a message beyond the limit: enough for the header that its answer needs."""
_BEGINNINGS: Final = (b"MSH", b"FHS", b"BHS")
_SIGHT: Final = 64
_FILLING: Final = b"\r\n\0 \t"
"""What careless senders put between blocks; it is no garbage."""


def framed(message: bytes) -> bytes:
    """A message as a block."""
    return VT + message + FS + CR


class Frame(NamedTuple):
    """A message of ``size`` bytes; ``data`` is all of it, or its first ``HEAD`` where it is larger than the limit."""

    data: bytes
    size: int

    @property
    def whole(self) -> bool:
        """Whether nothing of it was left out."""
        return len(self.data) == self.size


class Deframer:
    """Cuts messages out of what arrives. It holds one message of at most ``limit`` bytes, whatever the peer does.

    The block ends with FS: the CR behind it is not waited for, there are senders that leave it out and wait for the
    answer. A VT within a message begins another: the first was never finished.
    """

    def __init__(self, *, limit: int) -> None:
        self.refused: Counter[str] = Counter()
        """What was no message: ``garbage`` (each run of bytes between two blocks), ``cut-frame``, and ``not-mllp``: a
        message without VT and FS. A block that was cut and didn't begin as a message is garbage, too."""
        self.noise = 0
        """Bytes of garbage since the last block began."""
        self.bare = False
        """Whether there is a message in it, without VT and FS."""
        self._limit = limit
        self._inside = False
        self._data = bytearray()
        self._size = 0

    @property
    def inside(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._inside

    def feed(self, data: bytes) -> list[Frame]:
        """The messages that these bytes complete, in order."""
        frames: list[Frame] = []
        at = 0
        while at < len(data):
            at = self._within(data, at, frames) if self._inside else self._between(data, at)
        return frames

    def end(self) -> None:
        """Nothing more will come: count what didn't become a message."""
        if self._inside:
            self._cut(b"")
        self._count_bare()

    def _between(self, data: bytes, at: int) -> int:
        start = data.find(VT, at)
        end = len(data) if start < 0 else start
        noise = len(data[at:end].strip(_FILLING))
        if noise:
            self.refused["garbage"] += not self.noise
            self.noise += noise
            self.bare = self.bare or data.find(b"MSH", at, end) >= 0
        if start < 0:
            return end
        self._begin()
        return start + 1

    def _begin(self) -> None:
        self._count_bare()
        self._inside = True
        self._data.clear()
        self._size = 0
        self.noise = 0

    def _count_bare(self) -> None:
        if self.bare:
            self.refused["not-mllp"] += 1
        self.bare = False

    def _cut(self, rest: bytes) -> None:
        head = (self._data[:_SIGHT] + rest[:_SIGHT]).lstrip(_FILLING)
        self.refused["cut-frame" if head.startswith(_BEGINNINGS) else "garbage"] += 1

    def _within(self, data: bytes, at: int, frames: list[Frame]) -> int:
        end = data.find(FS, at)
        stop = len(data) if end < 0 else end
        again = data.rfind(VT, at, stop)
        if again >= 0:
            self._cut(data[at:again])
            self._begin()
            at = again + 1
        self._size += stop - at
        if self._size <= self._limit:
            self._data += data[at:stop]
        elif len(self._data) < HEAD:
            self._data += data[at : min(stop, at + HEAD - len(self._data))]
        else:
            del self._data[HEAD:]
        if end < 0:
            return stop
        frames.append(Frame(bytes(self._data), self._size))
        self._inside = False
        return end + 1

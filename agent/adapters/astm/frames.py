"""Bytes of an E1381 line as frames and control characters, and frames as bytes. Pure.

CLSI LIS01-A2 8.3 (ASTM E1381-02 6.3): a frame is STX, its number, text, ETB (more of this message follows) or ETX, two
hexadecimal digits of checksum, CR, LF. The checksum is the sum of the bytes from the number to ETB or ETX, modulo 256.

What real senders do beside it survives: longer frames than 240 characters, small hexadecimal digits, CR or LF alone or
neither of them at the end, 8 and 9 as numbers or none before a record, a frame or a line that was cut off by power. A
frame is never held beyond ``MAX_FRAME``.
"""

import re
from typing import Final

from msgspec import Struct

STX: Final = b"\x02"
ETX: Final = b"\x03"
EOT: Final = b"\x04"
ENQ: Final = b"\x05"
ACK: Final = b"\x06"
NAK: Final = b"\x15"
ETB: Final = b"\x17"

MAX_TEXT: Final = 240
"""Characters of text in a frame that we send (ASTM E1381-95 6.3.1.1, which every receiver takes)."""
MAX_FRAME: Final = 64_000
"""Bytes of a frame that we take (LIS01-A2 8.3.1.2)."""

_OUTSIDE: Final = re.compile(b"[\x02\x04\x05\x06\x15]")
_INSIDE: Final = re.compile(b"[\x02\x03\x04\x05\x17]")
_DIGITS: Final = re.compile(rb"[0-9A-Fa-f]{2}")
_UNCHECKED: Final = re.compile(rb"[^\x02\x04\x05\x06\x15\r\n]{0,2}", re.DOTALL)
"""What may stand for a checksum that isn't looked at."""
_UNNUMBERED: Final = re.compile(rb"[A-Za-z][!-/:-@\[-`{-~]")
"""A record where a number should be."""
_LINE_ENDS: Final = (b"\r\n", b"\r", b"\n")
_TEXT: Final = re.compile(rb"[\t\r\n -~]{6}")
"""How a text begins."""


class Control(Struct, frozen=True):
    """ENQ, EOT, ACK or NAK, by itself."""

    byte: bytes


class Frame(Struct, frozen=True):
    """A frame whose checksum is right. ``number``: None where it has none. ``last``: it ended with ETX."""

    number: int | None
    text: bytes
    last: bool


class Damaged(Struct, frozen=True):
    """A frame that came to its end and is wrong: ``bad-checksum``, ``no-checksum``, ``bad-frame-number`` or
    ``oversize-frame``. ``text``: whether its content begins as one."""

    reason: str
    text: bool


class Noise(Struct, frozen=True):
    """Bytes between frames."""

    data: bytes


class Cut(Struct, frozen=True):
    """A frame that another one, an ENQ or an EOT ended: its sender began anew and waits for no answer to it."""


Token = Control | Frame | Damaged | Noise | Cut


class Scanner:
    """Finds tokens in a stream of bytes, however it is cut into pieces. ``checksum``: False: it isn't looked at, nor
    missed."""

    def __init__(self, *, checksum: bool = True) -> None:
        self._checksum = checksum
        self._buffer = bytearray()
        self._inside = False
        self._searched = 0
        """How much of an open frame holds no end."""
        self._oversize = False
        self._unended = False

    @property
    def unended(self) -> bool:
        """Whether a frame is complete but for the CR LF behind it, which some senders leave out."""
        return self._unended

    @property
    def open(self) -> bool:
        """Whether a frame has begun."""
        return self._inside

    def push(self, data: bytes) -> None:
        """Take bytes; ``next`` finds what is in them."""
        self._buffer += data

    def reset(self) -> None:
        """Forget the frame that is open."""
        if self._inside:
            self._buffer.clear()
        self._close(0)

    def next(self, *, ended: bool = False) -> Token | None:
        """The next token; None: more bytes are needed. ``ended``: no more will come for the frame that is open."""
        while self._buffer or self._inside:
            if self._inside:
                return self._within(ended)
            match = _OUTSIDE.search(self._buffer)
            at = len(self._buffer) if match is None else match.start()
            if at:
                return Noise(self._take(at))
            byte = self._take(1)
            if byte != STX:
                return Control(byte)
            self._inside = True
        return None

    def _within(self, ended: bool) -> Token | None:
        match = _INSIDE.search(self._buffer, self._searched)
        if match is None:
            self._searched = len(self._buffer)
            if self._searched > MAX_FRAME:
                self._oversize = True
            if self._oversize:
                self._buffer.clear()
                self._searched = 0
            return None
        end = match.start()
        if match[0] not in (ETX, ETB):
            self._close(end)
            return Cut()
        return self._whole(end, last=match[0] == ETX, ended=ended)

    def _whole(self, end: int, *, last: bool, ended: bool) -> Token | None:
        self._searched = end
        text = _TEXT.match(self._buffer, 0, end) is not None
        digits = bytes(self._buffer[end + 1 : end + 3])
        size = 2
        if not self._checksum:
            found = _UNCHECKED.match(digits)
            size = 0 if found is None else found.end()
            if size == len(digits) < 2 and not ended:
                self._unended = True
                return None
        elif len(digits) < 2 and not ended and _DIGITS.match(digits.ljust(2, b"0")):
            return None
        elif not _DIGITS.fullmatch(digits):
            self._close(end + 1)
            return Damaged("no-checksum" if digits[:1] in (b"\r", b"\n") else "bad-checksum", text)
        after = bytes(self._buffer[end + 1 + size : end + 3 + size])
        if after in (b"", b"\r") and not ended:
            self._unended = True
            return None
        line_end = next((known for known in _LINE_ENDS if after.startswith(known)), b"")
        body = bytes(self._buffer[: end + 1])
        oversize = self._oversize or end > MAX_FRAME
        self._close(end + 1 + size + len(line_end))
        if oversize:
            return Damaged("oversize-frame", text)
        if self._checksum and int(digits, 16) != sum(body) % 256:
            return Damaged("bad-checksum", text)
        if body[:1].isdigit():
            return Frame(int(body[:1]), body[1:-1], last)
        return Frame(None, body[:-1], last) if _UNNUMBERED.match(body) else Damaged("bad-frame-number", text)

    def _close(self, used: int) -> None:
        del self._buffer[:used]
        self._inside = self._oversize = self._unended = False
        self._searched = 0

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken


def frame(number: int, text: bytes, *, last: bool) -> bytes:
    """A frame as bytes; ``number`` counts modulo 8."""
    body = b"%d" % (number % 8) + text + (ETX if last else ETB)
    return STX + body + b"%02X\r\n" % (sum(body) % 256)


def frames(message: bytes) -> list[bytes]:
    """A message as frames of at most ``MAX_TEXT`` characters, numbered from 1 (LIS01-A2 8.3.2.1)."""
    pieces = [message[at : at + MAX_TEXT] for at in range(0, len(message), MAX_TEXT)] or [b""]
    return [frame(at, piece, last=at == len(pieces)) for at, piece in enumerate(pieces, 1)]

"""E1394 messages out of the texts of frames, or of a line without frames. Pure.

Whether a text is acknowledged and whether it belongs to a message is one decision: ``offer`` raises ``Unusable`` for a
text of which nothing does. Whatever was taken ends in a message, or is counted:

- A message ends with its L (LIS02-A2 5.4.1), with the end of its transfer, with the next H, or where its transfer broke
  off: then it is what came of it. What goes on behind that without an H belongs to the same header, and, where nothing
  was lost between, to the same order and result.
- A record ends with CR (LIS02-A2 5.4.3). One that was cut off is counted and not read, as half a number is a number.
- Some senders put each record into a frame and leave the CR out. What a frame ends and begins then tells whether it is
  the same record; see ``_seam``. A record of which that can't be known is counted and not read.
- A message that is larger than any real one is told in parts, a record that is larger is left out.
"""

import re
from collections import Counter
from enum import Enum, auto
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from agent.adapters.astm.records import Message, delimiters, is_header
from agent.errors import AdapterError

MAX_MESSAGE: Final = 1_000_000
"""Bytes of a message that are held. The largest real ones, a night's results at once, have some hundred thousand."""
MAX_RECORD: Final = 64_000
"""Bytes of a record; the longest real ones, curves of readings, have some thousand."""
MAX_RECORDS: Final = 20_000
"""Of a message, for the same reason as its bytes."""
SPLIT: Final = 200
"""Characters of a frame that may have ended because it was full: the oldest receivers take 240."""

_BAD_HEADER: Final = "bad-delimiters"
_ENDS: Final = re.compile(rb"[\r\n]+")
_BLANKS: Final = b" \t\0"
_BEFORE: Final = _BLANKS + b"\xef\xbb\xbf"
"""What may stand before a record and is none of it: blanks, and the mark of UTF-8."""
_NUMBERED: Final = re.compile(rb".\d{1,5}(?P<end>.|$)", re.DOTALL)
"""Behind a record's letter: a delimiter and its number (LIS02-A2 5.6.6)."""
_PROCESSING: Final = (11, 12)
"""Delimiters before H-12, whose value may be P; some senders count one field more."""


class Unusable(Exception):
    """Nothing of a text belongs to a message; ``reason``: a word to count it under."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Seam(Enum):
    """What a frame's end is within an open record."""

    RECORD = auto()
    """It ends the record."""
    JOIN = auto()
    """The record goes on in the next frame."""
    UNCLEAR = auto()


class _Open(Struct):
    """What is open. ``records``: of the message, ``told`` of them told already, ``size`` bytes. ``tail``: the record
    that has no end yet; ``last``: how the text before ended, ``length`` bytes long. ``width``: of the longest frame;
    ``full``: the last one was as long as the longest before, as where a sender fills them. ``ends``: whether a record
    of this message ended with CR; ``bare``: whether one did without. ``unclear``: the tail is no record that can be
    read. ``headless``: another header came that can't be read, so that nothing more belongs to this one."""

    records: list[bytes]
    told: int = 0
    size: int = 0
    tail: bytes = b""
    last: bool | None = None
    length: int = 0
    width: int = 0
    full: bool = False
    ends: bool = False
    bare: bool = False
    unclear: str = ""
    headless: bool = False


class Assembler:
    """One line's messages. ``record_per_frame``: whether a frame that begins like a record is one, whatever ended the
    frame before; None: by what it looks like. ``refused``: what was dropped or lacked something, by reason."""

    def __init__(self, *, record_per_frame: bool | None = None) -> None:
        self._record_per_frame = record_per_frame
        self._open = _Open([])
        self._useful = False
        self._useless = ""
        self.refused: Counter[str] = Counter()
        self._before = self._now()

    def offer(self, text: bytes, *, last: bool | None) -> list[Message]:
        """The messages that end with this text. ``last``: its frame ended with ETX; None: it is no frame.

        Raises ``Unusable`` of a frame, as if it had not been offered. ``back`` undoes one that was taken.
        """
        self._before = self._now()
        self._useful, self._useless = False, ""
        found: list[Message] = []
        if self._open.tail and self._open.last is not None and text:
            self._meet(text, last, found)
        parts = _ENDS.split(text if self._open.tail else text.lstrip(_BEFORE))
        parts[0] = self._open.tail + parts[0]
        self._open.tail = parts.pop()
        for part in parts:
            self._record(part, found)
            self._open.ends = True
        if last is not None:
            self._open.full = len(text) == self._open.width
            self._open.width = max(len(text), self._open.width)
        self._look_at_tail(last, found)
        self._open.last, self._open.length = last, len(text)
        if last is not None and self._useless and not self._useful:
            self.back()
            self._open.headless = self._open.headless or self._useless == _BAD_HEADER
            raise Unusable(self._useless)
        return found

    def back(self) -> None:
        """As it was before the last ``offer``: the same text will come again."""
        self._open, count, self.refused = self._before
        del self._open.records[count:]

    def ended(self) -> list[Message]:
        """The transfer came to its end, or the line to its own."""
        found: list[Message] = []
        self._finish(found, whole=self._open.last in (True, None) or self._open.bare)
        self._emit(found, "no-terminator")
        self._keep(order=True)
        return found

    def paused(self) -> list[Message]:
        """Nothing has come for long, and all may go on."""
        found: list[Message] = []
        self._emit(found, "no-terminator")
        self._keep(order=True)
        return found

    def broke(self) -> list[Message]:
        """The transfer broke off, and something of it may be lost."""
        found: list[Message] = []
        self._finish(found, whole=self._open.last is True)
        self._emit(found, "message-unfinished")
        self._keep(order=False)
        return found

    def _now(self) -> tuple[_Open, int, Counter[str]]:
        return replace(self._open), len(self._open.records), self.refused.copy()

    def _meet(self, text: bytes, last: bool | None, found: list[Message]) -> None:
        """Decide whether the open record goes on in a frame."""
        match self._seam(text, last):
            case _Seam.RECORD:
                tail, self._open.tail = self._open.tail, b""
                self._record(tail, found)
                self._open.bare = True
            case _Seam.UNCLEAR:
                self._open.unclear = "record-unclear"
            case _Seam.JOIN:
                pass

    def _seam(self, text: bytes, last: bool | None) -> _Seam:
        """What the end of the frame before means, with no CR before it.

        ETX ends a record, but what doesn't begin like one goes on. So does ETB where each frame is a record by the
        line's setting. Else ETB ends a record where the next begins with letter and number, and can't well be the
        same: that frame was not full, its record not in the middle of a field, and none before it ended with CR. Where
        one did, ETX tells no more than ETB, as some end every frame with it.

        Raises ``Unusable`` where only CR ends a record by the line's setting, this message has none, and the frame
        plainly begins the next one: all of it would be taken for one record, and nothing be told.
        """
        tail, full = self._open.tail, self._open.length >= SPLIT
        mark = tail[1:2] if is_header(tail) else self._mark()
        if not (text[:1].isalpha() and text[1:2] == mark):
            return _Seam.JOIN
        if self._record_per_frame or (self._open.last and (is_header(text) or not self._open.ends)):
            return _Seam.RECORD
        numbered = _NUMBERED.match(text, 1)
        begins = is_header(text) or (numbered is not None and numbered["end"] in (mark, b"\r", b"\n", b""))
        if not begins or (self._open.ends and (self._open.full or self._record_per_frame is False)):
            return _Seam.JOIN
        if is_header(tail) and text[:1] == b"P" and tail.endswith(mark) and tail.count(mark) in _PROCESSING:
            return _Seam.JOIN
        if full:
            joins = self._record_per_frame is False or (self._open.ends and not self._open.last)
            return _Seam.JOIN if joins else _Seam.UNCLEAR
        terminates = last is True and _terminates(text, mark)
        within = self._open.ends or not tail[-1:].isalnum()  # GL and U|5| are what GLU|5| was
        plain = not within or self._open.last or is_header(tail) or self._open.bare or terminates
        if self._record_per_frame is not False:
            return _Seam.RECORD if plain else _Seam.UNCLEAR
        if plain:
            raise Unusable("record-unclear")
        return _Seam.JOIN

    def _look_at_tail(self, last: bool | None, found: list[Message]) -> None:
        """End a record that has no CR where it can be no other, and don't begin one that can't be one."""
        tail = self._open.tail.strip(_BLANKS)
        if not tail:
            self._open.tail, self._open.unclear = b"", ""
        elif len(tail) > MAX_RECORD:
            self._open.tail, self._open.unclear = tail[:2], "record-oversize"
            self._useful = True
        elif last is not None and not _may_begin(tail) and (why := self._unfit(tail)):
            self._count(why)
            self._open.tail = b""
        elif last is not None:
            mark = tail[1:2] if is_header(tail) else self._mark()
            if _terminates(tail, mark) or (
                last and tail[:1] in (b"L", b"l") and not (self._open.ends and self._open.full)
            ):
                self._open.tail = b""
                self._record(tail, found)
            self._useful = True

    def _record(self, raw: bytes, found: list[Message]) -> None:
        record = raw.lstrip(_BEFORE).rstrip(_BLANKS)
        if not record:
            return
        unclear, self._open.unclear = self._open.unclear, ""
        if unclear or len(record) > MAX_RECORD:
            self.refused[unclear or "record-oversize"] += 1
            # It may have been an order: what follows belongs to none that is known.
            record = b"P"
        why = self._unfit(record)
        if is_header(record):
            self._emit(found, "no-terminator")
            self._open.records, self._open.told, self._open.size = [], 0, 0
            self._open.ends = self._open.bare = self._open.headless = False
        if why:
            self._count(why)
            return
        self._useful = True
        self._open.records.append(record)
        self._open.size += len(record)
        if record[:1] in (b"L", b"l"):
            self._emit(found, "")
            self._keep(order=False)
        elif self._open.size > MAX_MESSAGE or len(self._open.records) > MAX_RECORDS:
            self._emit(found, "message-oversize")
            self._keep(order=True)

    def _unfit(self, record: bytes) -> str:
        """Why a record, or its beginning, belongs to no message."""
        if is_header(record):
            try:
                delimiters(record)
            except AdapterError:
                return _BAD_HEADER
            return ""
        if self._open.headless or not self._open.records:
            return "record-without-header"
        fit = record[:1].isalpha() and record[1:2] in (b"", self._mark())
        return "" if fit else "not-a-record"

    def _count(self, why: str) -> None:
        self.refused[why] += 1
        self._useless = self._useless or why

    def _finish(self, found: list[Message], *, whole: bool) -> None:
        """The open record ends here, if it is whole."""
        tail, self._open.tail = self._open.tail, b""
        if whole or self._record_per_frame:
            self._record(tail, found)
        elif tail.strip(_BLANKS):
            self.refused[self._open.unclear or "record-cut"] += 1
        self._open.unclear = ""

    def _emit(self, found: list[Message], lacks: str) -> None:
        """Give out what wasn't told yet. ``lacks``: counted; nothing: it came to its L."""
        if len(self._open.records) > self._open.told:
            found.append(Message(self._open.records, self._open.told, whole=not lacks))
            if lacks:
                self.refused[lacks] += 1

    def _keep(self, *, order: bool) -> None:
        """Go on with the header, and with the order and result that are open."""
        kept = self._open.records[:1]
        if order:
            opened: dict[bytes, bytes] = {}
            for record in self._open.records[1:]:
                kind = record[:1].upper()
                if kind in (b"P", b"O"):
                    opened.clear()
                if kind in (b"O", b"R"):
                    opened[kind] = record
            kept += opened.values()
        self._open.records, self._open.told, self._open.size = kept, len(kept), sum(map(len, kept))

    def _mark(self) -> bytes:
        return self._open.records[0][1:2] if self._open.records else b"|"


def _terminates(text: bytes, mark: bytes) -> bool:
    """Whether a text is a whole L record: its letter, number and code (LIS02-A2 13)."""
    parts = text.split(mark)
    return len(parts) == 3 and parts[0] in (b"L", b"l") and parts[1].isdigit() and len(parts[2]) == 1


def _may_begin(text: bytes) -> bool:
    """Whether a text may be the beginning of a header whose delimiters stand in the next frame."""
    return text[:1] in (b"H", b"h") and len(text) < 4

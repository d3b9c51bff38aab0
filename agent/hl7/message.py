"""An HL7 v2 message as segments, of which nothing is taken apart before it is asked for. Pure.

HL7 v2.5.1 chapter 2: delimiters are those that MSH-1 and MSH-2 declare, segments end with CR (2.5.4; LF and
CR LF are met in files), escapes are those of 2.7.1. A field that nobody asks for never becomes a value of ours: see
docs/adr/0007-own-hl7-reader.md for why no library parses here.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from agent.errors import AdapterError

MAX_FIELD: Final = 25
"""The highest field that is ever looked at (MSH-18, OBR-21, INV-19); what is behind it stays one piece."""
MAX_SEGMENTS: Final = 4000
"""Of one message; an inventory of a large laboratory line has some hundreds."""
_PUNCTUATION: Final = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_LINES: Final = re.compile(r"[\r\n]+")
_CODECS: Final = {
    "": "ascii",
    "ASCII": "ascii",
    "8859/1": "latin-1",
    "GB 18030-2000": "gb18030",
    "GB18030": "gb18030",
    "GB2312": "gb18030",
    "GBK": "gb18030",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
}
"""MSH-18 by table 0211, and what Chinese analyzers write there."""
_FALLBACK: Final = ("utf-8", "gb18030", "latin-1")
"""Tried in this order where MSH-18 is silent, unknown or wrong. The last takes any byte, and what we read is ASCII."""


class Delimiters(NamedTuple):
    """MSH-1 and the characters of MSH-2; one that isn't declared is empty and separates nothing."""

    field: str
    component: str = ""
    repetition: str = ""
    escape: str = ""
    subcomponent: str = ""


class Segment:
    """One line of a message. Fields count from 1, as the standard does."""

    __slots__ = ("_delimiters", "_line", "_parts")

    def __init__(self, line: str, delimiters: Delimiters) -> None:
        self._line = line
        self._delimiters = delimiters
        self._parts: list[str] | None = None

    def raw(self, number: int) -> str:
        """A field as it is written; "" where there is none."""
        if self._parts is None:
            self._parts = self._line.split(self._delimiters.field, MAX_FIELD + 1)
        return self._parts[number] if number < len(self._parts) else ""

    def text(self, number: int, component: int = 1) -> str:
        """A component of the field's first repetition, its escapes resolved, without the blanks around it.

        "" where there is none, and for the two quotes by which HL7 says "delete" (2.5.3).
        """
        marks = self._delimiters
        value = self.raw(number)
        if marks.repetition:
            value = value.split(marks.repetition, 1)[0]
        if marks.component:
            parts = value.split(marks.component, component)
            value = parts[component - 1] if component <= len(parts) else ""
        elif component > 1:
            return ""
        value = unescaped(value, marks).strip()
        return "" if value == '""' else value


class Message:
    """``header``: the MSH segment. ``codec``: by which the bytes were decoded. ``cut``: it has more segments than are
    kept."""

    def __init__(self, data: bytes) -> None:
        """Raises ``AdapterError`` (not-hl7, bad-delimiters) for what is no message."""
        data = data.lstrip(b"\xef\xbb\xbf \t\r\n")
        self.codec, text = _decoded(data)
        lines = _LINES.split(text, MAX_SEGMENTS)
        self.cut = len(lines) > MAX_SEGMENTS and bool(lines.pop())
        self._lines = list(filter(None, lines))
        self.delimiters = _delimiters(self._lines[0])
        self.header = _header(self._lines[0], self.delimiters)

    @property
    def type(self) -> str:
        """MSH-9, first component, such as ``ORU``."""
        return self.header.text(9).upper()

    @property
    def control_id(self) -> str:
        """MSH-10 as it is written, for the answer."""
        return self.header.raw(10)

    def named(self, name: str) -> Iterator[Segment]:
        """The segments of a name, in order."""
        for line in self._lines:
            if line.startswith(name) and line[len(name) : len(name) + 1] in ("", self.delimiters.field):
                yield Segment(line, self.delimiters)

    def any_of(self, names: frozenset[str]) -> bool:
        """Whether a segment has one of these names, however it is written."""
        return any(line.lstrip()[:3].upper() in names for line in self._lines)


def unescaped(text: str, marks: Delimiters) -> str:
    """2.7.1: the escapes that stand for delimiters. Formatting and hexadecimal ones stay: no code holds any."""
    if not marks.escape or marks.escape not in text:
        return text
    meaning = {
        "F": marks.field,
        "S": marks.component,
        "R": marks.repetition,
        "E": marks.escape,
        "T": marks.subcomponent,
    }
    mark = re.escape(marks.escape)
    return re.sub(f"{mark}([FSRET]){mark}", lambda found: meaning[found[1]], text)


def _decoded(data: bytes) -> tuple[str, str]:
    """The codec and the text. Raises ``AdapterError`` for what doesn't begin with MSH."""
    if len(data) < 8 or data[:3] != b"MSH":
        raise _no_message()
    first = re.split(rb"[\r\n]", data, maxsplit=1)[0]
    # In a multi-byte encoding a delimiter may be half of a character; MSH-18 is then not found here, and not needed.
    fields = first.split(data[3:4], 18)
    declared = fields[17].decode("ascii", "replace") if len(fields) > 17 else ""
    codecs = (_CODECS.get(re.split(r"[~^]", declared)[0].strip().upper(), "ascii"), *_FALLBACK)
    for codec in codecs:
        try:
            return codec, data.decode(codec)
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 decodes every byte")


def _delimiters(line: str) -> Delimiters:
    if len(line) < 5:
        raise _no_message()
    declared = line[4:].partition(line[3])[0]
    marks = line[3] + declared[:4]
    # Since 2.7 a fifth character may follow: the truncation character, which says nothing to us.
    if len(declared) > 5 or len(set(marks)) < len(marks) or not _PUNCTUATION.issuperset(marks):
        raise AdapterError("bad-delimiters", "its MSH declares delimiters that can't be told apart: send it again")
    return Delimiters(*marks)


def _no_message() -> AdapterError:
    return AdapterError("not-hl7", "it is no HL7 message, it doesn't begin with MSH: give what the analyzer sends")


def _header(line: str, marks: Delimiters) -> Segment:
    """MSH counts its own field separator as MSH-1."""
    return Segment(f"MSH{marks.field}{line[3:]}", marks)

"""An HL7 v2 message as segments, of which nothing is taken apart before it is asked for. Pure.

HL7 v2.5.1 chapter 2: delimiters are those that MSH-1 and MSH-2 declare, segments end with CR (2.5.4; LF and
CR LF are met in files), escapes are those of 2.7.1. A field that nobody asks for never becomes a value of ours: see
docs/adr/0007-own-hl7-reader.md for why no library parses here.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from agent.adapters import charset
from agent.adapters.hl7 import encoding
from agent.errors import AdapterError

MAX_FIELD: Final = 25
"""The highest field that is ever looked at (MSH-18, OBR-22, OBX-19); what is behind it stays one piece."""
MAX_SEGMENTS: Final = 4000
"""Of one message; an inventory of a large laboratory line has some hundreds."""
MAX_WORDS: Final = 8
"""Components, subcomponents or repetitions of a field where all of them are looked at."""
FILLING: Final = b"\xef\xbb\xbf \t\r\n\0"
"""What stands around a message and is none of it."""
_PUNCTUATION: Final = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_STANDARD: Final = "^~\\&"
_LINES: Final = re.compile(rb"[\r\n]+")
_NAME: Final = re.compile(rb"[^A-Za-z]*([A-Za-z0-9]{3})")
_RUN: Final = re.compile(r"(.)\1+")


class Delimiters(NamedTuple):
    """MSH-1 and the characters of MSH-2; one that isn't declared is empty and separates nothing."""

    field: str
    component: str = ""
    repetition: str = ""
    escape: str = ""
    subcomponent: str = ""


class Segment:
    """One line of a message. Fields count from 1, as the standard does."""

    __slots__ = ("_codec", "_delimiters", "_line", "_parts")

    def __init__(self, line: str, delimiters: Delimiters, codec: str) -> None:
        self._line = line
        self._delimiters = delimiters
        self._codec = codec
        self._parts: list[str] | None = None

    @property
    def name(self) -> str:
        """Its three letters."""
        return self._line[:3].upper()

    def raw(self, number: int) -> str:
        """A field as it is written; "" where there is none."""
        if self._parts is None:
            self._parts = self._line.split(self._delimiters.field, MAX_FIELD + 1)
        return self._parts[number] if number < len(self._parts) else ""

    def text(self, number: int, component: int = 1) -> str:
        """A component of the field's first repetition, its escapes resolved, without the blanks around it.

        "" where there is none, and for the two quotes by which HL7 says "delete" (2.5.3).
        """
        first = _split(self.raw(number), self._delimiters.repetition, 1)[0]
        parts = _split(first, self._delimiters.component, component)
        return self._clear(parts[component - 1]) if component <= len(parts) else ""

    def repetitions(self, number: int) -> list[list[str]]:
        """The components of each repetition, as ``text`` gives them; ``MAX_WORDS`` of each at most."""
        marks = self._delimiters
        repeats = _split(self.raw(number), marks.repetition, MAX_WORDS)[:MAX_WORDS]
        return [
            [self._clear(part) for part in _split(each, marks.component, MAX_WORDS)[:MAX_WORDS]] for each in repeats
        ]

    def words(self, number: int) -> list[str]:
        """What stands in the components and subcomponents of the first repetition, of the first ``MAX_WORDS``."""
        marks = self._delimiters
        parts = _split(_split(self.raw(number), marks.repetition, 1)[0], marks.component, MAX_WORDS)
        found = [self._clear(each) for part in parts for each in _split(part, marks.subcomponent, MAX_WORDS)]
        return list(filter(None, found))[:MAX_WORDS]

    def spellings(self, number: int, component: int = 1) -> Iterator[str]:
        """``text`` and what else it may mean where its encoding isn't what it seems, or it has hexadecimal escapes."""
        for text in charset.otherwise(self.text(number, component), self._codec):
            yield text
            yield from _hexadecimal(text, self._delimiters.escape)

    def _clear(self, text: str) -> str:
        value = unescaped(text, self._delimiters).strip()
        return "" if value == '""' else value


class Message:
    """``header``: the MSH segment. ``codec``: by which its bytes were decoded. ``cut``: the message has more segments
    than are kept."""

    def __init__(self, data: bytes) -> None:
        """Raises ``AdapterError`` (not-hl7, bad-delimiters) for what is no message."""
        data = data.lstrip(FILLING)
        if len(data) < 8 or data[:3] != b"MSH":
            raise no_message()
        lines = _LINES.split(data, MAX_SEGMENTS)
        self.cut = len(lines) > MAX_SEGMENTS and bool(lines.pop())
        self._lines = list(filter(None, (line.lstrip(b" \t\0") for line in lines)))
        # In a multi-byte encoding a delimiter may be half of a character; MSH-18 isn't found here then, nor needed.
        fields = self._lines[0].split(data[3:4], 18)
        self._codec = encoding.codec_of(data, encoding.declared(fields[17] if len(fields) > 17 else b""))
        self._doubled = ""
        self.codec, line = self._text(self._lines[0])
        self.delimiters, self._doubled = _delimiters(line)
        self.header = _header(self._text(self._lines[0])[1], self.delimiters, self.codec)

    @property
    def type(self) -> str:
        """MSH-9, first component, such as ``ORU``."""
        return self.header.text(9).upper()

    @property
    def control_id(self) -> str:
        """MSH-10 as it is written, for the answer."""
        return self.header.raw(10)

    def named(self, *names: str) -> Iterator[Segment]:
        """The segments of these names, in order."""
        wanted = frozenset(name.encode() for name in names)
        ends = b"", self.delimiters.field.encode()
        for line in self._lines:
            if line[:3].upper() in wanted and line[3:4] in ends:
                codec, text = self._text(line)
                yield Segment(text, self.delimiters, codec)

    def any_of(self, names: frozenset[str]) -> bool:
        """Whether a segment has one of these names, however it is written."""
        wanted = frozenset(name.encode() for name in names)
        return any(found is not None and found[1].upper() in wanted for found in map(_NAME.match, self._lines))

    def _text(self, line: bytes) -> tuple[str, str]:
        codec = self._codec or charset.codec_of_line(line)
        text = line.decode(codec)
        return codec, text.replace(2 * self._doubled, self._doubled) if self._doubled else text


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


def no_message() -> AdapterError:
    """What is raised for bytes that are none."""
    return AdapterError("not-hl7", "it is no HL7 message, none begins with MSH: give what the analyzer sends")


def _split(text: str, mark: str, most: int) -> list[str]:
    return text.split(mark, most) if mark else [text]


def _hexadecimal(text: str, escape: str) -> Iterator[str]:
    r"""A text without its ``\Xhh…\`` (2.7.1), in each encoding that makes text of it; nothing where it has none."""
    if not escape or f"{escape}X" not in text:
        return
    mark = re.escape(escape)
    pattern = f"{mark}X((?:[0-9A-Fa-f]{{2}}){{1,16}}){mark}"
    for codec in ("utf-8", "latin-1", "utf-16-be"):
        yield re.sub(pattern, lambda found, codec=codec: bytes.fromhex(found[1]).decode(codec, "replace"), text)  # type: ignore[misc]


def _delimiters(line: str) -> tuple[Delimiters, str]:
    r"""Those of a header, and the escape character where the sender doubles it.

    Without MSH-2 they are the recommended ones (2.5.4). A character that is written twice counts once where the sender
    takes HL7 for source code (``^~\\&``), or where all four are told apart then; ``^~&`` leaves out the escape, and not
    the others' places. A fifth, since 2.7 that of truncation, says nothing to us.
    """
    if len(line) < 5:
        raise no_message()
    declared = line[4:].partition(line[3])[0].strip().replace("&amp;", "&") or _STANDARD
    single = declared.replace("\\\\", "\\")
    once = _RUN.sub(r"\1", single)
    if len(once) >= len(_STANDARD):
        single = once
    marks = Delimiters(line[3], *single[:4]) if single != "^~&" else Delimiters(line[3], "^", "~", "", "&")
    used = "".join(marks)
    if len(single) > len(_STANDARD) + 1 or len(set(used)) < len(used) or not _PUNCTUATION.issuperset(used):
        raise AdapterError("bad-delimiters", "its MSH declares delimiters that can't be told apart: send it again")
    return marks, marks.escape if marks.escape and 2 * marks.escape in declared else ""


def _header(line: str, marks: Delimiters, codec: str) -> Segment:
    """MSH counts its own field separator as MSH-1."""
    return Segment(f"MSH{marks.field}{line[3:]}", marks, codec)

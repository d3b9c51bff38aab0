"""E1394 records, taken apart by the delimiters that their message declares. Pure.

CLSI LIS02-A2 chapter 5: a message goes from a header record (H) to a terminator (L), each record ends with CR, its
first letter says what it is; the header declares the delimiters of fields, repeats, components and escapes.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from agent.adapters import charset
from agent.errors import AdapterError

MAX_PARTS: Final = 256
"""Repeats of a field, and components of a repeat, that are looked at."""
MAX_VALUE: Final = 256
"""Characters of a component that are looked at; all that is taken is far shorter."""
MAX_FIELDS: Final = 64
"""Fields of a record that are looked at; LIS02-A2's longest record, O, has 31."""

_ESCAPE: Final = re.compile(r"[A-Za-z0-9]{1,32}")


class Message(Struct, frozen=True):
    """``records``: in order, without their ends; the first is H. ``told``: how many of them, from the first, only say
    what the others belong to: their facts are those of an earlier message. ``whole``: it came to its L."""

    records: Sequence[bytes]
    told: int = 0
    whole: bool = True


def is_header(record: bytes) -> bool:
    """Whether a record begins a message: H, small or not, and twice a delimiter that is neither a letter, a digit nor a
    blank."""
    mark = record[1:2]
    return (
        record[:1] in (b"H", b"h")
        and len(mark) == 1
        and b"!" <= mark <= b"~"
        and not mark.isalnum()
        and (len(record) < 4 or not record[2:3].isalnum())
        and len(record) > 3
    )


class Delimiters(NamedTuple):
    """As a header declares them (LIS02-A2 6.2). ``escape``: None where it declares none."""

    field: str
    repeat: str
    component: str
    escape: str | None


def delimiters(header: bytes) -> Delimiters:
    r"""Those of a header. A delimiter that is written twice (some write ``\\^&``) counts once.

    Raises ``AdapterError`` where there are fewer than a field's, a repeat's and a component's, or others than ASCII.
    """
    field = header[1:2]
    declared = bytes(dict.fromkeys(header[2:].split(field, 1)[0] if field else b""))
    if not 2 <= len(declared) <= 4 or not (field + declared).isascii():
        raise AdapterError("bad-delimiters", "its header (H record) declares no delimiters: correct the host settings")
    marks = declared.decode("ascii")
    return Delimiters(field.decode("ascii"), marks[0], marks[1], marks[2] if len(marks) > 2 else None)


class Record:
    """One record; fields are numbered from 1 as in LIS02-A2, field 1 is the letter. What is absent reads as empty."""

    def __init__(self, text: str, marks: Delimiters, codec: str) -> None:
        self._codec = codec
        self._fields = text.split(marks.field, MAX_FIELDS)[:MAX_FIELDS]
        self._marks = marks

    @property
    def kind(self) -> str:
        """The letter, as a capital."""
        return self._fields[0][:1].upper()

    def whole(self, number: int) -> str:
        """A field as one text, escapes resolved, blanks around it stripped."""
        return self._clear(self._raw(number))

    def repeats(self, number: int) -> list[list[str]]:
        """A field's repeats, each as its components."""
        return [self._parts(repeat) for repeat in _split(self._raw(number), self._marks.repeat)]

    def components(self, number: int) -> list[str]:
        """The components of a field's first repeat."""
        return self._parts(self._raw(number).partition(self._marks.repeat)[0])

    def component(self, number: int, at: int) -> str:
        """A component of a field's first repeat, from 1."""
        found = self.components(number)
        return found[at - 1] if at <= len(found) else ""

    def spellings(self, number: int) -> Iterator[str]:
        """The first component of a field, and what else it may be where its encoding isn't what it seems."""
        return charset.otherwise(self.component(number, 1), self._codec)

    def _parts(self, repeat: str) -> list[str]:
        return [self._clear(part) for part in _split(repeat, self._marks.component)]

    def _raw(self, number: int) -> str:
        return self._fields[number - 1] if number <= len(self._fields) else ""

    def _clear(self, text: str) -> str:
        """Resolve ``&F&`` and the like (LIS02-A2 5.4.6); what isn't of the standard's set is left out."""
        text = text[:MAX_VALUE]
        marks = self._marks
        if marks.escape is None or marks.escape not in text:
            return text.strip()
        known = {"F": marks.field, "S": marks.component, "R": marks.repeat, "E": marks.escape}
        first, *parts = text.split(marks.escape)
        cleared = [first]
        while parts:
            part = parts.pop(0)
            if parts and _ESCAPE.fullmatch(part):
                cleared += (known.get(part.upper(), ""), parts.pop(0))
            else:
                cleared += (marks.escape, part)
        return "".join(cleared).strip()


def _split(text: str, mark: str) -> list[str]:
    return text.split(mark, MAX_PARTS)[:MAX_PARTS]


def records(found: Sequence[bytes], encoding: str) -> Iterator[Record]:
    """The records of a message. One that is no text in the line's encoding is looked at by itself.

    Raises ``AdapterError`` for a header without delimiters.
    """
    marks = delimiters(found[0])
    for record in found:
        codec = encoding if charset.is_text(record, encoding) else charset.codec_of_line(record)
        yield Record(record.decode(codec), marks, codec)

"""From the bytes of a DICOM object to the raw values of allow-listed elements, and of nothing else.

DICOM PS3.5 7.1 (elements), 7.5 (sequences), annex A (transfer syntaxes), PS3.10 7 (file meta information).

Why not pydicom here: even with ``specific_tags`` it builds objects of every sequence of undefined length (patients'
and physicians' names are in them), follows their nesting by recursion, and quotes values in warnings, which can't be
silenced in one thread alone. This walk skips what isn't on the list byte by byte, keeps a counter instead of a
recursion, and has no text to quote. pydicom is its oracle in the tests.
"""

import struct
import zlib
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple, Protocol

from agent.errors import AdapterError

HEADER_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of an object that are looked at. What is read lies in the groups 0008 and 0018, in front of everything big:
images of the samples need 2 to 8 kB, with large private groups some 100 kB."""
LAST_GROUP: Final = 0x0018
"""Elements come in ascending order (PS3.5 7.1), so that the walk ends behind this group: the rest stays unread."""
MAX_DEPTH: Final = 64
MAX_VALUE: Final = 1024
"""Bytes of one value that are kept; longer ones have no meaning for us and come back empty with ``oversize``."""

IMPLICIT: Final = "1.2.840.10008.1.2"
EXPLICIT: Final = "1.2.840.10008.1.2.1"
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"

_SHORT: Final = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS"}
    | {b"ST", b"TM", b"UI", b"UL", b"US"}
)
"""Value representations with a length of 16 bits (PS3.5 7.1.2); all others have 32 bits behind two reserved bytes."""
_UNDEFINED: Final = 0xFFFFFFFF
_ITEM: Final = 0xFFFEE000
_ITEM_END: Final = 0xFFFEE00D
_SEQUENCE_END: Final = 0xFFFEE0DD
_ENDS: Final = frozenset({_ITEM_END, _SEQUENCE_END})
_TRANSFER_SYNTAX: Final = 0x00020010


class Raw(NamedTuple):
    """One element's value as it stands in the object. ``vr`` is empty where the encoding doesn't say it."""

    vr: str
    value: bytes
    little: bool
    oversize: bool = False


class Visitor(Protocol):
    """Hears what a walk finds, in the object's order. What it raises ends the walk."""

    def element(self, tag: int, raw: Raw) -> None:
        """A wanted element, of the data set itself or of the item that was entered last."""
        ...

    def enter(self, sequence: int) -> None:
        """An item of a followed sequence begins."""
        ...

    def leave(self, sequence: int) -> None:
        """And ends."""
        ...


def elements_of(
    data: bytes,
    wanted: AbstractSet[int],
    *,
    last: int = LAST_GROUP,
    transfer_syntax: str | None = None,
    cut: bool = False,
) -> dict[int, Raw]:
    """The wanted elements of an object's groups up to ``last``, by tag; the first where one stands twice.

    The other parameters and errors: as ``visit``.
    """
    found = _Flat()
    visit(data, found, wanted=wanted, last=last, transfer_syntax=transfer_syntax, cut=cut)
    return found.found


def visit(
    data: bytes,
    visitor: Visitor,
    *,
    wanted: AbstractSet[int],
    follow: AbstractSet[int] = frozenset(),
    last: int = LAST_GROUP,
    transfer_syntax: str | None = None,
    cut: bool = False,
) -> None:
    """Tell a visitor the wanted elements of an object, and of the items of the followed sequences in it.

    ``data``: a file of PS3.10 (preamble and meta information may be missing, as they are in real folders), or with
    ``transfer_syntax`` a data set as it came over the network. ``cut``: more of it exists than is given here. ``last``:
    the walk ends behind this group. Raises ``AdapterError`` and what the visitor raises, nothing else.
    """
    body = memoryview(data)[:HEADER_LIMIT]
    cut = cut or len(data) > HEADER_LIMIT
    if transfer_syntax is None:
        start, transfer_syntax = _meta(body)
        body = body[start:]
    if transfer_syntax == DEFLATED:
        body = _inflate(body)
        cut = cut or len(body) == HEADER_LIMIT
    # Some files are explicit and say implicit; read as implicit, a first element's length would be beyond 16 kB.
    implicit = transfer_syntax == IMPLICIT and not _names_vr(body)
    walk = _Walk(body, implicit=implicit, little=transfer_syntax != BIG_ENDIAN, last=last)
    if not walk.run(visitor, wanted, follow):
        if cut:
            raise AdapterError(
                "header-too-long", f"what is read of it is longer than {HEADER_LIMIT} bytes: not of a DR system"
            )
        raise AdapterError("truncated", "it is damaged or ends within its header: send or copy it again")


class _Flat:
    """Collects the data set's own elements."""

    def __init__(self) -> None:
        self.found: dict[int, Raw] = {}

    def element(self, tag: int, raw: Raw) -> None:
        self.found.setdefault(tag, raw)

    def enter(self, sequence: int) -> None:
        """Nothing is followed."""

    def leave(self, sequence: int) -> None:
        """Nothing is followed."""


def _meta(body: memoryview) -> tuple[int, str]:
    """Where the data set begins, and its transfer syntax."""
    start = 132 if bytes(body[128:132]) == b"DICM" else 0
    if bytes(body[start : start + 2]) == b"\x02\x00":
        walk = _Walk(body[start:], implicit=False, little=True, last=0x0002)
        meta = _Flat()
        walk.run(meta, {_TRANSFER_SYNTAX}, frozenset())
        named = meta.found.get(_TRANSFER_SYNTAX)
        if named is not None:
            return start + walk.at, named.value.rstrip(b"\0 ").decode("ascii", "replace")
        start += walk.at
    elif start == 0 and bytes(body[:2]) != b"\x08\x00":
        raise AdapterError("not-dicom", "it is no DICOM object: no DICM mark, and no data set at its start")
    return start, EXPLICIT if _names_vr(body[start:]) else IMPLICIT


def _names_vr(body: memoryview) -> bool:
    """Whether the first element says its value representation."""
    vr = bytes(body[4:6])
    return vr.isalpha() and vr.isupper()


def _inflate(body: memoryview) -> memoryview:
    """The beginning of a deflated data set (PS3.5 A.5, RFC 1951), never more than the limit: it may be a bomb."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = stream.decompress(body, HEADER_LIMIT)
    except zlib.error:
        raise AdapterError("unreadable", "its deflated data set is damaged: send or copy it again") from None
    return memoryview(plain)


class _Frame(NamedTuple):
    """An open sequence or item. ``sequence``: its tag, or that of the sequence an item belongs to; 0: the data set.
    ``end``: where it ends, None: at its delimiter. ``told``: it is followed, and so is all around it."""

    sequence: int
    item: bool
    implicit: bool
    end: int | None
    told: bool


class _Walk:
    """One pass over elements. ``at`` is the offset of the next one, after ``run`` that of the first beyond ``last``."""

    def __init__(self, body: memoryview, *, implicit: bool, little: bool, last: int) -> None:
        self.at = 0
        self._body = body
        self._little = little
        self._last = last
        self._frames = [_Frame(0, item=True, implicit=implicit, end=None, told=True)]
        order = "<" if little else ">"
        self._tag = struct.Struct(order + "HH")
        self._u16 = struct.Struct(order + "H")
        self._u32 = struct.Struct(order + "I")

    def run(self, visitor: Visitor, wanted: AbstractSet[int], follow: AbstractSet[int]) -> bool:
        """Whether an element beyond the last group, or the exact end, was reached."""
        size = len(self._body)
        while True:
            frame = self._frames[-1]
            while frame.end is not None and self.at >= frame.end:
                if self.at > frame.end:
                    return False
                frame = self._close(visitor)
            if self.at + 8 > size:
                return self.at == size and len(self._frames) == 1
            group, element = self._tag.unpack_from(self._body, self.at)
            tag = group << 16 | element
            if len(self._frames) == 1 and group > self._last and group != 0xFFFE:
                return True
            vr, length, value_at = self._head(tag)
            end = value_at if length == _UNDEFINED or tag in _ENDS else value_at + length
            if end > size:
                return False
            self.at = value_at
            if tag in _ENDS:
                if len(self._frames) > 1:
                    self._close(visitor)
            elif not self._opened(visitor, tag, vr, None if length == _UNDEFINED else end, follow):
                if frame.told and frame.item and tag in wanted:
                    long = length > MAX_VALUE
                    value = b"" if long else bytes(self._body[value_at:end])
                    visitor.element(tag, Raw(vr, value, self._little, long))
                self.at = end

    def _opened(self, visitor: Visitor, tag: int, vr: str, end: int | None, follow: AbstractSet[int]) -> bool:
        """Whether this is a sequence or an item to step into: a followed one, or one without a length to skip by."""
        frame = self._frames[-1]
        if frame.told and not frame.item and tag == _ITEM:
            self._open(frame.sequence, vr, end, item=True, told=True)
            visitor.enter(frame.sequence)
        elif frame.told and frame.item and tag in follow:
            self._open(tag, vr, end, item=False, told=True)
        elif end is None:
            self._open(tag, vr, None, item=tag == _ITEM, told=False)
        else:
            return False
        return True

    def _head(self, tag: int) -> tuple[str, int, int]:
        """Value representation, length, and offset of the value."""
        at = self.at
        vr = bytes(self._body[at + 4 : at + 6])
        if tag >> 16 == 0xFFFE or self._frames[-1].implicit or not (vr.isalpha() and vr.isupper()):
            # Delimiters have no value representation; some writers also switch to implicit within explicit.
            return "", self._u32.unpack_from(self._body, at + 4)[0], at + 8
        if vr in _SHORT:
            return vr.decode("ascii"), self._u16.unpack_from(self._body, at + 6)[0], at + 8
        if at + 12 > len(self._body):
            return "", 0, at + 12
        return vr.decode("ascii"), self._u32.unpack_from(self._body, at + 8)[0], at + 12

    def _open(self, sequence: int, vr: str, end: int | None, *, item: bool, told: bool) -> None:
        """Step into a sequence or an item; UN is always implicit (PS3.5 6.2.2)."""
        if len(self._frames) > MAX_DEPTH:
            raise AdapterError(
                "unreadable", f"its sequences are nested more than {MAX_DEPTH} deep: damaged, or hostile"
            )
        implicit = self._frames[-1].implicit or (vr == "UN" and not item)
        self._frames.append(_Frame(sequence, item, implicit, end, told))

    def _close(self, visitor: Visitor) -> _Frame:
        """Step out of it; the frame around it."""
        frame = self._frames.pop()
        if frame.told and frame.item:
            visitor.leave(frame.sequence)
        return self._frames[-1]

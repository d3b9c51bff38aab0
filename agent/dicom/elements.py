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
from typing import Final, NamedTuple

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
_TRANSFER_SYNTAX: Final = 0x00020010


class Raw(NamedTuple):
    """One element's value as it stands in the object. ``vr`` is empty where the encoding doesn't say it."""

    vr: str
    value: bytes
    little: bool
    oversize: bool = False


def elements_of(
    data: bytes, wanted: AbstractSet[int], *, transfer_syntax: str | None = None, cut: bool = False
) -> dict[int, Raw]:
    """The wanted elements of an object, by tag; the first where one stands twice.

    ``data``: a file of PS3.10 (preamble and meta information may be missing, as they are in real folders), or with
    ``transfer_syntax`` a data set as it came over the network. ``cut``: more of it exists than is given here.
    Raises ``AdapterError`` and nothing else.
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
    walk = _Walk(body, implicit=implicit, little=transfer_syntax != BIG_ENDIAN, last=LAST_GROUP)
    if not walk.run(wanted):
        if cut:
            raise AdapterError(
                "header-too-long", f"its header is longer than {HEADER_LIMIT} bytes: not an image of a DR system"
            )
        raise AdapterError("truncated", "it is damaged or ends within its header: send or copy it again")
    return walk.found


def _meta(body: memoryview) -> tuple[int, str]:
    """Where the data set begins, and its transfer syntax."""
    start = 132 if bytes(body[128:132]) == b"DICM" else 0
    if bytes(body[start : start + 2]) == b"\x02\x00":
        walk = _Walk(body[start:], implicit=False, little=True, last=0x0002)
        walk.run({_TRANSFER_SYNTAX})
        named = walk.found.get(_TRANSFER_SYNTAX)
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


class _Walk:
    """One pass over elements. ``at`` is the offset of the next one, after ``run`` that of the first beyond ``last``."""

    def __init__(self, body: memoryview, *, implicit: bool, little: bool, last: int) -> None:
        self.found: dict[int, Raw] = {}
        self.at = 0
        self._body = body
        self._little = little
        self._last = last
        self._implicit = [implicit]
        """The encoding of each open sequence or item of undefined length, the data set's own at the bottom."""
        order = "<" if little else ">"
        self._tag = struct.Struct(order + "HH")
        self._u16 = struct.Struct(order + "H")
        self._u32 = struct.Struct(order + "I")

    def run(self, wanted: AbstractSet[int]) -> bool:
        """Whether an element beyond the last group, or the exact end, was reached."""
        size = len(self._body)
        while self.at + 8 <= size:
            group, element = self._tag.unpack_from(self._body, self.at)
            tag = group << 16 | element
            if len(self._implicit) == 1 and group > self._last and group != 0xFFFE:
                return True
            vr, length, value_at = self._head(tag)
            if value_at > size:
                break
            if length == _UNDEFINED:
                self._open(tag, vr)
                self.at = value_at
            elif tag in {_ITEM_END, _SEQUENCE_END}:
                if len(self._implicit) > 1:
                    self._implicit.pop()
                self.at = value_at
            else:
                if value_at + length > size:
                    break
                if len(self._implicit) == 1 and tag in wanted:
                    long = length > MAX_VALUE
                    value = b"" if long else bytes(self._body[value_at : value_at + length])
                    self.found.setdefault(tag, Raw(vr, value, self._little, long))
                self.at = value_at + length
        return self.at == size and len(self._implicit) == 1

    def _head(self, tag: int) -> tuple[str, int, int]:
        """Value representation, length, and offset of the value."""
        at = self.at
        vr = bytes(self._body[at + 4 : at + 6])
        if tag >> 16 == 0xFFFE or self._implicit[-1] or not (vr.isalpha() and vr.isupper()):
            # Delimiters have no value representation; some writers also switch to implicit within explicit.
            return "", self._u32.unpack_from(self._body, at + 4)[0], at + 8
        if vr in _SHORT:
            return vr.decode("ascii"), self._u16.unpack_from(self._body, at + 6)[0], at + 8
        if at + 12 > len(self._body):
            return "", 0, at + 12
        return vr.decode("ascii"), self._u32.unpack_from(self._body, at + 8)[0], at + 12

    def _open(self, tag: int, vr: str) -> None:
        """Step into a sequence or an item of undefined length; UN is always implicit (PS3.5 6.2.2)."""
        if len(self._implicit) > MAX_DEPTH:
            raise AdapterError(
                "unreadable", f"its sequences are nested more than {MAX_DEPTH} deep: damaged, or hostile"
            )
        self._implicit.append(True if vr == "UN" and tag != _ITEM else self._implicit[-1])

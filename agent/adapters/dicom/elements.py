"""From the bytes of a DICOM object to the raw values of allow-listed elements, and of nothing else.

DICOM PS3.5 7.1 (elements), 7.5 (sequences), annex A (transfer syntaxes), PS3.10 7 (file meta information).

Why not pydicom here: even with ``specific_tags`` it builds objects of every sequence of undefined length (patients'
and physicians' names are in them), follows their nesting by recursion, and quotes values in warnings, which can't be
silenced in one thread alone. This walk skips what isn't on the list byte by byte, keeps a counter instead of a
recursion, and has no text to quote. pydicom is its oracle in the tests.

An object comes in pieces and nothing of it is held but the element that is just arriving, at most ``MAX_VALUE`` and its
head. So a value of any length may stand in front of what is read, and an element may stand behind the pixels.
"""

import zlib
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from agent.adapters.dicom.walk import BINARY, Elements, Raw, Visitor
from agent.errors import AdapterError

LAST_GROUP: Final = 0x0018
"""The last group of an image that is read. Damage behind it does no harm."""
INFLATED_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of a deflated data set that are looked at: it may be a bomb."""

IMPLICIT: Final = "1.2.840.10008.1.2"
EXPLICIT: Final = "1.2.840.10008.1.2.1"
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
_DEFLATED: Final = frozenset({DEFLATED, "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})
"""With the two of JPIP whose data sets are deflated (PS3.5 A.7, A.12)."""
STANDARD: Final = IMPLICIT + "."
"""How all transfer syntaxes of DICOM begin but the implicit one. Of a maker's own, the first element says which of the
two little endian ones it is."""

_PREAMBLE: Final = 132
_INFLATE: Final = 64 * 1024
_TRANSFER_SYNTAX: Final = 0x00020010
_MEDIA_CLASS: Final = 0x00020002


def elements_of(
    data: bytes, wanted: AbstractSet[int], *, last: int = LAST_GROUP, transfer_syntax: str | None = None
) -> dict[int, Raw]:
    """The wanted elements of an object, by tag. As ``visit``."""
    found = Flat()
    visit(data, found, wanted=wanted, last=last, transfer_syntax=transfer_syntax)
    return found.found


def visit(
    data: bytes,
    visitor: Visitor,
    *,
    wanted: AbstractSet[int],
    follow: AbstractSet[int] = frozenset(),
    last: int = LAST_GROUP,
    transfer_syntax: str | None = None,
) -> None:
    """A ``Walk`` over an object that is there as a whole."""
    walk = Walk(visitor, wanted=wanted, follow=follow, transfer_syntax=transfer_syntax)
    walk.feed(data)
    walk.finish(last)


class Flat:
    """Collects the data set's own elements. One that stands twice is one, and two values where these differ."""

    def __init__(self) -> None:
        self.found: dict[int, Raw] = {}
        self._differ: set[int] = set()

    def element(self, tag: int, raw: Raw) -> None:
        """A wanted element."""
        before = self.found.get(tag)
        if before is None or not (before.oversize or before.value.strip(b" \0")):
            self.found[tag] = raw
            return
        value = raw.value.strip(b" \0")
        if value and value != before.value.strip(b" \0") and tag not in self._differ:
            self._differ.add(tag)
            between = b"" if raw.vr in BINARY else b"\\"
            self.found[tag] = before._replace(value=before.value + between + raw.value)

    def enter(self, sequence: int) -> None:
        """Nothing is followed."""

    def leave(self, sequence: int) -> None:
        """Nothing is followed."""


class Walk:
    """Tells a visitor the wanted elements of an object, and of the items of the followed sequences in it.

    ``feed`` takes it in pieces: a file of PS3.10 (preamble and meta information may be missing, as they are in real
    folders), or with ``transfer_syntax`` a data set as it comes over the network. ``finish`` raises ``AdapterError``
    for what can't be read; else nothing raises but what the visitor does.
    """

    def __init__(
        self,
        visitor: Visitor,
        *,
        wanted: AbstractSet[int],
        follow: AbstractSet[int] = frozenset(),
        transfer_syntax: str | None = None,
    ) -> None:
        self._visitor = visitor
        self._wanted = wanted
        self._follow = follow
        self._start = bytearray()
        """The first bytes of a file, until they say what it is."""
        self._named = Flat()
        self._meta: Elements | None = None
        self._set: Elements | None = None
        self._deflated = False
        self._inflater: zlib._Decompress | None = None
        self._inflated = 0
        self._broken: AdapterError | None = None
        if transfer_syntax is not None:
            self._data_set(transfer_syntax)

    @property
    def skipping(self) -> int:
        """So many of the next bytes wouldn't be looked at. ``skip`` lets them pass without handing them in."""
        return self._set.skipping if self._set is not None and not self._deflated else 0

    @property
    def out_of_order(self) -> bool:
        """Whether a wanted element stood behind one of a higher tag, against PS3.5 7.1."""
        return self._set is not None and self._set.out_of_order

    @property
    def media_class(self) -> Raw | None:
        """What kind of object a file's meta information says that it is."""
        return self._named.found.get(_MEDIA_CLASS)

    def skip(self, size: int) -> None:
        """Bytes that pass unseen, at most ``skipping``."""
        if self._set is not None:
            self._set.skip(size)

    def feed(self, data: bytes | memoryview) -> None:
        """The next bytes."""
        if self._set is not None:
            self._plain(self._set, data)
        elif self._meta is not None:
            self._meta.push(data)
            self._after_meta(self._meta)
        elif self._broken is None:
            self._start += data
            if len(self._start) >= _PREAMBLE + 6:
                self._begin()

    def finish(self, last: int = LAST_GROUP) -> None:
        """No more of it comes. Raises ``AdapterError`` where it is damaged, unless a group beyond ``last`` had been
        reached already."""
        if self._set is None and self._meta is None and self._broken is None:
            self._begin()
        if self._set is None and self._meta is not None and self._meta.finish():
            self._after_meta(self._meta, final=True)
        reached = False
        whole = self._broken is not None
        if self._set is not None:
            whole = self._set.finish()
            reached = self._set.highest > last
            self._broken = self._broken or self._set.broken
        if reached:
            return
        if self._broken is not None:
            raise self._broken
        if not whole:
            raise AdapterError("truncated", "it is damaged or ends within its header: send or copy it again")

    def _begin(self) -> None:
        """Where the data set begins, and how it is written."""
        body = bytes(self._start)
        self._start.clear()
        start = _PREAMBLE if body[128:132] == b"DICM" else 0
        if body[start : start + 2] == b"\x02\x00":
            self._meta = Elements(self._named, wanted={_TRANSFER_SYNTAX, _MEDIA_CLASS}, implicit=False, only=0x0002)
            self._meta.push(body[start:])
            self._after_meta(self._meta)
        elif start == 0 and body[:2] != b"\x08\x00":
            text = "it is no DICOM object: no DICM mark, and no data set at its start"
            self._broken = AdapterError("not-dicom", text)
        else:
            self._data_set("").push(body[start:])

    def _after_meta(self, meta: Elements, *, final: bool = False) -> None:
        """Go on with the data set, once the meta information is over."""
        if not meta.over and not final:
            return
        named = self._named.found.get(_TRANSFER_SYNTAX)
        syntax = "" if named is None else named.value.rstrip(b"\0 ").decode("ascii", "replace")
        self._plain(self._data_set(syntax), meta.rest())

    def _data_set(self, syntax: str) -> Elements:
        known = syntax.startswith(STANDARD)
        # Some files are explicit and say implicit; so whether the first element names its representation decides.
        self._set = Elements(
            self._visitor,
            wanted=self._wanted,
            follow=self._follow,
            implicit=False if known else None,
            little=syntax != BIG_ENDIAN,
        )
        self._deflated = syntax in _DEFLATED
        return self._set

    def _plain(self, to: Elements, data: bytes | memoryview) -> None:
        if not self._deflated:
            to.push(data)
            return
        if self._inflater is None:
            self._start += data
            if len(self._start) < 2:
                return
            # Some writers put the two bytes of zlib's head in front (RFC 1950); no deflated block begins so.
            headed = self._start[0] == 0x78 and int.from_bytes(self._start[:2], "big") % 31 == 0
            self._inflater = zlib.decompressobj(zlib.MAX_WBITS if headed else -zlib.MAX_WBITS)
            data = bytes(self._start)
        for piece in self._inflate(self._inflater, data):
            to.push(piece)

    def _inflate(self, stream: "zlib._Decompress", data: bytes | memoryview) -> Iterator[bytes]:
        """A deflated data set (PS3.5 A.5, RFC 1951) in pieces, never more than the limit."""
        while data and self._broken is None and not stream.eof:
            try:
                piece = stream.decompress(data, _INFLATE)
            except zlib.error:
                self._broken = AdapterError("unreadable", "its deflated data set is damaged: send or copy it again")
                return
            data = stream.unconsumed_tail
            self._inflated += len(piece)
            if self._inflated > INFLATED_LIMIT:
                text = f"what is read of it is longer than {INFLATED_LIMIT} bytes: not of a DR system"
                self._broken = AdapterError("header-too-long", text)
            yield piece

"""One pass over elements of one encoding, in pieces: DICOM PS3.5 7.1 and 7.5. ``elements`` says why so."""

import struct
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple, Protocol

from agent.adapters.dicom.dictionary import VRS
from agent.errors import AdapterError

MAX_ELEMENTS: Final = 500_000
"""Elements of one object that are looked at: a report of 500 irradiation events has some 300 000."""
MAX_DEPTH: Final = 64
MAX_VALUE: Final = 1024
"""Bytes of one value that are kept; longer ones have no meaning for us and come back empty with ``oversize``."""

_SHORT: Final = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS"}
    | {b"ST", b"TM", b"UI", b"UL", b"US"}
)
"""Value representations with a length of 16 bits (PS3.5 7.1.2); all others have 32 bits behind two reserved bytes."""
_LONG: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"},
)
_VRS: Final = _SHORT | _LONG
BINARY: Final = frozenset({"US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"})
"""Those that are numbers, not text."""
_UNDEFINED: Final = 0xFFFFFFFF
_ITEM: Final = 0xFFFEE000
_ITEM_END: Final = 0xFFFEE00D
_SEQUENCE_END: Final = 0xFFFEE0DD
_ENDS: Final = frozenset({_ITEM_END, _SEQUENCE_END})
_TEXT: Final = 0x20202020
"""Text, read as a length, is at least so long."""
_HEAD: Final = 16
"""Bytes that decide how long an element's head is, whatever its representation is said to be."""


class Raw(NamedTuple):
    """One element's value as it stands in the object. ``vr`` is that of the dictionary where the encoding says none,
    and empty where neither does."""

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


class _Frame(NamedTuple):
    """An open sequence or item. ``sequence``: its tag, or that of the sequence an item belongs to; 0: the data set.
    ``end``: where it ends, None: at its delimiter. ``told``: it is followed, and so is all around it. ``unknown``: it
    is, or stands in, one of the representation UN."""

    sequence: int
    item: bool
    implicit: bool
    end: int | None
    told: bool
    unknown: bool = False


class Elements:
    """``push`` takes pieces, ``finish`` says whether it ended where it should.

    ``implicit`` None: the first element says which. ``only``: the walk is over before the first element of a higher
    group, and ``rest`` is what was handed in of what follows. ``highest``: the highest group so far.
    """

    def __init__(
        self,
        visitor: Visitor,
        *,
        wanted: AbstractSet[int],
        follow: AbstractSet[int] = frozenset(),
        implicit: bool | None,
        little: bool = True,
        only: int | None = None,
    ) -> None:
        self.skipping = 0
        self.over = False
        self.out_of_order = False
        self.highest = 0
        self.broken: AdapterError | None = None
        self._visitor = visitor
        self._wanted = wanted
        self._follow = follow
        self._only = only
        self._at = 0
        """Offset of the first byte held."""
        self._held = bytearray()
        self._count = 0
        self._top = 0
        self._began = False
        self._guess = implicit is None
        self._frames = [_Frame(0, item=True, implicit=bool(implicit), end=None, told=True)]
        self._order(little=little)

    def _order(self, *, little: bool) -> None:
        order = "<" if little else ">"
        self._little = little
        self._tag = struct.Struct(order + "HH")
        self._u16 = struct.Struct(order + "H")
        self._u32 = struct.Struct(order + "I")

    def push(self, data: bytes | memoryview) -> None:
        """The next bytes."""
        view = memoryview(data)
        passed = min(self.skipping, len(view))
        self.skip(passed)
        if self.over or passed == len(view):
            return
        self._held += view[passed:]
        self._walk(final=False)

    def skip(self, size: int) -> None:
        """Let bytes pass that would be skipped."""
        self.skipping -= size
        self._at += size

    def rest(self) -> bytes:
        """What was handed in and not looked at."""
        return bytes(self._held)

    def finish(self) -> bool:
        """Whether the data ended exactly behind its last element."""
        if not self.over:
            self._walk(final=True)
        # Zeros behind the last element fill a block, or make the length even.
        return not (self.broken or self.skipping or self._held.strip(b"\0")) and len(self._frames) == 1

    def _walk(self, *, final: bool) -> None:
        if not self._began:
            if len(self._held) < 6 and not final:
                return
            self._begin(bytes(self._held[:6]))
        done = 0
        try:
            while self._closed(self._at + done):
                size = self._step(done, final=final)
                done += size
                if not size or self.skipping or self.over:
                    break
        finally:
            self._at += done
            del self._held[:done]

    def _begin(self, first: bytes) -> None:
        """Some writers say one order of bytes and mean the other: of a first group below 0100, one byte is zero."""
        self._began = True
        if first[:1] and (first[0] == 0) != (first[1:2] == b"\0"):
            self._order(little=first[0] != 0)
        if self._guess:
            self._frames = [self._frames[0]._replace(implicit=not _names_vr(first[4:6]))]

    def _closed(self, at: int) -> bool:
        """Close what ends here; False: something should have ended before."""
        frame = self._frames[-1]
        while frame.end is not None and at >= frame.end:
            if at > frame.end:
                self._break("truncated", "it is damaged or ends within its header: send or copy it again")
                return False
            frame = self._close()
        return True

    def _step(self, at: int, *, final: bool) -> int:
        """Take the element at this offset of what is held; how much of it is done with, 0: more must come first."""
        left = len(self._held) - at
        if left < 8 or (left < _HEAD and not final and not self._frames[-1].implicit):
            return 0
        group, element = self._tag.unpack_from(self._held, at)
        tag: int = group << 16 | element
        top = len(self._frames) == 1
        if top and self._only is not None and group > self._only:
            self.over = True
            return 0
        vr, length, head = self._head(at, tag, left)
        if head > left:
            return 0
        undefined = length == _UNDEFINED
        told = self._told(tag)
        if told and not undefined and length <= MAX_VALUE and head + length > left:
            return 0
        self._count += 1
        if self._count > MAX_ELEMENTS:
            self._break(
                "header-too-long", f"what is read of it has more than {MAX_ELEMENTS} elements: not of a DR system"
            )
            return 0
        if top and group != 0xFFFE:
            self.out_of_order = self.out_of_order or (told and tag < self._top)
            self._top = max(self._top, tag)
            self.highest = max(self.highest, group)
        if tag in _ENDS:
            if not top:
                self._close()
            return head
        if self._opened(tag, vr, None if undefined else self._at + at + head + length):
            return head
        if told:
            long = length > MAX_VALUE
            value = b"" if long else bytes(self._held[at + head : at + head + length])
            known = vr if vr not in {"", "UN"} else VRS.get(tag, "")
            self._visitor.element(tag, Raw(known, value, self._little, long))
        self.skipping = max(0, head + length - left)
        return min(head + length, left)

    def _told(self, tag: int) -> bool:
        frame = self._frames[-1]
        return frame.told and frame.item and tag in self._wanted

    def _opened(self, tag: int, vr: str, end: int | None) -> bool:
        """Whether this is a sequence or an item to step into: a followed one, or one without a length to skip by."""
        frame = self._frames[-1]
        if frame.told and not frame.item and tag == _ITEM:
            self._open(frame.sequence, vr, end, item=True, told=True)
            self._visitor.enter(frame.sequence)
        elif frame.told and frame.item and tag in self._follow:
            self._open(tag, vr, end, item=False, told=True)
        elif end is None:
            self._open(tag, vr, None, item=tag == _ITEM, told=False)
        else:
            return False
        return True

    def _head(self, at: int, tag: int, left: int) -> tuple[str, int, int]:
        """Value representation, length, and bytes in front of the value."""
        vr = bytes(self._held[at + 4 : at + 6])
        frame = self._frames[-1]
        # Delimiters have no value representation. UN is implicit within, and some writers make it explicit.
        if tag >> 16 == 0xFFFE or (frame.implicit and not (frame.unknown and vr in _VRS)):
            return "", self._u32.unpack_from(self._held, at + 4)[0], 8
        short: int = self._u16.unpack_from(self._held, at + 6)[0]
        if vr in _SHORT:
            return vr.decode("ascii"), short, 8
        if vr not in _LONG:
            if self._is_short(vr, short, at, tag, left):
                return "", short, 8
            if not (_names_vr(vr) or self._is_long(vr, short, at, tag, left)):
                # Some writers switch to implicit within explicit.
                return "", self._u32.unpack_from(self._held, at + 4)[0], 8
        if left < 12:
            return "", 0, 12
        return vr.decode("ascii") if vr in _LONG else "", self._u32.unpack_from(self._held, at + 8)[0], 12

    def _is_short(self, vr: bytes, short: int, at: int, tag: int, left: int) -> bool:
        """Whether an element of an unknown representation (blank, ``??``, ``QQ``) has its length in the two bytes
        behind it, as dcmtk reads it. The standard's long form has zeros there (PS3.5 7.1.2), and so has an implicit
        element shorter than 64 kB; so a length of 0 needs another element behind it."""
        if not (vr == b"\0\0" or _is_written(vr)):
            return False
        if short:
            return True
        if left < _HEAD:
            return left == 8
        group, element = self._tag.unpack_from(self._held, at + 8)
        following = bytes(self._held[at + 12 : at + 14])
        return bool(group << 16 | element > tag and following in _VRS)

    def _is_long(self, vr: bytes, short: int, at: int, tag: int, left: int) -> bool:
        """Whether an unknown representation has the standard's long form: zeros, and a length of four bytes. Else its
        two signs are an implicit length of 8 kB or more, whose text would make a length that nothing has; two zeros are
        an implicit element without a value, unless what follows can't be the next one."""
        if short or left < 12:
            return False
        if vr != b"\0\0":
            length: int = self._u32.unpack_from(self._held, at + 8)[0]
            return _is_written(vr) and (length < _TEXT or length == _UNDEFINED)
        group, element = self._tag.unpack_from(self._held, at + 8)
        if group == 0xFFFE:
            return False
        if not tag < group << 16 | element < 0xFFFE << 16 or left < _HEAD:
            return True
        length = self._u32.unpack_from(self._held, at + 12)[0]
        return length != 4 if element == 0 else length >= _TEXT

    def _open(self, sequence: int, vr: str, end: int | None, *, item: bool, told: bool) -> None:
        """Step into a sequence or an item; UN is implicit (PS3.5 6.2.2)."""
        if len(self._frames) > MAX_DEPTH:
            self._break("unreadable", f"its sequences are nested more than {MAX_DEPTH} deep: damaged, or hostile")
            return
        around = self._frames[-1]
        unknown = around.unknown or (vr == "UN" and not item)
        self._frames.append(_Frame(sequence, item, around.implicit or unknown, end, told, unknown))

    def _close(self) -> _Frame:
        """Step out of it; the frame around it."""
        frame = self._frames.pop()
        if frame.told and frame.item:
            self._visitor.leave(frame.sequence)
        return self._frames[-1]

    def _break(self, reason: str, text: str) -> None:
        self.broken = AdapterError(reason, text)
        self.over = True


def _is_written(vr: bytes) -> bool:
    """Whether these bytes are signs, blanks among them."""
    return vr.isascii() and vr.decode("ascii").isprintable()


def _names_vr(vr: bytes) -> bool:
    """Whether these bytes look like a value representation."""
    return vr.isalpha() and vr.isupper()

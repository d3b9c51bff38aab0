"""What a log file is known by: its content, never its name, device or inode alone.

Copies, restores, editors and mounts change all three, while the bytes that were read stay what they were. A file goes
on from a position when it begins as that one began and has the same bytes in front of where reading stopped; it is an
older copy when it does so only up to an earlier line. Device and inode (on NTFS the volume and the file's index) decide
where nothing was read yet, and between two files with the same content.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import BinaryIO, Final

import msgspec
from msgspec import Struct

HEAD: Final = 256
"""Bytes of a file's fingerprint at most; only bytes that were read, as those never change."""
_MARK: Final = 64
"""Bytes in front of the offset that must still be there, in positions of before there was a trail."""
_WINDOW: Final = 512
"""Bytes in front of a stop of the trail: a whole line with its time."""
_RECENT: Final = 64
"""The last lines, each of which is a stop; before them the distance to the end grows by ``_GROWTH`` a stop."""
_GROWTH: Final = 1.5
DEEP: Final = 4096
"""Bytes of a common beginning that no banner has: such a file is a copy, also where it ends between two stops."""
_TRIMMED: Final = 4 * 1024 * 1024
"""Bytes in which the last lines of a file are looked for when its first ones were cut off: 0.2 s at most, once."""
_TIME: Final = re.compile(rb"\d\d:?\d\d:?\d\d")
"""A time of day, or any six digits. Lines without one may be the same in two files."""

Trail = tuple[tuple[int, bytes], ...]


class Position(Struct, frozen=True, array_like=True):
    """How far a log was read. ``skipping``: the rest of a line that is too long comes next. ``size``, ``modified``
    (ns): of the file when last read. ``mark``: of the bytes in front of the offset. ``trail``: offsets of line ends up
    to the offset, each with a fingerprint of the bytes in front of it. ``name``: of the file when last read, with its
    folder; empty: it was left and is gone."""

    device: int
    inode: int
    offset: int
    head_size: int
    head: bytes
    skipping: bool
    size: int
    modified: int
    mark: bytes = b""
    trail: Trail = ()
    name: str = ""

    def encode(self) -> bytes:
        """As it is kept with what was read."""
        return msgspec.msgpack.encode(self)


def decode_position(data: bytes | None) -> Position | None:
    """What ``Position.encode`` gave, of this version or an earlier one; anything else is no position."""
    try:
        return None if data is None else msgspec.msgpack.decode(data, type=Position)
    except msgspec.MsgspecError:
        return None


def decode_past(data: bytes | None) -> tuple[Position, ...]:
    """Positions in files that were left, as they were committed; anything else is none."""
    try:
        return () if data is None else msgspec.msgpack.decode(data, type=tuple[Position, ...])
    except msgspec.MsgspecError:
        return ()


def position_at(
    stream: BinaryIO,
    offset: int,
    *,
    trail: Trail,
    skipping: bool,
    device: int,
    inode: int,
    size: int,
    modified: int,
    name: str = "",
) -> Position:
    """The position at an offset of an open file."""
    head_size = min(HEAD, offset)
    return Position(
        device=device,
        inode=inode,
        offset=offset,
        head_size=head_size,
        head=_fingerprint(stream, 0, head_size),
        skipping=skipping,
        size=size,
        modified=modified,
        mark=_in_front(stream, offset, _MARK),
        trail=trail,
        name=name,
    )


def trail_of(stream: BinaryIO, known: Trail, stops: Iterable[int]) -> Trail:
    """The trail after more was read: ``known`` and new stops, thinned out."""
    marks = dict(known)
    kept: list[int] = []
    offsets = sorted({*marks, *stops}, reverse=True)
    for index, offset in enumerate(offsets):
        if index < _RECENT or offsets[0] - offset >= _GROWTH * (offsets[0] - kept[-1]):
            kept.append(offset)
    return tuple((offset, marks.get(offset) or _stop(stream, offset)) for offset in reversed(kept) if offset)


def stops_in(data: bytes, start: int, newline: bytes) -> list[int]:
    """Where in a file the trail may stop: line ends of these bytes, which begin at ``start`` and end with one."""
    unit = len(newline)
    end = at = len(data)
    found = [start + end]
    while at > 0:
        limit = at - unit if len(found) < _RECENT else min(at - unit, int(end - _GROWTH * (end - at)))
        at = data.rfind(newline, 0, max(0, limit)) + unit if limit > 0 else 0
        if at >= unit and at % unit == 0:
            found.append(start + at)
        elif at < unit:
            break
    return found


def goes_on(stream: BinaryIO, size: int, known: Position) -> bool:
    """Whether a file still is what was read of it, at its beginning and in front of the offset."""
    return (
        0 < known.offset <= size
        and _begins_as(stream, known)
        and (not known.mark or _in_front(stream, known.offset, _MARK) == known.mark)
        and (not known.trail or known.trail[-1][0] != known.offset or known.trail[-1][1] == _stop(stream, known.offset))
    )


def begins_in(stream: BinaryIO, size: int, places: Sequence[Position]) -> Position | None:
    """From where a file is new, by what was read before; None: all of it. The position is one of ``places`` when the
    file goes on from there, else one that is shortened to what it has in common with it."""
    best: Position | None = None
    for place in places:
        beyond = 0 if best is None else best.offset
        telling = place is places[0] or _has_time_at(stream, min(place.offset, size))
        if place.offset > beyond and telling and goes_on(stream, size, place):
            best = place
        else:
            best = _common(stream, size, place, beyond) or best
    return best


def is_beginning(shorter: BinaryIO, longer: BinaryIO, size: int) -> bool:
    """Whether a file of ``size`` bytes is how another one begins, as far as its first and last 64 kB show, and has any
    time in it by which it can be told."""
    for start in {0, max(0, size - 65_536)}:
        shorter.seek(start)
        longer.seek(start)
        part = shorter.read(min(65_536, size))
        if part != longer.read(len(part)) or not _has_time(part):
            return False
    return True


def _common(stream: BinaryIO, size: int, place: Position, beyond: int) -> Position | None:
    begins = size >= place.head_size and _begins_as(stream, place)
    following = place.offset + 1
    for offset, mark in reversed(place.trail):
        if offset <= beyond:
            return None
        if offset <= size and (begins or offset < place.head_size) and _stop(stream, offset) == mark:
            if not _has_time_at(stream, offset):
                return None
            end = size - size % 2 if size < following and offset >= DEEP else offset
            trail = tuple(stop for stop in place.trail if stop[0] <= offset)
            return _shortened(stream, size, end, trail)
        following = offset
    return None


def without_head(stream: BinaryIO, size: int, known: Position) -> Position | None:
    """Where reading goes on in a file whose first lines were cut off: behind the last bytes that were read. They are
    looked for in its last ``_TRIMMED`` bytes, and only if there is a time in them."""
    start = max(0, size - _TRIMMED)
    data = bytes_at(stream, start, size - start)
    if not known.offset or not known.mark or b"\n" not in data:
        return None
    at = data.rfind(b"\n")
    while at >= 0:
        for end in (at + 1, at + 2):  # the second one: a line feed of UTF-16, little-endian
            last = data[max(0, end - _MARK) : end]
            if len(last) == min(_MARK, known.offset) and _digest(last) == known.mark and _has_time(last):
                return _shortened(stream, size, start + end, ())
        at = data.rfind(b"\n", 0, at)
    return None


def _shortened(stream: BinaryIO, size: int, offset: int, trail: Trail) -> Position:
    return position_at(stream, offset, trail=trail, skipping=False, device=0, inode=0, size=size, modified=0)


def _has_time_at(stream: BinaryIO, offset: int) -> bool:
    return _has_time(bytes_at(stream, max(0, offset - _WINDOW), min(_WINDOW, offset)))


def _has_time(data: bytes) -> bool:
    return _TIME.search(data.replace(b"\0", b"")) is not None


def _begins_as(stream: BinaryIO, known: Position) -> bool:
    return _fingerprint(stream, 0, known.head_size) == known.head


def _stop(stream: BinaryIO, offset: int) -> bytes:
    return _in_front(stream, offset, _WINDOW)[:8]


def _in_front(stream: BinaryIO, offset: int, size: int) -> bytes:
    return _fingerprint(stream, max(0, offset - size), min(size, offset))


def _fingerprint(stream: BinaryIO, start: int, size: int) -> bytes:
    return _digest(bytes_at(stream, start, size))


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def bytes_at(stream: BinaryIO, start: int, size: int) -> bytes:
    """Fewer where the file ends before."""
    stream.seek(start)
    return stream.read(size)

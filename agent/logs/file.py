"""Where reading a log file stopped, and what comes next: through growth, truncation and rotation.

A file is recognised by device and inode (on NTFS the volume and the file's index) together with a fingerprint of the
bytes it began with, so that neither a re-used inode nor a copy that was truncated is taken for it. When the file at the
path is another one, the rest of the old one is found beside it by the same fingerprint and read first, then whatever
was rotated after it, oldest first, then the new one. A file is never kept open between two looks: on Windows that
would keep the equipment's own software from renaming it.

NULs are where nothing was written: behind the text of a file that was made in its full size, which is then taken to end
there; and within it, in the hole that a writer leaves who goes on where it was after a truncation, or what a power loss
makes of the last lines. They end a line as a line end does.
"""

import hashlib
import math
import os
import re
import sys
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import msgspec
from msgspec import Struct

from agent.logs.encodings import SAMPLE, WIDE, is_big_endian

CHUNK: Final = 256 * 1024
"""Bytes of one turn: some 3,000 lines, 15 ms of patterns. A log of 10 GB is read in 40,000 turns, others in between."""
MAX_LINE: Final = 64 * 1024
"""Bytes of a line; a longer one is skipped to its end."""
HEAD: Final = 256
"""Bytes of a file's fingerprint at most; only bytes that were read, as those never change."""
SETTLED_S: Final = 2.0
"""Seconds for which a rotated file must not have changed before its last, unfinished line counts as finished."""
_MAX_SIBLINGS: Final = 1000
_MARK: Final = 64
"""Bytes in front of the offset that must still be there."""


class Position(Struct, frozen=True, array_like=True):
    """How far a log was read. ``skipping``: the rest of a line that is too long comes next. ``size``, ``modified``
    (ns): of the file when last read; a file that is smaller than it was has been truncated. ``mark``: of the bytes in
    front of the offset: a file that was truncated and has grown beyond it may begin as it did before."""

    device: int
    inode: int
    offset: int
    head_size: int
    head: bytes
    skipping: bool
    size: int
    modified: int
    mark: bytes = b""

    def encode(self) -> bytes:
        """As it is kept with what was read."""
        return msgspec.msgpack.encode(self)


class Turn(NamedTuple):
    """One look. ``lines``: complete ones without their ends. ``more``: there is more to read at once. ``position``:
    after these lines; None: there is no file yet. ``written``: when the lines were at the latest written, ms since
    1970. ``long``: lines skipped as too long. ``lost``: the unread rest of a rotated file is gone. ``older``: there are
    lines in front of where the first look began."""

    position: Position | None
    lines: Sequence[bytes] = ()
    more: bool = False
    written: int = 0
    big_endian: bool = False
    long: int = 0
    lost: bool = False
    older: bool = False


class Cut(NamedTuple):
    """Complete lines at the start of some bytes; ``used`` bytes are done with."""

    lines: list[bytes]
    used: int
    skipping: bool
    long: int


def decode_position(data: bytes | None) -> Position | None:
    """What ``Position.encode`` gave; anything else is no position."""
    try:
        return None if data is None else msgspec.msgpack.decode(data, type=Position)
    except msgspec.MsgspecError:
        return None


def cut_lines(data: bytes, *, newline: bytes, skipping: bool, final: bool) -> Cut:
    """Split at line ends; empty lines are left out. ``skipping``: the first line is the rest of one that was too long.
    ``final``: nothing follows, so that the last line is complete. Pure."""
    lines: list[bytes] = []
    data = _without_nuls(data, newline)
    if data.count(newline) * len(newline) == len(data):
        return Cut(lines, len(data), skipping and not data, 0)
    long = at = 0
    while at < len(data):
        end = _find(data, newline, at)
        if end < 0:
            if not final and len(data) - at <= MAX_LINE:
                break
            end = len(data)
        line = data[at:end]
        complete = final or end < len(data)
        if skipping:
            skipping = not complete
        elif len(line) > MAX_LINE:
            long += 1
            skipping = not complete
        elif line:
            lines.append(line)
        at = min(end + len(newline), len(data))
    return Cut(lines, at, skipping, long)


def _find(data: bytes, newline: bytes, start: int) -> int:
    """The next line end; in UTF-16 only between characters."""
    end = data.find(newline, start)
    while end >= 0 and (end - start) % len(newline):
        end = data.find(newline, end + 1)
    return end


def _without_nuls(data: bytes, newline: bytes) -> bytes:
    """The same bytes with line ends in the place of NULs."""
    if len(newline) == 1:
        return data.replace(b"\0", newline)
    whole = len(data) - len(data) % 2
    units = array("H", data[:whole])
    if 0 not in units:
        return data
    end = int.from_bytes(newline, sys.byteorder)
    return array("H", [unit or end for unit in units]).tobytes() + data[whole:]


def look(path: Path, known: Position | None, *, encoding: str | None, now: float, first: int | None = None) -> Turn:
    """Read on, at most ``CHUNK`` bytes. ``encoding``: one of ``agent.logs.encodings``, None: of single bytes. ``now``:
    wall time, s. ``first``: bytes at the end of a file that is met for the first time, with which reading begins;
    None: at its beginning. Raises ``OSError``, but not for a file that isn't there yet."""
    reading = _Reading(encoding=encoding, now=now, first=first if known is None else None)
    here = _identify(path, known)
    if here is not None and (known is None or (here.same and here.size >= known.size)):
        return reading.turn(here, known)
    if known is None:
        return Turn(None)
    rotated = [_identify(sibling, known) for sibling in _siblings(path)]
    files = [file for file in rotated if file is not None]
    old = _old(files, known)
    if old is not None and old.size > known.offset:
        return reading.turn(old, known, rotated=True)
    if here is None or (old is not None and not reading.settled(old)):
        return Turn(known)  # the new file isn't there yet, or the old one may still grow
    later = [file for file in files if file.modified > known.modified and file != old]
    following = min(later, key=lambda file: file.modified, default=None)
    turn = reading.turn(following or here, None, rotated=following is not None)
    return turn._replace(lost=old is None and known.offset > 0)


def turns(path: Path, *, encoding: str | None) -> Iterator[Turn]:
    """A finished file from its beginning to its end. Raises ``OSError``."""
    reading = _Reading(encoding=encoding, now=math.inf, first=None)
    position: Position | None = None
    while True:
        size = path.stat().st_size
        turn = reading.turn(_File(path, size, 0, same=True, alike=True), position, rotated=True)
        yield turn
        position = turn.position
        if position is None or position.offset >= size:
            return


def beginning(path: Path) -> bytes:
    """The first bytes of a file, which tell what it is; of one that is gone meanwhile, none. Raises ``OSError``."""
    try:
        with path.open("rb") as stream:
            return stream.read(SAMPLE)
    except FileNotFoundError:
        return b""


class _File(NamedTuple):
    """``same``: it is where we stopped, by device and inode; ``alike``: it begins as that one did."""

    path: Path
    size: int
    modified: int
    same: bool
    alike: bool


class _Reading(NamedTuple):
    encoding: str | None
    now: float
    first: int | None

    def settled(self, file: _File) -> bool:
        return self.now - file.modified / 1e9 >= SETTLED_S

    def turn(self, file: _File, known: Position | None, *, rotated: bool = False) -> Turn:
        with file.path.open("rb") as stream:
            stat = os.fstat(stream.fileno())
            if known is not None and not _begins_as(stream, known):
                return Turn(known, more=True)  # replaced since it was identified: look again
            unit = 2 if self.encoding in WIDE else 1
            big_endian = unit == 2 and is_big_endian(self.encoding, _bytes(stream, 0, SAMPLE))
            newline = b"\n" if unit == 1 else b"\0\n" if big_endian else b"\n\0"
            end = _written(stream, stat.st_size, unit)
            start, skipping = (known.offset, known.skipping) if known is not None else self._first(end, unit)
            data = _bytes(stream, start, min(CHUNK, max(0, end - start)))
            at_end = start + len(data) >= end
            final = rotated and at_end and self.settled(file)
            cut = cut_lines(data, newline=newline, skipping=skipping, final=final)
            offset = stat.st_size if final else start + cut.used
            position = Position(
                device=stat.st_dev,
                inode=stat.st_ino,
                offset=offset,
                head_size=min(HEAD, offset),
                head=_fingerprint(stream, 0, min(HEAD, offset)),
                skipping=cut.skipping,
                size=max(stat.st_size, offset),
                modified=stat.st_mtime_ns,
                mark=_fingerprint(stream, max(0, offset - _MARK), min(_MARK, offset)),
            )
        written = int(min(self.now * 1000, stat.st_mtime_ns / 1e6))
        older = known is None and start > 0
        return Turn(position, cut.lines, not at_end or final, written, big_endian, cut.long, older=older)

    def _first(self, end: int, unit: int) -> tuple[int, bool]:
        """Where to begin, and whether that may be within a line: a line end in front of it is skipped with it."""
        if self.first is None or end <= self.first:
            return 0, False
        start = max(0, end - self.first - unit)
        return start - start % unit, True


def _written(stream: BinaryIO, size: int, unit: int) -> int:
    """Where the text of a file ends that may have been made larger than it: in front of the NULs at its end."""
    empty = bytes(unit)
    whole = size - size % unit
    if not whole or _bytes(stream, whole - unit, unit) != empty:
        return size
    low, high = 0, whole // unit - 1  # characters; the one at `high` is NUL
    while low < high:
        middle = (low + high) // 2
        if _bytes(stream, middle * unit, unit) == empty:
            high = middle
        else:
            low = middle + 1
    return high * unit


def _bytes(stream: BinaryIO, start: int, size: int) -> bytes:
    stream.seek(start)
    return stream.read(size)


def _identify(path: Path, known: Position | None) -> _File | None:
    try:
        with path.open("rb") as stream:
            stat = os.fstat(stream.fileno())
            alike = known is None or (stat.st_size >= known.head_size and _begins_as(stream, known))
    except FileNotFoundError:
        return None
    same = known is None or (stat.st_dev, stat.st_ino) == (known.device, known.inode)
    return _File(path, stat.st_size, stat.st_mtime_ns, same and alike, alike)


def _begins_as(stream: BinaryIO, known: Position) -> bool:
    """Whether a file still is what was read of it, at its beginning and in front of the offset."""
    behind = min(_MARK, known.offset)
    return _fingerprint(stream, 0, known.head_size) == known.head and (
        not known.mark or _fingerprint(stream, known.offset - behind, behind) == known.mark
    )


def _fingerprint(stream: BinaryIO, start: int, size: int) -> bytes:
    return hashlib.blake2b(_bytes(stream, start, size), digest_size=16).digest()


def _old(files: list[_File], known: Position) -> _File | None:
    """The file that was being read: renamed, or copied before the original was truncated."""
    whole = [file for file in files if file.size >= known.offset]
    renamed = next((file for file in whole if file.same), None)
    return renamed or next((file for file in whole if file.alike and known.head_size), None)


def _siblings(path: Path) -> Iterator[Path]:
    """Files beside this one that are named as its rotations are: ``dr.log.1``, ``dr.log-20261122``, ``dr.1.log``."""
    number = r"[._-]\d[\d._T-]*"
    stem, suffix = re.escape(path.stem), re.escape(path.suffix)
    named = re.compile(rf"{re.escape(path.name)}{number}\Z|{stem}{number}{suffix}\Z")
    found = 0
    with os.scandir(path.parent) as entries:
        for entry in entries:
            if named.match(entry.name) and entry.name != path.name and entry.is_file():
                found += 1
                if found > _MAX_SIBLINGS:
                    return
                yield Path(entry.path)

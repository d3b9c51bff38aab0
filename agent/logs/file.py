"""Where reading a log file stopped, and what comes next: through growth, truncation and rotation.

A file is recognised by device and inode (on NTFS the volume and the file's index) together with a fingerprint of the
bytes it began with, so that neither a re-used inode nor a copy that was truncated is taken for it. When the file at the
path is another one, the rest of the old one is found beside it by the same fingerprint and read first, then whatever
was rotated after it, oldest first, then the new one. A file is never kept open between two looks: on Windows that
would keep the equipment's own software from renaming it.
"""

import hashlib
import math
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import msgspec
from msgspec import Struct

CHUNK: Final = 256 * 1024
"""Bytes of one turn: some 3,000 lines, 15 ms of patterns. A log of 10 GB is read in 40,000 turns, others in between."""
MAX_LINE: Final = 64 * 1024
"""Bytes of a line; a longer one is skipped to its end."""
HEAD: Final = 256
"""Bytes of a file's fingerprint at most; only bytes that were read, as those never change."""
SETTLED_S: Final = 2.0
"""Seconds for which a rotated file must not have changed before its last, unfinished line counts as finished."""
_MAX_SIBLINGS: Final = 1000


class Position(Struct, frozen=True, array_like=True):
    """How far a log was read. ``skipping``: the rest of a line that is too long comes next. ``size``, ``modified``
    (ns): of the file when last read; a file that is smaller than it was has been truncated."""

    device: int
    inode: int
    offset: int
    head_size: int
    head: bytes
    skipping: bool
    size: int
    modified: int

    def encode(self) -> bytes:
        """As it is kept with what was read."""
        return msgspec.msgpack.encode(self)


class Turn(NamedTuple):
    """One look. ``lines``: complete ones without their ends. ``more``: there is more to read at once. ``position``:
    after these lines; None: there is no file yet. ``written``: when the lines were at the latest written, ms since
    1970. ``long``: lines skipped as too long. ``lost``: the unread rest of a rotated file is gone."""

    position: Position | None
    lines: Sequence[bytes] = ()
    more: bool = False
    written: int = 0
    big_endian: bool = False
    long: int = 0
    lost: bool = False


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
    """Split at line ends. ``skipping``: the first line is the rest of one that was too long. ``final``: nothing
    follows, so that the last line is complete. Pure."""
    lines: list[bytes] = []
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
        else:
            lines.append(line)
        at = min(end + len(newline), len(data))
    return Cut(lines, at, skipping, long)


def _find(data: bytes, newline: bytes, start: int) -> int:
    """The next line end; in UTF-16 only between characters."""
    end = data.find(newline, start)
    while end >= 0 and (end - start) % len(newline):
        end = data.find(newline, end + 1)
    return end


def look(path: Path, known: Position | None, *, wide: bool, now: float) -> Turn:
    """Read on, at most ``CHUNK`` bytes. ``wide``: two bytes a character. ``now``: wall time, s. Raises ``OSError``,
    but not for a file that isn't there yet."""
    reading = _Reading(wide=wide, now=now)
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


def turns(path: Path, *, wide: bool) -> Iterator[Turn]:
    """A finished file from its beginning to its end. Raises ``OSError``."""
    reading = _Reading(wide=wide, now=math.inf)
    position: Position | None = None
    while True:
        size = path.stat().st_size
        turn = reading.turn(_File(path, size, 0, same=True, alike=True), position, rotated=True)
        yield turn
        position = turn.position
        if position is None or position.offset >= size:
            return


class _File(NamedTuple):
    """``same``: it is where we stopped, by device and inode; ``alike``: it begins as that one did."""

    path: Path
    size: int
    modified: int
    same: bool
    alike: bool


class _Reading(NamedTuple):
    wide: bool
    now: float

    def settled(self, file: _File) -> bool:
        return self.now - file.modified / 1e9 >= SETTLED_S

    def turn(self, file: _File, known: Position | None, *, rotated: bool = False) -> Turn:
        with file.path.open("rb") as stream:
            stat = os.fstat(stream.fileno())
            if known is not None and not _begins_as(stream, known):
                return Turn(known, more=True)  # replaced since it was identified: look again
            stream.seek(0)
            big_endian = self.wide and stream.read(2) == b"\xfe\xff"
            start = known.offset if known is not None else 0
            stream.seek(start)
            data = stream.read(CHUNK)
            newline = (b"\0\n" if big_endian else b"\n\0") if self.wide else b"\n"
            at_end = start + len(data) >= stat.st_size
            final = rotated and at_end and self.settled(file)
            skipping = known is not None and known.skipping
            cut = cut_lines(data, newline=newline, skipping=skipping, final=final)
            offset = start + cut.used
            position = Position(
                device=stat.st_dev,
                inode=stat.st_ino,
                offset=offset,
                head_size=min(HEAD, offset),
                head=_fingerprint(stream, min(HEAD, offset)),
                skipping=cut.skipping,
                size=max(stat.st_size, offset),
                modified=stat.st_mtime_ns,
            )
        written = int(min(self.now * 1000, stat.st_mtime_ns / 1e6))
        return Turn(position, cut.lines, not at_end or final, written, big_endian, cut.long)


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
    return _fingerprint(stream, known.head_size) == known.head


def _fingerprint(stream: BinaryIO, size: int) -> bytes:
    stream.seek(0)
    return hashlib.blake2b(stream.read(size), digest_size=16).digest()


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

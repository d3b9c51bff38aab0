"""What of a log file comes next: through growth, truncation and rotation.

A file is recognised by its content (``place``). When the file at the path isn't the one that was being read, the rest
of that one is found beside it and read first, then whatever was rotated after it, oldest first, then the new one. What
its writer still adds to the file that was left last is read as well. A file is never kept open between two looks: on
Windows that would keep the equipment's own software from renaming it.

NULs are where nothing was written: behind the text of a file that was made in its full size, which is then taken to end
there; and in holes within it (``lines``).
"""

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from msgspec import structs

from agent.adapters.logs.beside import File, Stat, beside, cut_at_head, is_copied, is_still, meet, stat_of
from agent.adapters.logs.encodings import SAMPLE, WIDE, is_big_endian
from agent.adapters.logs.lines import cut_lines
from agent.adapters.logs.names import Names
from agent.adapters.logs.place import Position, bytes_at, position_at, stops_in, trail_of

CHUNK: Final = 256 * 1024
"""Bytes of one turn: some 3,000 lines, 15 ms of patterns. A log of 10 GB is read in 40,000 turns, others in between."""
SETTLED_S: Final = 2.0
"""Seconds for which a file must not have changed before its last, unfinished line counts as finished if it was rotated,
and before what ``stat`` says of it counts for its content."""
MAX_PAST: Final = 8
"""Files that were left and are recognised when they come back."""

Still = tuple[tuple[Path, Stat | None], ...]
"""Nothing new comes as long as each of these paths has this ``stat``; empty: that can't be said."""


class Turn(NamedTuple):
    """One look. ``lines``: complete ones without their ends. ``more``: there is more to read at once. ``position``:
    after these lines; None: there is no file yet. ``past``: of the files that were left, the last first. ``written``:
    when the lines were at the latest written, ms since 1970. ``long``: lines skipped as too long. ``lost``: the unread
    rest of a file is gone; ``packed``: compressed files that may hold it. ``restored``: the file is an older copy of
    itself. ``older``: there are lines in front of where the first look began. ``whole``: the text ends where the file
    does. ``grown``: it is the file of the look before, and grew since. ``still``: what must change before anything can
    come."""

    position: Position | None
    past: tuple[Position, ...] = ()
    lines: Sequence[bytes] = ()
    more: bool = False
    written: int = 0
    big_endian: bool = False
    long: int = 0
    lost: bool = False
    packed: int = 0
    restored: bool = False
    older: bool = False
    whole: bool = True
    grown: bool = False
    still: Still = ()


def look(
    path: Path,
    known: Position | None,
    past: tuple[Position, ...] = (),
    *,
    encoding: str | None,
    now: float,
    first: int | None = None,
) -> Turn:
    """Read on, at most ``CHUNK`` bytes. ``path``: as ``names`` has it. ``known``, ``past``: of the turn
    before. ``encoding``: one of ``encodings``, None: of single bytes. ``now``: wall time, s. ``first``:
    bytes at the end of a file that is met for the first time, with which reading begins; None: at its beginning. Raises
    ``OSError``, but not for a file that isn't there yet."""
    reading = _Reading(encoding=encoding, now=now)
    try:
        if known is None:
            new = meet(Names(path, now=now).path, ())
            return Turn(None) if new is None else reading.turn(new, None, first=first)
        return _Look(path, known, past, reading).turn()
    except _ReplacedError:
        return Turn(known, past, more=True)


def turns(path: Path, *, encoding: str | None) -> Iterator[Turn]:
    """A finished file from its beginning to its end. Raises ``OSError``."""
    reading = _Reading(encoding=encoding, now=math.inf)
    position: Position | None = None
    while True:
        stat = stat_of(path)
        if stat is None:
            raise FileNotFoundError(2, os.strerror(2))
        turn = reading.turn(File(path, stat, None, same=True, packed=False), position, rotated=True)
        yield turn
        position = turn.position
        if position is None or position.offset >= stat[2]:
            return


def is_same(still: Still) -> bool:
    """Whether each path still has its ``stat``. Raises ``OSError``."""
    return bool(still) and all(stat_of(path) == stat for path, stat in still)


def beginning(path: Path) -> bytes:
    """The first bytes of a file, which tell what it is; of one that is gone meanwhile, none. Raises ``OSError``."""
    try:
        with path.open("rb") as stream:
            return stream.read(SAMPLE)
    except FileNotFoundError:
        return b""


class _ReplacedError(Exception):
    """A file is another one since it was met."""


class _Look:
    """One look at a log that was read before."""

    def __init__(self, path: Path, known: Position, past: tuple[Position, ...], reading: "_Reading") -> None:
        folder, before = path.parent, stat_of(path.parent)
        self._given = path
        self._names = Names(path, now=reading.now)
        self._path = self._names.path
        if self._path.parent != folder and not self._names.is_pattern:
            folder, before = self._path.parent, stat_of(self._path.parent)
        self._folder = folder, before
        self._known = known
        self._past = past
        self._places = (known, *past)
        self._reading = reading
        self._left: list[tuple[Path, Stat | None]] = []

    def turn(self) -> Turn:
        """What comes next."""
        late = self._late()
        if late is not None:
            return late
        here = meet(self._path, self._places)
        if here is not None and self._is_current(here):
            turn = self._reading.turn(here, self._known)
            quiet = turn.whole and not turn.more and self._reading.settled(here) and self._is_folder_settled()
            return turn._replace(past=self._past, grown=here.same, still=self._still(here) if quiet else ())
        return self._moved_on(here)

    def _late(self) -> Turn | None:
        """What was added to a file after it was left, or what became of its name."""
        for index, left in enumerate(self._past):
            if not left.name:
                continue
            path = self._path.parent / left.name
            stat = stat_of(path)
            if stat is None or stat[2] != left.offset:
                turn = self._left_file(path, left)
                if turn is not None:
                    past = (*self._past[:index], *turn.past, *self._past[index + 1 :])
                    return turn._replace(position=self._known, past=past, more=True)
            self._left.append((path, stat))
        return None

    def _left_file(self, path: Path, left: Position) -> Turn | None:
        file = meet(path, (left,))
        if file is None or file.begin is not left:
            again = [each for each in beside(self._names, (left,)) if each.begin is left]
            file = max(again, key=lambda each: (each.same, each.size), default=None)
            return Turn(None, (structs.replace(left, name="" if file is None else str(file.path)),))
        if file.size > left.offset:
            turn = self._reading.turn(file, left, rotated=True)
            read = turn.position
            if read is not None and (read.offset, read.skipping) != (left.offset, left.skipping):
                return turn._replace(past=(structs.replace(read, name=left.name),))
        return None

    def _is_current(self, here: File) -> bool:
        """Whether the file at the path is the one that was being read."""
        if not self._known.offset:
            return here.same and here.begin is None and not self._later(beside(self._names, self._places))
        if here.begin is not self._known:
            return False
        if here.same:
            return True
        # Copied, restored or mounted anew; or a new file that begins alike, while the old one has another name now.
        twins = (file for file in beside(self._names, self._places) if file.same and file.begin is self._known)
        twin = next(twins, None)
        return twin is None or is_copied(twin, here)

    def _moved_on(self, here: File | None) -> Turn:
        files = beside(self._names, self._places)
        old = self._old(files)
        if old is not None and old.size > self._known.offset:
            return self._reading.turn(old, self._known, rotated=True)._replace(past=self._past)
        if here is not None and old is not None and not (self._names.is_pattern or self._reading.settled(old)):
            return Turn(self._known, self._past)  # it may still grow
        following = min(self._later(files), key=lambda file: file.stat[3:], default=here)
        if here is not None and following is here and self._is_left(here):
            return Turn(self._known, self._past)  # of two files that are written to in turn
        if following is None:
            return Turn(self._known, self._past, still=self._still(old))
        begin, cut = following.begin, None
        if begin is self._known:
            begin = None  # it begins alike, and the file itself has another name now
        elif old is None and following is here and begin not in self._places:
            cut = cut_at_head(here, self._known)
            begin = cut or begin
        turn = self._reading.turn(following, begin, rotated=following is not here)
        left = structs.replace(self._known, name="" if old is None else str(old.path))
        past = tuple(place for place in self._past if place is not begin)
        restored = begin is not None and cut is None and (begin in self._places or begin.offset >= following.size)
        return turn._replace(
            past=(left, *past)[:MAX_PAST] if self._known.offset else past,
            lost=old is None and self._known.offset > 0 and not restored and cut is None,
            packed=sum(file.packed and file.modified >= self._known.modified for file in files),
            restored=restored,
        )

    def _is_left(self, file: File) -> bool:
        """Whether it is a file that was left and of which everything was read."""
        return any(file.begin is left and str(file.path) == left.name for left in self._past)

    def _old(self, files: list[File]) -> File | None:
        """The file that was being read: renamed, or copied before the original was truncated."""
        whole = [file for file in files if file.begin is self._known]
        if not whole:
            return None
        old = max(whole, key=lambda file: (file.same, file.stat[2:]))
        longest = max(whole, key=lambda file: file.stat[2:])
        # A copy that took its place may have been written on before it was rotated itself.
        return longest if longest.size > old.size and is_copied(old, longest) else old

    def _later(self, files: list[File]) -> list[File]:
        """What was rotated after the file that was being read, as far as it wasn't read; and that file itself when
        nothing was read of it."""
        return [
            file
            for file in files
            if file.modified >= self._known.modified
            and not file.packed
            and (self._names.is_rotated(file.path.name) or (file.same and not self._known.offset))
            and not any(file.begin is place for place in self._places)
            and file.size > (0 if file.begin is None else file.begin.offset)
        ]

    def _is_folder_settled(self) -> bool:
        """Whether what the folder's ``stat`` says counts, where files of other names may come."""
        stat = self._folder[1]
        return not self._names.is_pattern or stat is None or self._reading.is_past(stat[3])

    def _still(self, file: File | None) -> Still:
        """What doesn't change as long as nothing new comes: ``file`` is the one that is being read, if there is one."""
        here = file is not None and file.path == self._path
        watched: list[tuple[Path, Stat | None]] = [] if file is None else [(file.path, file.stat)]
        if not here:
            watched.append((self._path, None))
        if self._given != self._path and not self._names.is_pattern:  # a link
            watched.append((self._given, file.stat if here and file is not None else None))
        if not here or not self._known.offset or self._names.is_pattern:
            watched.append(self._folder)
        return (*watched, *self._left)


class _Reading(NamedTuple):
    encoding: str | None
    now: float

    def settled(self, file: File) -> bool:
        """Whether it hasn't changed for a while. A time ahead of ours is that of another clock."""
        return self.is_past(file.modified)

    def is_past(self, modified: int) -> bool:
        """Whether that is a while ago, in ns since 1970."""
        return abs(self.now - modified / 1e9) >= SETTLED_S

    def turn(self, file: File, begin: Position | None, *, rotated: bool = False, first: int | None = None) -> Turn:
        with file.path.open("rb") as stream:
            if not is_still(stream, file, begin):
                raise _ReplacedError
            stat = os.fstat(stream.fileno())
            unit = 2 if self.encoding in WIDE else 1
            big_endian = unit == 2 and is_big_endian(self.encoding, bytes_at(stream, 0, SAMPLE))
            newline = b"\n" if unit == 1 else b"\0\n" if big_endian else b"\n\0"
            end = _written(stream, stat.st_size, unit)
            start, skipping = (begin.offset, begin.skipping) if begin is not None else _first(first, end, unit)
            data = bytes_at(stream, start, min(CHUNK, max(0, end - start)))
            at_end = start + len(data) >= end
            final = rotated and at_end and self.settled(file)
            cut = cut_lines(data, newline=newline, skipping=skipping, final=final)
            offset = stat.st_size if final else start + cut.used
            trail = () if begin is None else begin.trail
            if offset > start:
                trail = trail_of(stream, trail, [*stops_in(data[: cut.used], start, newline), offset])
            position = position_at(
                stream,
                offset,
                trail=trail,
                skipping=cut.skipping,
                device=stat.st_dev,
                inode=stat.st_ino,
                size=max(stat.st_size, offset),
                modified=stat.st_mtime_ns,
                name=str(file.path),
            )
        written = int(min(self.now * 1000, stat.st_mtime_ns / 1e6))
        return Turn(
            position,
            lines=cut.lines,
            more=not at_end or final,
            written=written,
            big_endian=big_endian,
            long=cut.long,
            older=begin is None and start > 0,
            whole=end == stat.st_size,
        )


def _first(first: int | None, end: int, unit: int) -> tuple[int, bool]:
    """Where to begin, and whether that may be within a line: a line end in front of it is skipped with it."""
    if first is None or end <= first:
        return 0, False
    start = max(0, end - first - unit)
    return start - start % unit, True


def _written(stream: BinaryIO, size: int, unit: int) -> int:
    """Where the text of a file ends that may have been made larger than it: in front of the NULs at its end."""
    empty = bytes(unit)
    whole = size - size % unit
    if not whole or bytes_at(stream, whole - unit, unit) != empty:
        return size
    low, high = 0, whole // unit - 1  # characters; the one at `high` is NUL
    while low < high:
        middle = (low + high) // 2
        if bytes_at(stream, middle * unit, unit) == empty:
            high = middle
        else:
            low = middle + 1
    return high * unit

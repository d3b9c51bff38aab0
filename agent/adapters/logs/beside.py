"""The files of a log's folder: which of them is, or was, the log."""

import os
from collections.abc import Iterator, Sequence
from heapq import nlargest
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from agent.adapters.logs.names import Names
from agent.adapters.logs.place import Position, begins_in, goes_on, is_beginning, without_head

MAX_FILES: Final = 1000
"""Files of a folder that are opened to find the log again; of more, those last written to."""
_PACKED: Final = (
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"PK\x03\x04",
    b"7z\xbc\xaf\x27\x1c",
    b"\x1f\x9d",
)
"""How gzip, bzip2, xz, zstd, zip, 7z and compress begin."""
Stat = tuple[int, int, int, int, int]
"""Device, inode, size, time of writing and of any change (ns)."""


class File(NamedTuple):
    """``begin``: from where it is new; None: all of it. ``same``: it has the device and inode of where we stopped.
    ``packed``: compressed, which is not read."""

    path: Path
    stat: Stat
    begin: Position | None
    same: bool
    packed: bool

    @property
    def size(self) -> int:
        """In bytes."""
        return self.stat[2]

    @property
    def modified(self) -> int:
        """In ns since 1970."""
        return self.stat[3]


def stat_of(path: Path) -> Stat | None:
    """None: there is no such file. Raises ``OSError``."""
    try:
        return _stat(path.stat())
    except FileNotFoundError:
        return None


def meet(path: Path, places: Sequence[Position]) -> File | None:
    """A file by what was read before: ``places``, first the one where we stopped. None: there is none. Raises
    ``OSError``."""
    try:
        with path.open("rb") as stream:
            stat = _stat(os.fstat(stream.fileno()))
            packed = stream.read(6).startswith(_PACKED)
            begin = None if packed else begins_in(stream, stat[2], places)
    except FileNotFoundError:
        return None
    same = bool(places) and stat[:2] == (places[0].device, places[0].inode)
    return File(path, stat, begin, same, packed)


def beside(names: Names, places: Sequence[Position]) -> list[File]:
    """The files of the folder that may be rotated ones, by their names or the inode of where we stopped; and the file
    where we stopped, wherever it was. Raises ``OSError``, but not for what can't be opened."""
    inode = places[0].inode
    with os.scandir(names.path.parent) as entries:
        near = [
            Path(entry.path)
            for entry in entries
            if entry.name != names.path.name
            and (names.are_near(entry.name) or entry.inode() == inode)
            and entry.is_file()
        ]
    if len(near) > MAX_FILES:
        near = nlargest(MAX_FILES, near, key=lambda file: (stat_of(file) or (0,) * 5)[3])
    last = Path(places[0].name)
    if places[0].name and last.parent != names.path.parent:
        near.append(last)  # a link was switched to another folder
    return list(_met(near, places))


def is_copied(shorter: File, longer: File) -> bool:
    """Whether one file is how another begins: what an editor leaves as its backup. Raises ``OSError``."""
    if shorter.size > longer.size:
        return False
    with shorter.path.open("rb") as first, longer.path.open("rb") as second:
        return is_beginning(first, second, shorter.size)


def cut_at_head(file: File, known: Position) -> Position | None:
    """Where reading goes on in a file of which the first lines were cut off. Raises ``OSError``."""
    with file.path.open("rb") as stream:
        return without_head(stream, file.size, known)


def is_still(stream: BinaryIO, file: File, begin: Position | None) -> bool:
    """Whether an open file is the one that was met."""
    stat = _stat(os.fstat(stream.fileno()))
    return stat[:2] == file.stat[:2] and (begin is None or not begin.offset or goes_on(stream, stat[2], begin))


def _met(paths: list[Path], places: Sequence[Position]) -> Iterator[File]:
    for path in paths:
        try:
            file = meet(path, places)
        except OSError:
            continue  # held by somebody, or not ours to read; what is lost by that is counted
        if file is not None:
            yield file


def _stat(found: os.stat_result) -> Stat:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

"""The disk space that an outbox reserves for itself (ADR 0017, delivery 2).

Deleting what was acknowledged needs room too: SQLite writes the changed pages to the write-ahead log first, and a
checkpoint makes the file as long as its page count. So a *reserve* lies beside the outbox, a file of nothing, and is
given back to the disk, as far as needed, when SQLite finds it full.
"""

import contextlib
import errno
import os
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Final

MB: Final = 1024 * 1024
RESERVE: Final = 16 * MB
"""What a full disk may cost at once: a checkpoint that makes the file longer by all of a write-ahead log (1000 pages of
4 KiB, SQLite's ``wal_autocheckpoint``, and one group of entries), twice ``WORKING``, and the same at a later start.
A window of acknowledged reports (64 or 256 KiB, delivery 11) touches 300 pages at most, 1.2 MB."""
WORKING: Final = 2 * MB
"""Free pages of the file, and as much of its write-ahead log, that the reserve becomes on a full disk: an entry of the
size of a message (1 MB) fits, and a window of both lanes."""
STEP: Final = MB // 2
"""The reserve is given back by so much at a time: others write too, and take what is free."""
MARGIN: Final = 8 * MB
"""What the file's growth leaves free on the disk: a write-ahead log that is not in the file yet."""
LITTLE: Final = 64 * MB
"""Less than this left on the disk counts like the cap on bulk."""

_BLOCK: Final = 65_536
_NO_ROOM: Final = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_WRITING: Final = (
    sqlite3.SQLITE_FULL,
    # A quota's end (EDQUOT) is no SQLITE_FULL (os_unix.c, seekAndWrite); where allocation is delayed, fsync tells it.
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    # A file that can't be made: the write-ahead log needs an entry in the folder.
    sqlite3.SQLITE_CANTOPEN,
)


def short(error: sqlite3.Error) -> bool:
    """Whether room on the disk may be what was missing."""
    return getattr(error, "sqlite_errorcode", None) in _WRITING


class Reserve:
    """A file of ``size`` bytes for nothing. One thread uses it."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size

    @property
    def held(self) -> int:
        """Bytes that it takes."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    @property
    def whole(self) -> bool:
        """Whether it is as large as it is meant to be."""
        return self.held >= self.size

    def keep(self, size: int) -> None:
        """Make it as large as that, but not beyond what it is meant to be, nor what the disk has; what is held stays.

        Where the disk has less than it says (a quota), by halves; below 1 MiB it isn't worth it.
        """
        free = free_bytes(self.path.parent)
        size = min(size, self.size)
        if free is not None:
            size = min(size, (free + self.held) // _BLOCK * _BLOCK)
        while size >= MB and self.held < size and not self._make(size):
            size //= 2

    def give_some(self) -> bool:
        """Give a part of it back to the disk; False when nothing is left, or the disk can't even do that."""
        left = self.held - STEP
        try:
            if left > 0:
                os.truncate(self.path, left)
            else:
                self.path.unlink()
        except OSError:
            return False
        return True

    def _make(self, size: int) -> bool:
        held = self.held
        try:
            with open(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:  # noqa: PTH123  # with a mode
                try:
                    _allocate(file.fileno(), held, size)
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(held)
                    raise
        except OSError:
            return False
        return True


def reserve_of(outbox: Path, size: int = RESERVE) -> Reserve:
    """What lies beside an outbox."""
    return Reserve(outbox.with_name(f"{outbox.name}.reserve"), size)


if sys.platform == "linux":

    def _allocate(descriptor: int, held: int, size: int) -> None:
        os.posix_fallocate(descriptor, held, size - held)

else:

    def _allocate(descriptor: int, held: int, size: int) -> None:
        block = os.urandom(_BLOCK)  # zeros may take no room where files are compressed
        os.lseek(descriptor, held, os.SEEK_SET)
        while held < size:
            held += os.write(descriptor, block[: size - held])


def free_bytes(folder: Path) -> int | None:
    """What this process may still write there; None: the system doesn't say."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def trouble(folder: Path) -> OSError | None:
    """Why nothing can be written into a folder, as the system says; None where it can."""
    probe = folder / ".probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    return None


def no_room(error: OSError | None) -> bool:
    """Whether it is a disk's end, or a quota's."""
    return error is not None and error.errno in _NO_ROOM

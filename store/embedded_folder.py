"""The embedded server's folder: whose it is, who holds it, and how the server's account gets into it."""

import fcntl
import os
from pathlib import Path
from typing import Final, Self

from store.account import Account
from store.errors import StoreError, StoreErrorCode

_DESCRIPTORS: Final = Path("/proc/self/fd")


def own_folder(folder: Path, account: Account) -> None:
    """Make the folder, or take one that is empty or was made by us; no other person's folder becomes the server's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise StoreError(StoreErrorCode.NOT_OURS, f"{folder} belongs to user {found.st_uid}: start steth as that user")
    names = {entry.name for entry in folder.iterdir()}
    if names and "lock" not in names:
        raise StoreError(StoreErrorCode.NOT_OURS, f"{folder} is not empty and not a folder of steth's: name another")
    if account.switch:
        os.chown(folder, 0, account.gid)
    folder.chmod(0o710 if account.switch else 0o700)


class WayIn:
    """How the server's account reaches our folder: its path, or a descriptor of it where a parent is closed to it.

    Postgres follows /proc/self/fd/N without looking up a path, keeps the descriptor in every child, and works relative
    to its data folder once it is there; tried with initdb, start, reload, kill -9 and recovery.
    """

    def __init__(self, folder: Path, account: Account) -> None:
        self._folder = folder
        self._account = account
        self.path = str(folder)
        self.descriptors: tuple[int, ...] = ()

    def __enter__(self) -> Self:
        closed = self._account.closed_folder(self._folder)
        if closed is None:
            return self
        if not _DESCRIPTORS.is_dir():
            raise StoreError(
                StoreErrorCode.FOLDER_CLOSED,
                f"the folder {closed} is closed to the user {self._account.name!r} that runs the database: "
                f"open it (chmod o+x {closed}) or name a data folder elsewhere",
            )
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        self.descriptors = (descriptor,)
        self.path = f"{_DESCRIPTORS}/{descriptor}"
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)


def lock_folder(folder: Path) -> int:
    """Take the folder for this process and return the lock's descriptor; no child inherits it, so a kill frees it."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode().strip()
        os.close(descriptor)
        raise StoreError(StoreErrorCode.IN_USE, f"{folder} is in use by another steth (process {holder})") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def make_folder(path: Path, account: Account) -> None:
    """Make a folder of the server's, mode 0700, where there is none."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return
    account.own(path)

"""The data folder of `steth up`: who may use it, its secrets, and `run.json`."""

import contextlib
import errno
import json
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from msgspec import Struct

from steth.lifeline import GRACE_S
from store.pool import ROLES

SECRETS: Final = "secrets.json"
RUN: Final = "run.json"
DOCTOR: Final = "doctor.json"
"""What `steth doctor --data` needs to know of the run: settings, addresses, the agent's configuration."""

_LEAST: Final = 256 * 1024
"""Bytes that its disk must take for a start to make sense."""
_FAMILY_S: Final = GRACE_S + 5.0


class UpError(Exception):
    """`steth up` can't do what it was asked. The message is one line that says what to do."""


def default_folder() -> Path:
    """Where everything is kept if nobody says otherwise."""
    if sys.platform != "win32" and os.geteuid() == 0:
        return Path("/var/lib/steth/up")
    try:
        return Path.home() / ".local" / "share" / "steth"
    except RuntimeError:
        raise UpError("this account has no home folder: name a data folder with --data") from None


class DataFolder(Struct, frozen=True, kw_only=True):
    """``path``: absolute. ``family``: the descriptor of a lock that lasts as long as any process which inherited it."""

    path: Path
    family: int


@contextlib.contextmanager
def data_folder(path: Path) -> Iterator[DataFolder]:
    """The folder, made if need be, ours alone for as long as the context lasts.

    Waits until the children of a run that was killed have ended. Raises UpError.
    """
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError:
        raise UpError(
            f"the name of the data folder {path} is not text in this terminal's encoding "
            f"({sys.getfilesystemencoding()}): choose another with --data, or start in the locale that it was named in"
        ) from None
    with contextlib.ExitStack() as held:
        try:
            path.mkdir(parents=True, exist_ok=True)
            path = path.resolve()
            for part in ("logs", "hospital", "agent"):
                (path / part).mkdir(exist_ok=True, mode=0o700)
            probe = path / ".write-probe"
            try:
                probe.write_bytes(bytes(_LEAST))
            finally:
                probe.unlink(missing_ok=True)
            lock, family = (held.enter_context((path / name).open("ab")) for name in (".lock", ".family"))
        except OSError as error:
            why = {errno.EROFS: "is on a read-only disk", errno.EACCES: "may not be written", errno.ENOSPC: "is full"}
            said = why.get(error.errno or 0, str(error.strerror or error))
            raise UpError(f"the data folder {path} {said}: choose another with --data, or mend it") from None
        if not _lock(lock.fileno()):
            raise UpError(f"another `steth up` uses {path}: stop it, or choose another folder with --data")
        deadline = monotonic() + _FAMILY_S
        while not _lock(family.fileno()):
            if monotonic() > deadline:
                raise UpError(f"processes of a `steth up` that was killed still work in {path}: end them")
            sleep(0.05)
        for left in (RUN, DOCTOR):
            (path / left).unlink(missing_ok=True)  # by a run that was killed
        yield DataFolder(path=path, family=family.fileno())


def _lock(descriptor: int) -> bool:
    import fcntl  # noqa: PLC0415 - not on Windows, where `steth up` isn't offered

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def load_secrets(folder: Path) -> dict[str, str]:
    """Passwords of the database's roles, the first account and the broker, and what else is made once and kept."""
    path = folder / SECRETS
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in (*ROLES, "admin", "mqtt"):
        known.setdefault(name, secrets.token_urlsafe(12 if name == "admin" else 24))
    write_private(path, known)
    return known


def write_private(path: Path, content: Any) -> None:
    """Write JSON that only its owner may read, whole or not at all."""
    write_private_text(path, json.dumps(content, ensure_ascii=False, indent=1))


def write_private_text(path: Path, text: str) -> None:
    """Write what only its owner may read, whole or not at all."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)

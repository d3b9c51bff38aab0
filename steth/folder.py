"""The data folder of `steth up`: who may use it, its secrets, and `run.json`."""

import contextlib
import errno
import json
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

SECRETS: Final = "secrets.json"
RUN: Final = "run.json"
DOCTOR: Final = "doctor.json"
"""What `steth doctor --data` needs to know of the run: settings, addresses, the agent's configuration."""


class UpError(Exception):
    """`steth up` can't do what it was asked. The message is one line that says what to do."""


def default_folder() -> Path:
    """Where everything is kept if nobody says otherwise."""
    if sys.platform != "win32" and os.geteuid() == 0:
        return Path("/var/lib/steth/up")
    return Path.home() / ".local" / "share" / "steth"


@contextlib.contextmanager
def data_folder(path: Path) -> Iterator[Path]:
    """The folder, made if need be, ours alone for as long as the context lasts."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        path = path.resolve()
        for part in ("logs", "hospital", "agent"):
            (path / part).mkdir(exist_ok=True, mode=0o700)
        probe = path / ".write-probe"
        probe.write_bytes(b"")
        probe.unlink()
        lock = (path / ".lock").open("ab")
    except OSError as error:
        why = {errno.EROFS: "is on a read-only disk", errno.EACCES: "may not be written", errno.ENOSPC: "is full"}
        said = why.get(error.errno or 0, str(error.strerror or error))
        raise UpError(f"the data folder {path} {said}: choose another with --data, or mend it") from None
    with lock:
        if not _lock(lock.fileno()):
            raise UpError(f"another `steth up` uses {path}: stop it, or choose another folder with --data")
        for left in (RUN, DOCTOR):
            (path / left).unlink(missing_ok=True)  # by a run that was killed
        yield path


def _lock(descriptor: int) -> bool:
    import fcntl  # noqa: PLC0415 - not on Windows, where `steth up` isn't offered

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def kept_port(folder: Path, name: str) -> int:
    """The port of the last run if it is still free, else a new one: whoever comes from outside finds it again."""
    known = load_secrets(folder)
    kept = int(known.get(name, "0"))
    if not (kept and is_free(kept)):
        known[name] = str(kept := free_port())
        write_private(folder / SECRETS, known)
    return kept


def load_secrets(folder: Path) -> dict[str, str]:
    """Passwords of the database's roles and of the first account, and what else is made at the first run and kept."""
    path = folder / SECRETS
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in ("owner", "ingest", "api", "admin"):
        known.setdefault(name, secrets.token_urlsafe(12 if name == "admin" else 24))
    write_private(path, known)
    return known


def write_private(path: Path, content: Any) -> None:
    """Write JSON that only its owner may read, whole or not at all."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def free_port() -> int:
    """A port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nobody listens there on the loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def require_free(port: int, option: str) -> None:
    """Raises UpError if somebody listens there already."""
    if not is_free(port):
        raise UpError(f"port {port} is in use on 127.0.0.1: choose another with {option}")

"""Small files that are whole or not there: their room on the disk is taken before it is known what they will hold."""

import contextlib
import os
from pathlib import Path

from agent.errors import AgentError, NoRoom
from agent.outbox.room import no_room


def place(path: Path, size: int) -> Path:
    """A file beside ``path``, ours alone (mode 0600), that takes its room on the disk. Raises ``AgentError``."""
    fresh = path.with_suffix(".new")
    try:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123  # with a mode
            file.write(bytes(size))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        text = f"{fresh}: can't be written: {error.strerror}"
        if no_room(error):
            raise NoRoom(f"{text}; make room on the disk") from None
        raise AgentError(text) from None
    return fresh


def keep(placed: Path, path: Path, data: bytes) -> None:
    """Into the place that was made for it, and to its name."""
    with placed.open("r+b") as file:
        file.write(data)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    placed.replace(path)

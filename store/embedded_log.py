"""Why the embedded server did not start, from what it wrote."""

import os
from pathlib import Path
from typing import IO, Final

from store.errors import StoreError, StoreErrorCode

_SIGNS: Final = (
    ("No space left on device", StoreErrorCode.DISK_FULL, "the disk is full"),
    ("Check free disk space", StoreErrorCode.DISK_FULL, "the disk is full"),
    ("Disk quota exceeded", StoreErrorCode.DISK_FULL, "the disk quota is used up"),
    ("Read-only file system", StoreErrorCode.FOLDER_READ_ONLY, "the folder can't be written to"),
    ("Permission denied", StoreErrorCode.FOLDER_READ_ONLY, "the folder can't be written to"),
    ("Address already in use", StoreErrorCode.PORT_IN_USE, "the port is in use"),
)


class StartLog:
    """What a server writes from one start on: its first words in `start.log`, the rest in the folder `log`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes = {path: path.stat().st_size for path in self._files()}

    def _files(self) -> list[Path]:
        return sorted((self._folder / "log").glob("postgres-*.log"))

    def open(self) -> IO[bytes]:
        """The file for the server's standard output and error, emptied."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        return os.fdopen(os.open(self._folder / "start.log", flags, 0o600), "wb")

    def error(self) -> StoreError:
        """Why the server ended, as one line."""
        text = (self._folder / "start.log").read_text(errors="replace")
        for path in self._files():
            before = self._sizes.get(path, 0)
            with path.open("rb") as file:
                file.seek(before if before <= path.stat().st_size else 0)  # a new week empties the file
                text += file.read().decode(errors="replace")
        return self.error_in(text, folder=self._folder, what="PostgreSQL")

    @staticmethod
    def error_in(text: str, *, folder: Path, what: str) -> StoreError:
        """The error that a program's output tells of; `what` names the program."""
        for sign, code, meaning in _SIGNS:
            line = next((line for line in text.splitlines() if sign in line), None)
            if line is not None:
                return StoreError(code, f"{what} on {folder}: {meaning} ({_plain(line)})")
        lines = [line for line in text.splitlines() if "FATAL" in line or "PANIC" in line or "error:" in line]
        last = _plain(lines[-1]) if lines else (text.strip().splitlines() or ["it ended without a word"])[-1]
        return StoreError(StoreErrorCode.START, f"{what} on {folder}: {last}")


def _plain(line: str) -> str:
    """A log line without its time, process number and level."""
    for level in ("FATAL:", "PANIC:", "LOG:", "ERROR:", "HINT:", "error:"):
        _, found, rest = line.partition(level)
        if found:
            return rest.strip()
    return line.strip()

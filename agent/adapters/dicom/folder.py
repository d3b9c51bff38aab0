"""A folder into which the equipment or an archive writes DICOM files: their headers are read, and nothing else.

Files are never changed, moved, copied or deleted. A file is read when it stood still between two looks. Which files
were read is kept in the outbox as 8 keyed bytes of name, size and time each, so that a restart doesn't enter an archive
again whose images the outbox has long forgotten.
"""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from agent.adapters.dicom.entry import Exposures
from agent.adapters.dicom.objects import Untold, read_file
from agent.adapters.dicom.reasons import Reasons
from agent.adapters.port import Entry, Sink
from agent.config.shapes import Folder
from agent.config.zones import zone_of
from agent.errors import AdapterError, OutboxError
from catalog.model import Model

NAME: Final = "folder"
MAX_DEPTH: Final = 8
MAX_FILES: Final = 50_000
"""Files of a folder that are looked at, their marks take 400 kB. More are left out, and counted."""
MAX_BYTES: Final = 2_000_000_000
"""A file beyond it is no image of a DR system."""
_MARK: Final = 8


class _File(NamedTuple):
    """``mark``: this file as it is now. ``refused``: why it isn't read at all."""

    path: Path
    mark: bytes
    refused: str | None = None


class FolderWatch:
    """The adapter of one folder."""

    def __init__(self, *, config: Folder, model: Model, sink: Sink) -> None:
        self._config = config
        self._root = Path(config.path)
        self._sink = sink
        self._zone = zone_of(config.time_zone)
        self._reasons = Reasons(model)
        self._exposures = Exposures(source=NAME, model=model, sink=sink)
        self._position = f"folder:{config.path}"
        self._done: set[bytes] = set()
        self._standing: set[bytes] = set()
        """What the last look found and is not done: what is found again as it was stands still."""
        self._counted: set[str] = set()

    @property
    def name(self) -> str:
        """A short word for logs and counters."""
        return NAME

    async def run(self) -> None:
        """Look every ``every_s`` seconds until cancelled."""
        self.resume()
        while True:
            await self.turn()
            await asyncio.sleep(self._config.every_s)

    def resume(self) -> None:
        """Know again what was read."""
        kept = self._sink.position(self._position) or b""
        self._done = {kept[at : at + _MARK] for at in range(0, len(kept), _MARK)}

    async def turn(self) -> None:
        """One look at the folder: read what stands still and wasn't read."""
        try:
            files = await asyncio.to_thread(lambda: list(self._scan()))
        except OSError:
            self._count_once("unreadable-folder")
            return
        self._counted.discard("unreadable-folder")
        fresh = [file for file in files if file.mark not in self._done]
        ready = [file for file in fresh if file.mark in self._standing]
        self._standing = {file.mark for file in fresh}
        done: set[bytes] = set()
        try:
            for file in ready:
                if await self._read(file):
                    done.add(file.mark)
            if done:
                marks = (self._done & {file.mark for file in files}) | done
                await self._sink.aput(Entry(positions={self._position: b"".join(sorted(marks))}))
                self._done = marks
        except OutboxError:
            self._done |= done  # after a restart they are read again, and recognised by their instance

    async def _read(self, file: _File) -> bool:
        """Whether this file is done with. Raises ``OutboxError``."""
        reason = file.refused
        if reason is None:
            try:
                found = await asyncio.to_thread(
                    read_file, file.path, zone=self._zone, reasons=self._reasons, key=self._sink.key
                )
                await self._exposures.put(found)
            except Untold as nothing:
                self._sink.untold(NAME, nothing.reason)
            except AdapterError as error:
                reason = error.reason
            except FileNotFoundError:
                return False
            except OSError:
                self._count_once(f"unreadable-file:{file.mark.hex()}")
                return False
        if reason is not None:
            self._sink.refused(NAME, reason)
        return True

    def _count_once(self, what: str) -> None:
        """A folder or file that can't be read is counted once, not at every look."""
        if what not in self._counted and len(self._counted) < MAX_FILES:
            self._counted.add(what)
            self._sink.refused(NAME, what.partition(":")[0])

    def _scan(self) -> Iterator[_File]:
        """The files of the folder, in order of their names. Links and junctions are not followed."""
        left = MAX_FILES
        folders = [(self._root, 0)]
        while folders:
            folder, depth = folders.pop()
            with os.scandir(folder) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
            for entry in ordered:
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    if depth == MAX_DEPTH:
                        self._count_once("too-deep")
                    elif path.resolve() == folder.resolve() / entry.name:
                        folders.append((path, depth + 1))
                elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
                    left -= 1
                    if left < 0:
                        self._count_once("too-many-files")
                        return
                    with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                        yield self._look(path, entry)

    def _look(self, path: Path, entry: os.DirEntry[str]) -> _File:
        stat = entry.stat(follow_symlinks=False)
        what = f"{path.relative_to(self._root)}\0{stat.st_size}\0{stat.st_mtime_ns}"
        mark = hashlib.blake2b(os.fsencode(what), key=self._sink.key, digest_size=_MARK).digest()
        if entry.is_symlink():
            return _File(path, mark, "link")
        return _File(path, mark, "oversize" if stat.st_size > MAX_BYTES else None)

"""ASTM messages in a file: a whole session as on the wire, frames alone, or bare records, and what would leave the
device for them: the very conversation of the running agent, with the file for an analyzer that takes every answer for
the one it wants, and the time of receipt standing still."""

import re
from collections import Counter
from collections.abc import Coroutine, Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Final

from agent.adapters.astm.entry import Messages
from agent.adapters.astm.frames import ENQ
from agent.adapters.astm.session import Ending, Session
from agent.adapters.port import Entry
from agent.clock import Now
from agent.config.shapes import Astm
from agent.errors import AdapterError
from catalog.model import Model
from wire.items import Item

MAX_FILE: Final = 64 * 1024 * 1024
_CHUNK: Final = 65_536
_FRAMED_HEADER: Final = re.compile(rb"\x02[0-9]?[Hh][!-/:-@\[-`{-~]")
_CHECKSUM: Final = frozenset({"bad-checksum", "no-checksum", "checksum-never-right"})


def read_file(
    path: Path,
    *,
    model: Model,
    zone: tzinfo | None,
    encoding: str,
    checksum: bool = True,
    record_per_frame: bool | None = None,
) -> Iterator[tuple[list[Item], Counter[str]]]:
    """The items of what is read, piece by piece, and what was refused of it.

    The time of receipt is the file's last modification. ``checksum``, ``record_per_frame``: as in
    ``agent.config.shapes.Astm``. Raises ``AdapterError``, ``OSError``.
    """
    data = _content(path)
    received = path.stat().st_mtime_ns // 1_000_000
    sink = _Found()
    config = Astm(framing="e1381" if ENQ in data else "none", checksum=checksum, record_per_frame=record_per_frame)
    messages = Messages(model=model, sink=sink, zone=zone, encoding=encoding, live=False)
    now = Now(wall=received, elapsed=0)
    session = Session(config=config, channel=_Silent(), messages=messages, sink=sink, now=lambda: now)
    for at in range(0, len(data) + _CHUNK, _CHUNK):
        try:
            _through(session.take(data[at : at + _CHUNK]))
        except Ending as ending:
            sink.refused("", ending.why)
            break
        if messages.read:
            yield sink.taken()
    if not messages.read:
        raise _why(data, sink.reasons)
    yield sink.taken()


def _through(turn: Coroutine[None, None, None]) -> None:
    """A turn of the conversation, in which nothing is waited for: neither the channel nor the sink ever does."""
    try:
        turn.send(None)
    except StopIteration:
        return
    raise RuntimeError("a file was waited for")


class _Silent:
    """A channel whose other side hears nothing of what is said."""

    async def read(self, seconds: float | None) -> bytes | None:  # noqa: ARG002  # nothing comes by itself
        """See ``Channel``."""
        return None

    async def write(self, data: bytes) -> None:
        """See ``Channel``."""

    async def close(self) -> None:
        """See ``Channel``."""


class _Found:
    """A sink that hands out what was put into it."""

    key = bytes(32)

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self._items: list[Item] = []
        self._seen: set[bytes] = set()

    def put(self, entry: Entry) -> bool:
        """See ``Sink``."""
        new = not self._seen.issuperset(entry.seen)
        if new:
            self._seen.update(entry.seen)
            self._items += (*entry.live, *entry.bulk)
        return new

    async def aput(self, entry: Entry) -> bool:
        """See ``Sink``."""
        return self.put(entry)

    def position(self, name: str) -> bytes | None:  # noqa: ARG002  # a file is the first that is heard of its equipment
        """See ``Sink``."""
        return None

    def refused(self, source: str, reason: str, *, form: str = "") -> None:  # noqa: ARG002  # one source, no page
        """See ``Sink``."""
        self.reasons[reason] += 1

    def untold(self, source: str, reason: str) -> None:
        """See ``Sink``: whoever decodes a file sees that nothing came of it."""

    def taken(self) -> tuple[list[Item], Counter[str]]:
        """What came since this was last asked."""
        taken = self._items, self.reasons
        self._items, self.reasons = [], Counter()
        return taken


def _content(path: Path) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise AdapterError("oversize", f"it is larger than {MAX_FILE // 1024**2} MB: give it in parts")
    return data


def _why(data: bytes, refused: Counter[str]) -> AdapterError:
    """Why nothing was told."""
    if refused["bad-delimiters"]:
        return AdapterError("bad-delimiters", "its header (H record) declares no delimiters: correct the host settings")
    if _CHECKSUM & refused.keys() and _FRAMED_HEADER.search(data):
        what = (
            "its frames have wrong checksums: capture it again, byte by byte, or give --no-checksum if they have none"
        )
        return AdapterError("damaged", what)
    return AdapterError("not-astm", "it is no ASTM message, none begins with H: give what the analyzer sends")

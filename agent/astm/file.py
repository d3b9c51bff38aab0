"""ASTM messages in a file: a whole session as on the wire, frames alone, or bare records, and what would leave the
device for them."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Final

from agent.astm.entry import Told
from agent.astm.frames import ENQ
from agent.astm.line import Line, line_of
from agent.astm.link import Command, Deliver, Dropped, Ended, Refused
from agent.astm.reading import read
from agent.astm.records import Assembler, Message
from agent.errors import AdapterError
from catalog.model import Model
from wire.items import Item

MAX_FILE: Final = 64 * 1024 * 1024
_CHUNK: Final = 65_536
_FRAMED_HEADER: Final = re.compile(rb"\x02[0-7]H[!-/:-@\[-`{-~]")


def read_file(
    path: Path, *, model: Model, zone: tzinfo | None, encoding: str
) -> Iterator[tuple[list[Item], Counter[str]]]:
    """The items of each message and what was refused of it or before it.

    The time of receipt is the file's last modification. Raises ``AdapterError``, ``OSError``.
    """
    data = _content(path)
    received = path.stat().st_mtime_ns // 1_000_000
    told = Told(model=model)
    found = 0
    for message, refused in _messages(data):
        if message is not None:
            found += 1
            facts = read(message, model=model, received=received, zone=zone, encoding=encoding)
            entry = told.entry(facts)
            told.remember(facts)
            yield [*entry.live, *entry.bulk], refused + facts.refused
        elif found:
            yield [], refused
        elif refused["message-unfinished"]:
            raise AdapterError("truncated", "its message ends without a terminator (L record): give all of it")
        elif refused["bad-checksum"] and _FRAMED_HEADER.search(data):
            raise AdapterError("damaged", "its frames have wrong checksums: capture it again, byte by byte")
        else:
            raise AdapterError("not-astm", "it is no ASTM message, none begins with H: give what the analyzer sends")


def _content(path: Path) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise AdapterError("oversize", f"it is larger than {MAX_FILE // 1024**2} MB: give it in parts")
    return data


def _messages(data: bytes) -> Iterator[tuple[Message | None, Counter[str]]]:
    """Each whole message, then None; with each what was refused since the one before."""
    line = line_of("e1381" if ENQ in data else "none")
    assembler = Assembler()
    refused: Counter[str] = Counter()
    for at in range(0, len(data), _CHUNK):
        for message in _taken(line, line.feed(data[at : at + _CHUNK], 0), assembler, refused):
            yield message, refused + assembler.refused
            refused.clear()
            assembler.refused.clear()
    for message in _taken(line, line.end(0), assembler, refused):
        yield message, refused + assembler.refused
        refused.clear()
        assembler.refused.clear()
    assembler.drop()
    yield None, refused + assembler.refused


def _taken(line: Line, commands: list[Command], assembler: Assembler, refused: Counter[str]) -> Iterator[Message]:
    """The messages that these commands complete; what the link would have answered is taken as said."""
    waiting = list(commands)
    while waiting:
        match waiting.pop(0):
            case Deliver(text, last):
                yield from assembler.offer(text, last=last)
                waiting += line.accept(0)
            case Refused(reason):
                refused[reason] += 1
            case Ended() | Dropped():
                assembler.drop()
            case _:
                pass  # what we would have said

"""HL7 messages in a file: framed as on the wire or bare, one or many, and what would leave the device for them."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Final

from agent.errors import AdapterError
from agent.hl7.entry import Said
from agent.hl7.kinds import Kind, kind_of
from agent.hl7.message import Message
from agent.hl7.mllp import FS, VT
from agent.hl7.reading import read
from catalog.model import Model
from wire.items import Item

MAX_FILE: Final = 64 * 1024 * 1024
_HEADS: Final = re.compile(rb"(?:\A|(?<=[\r\n]))MSH(?=[^A-Za-z0-9\s])")
_BATCH: Final = re.compile(rb"(?:\A|[\r\n]+)(?:FHS|BHS|BTS|FTS)[^\r\n]*")
"""The envelope of a batch (HL7 v2.5.1, 2.10.3) says nothing about the equipment."""


def read_file(path: Path, *, model: Model, zone: tzinfo | None) -> Iterator[tuple[list[Item], Counter[str]]]:
    """The items of each message and what was refused of it; what repeats itself in the file is told once, as the agent
    does. The time of receipt is the file's last modification. Raises ``AdapterError``, ``OSError``."""
    with path.open("rb") as stream:
        data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise AdapterError("oversize", f"it is larger than {MAX_FILE // 1024**2} MB: give it in parts")
    received = path.stat().st_mtime_ns // 1_000_000
    said = Said(model=model)
    for each in split(data):
        message = Message(each)
        kind = kind_of(message)
        if kind not in (Kind.EQUIPMENT, Kind.CONTROL):
            yield [], Counter({f"{kind.value}-message": 1})
            continue
        if message.cut:
            yield [], Counter({"oversize": 1})
            continue
        facts = read(message, kind, model=model, received=received, zone=zone)
        entry = said.entry(facts)
        said.remember(facts)
        yield [*entry.live, *entry.bulk], facts.refused


def split(data: bytes) -> Iterator[bytes]:
    """The messages of a file's content. Raises ``AdapterError`` where there is none."""
    data = data.removeprefix(b"\xef\xbb\xbf").replace(VT, b"\r").replace(FS, b"\r")
    heads = [found.start() for found in _HEADS.finditer(data)]
    before = data[: heads[0]] if heads else data
    if not heads or _BATCH.sub(b"", before).strip():
        raise AdapterError("not-hl7", "it is no HL7 message, none begins with MSH: give what the analyzer sends")
    for start, end in zip(heads, [*heads[1:], len(data)], strict=True):
        yield _BATCH.sub(b"", data[start:end])

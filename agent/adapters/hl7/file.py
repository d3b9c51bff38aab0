"""HL7 messages in a file: framed as on the wire or bare, one or many, and what would leave the device for them."""

from collections import Counter
from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Final

from agent.adapters.hl7.entry import Said
from agent.adapters.hl7.intake import taken
from agent.adapters.hl7.message import no_message
from agent.adapters.hl7.mllp import VT, Deframer, Frame
from agent.config.shapes import Hl7
from agent.errors import AdapterError
from catalog.model import Model
from wire.items import Item

MAX_FILE: Final = 64 * 1024 * 1024
_LIMIT: Final = Hl7().max_kb * 1024


def read_file(path: Path, *, model: Model, zone: tzinfo | None) -> Iterator[tuple[list[Item], Counter[str]]]:
    """The items of each message and what was refused of it; what repeats itself in the file is told once, as the agent
    does. The time of receipt is the file's last modification. Raises ``AdapterError`` where there is no message,
    ``OSError``."""
    with path.open("rb") as stream:
        data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise AdapterError("oversize", f"it is larger than {MAX_FILE // 1024**2} MB: give it in parts")
    received = path.stat().st_mtime_ns // 1_000_000
    frames, failed = _frames(data)
    said = Said(model=model)
    seen: set[bytes] = set()
    error: AdapterError | None = no_message()
    first: AdapterError | None = None
    for frame in frames:
        for each in taken(frame, model=model, received=received, zone=zone, live=False):
            counted = Counter({reason: 1 for reason in (each.refused, each.untold) if reason})
            if each.message is None:
                first = first or each.error
                failed += counted
                continue
            error = None
            if each.facts is None:
                yield [], counted
                continue
            entry = said.entry(each.facts)
            refused = each.facts.refused
            if each.facts.timed and (entry.live or entry.bulk or refused):
                if each.data in seen:
                    yield [], counted
                    continue
                seen.add(each.data)
            said.remember(each.facts)
            yield [*entry.live, *entry.bulk], refused + counted
    if error is not None:
        raise first or error
    yield [], failed


def _frames(data: bytes) -> tuple[list[Frame], Counter[str]]:
    """The blocks of a file, of one without any the whole content, and what was between them."""
    if VT not in data:
        return [Frame(data, len(data))], Counter()
    deframer = Deframer(limit=_LIMIT)
    frames = deframer.feed(data)
    if deframer.inside:
        deframer.refused["cut-frame"] += 1
    return frames, deframer.refused

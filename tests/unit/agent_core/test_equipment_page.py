"""docs/equipment.md names each setting with its default and bounds, and each limit with its figure and its word."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec
import pytest
from msgspec import NODEFAULT, Meta, Struct

from agent import tally
from agent.adapters import connection, equipment_clock, form
from agent.adapters.astm import assembler, frames, link, reading
from agent.adapters.dicom import association, elements, folder, report, steps, walk
from agent.adapters.hl7 import adapter, message
from agent.adapters.logs import beside, file, lines
from agent.config import file as configfile
from agent.config import shapes as config
from agent.outbox import notes, room
from catalog.load import load
from catalog.refusals import loses

PAGE: Final = (Path(__file__).parents[3] / "docs" / "equipment.md").read_text("utf-8")
CATALOG: Final = load()
SECTIONS: Final[dict[str, type[Struct]]] = {
    "agent": config.Agent,
    "server": config.Server,
    "device": config.Device,
    "device.host": config.Host,
    "device.dicom": config.Dicom,
    "device.folder": config.Folder,
    "device.hl7": config.Hl7,
    "device.astm": config.Astm,
    "device.log": config.Log,
    "device.policy": config.Policy,
    "device.echo.NAME": config.Peer,
}


def table(title: str) -> list[list[str]]:
    """The cells of the rows of a section's first table."""
    section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def within(kind: Any) -> Iterator[Any]:
    """A type and what it is made of, but not what a list holds."""
    yield kind
    if get_origin(kind) in {Annotated, Union, UnionType}:
        for part in get_args(kind):
            yield from within(part)


def written(default: Any) -> str:
    if default is NODEFAULT:
        return "needed"
    if default in (None, (), {}):
        return "–"
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:,g}" if isinstance(default, float) or default > 10_000 else str(default)


def bounds(kind: Any) -> str:
    parts = list(within(kind))
    values = [str(value) for part in parts if get_origin(part) is Literal for value in get_args(part)]
    ranges = [f"{part.ge:,} to {part.le:,}" for part in parts if isinstance(part, Meta) and part.ge is not None]
    return ", ".join(values or ranges)


KEYS: Final = [
    (f"{section}.{field.encode_name}", field)
    for section, shape in SECTIONS.items()
    for field in msgspec.structs.fields(shape)
]


@pytest.mark.parametrize(("key", "field"), KEYS, ids=[key for key, _ in KEYS])
def test_each_key_is_explained_with_its_default_and_bounds(key: str, field: Any) -> None:
    (row,) = [row for row in table("Every setting") if f"`{key}`" in row[0]]
    default = field.default if field.default_factory is NODEFAULT else field.default_factory()
    assert row[1:3] == [written(default) if not isinstance(default, str) else default, bounds(field.type)]


def test_no_key_is_explained_that_is_gone() -> None:
    told = {key for row in table("Every setting") for key in re.findall(r"`([^`]+)`", row[0])}
    assert told == {key for key, _ in KEYS}


HOURS_MS: Final = 3_600_000
FIGURES: Final = {
    "reserve on the disk": [room.RESERVE // room.MB],
    "little room on the disk": [room.LITTLE // room.MB],
    "what was sent before": [notes.SEEN_MAX, notes.SEEN_AGE_MS // (24 * HOURS_MS)],
    "reasons told apart": [tally.MAX_PAIRS],
    "form of a code": [form.MAX_FORM],
    "a burst in the log": [tally.BURST_MS // 60_000],
    "connections of an address": [connection.EACH],
    "connections of all": [connection.TOTAL],
    "answers not taken": [connection.ANSWER_S],
    "association not asked for": [association.REQUEST_S],
    "elements of an object": [walk.MAX_ELEMENTS, elements.INFLATED_LIMIT // room.MB],
    "sequences of an object": [walk.MAX_DEPTH],
    "one PDU": [2 * association.MAX_PDU // 1024],
    "exposures of a dose report": [report.MAX_EVENTS],
    "performed steps known": [steps.MAX_STEPS],
    "files of a folder": [folder.MAX_FILES],
    "folders in it": [folder.MAX_DEPTH],
    "one file of it": [folder.MAX_BYTES // 1_000_000],
    "one line of a log": [lines.MAX_LINE // 1024],
    "rotated logs": [file.MAX_PAST, beside.MAX_FILES],
    "ASTM frame": [frames.MAX_FRAME],
    "ASTM record": [assembler.MAX_RECORD],
    "ASTM message": [assembler.MAX_MESSAGE, assembler.MAX_RECORDS],
    "facts of an ASTM message": [reading.MAX_FACTS, reading.MAX_FACTS],
    "ASTM pause in a transfer": [link.FRAME_MS // 1000],
    "ASTM bytes without a good frame": [link.BARREN],
    "segments of an HL7 message": [message.MAX_SEGMENTS],
    "bytes between HL7 blocks": [adapter.MAX_NOISE],
    "HL7 blocks in a row without HL7": [adapter.MAX_BAD],
}
"""In each row's second cell."""


def figures(text: str) -> list[float]:
    return [float(figure.replace(",", "")) for figure in re.findall(r"\d[\d,]*", text)]


def test_each_limit_is_what_the_agent_holds() -> None:
    told = {row[0]: figures(row[1]) for row in table("What every limit means") if figures(row[1])}
    assert told == FIGURES
    assert f"{EACH_AND_ALL}." in PAGE
    # Elsewhere on the page.
    assert (
        f"The agent keeps {room.RESERVE // room.MB} MB a device in reserve. With less than {room.LITTLE // room.MB} MB"
        in PAGE
    )
    assert f"asks for its association within {association.REQUEST_S:g} s" in PAGE
    assert f"takes the answers within {connection.ANSWER_S:g} s" in PAGE
    assert f"frames up to {frames.MAX_FRAME:,} characters" in PAGE
    assert f"larger than {assembler.MAX_RECORD:,} bytes: not read" in PAGE
    assert f"lines beyond {lines.MAX_LINE // 1024} kB" in PAGE
    assert f"{adapter.MAX_BAD} such blocks in a row" in PAGE
    assert f"the last {config.Log(path='').first_mb:g} MB are read" in PAGE
    assert equipment_clock.QUEUE_MS // (24 * HOURS_MS) == 365
    assert f"64 devices at most and {configfile.MAX_BYTES // 1_000_000} MB" in PAGE


EACH_AND_ALL: Final = f"{connection.EACH} connections of an address and {connection.TOTAL} in all"


@pytest.mark.parametrize("row", table("What every limit means"), ids=lambda row: row[0])
def test_each_limit_says_rightly_whether_a_fact_is_lost(row: list[str]) -> None:
    for cell in re.split("; ", row[3]):
        words = [word for word in re.findall(r"`([a-z-]+)`", cell) if not word.startswith("steth")]
        for word in words:
            assert loses(CATALOG, "refused", word) is ("lost" in cell), word


def test_what_a_scan_is_counted_as_loses_nothing() -> None:
    (text,) = re.findall(r"A port scan.*?\n\n", PAGE, re.DOTALL)
    words = re.findall(r"`([a-z-]+)`", text)
    assert len(words) == 6
    assert [word for word in words if loses(CATALOG, "refused", word)] == []

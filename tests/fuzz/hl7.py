"""HL7: from bytes on a connection to what would leave and to the answer."""

from collections.abc import Callable
from datetime import UTC

from agent.hl7.answer import Outcome, answers
from agent.hl7.entry import Said
from agent.hl7.file import split
from agent.hl7.kinds import Kind, kind_of
from agent.hl7.message import Message
from agent.hl7.mllp import Deframer, framed
from agent.hl7.reading import read
from agent.privacy import admit
from tests.fixtures.hl7 import MODEL, PATIENT, RECEIVED, controls, equipment, inventory, notification, supply
from wire.codec import JSON, decode_report, encode_report
from wire.errors import WireError
from wire.items import Item
from wire.report import Report

TOKENS = (b"\x0b", b"\x1c\r", b"\r", b"|", b"^", b"~", b"\\F\\", b"EQU|", b"MSH|^~\\&|", b"\x81|", b'""')


def seeds() -> list[tuple[bytes, Callable[[bytes], object]]]:
    """Well-formed messages of each kind, with what reads and answers them."""
    made = (equipment("PD", "S"), notification(), inventory(supply(f16="L-7", f12="20270101")), controls(), PATIENT)
    found: list[tuple[bytes, Callable[[bytes], object]]] = [(framed(each), _taken) for each in made]
    return [*found, (b"".join(made), _decoded), (b"".join(map(framed, made)), _decoded)]


def _taken(stream: bytes) -> None:
    for frame in Deframer(limit=16_384).feed(stream):
        _read(frame.data)


def _decoded(content: bytes) -> None:
    for data in split(content):
        _read(data)


def _read(data: bytes) -> None:
    message = Message(data)
    for outcome in Outcome:
        answers(message, outcome, stamp="20261121180002", number=1)
    kind = kind_of(message)
    if kind in (Kind.EQUIPMENT, Kind.CONTROL):
        facts = read(message, kind, model=MODEL, received=RECEIVED, zone=UTC)
        entry = Said(model=MODEL).entry(facts)
        for items in (entry.live, entry.bulk):
            passed, _ = admit(items, MODEL)
            for item in passed:
                _travels(item)


def _travels(item: Item) -> None:
    try:
        decode_report(encode_report(Report(at=RECEIVED, items=[item]), JSON), JSON)
    except WireError as error:
        raise AssertionError(f"what was read does not fit the contract: {error}") from error

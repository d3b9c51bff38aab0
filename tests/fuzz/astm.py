"""ASTM: from bytes on a line to what would leave and to what is answered."""

from collections.abc import Callable
from datetime import UTC

from agent.astm.entry import Told, mark
from agent.astm.line import Framing, Line, line_of
from agent.astm.link import Command, Deliver, Dropped, Ended
from agent.astm.reading import read
from agent.astm.records import Assembler, Message
from agent.privacy import admit
from catalog.model import Model
from tests.fixtures.astm import FLAGGED, INDIKO, MODEL, ROCHE, by_records, by_size, message, session
from wire.codec import JSON, decode_report, encode_report
from wire.errors import WireError
from wire.report import Report

RECEIVED = 1_720_000_000_000
NO_ORDERS = b"H|\\^&\rL|1|I\r"
CONTROL = message(
    "O|1|QC-L1-LOT77|0^5054^1^^QC^SC|||||||||Q|||||||||||20240311081000",
    r"R|1|^^^GLU|5.3|mmol/L|5.0^TARGET\0.15^SD|N|72|F||||20240311080500",
    "M|1|SIG|bath.temperature|37.1|C|20240311080000",
    r"M|2|RR^BM^c111^1|-21|-21\1|0.01",
    "C|1|I|16^Liquid|G",
    "Q|1|^SID||ALL",
)
TOKENS = (b"\x02", b"\x03", b"\x04", b"\x05", b"\x06", b"\x15", b"\x17", b"\r", b"H|\\^&|", b"L|1|N\r", b"C|1|I|72|I\r")


def seeds() -> list[tuple[bytes, Callable[[bytes], object]]]:
    """Well-formed sessions and bare messages, with what reads and answers them."""
    found: list[tuple[bytes, Callable[[bytes], object]]] = []
    for each in (FLAGGED, CONTROL):
        found += [(session(frames), _linked) for frames in (by_records(each), by_size(each, 60))]
        found += [(data, _plain) for data in (each, b"".join(by_size(each, 60)))]
        found.append((each, _records))
    return found


def _linked(data: bytes) -> None:
    _through(data, "e1381")


def _plain(data: bytes) -> None:
    _through(data, "none")


def _records(data: bytes) -> None:
    """Without frames, whose checksums would stop most of what was changed."""
    for found in Assembler().offer(data, last=True):
        _read(found)


def _through(data: bytes, framing: Framing) -> None:
    line, assembler = line_of(framing), Assembler()
    for now, at in enumerate(range(0, len(data), 7)):
        _obey(line, line.feed(data[at : at + 7], now), assembler, now)
    for now in (2_000, 40_000, 80_000):
        _obey(line, line.send(NO_ORDERS, now), assembler, now)
        _obey(line, line.tick(now), assembler, now)
    _obey(line, line.end(80_000), assembler, 80_000)


def _obey(line: Line, commands: list[Command], assembler: Assembler, now: int) -> None:
    waiting = list(commands)
    while waiting:
        match waiting.pop(0):
            case Deliver(text, last):
                assembler.offer(text, last=last)
                assembler.back()
                for found in assembler.offer(text, last=last):
                    _read(found)
                waiting += line.accept(now)
            case Ended() | Dropped():
                assembler.drop()
            case _:
                pass


def _read(found: Message) -> None:
    models: tuple[Model, ...] = (MODEL, ROCHE, INDIKO)
    for model, encoding in zip(models, ("utf-8", "gb18030", "latin-1"), strict=True):
        facts = read(found, model=model, received=RECEIVED, zone=UTC, encoding=encoding)
        mark(found, facts, received=RECEIVED, key=b"k")
        entry = Told(model=model).entry(facts)
        for items in (entry.live, entry.bulk):
            passed, _ = admit(items, model)
            if not passed:
                continue
            try:
                decode_report(encode_report(Report(at=RECEIVED, items=passed), JSON), JSON)
            except WireError as error:
                raise AssertionError(f"what was read does not fit the contract: {error}") from error

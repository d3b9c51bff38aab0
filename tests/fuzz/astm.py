"""ASTM: bytes on a line against the adapter's own conversation. Whatever comes, what was acknowledged is told or
counted, and what is told fits the contract and passed the gate."""

import re
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC
from typing import Any, Final

from agent.adapters.astm.entry import Messages
from agent.adapters.astm.session import Ending, Session
from agent.clock import Now
from agent.config.shapes import Astm
from agent.privacy import admit
from catalog.load import load
from catalog.model import Model
from catalog.refusals import loses
from tests.fixtures.astm import ACK, ENQ, EOT, INDIKO, MODEL, ROCHE, by_records, by_size, framed, message, session
from tests.fixtures.sink import MemorySink
from wire.codec import JSON, decode_report, encode_report
from wire.errors import WireError
from wire.items import Readings
from wire.report import Report

RECEIVED: Final = 1_720_000_000_000
TOKENS = (b"\x02", b"\x03", b"\x04", b"\x05", b"\x06", b"\x15", b"\x17", b"\r", b"H|\\^&|", b"L|1|N\r", b"C|1|I|72|I\r")
TOLD: Final = message(
    "M|1|SIG|bath.temperature|31.1|C|20240311080000",
    "O|1|QC-L1-LOT77|0^5054^1^^QC^SC|||||||||Q|||||||||||20240311081000",
    r"R|1|^^^GLU|5.3|mmol/L|5.0^TARGET\0.15^SD|N|72|F||||20240311080500",
    "M|2|SIG|bath.temperature|32.2|C|20240311080100",
    r"M|3|RR^BM^c111^1|-21|-21\1|0.01",
    "C|1|I|16^Liquid|G",
    "M|4|SIG|bath.temperature|33.3|C|20240311080200",
    "Q|1|^SID||ALL",
)
_SIGNAL: Final = re.compile(rb"(?:\A\x02[0-9]|[\r\n])M\|\d+\|SIG\|bath\.temperature\|(\d{2}\.\d)\|C\|\d{14}[\r\3\x17]")
"""A fact in a frame: a record that tells a signal of this value."""
_FRAME: Final = re.compile(b"\x02[^\x03\x17]*[\x03\x17]")
_PIECES: Final = re.compile(b"\x02[^\x02\x04\x05]*|[^\x02]", re.DOTALL)
"""What is sent before an answer is waited for: a frame, or a byte."""
_CATALOG: Final = load()
_MODELS: Final[tuple[tuple[Model, Any], ...]] = ((MODEL, "utf-8"), (ROCHE, "gb18030"), (INDIKO, "latin-1"))


def seeds() -> list[tuple[bytes, Callable[[bytes], object]]]:
    """Sessions as the standard asks and as real senders hold them, frames alone and bare records, with what reads and
    answers them."""
    records = TOLD.split(b"\r")[:-1]
    habits = [
        by_records(TOLD),
        by_size(TOLD, 60),
        [framed(1, record + b"\r") for record in records],
        [framed(at, record, last=False) for at, record in enumerate(records)],
        [framed(at, record) for at, record in enumerate(records)],
        by_records(TOLD)[:-1],
        [*by_records(TOLD)[:5], ENQ, *by_records(TOLD)],
        [*by_records(TOLD)[:4], EOT, ENQ, *by_records(TOLD)[4:]],
        [frame[:-4] + b"\r\n" for frame in by_records(TOLD)],
        [framed(1, record, checksum=b"00") for record in records],
    ]
    found: list[tuple[bytes, Callable[[bytes], object]]] = [(session(frames), linked) for frames in habits]
    return [*found, *((b"".join(frames), plain) for frames in habits[:2]), (TOLD, plain)]


def linked(data: bytes) -> None:
    """A line with the link, in one of its settings."""
    acknowledged: list[bytes] = []
    sink, settings = MemorySink(), _settings(data)
    for piece, heard in _conversed(data, sink, framing="e1381", **settings):
        if piece[:1] == b"\x02" and ACK in heard:
            acknowledged += _SIGNAL.findall(_FRAME.match(piece)[0])  # type: ignore[index]  # it was acknowledged
    # Where frames are set never to end a record, what stands in several is one, whatever it looks like.
    _judge(acknowledged if settings["record_per_frame"] is not False else [], sink)


def plain(data: bytes) -> None:
    """One without: nothing is acknowledged, and all was taken."""
    sink = MemorySink()
    for _ in _conversed(data, sink, framing="none", **_settings(data)):
        pass
    _judge([], sink)


def _settings(data: bytes) -> dict[str, Any]:
    return {"checksum": len(data) % 2 == 0, "record_per_frame": (None, True, False)[len(data) % 3]}


class _Wire:
    """A channel that keeps what is said."""

    def __init__(self) -> None:
        self.said = b""

    async def read(self, seconds: float | None) -> bytes | None:  # what is sent is given to the session
        return None

    async def write(self, data: bytes) -> None:
        self.said += data

    async def close(self) -> None:
        pass


def _conversed(data: bytes, sink: MemorySink, **config: Any) -> Iterator[tuple[bytes, bytes]]:
    """Each piece with what was answered to it; some time passes, and the peer hangs up."""
    model, encoding = _MODELS[len(data) % len(_MODELS)]
    wire, elapsed = _Wire(), 0
    messages = Messages(model=model, sink=sink, zone=UTC, encoding=encoding, live=False)
    talk = Session(
        config=Astm(answer_queries=config["framing"] == "e1381", **config),
        channel=wire,
        messages=messages,
        sink=sink,
        now=lambda: Now(wall=RECEIVED, elapsed=elapsed),
    )
    pieces: list[bytes | None] = [*_PIECES.findall(data), None, None, b""]
    for piece in pieces:
        wire.said = b""
        try:
            _through(talk.take(piece))
            if piece is not None and piece[:1] == b"\x02":
                elapsed += 1_500  # a frame without its CR LF is taken then
                _through(talk.take(None))
        except Ending:
            _through(talk.take(b""))
            return
        if piece is None:
            elapsed += 31_000
        yield piece or b"", wire.said


def _through(turn: Coroutine[None, None, None]) -> None:
    try:
        turn.send(None)
    except StopIteration:
        return
    raise AssertionError("the conversation waited for something")


def _judge(acknowledged: list[bytes], sink: MemorySink) -> None:
    items = sink.items()
    told = {value for item in items if isinstance(item, Readings) for value in item.value}
    missing = [value for value in acknowledged if float(value) not in told]
    # What comes again, or was taken all the same, is no word for what didn't.
    lost = sum(n for word, n in sink.counts.items() if loses(_CATALOG, "refused", word.removeprefix("astm:")))
    assert len(missing) <= lost, f"acknowledged, and neither told nor counted: {missing}"
    for entry in sink.entries:
        for model, _ in _MODELS:
            for lane in (entry.live, entry.bulk):
                passed, _ = admit(lane, model)
                if passed:
                    try:
                        decode_report(encode_report(Report(at=RECEIVED, items=passed), JSON), JSON)
                    except WireError as error:
                        raise AssertionError(f"what was read does not fit the contract: {error}") from error

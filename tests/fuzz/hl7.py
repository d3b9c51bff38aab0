"""HL7: from bytes on a connection to what would leave and to the answer, through the adapter's own path.

The oracle: what was acknowledged is in the sink, a repeat of what is, or counted under a reason; what is in the sink
fits the contract once the gate let it pass.
"""

import asyncio
from collections.abc import Callable
from functools import cache

from agent.adapters.hl7.adapter import Hl7Adapter
from agent.adapters.hl7.intake import Taken
from agent.adapters.hl7.message import Message
from agent.adapters.hl7.mllp import VT, Deframer, Frame, framed
from agent.config.shapes import Hl7
from agent.privacy import admit
from tests.fixtures.hl7 import MODEL, PATIENT, controls, equipment, inventory, notification, specimens, supply
from tests.fixtures.sink import MemorySink
from wire.codec import JSON, decode_report, encode_report
from wire.errors import WireError
from wire.items import Item
from wire.report import Report

TOKENS = (
    *(b"\x0b", b"\x1c\r", b"\x0b\x1c\r", b"\r", b"|", b"^", b"~", b"\\F\\", b"\\XB5\\", b'""', b"\x81|", b"\xb5m"),
    *(b"EQU|", b"MSH|^~\\&|", b"MSH|^~\\\\&|", b"FHS|\r", b"\rBTS|2", b"SPM|1|||||||||||Q\r", b"PID|1\r", b"AL|AL|"),
)
_GOOD = {b"AA", b"CA"}
_AT = 1_795_255_202_000


def seeds() -> list[tuple[bytes, Callable[[bytes], object]]]:
    """Well-formed messages of each kind, with what reads and answers them."""
    stock = inventory(supply(f16="L-7", f12="20270101"))
    asking = equipment("OP", f15="AL", f16="AL")
    made = (equipment("PD", "S"), notification(), stock, controls(), specimens(), PATIENT, asking)
    batch = b"FHS|^~\\&|x\rBHS|^~\\&|x\r" + b"".join(made) + b"BTS|5\rFTS|1\r"
    return [(body, _taken) for body in (*map(framed, made), framed(batch), b"".join(map(framed, made)), batch)]


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _taken(stream: bytes) -> None:
    frames = Deframer(limit=16_384).feed(stream) if VT in stream else [Frame(stream, len(stream))]
    _loop().run_until_complete(_heard(frames))


async def _heard(frames: list[Frame]) -> None:
    sink = MemorySink()
    adapter = Hl7Adapter(config=Hl7(listen="127.0.0.1:0", time_zone="UTC"), model=MODEL, sink=sink)
    said: set[bytes] = set()
    for frame in frames:
        before = _size(sink)
        for each in adapter.opened(frame):
            answers = await adapter.hear(each)
            codes = [msa.text(1).encode() for answer in answers for msa in Message(answer).named("MSA")]
            assert len(codes) == len(answers), "an answer without its code"
            if _GOOD & set(codes) and _size(sink) == before:
                assert each.data in said or _known(each), "acknowledged, and neither kept nor counted"
            said.add(each.data)
            before = _size(sink)
    for entry in sink.entries:
        for items in (entry.live, entry.bulk):
            for item in admit(items, MODEL)[0]:
                _travels(item)


def _size(sink: MemorySink) -> int:
    return len(sink.entries) + sink.counts.total() + sink.nothing.total()


def _known(each: Taken) -> bool:
    """Whether it repeats what was said of states and the inventory, and tells nothing else."""
    return each.facts is not None and each.facts.tell and not (each.facts.readings or each.facts.faults)


def _travels(item: Item) -> None:
    try:
        decode_report(encode_report(Report(at=_AT, items=[item]), JSON), JSON)
    except WireError as error:
        raise AssertionError(f"what was read does not fit the contract: {error}") from error

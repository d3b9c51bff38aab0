"""DICOM for the fuzzer: from bytes to what would leave and to the answer, through the SCP's own path, and from a file.

The oracle: what was answered with success is in the sink, a repeat of what is, or counted under a reason; what is in
the sink fits the contract once the gate let it pass; nothing but a typed end of the association comes out.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC
from functools import cache, partial
from typing import Any, Final

from agent.adapters.dicom import dimse, pdu
from agent.adapters.dicom.association import Aborted, Association
from agent.adapters.dicom.dimse import Answer, Command
from agent.adapters.dicom.mpps import StepReader
from agent.adapters.dicom.objects import ObjectReader
from agent.adapters.dicom.scp import DicomScp
from agent.clock import Now
from agent.config.shapes import Dicom
from agent.privacy import admit
from catalog.load import load
from tests.fixtures.dicom import BIG_ENDIAN, DEFLATED, DX, EXPLICIT, FULL, IMPLICIT, data_set, image, read_object
from tests.fixtures.dicom_peer import RELEASE_RQ, request, store_command, values
from tests.fixtures.dicom_peer import pdu as framed
from tests.fixtures.dose import DOSE_REPORT, encoded, event, report
from tests.fixtures.mpps import attributes, begun, ended
from tests.fixtures.sink import MemorySink
from wire.codec import encode_report
from wire.items import Inventory, Item
from wire.report import Report

TOKENS: Final = (
    b"\xfe\xff\x00\xe0\xff\xff\xff\xff",  # an item without a length
    b"\xfe\xff\x0d\xe0\x00\x00\x00\x00",  # its end
    b"\xfe\xff\xdd\xe0\x00\x00\x00\x00",  # a sequence's end
    b"\x40\x00\x30\xa7SQ\x00\x00\xff\xff\xff\xff",  # a content sequence
    b"\x40\x00\x0a\xa3DS\x04\x00 80 ",
    b"\x18\x00\x60\x00  \x02\x0081",  # a representation of blanks
    b"\x09\x00\x10\x10??\x00\x00\x04\x00\x00\x00ABCD",
    b"\xff\xff\xff\xff",
)
_RECEIVED: Final = 1_795_306_500_000
_MODEL: Final = load().models["generic-dr"]
_PIECE: Final = 100


def seeds() -> list[tuple[bytes, Callable[[bytes], object]]]:
    """Well-formed objects, messages and associations, each with what reads and answers it."""
    syntaxes = (EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED)
    found: list[tuple[bytes, Callable[[bytes], object]]] = [
        (data_set(FULL, syntax=syntax, pixels=64), partial(_stored, syntax, DX)) for syntax in syntaxes
    ]
    files = [image()]
    for undefined in (False, True):
        whole = report(event(images=["2.25.5"]), event(uid="2.25.8"), undefined=undefined)
        files += [encoded(whole, syntax=syntax) for syntax in (EXPLICIT, IMPLICIT)]
    found += [(each, _file) for each in files]
    found += [(each[each.index(b"\x08\0\x16\0") :], partial(_stored, EXPLICIT, DOSE_REPORT)) for each in files[1::2]]
    found += [(attributes(each), _performed) for each in (begun(), ended(), ended("DISCONTINUED", reason="110501"))]
    found.append((data_set({"SOPClassUID": DOSE_REPORT}), partial(_stored, EXPLICIT, DOSE_REPORT)))
    stored = values((3, store_command()), (2, data_set(FULL, pixels=64)))
    echo = values((3, store_command(field=0x30, data_set=False)))
    found += [(request(), _associated)] * 8  # most changes make its lengths wrong, and end it at once
    found.append((request() + stored + echo + stored + framed(RELEASE_RQ, bytes(4)), _associated))
    found += [(store_command(), dimse.command), (request()[6:], pdu.request), (b"\0\0\0\3\1\3a", pdu.fragments)]
    return found


def _file(data: bytes) -> None:
    for each in read_object(data, received=_RECEIVED, zone=UTC, key=b"k" * 32):
        _travels(each.items())


def _stored(syntax: str, sop_class: str, data: bytes) -> None:
    """An object of the network, that comes twice."""
    sink = MemorySink()
    scp = _Judged(sink)
    for _ in range(2):
        reader = scp.receive(sop_class, syntax)
        assert reader is not None
        for at in range(0, len(data), _PIECE):
            reader.feed(data[at : at + _PIECE])
        answer = _through(scp.store(reader, size=len(data)))
        assert answer.status == dimse.SUCCESS, "what the disk took is answered with success"
    _travels(sink.items())


def _performed(data: bytes) -> None:
    """The attributes of a step that begins, and of one that goes on."""
    sink = MemorySink()
    scp = _Judged(sink)
    for field, body in ((dimse.N_CREATE_RQ, attributes(begun())), (dimse.N_SET_RQ, data), (dimse.N_CREATE_RQ, data)):
        reader = StepReader(transfer_syntax=EXPLICIT)
        reader.feed(body)
        instance = b"2.25.1" if body is not data or field == dimse.N_SET_RQ else b"2.25.2"
        _through(scp.perform(Command(field, 1, True, b"", instance), reader))
    _travels(sink.items())


def _associated(data: bytes) -> None:
    """A whole conversation, as a stream."""
    sink, writer = MemorySink(), _Writer()
    _loop().run_until_complete(_converse(data, sink, writer))
    _travels(sink.items())


async def _converse(data: bytes, sink: MemorySink, writer: "_Writer") -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    try:
        await Association(host=_Judged(sink), reader=reader, writer=writer).run()  # type: ignore[arg-type]  # it keeps
    except (Aborted, EOFError):
        return


class _Writer:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said = b""
        self.transport = self

    def write(self, data: bytes) -> None:
        self.said += data

    async def drain(self) -> None:
        pass

    def get_extra_info(self, _: str) -> "_Writer":
        return self

    def setsockopt(self, *_: int) -> None:
        pass


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _through(work: Coroutine[Any, Any, Any]) -> Any:
    return _loop().run_until_complete(work)


class _Judged(DicomScp):
    """Holds each of its answers against what became of the request."""

    def __init__(self, sink: MemorySink) -> None:
        config = Dicom(listen="127.0.0.1:0", time_zone="UTC")
        super().__init__(config=config, model=_MODEL, sink=sink, now=lambda: Now(wall=_RECEIVED, elapsed=0))
        self._heard = sink

    async def store(self, reader: ObjectReader | None, *, size: int) -> Answer:
        before = self._known()
        answer = await super().store(reader, size=size)
        assert answer.status != dimse.SUCCESS or self._known() > before, "acknowledged, and neither kept nor counted"
        return answer

    async def perform(self, command: Command, reader: StepReader) -> Answer:
        before, counted = self._known(), self._heard.counts.total()
        answer = await super().perform(command, reader)
        if answer.status == dimse.SUCCESS:
            assert self._known() > before, "acknowledged, and neither kept nor counted"
        elif answer.status != dimse.UNKNOWN_OPERATION:
            assert self._heard.counts.total() > counted, "refused, and not counted"
        return answer

    def _known(self) -> int:
        """How often something was kept, known again, or counted."""
        return self._heard.puts + self._heard.counts.total() + self._heard.nothing.total()


def _travels(items: Iterable[Item]) -> None:
    """Whatever an object says must fit the contract once it passed the gate."""
    passed, _ = admit(list(items), _MODEL)
    # A change may put a word into a serial number's element, where no pattern can tell it from one.
    assert "CANARY" not in repr([item for item in passed if not isinstance(item, Inventory)])
    for item in passed:
        encode_report(Report(at=_RECEIVED, items=[item]))

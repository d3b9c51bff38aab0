"""Who waits stays, and no address shuts another out: the three listeners, with peers from several addresses."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from agent.adapters import connection
from agent.adapters.astm.adapter import AstmAdapter
from agent.adapters.connection import BURST_S, EACH, TOTAL
from agent.adapters.dicom.association import REQUEST_S
from agent.adapters.dicom.scp import DicomScp
from agent.adapters.hl7.adapter import Hl7Adapter
from agent.adapters.hl7.mllp import framed
from agent.adapters.port import Sink
from agent.clock import Now
from agent.config.shapes import Astm, Dicom, Hl7
from catalog.load import load
from catalog.refusals import loses
from tests.fixtures.astm import ACK, ENQ, EOT, NOON, ROCHE, by_records, until
from tests.fixtures.astm import FLAGGED as SAMPLE
from tests.fixtures.dicom_peer import request, store_command, values
from tests.fixtures.hl7 import AT, MODEL, PATIENT
from tests.fixtures.scp import MODEL as DR
from tests.fixtures.scu import VERIFICATION
from tests.fixtures.sink import MemorySink
from wire.items import Fault, Inventory

CATALOG = load()
HOUR = 3600.0
ECHO = values((3, store_command(VERIFICATION, field=0x30, data_set=False)))
Listener = DicomScp | AstmAdapter | Hl7Adapter


class Clock:
    """The loop's clock and the adapters', which jumps when told to: timers that were set are due then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._loop = asyncio.get_running_loop()
        self._time = self._loop.time
        self._ahead = 0.0
        monkeypatch.setattr(self._loop, "time", lambda: self._time() + self._ahead)

    async def pass_(self, seconds: float) -> None:
        await self._settle()
        self._ahead += seconds
        await self._settle()

    async def _settle(self) -> None:
        """What was sent arrives, what is due happens."""
        for _ in range(20):
            await asyncio.sleep(0)

    def now(self) -> Now:
        elapsed = round(self._loop.time() * 1000)
        return Now(wall=AT + elapsed, elapsed=elapsed)


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


def dicom(sink: Sink, now: Callable[[], Now], **config: Any) -> DicomScp:
    return DicomScp(config=Dicom(listen="127.0.0.1:0", **config), model=DR, sink=sink, now=now)


def astm(sink: Sink, now: Callable[[], Now], **config: Any) -> AstmAdapter:
    made = Astm(listen="127.0.0.1:0", **config)
    return AstmAdapter(config=made, model=ROCHE, sink=sink, now=lambda: replace(now(), wall=NOON))


def hl7(sink: Sink, now: Callable[[], Now], **config: Any) -> Hl7Adapter:
    return Hl7Adapter(config=Hl7(listen="127.0.0.1:0", **config), model=MODEL, sink=sink, now=now)


class Peer:
    """A connection from an address of the loopback. ``gone``: whether the other side ended it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @property
    def gone(self) -> bool:
        return self.reader.at_eof() or self.reader.exception() is not None

    async def say(self, data: bytes, answer: int) -> bytes:
        """Send, and the answer of so many bytes at least; empty when the connection is over."""
        self.writer.write(data)
        heard = b""
        try:
            async with asyncio.timeout(20):
                while len(heard) < answer and (more := await self.reader.read(4096)):
                    heard += more
        except ConnectionError:
            return b""
        return heard


Speak = Callable[[Peer], Awaitable[bool]]


async def echoes(peer: Peer) -> bool:
    """A modality associates and asks for an echo."""
    if (await peer.say(request(VERIFICATION), 6))[:1] != b"\2":
        return False
    return (await peer.say(ECHO, 6))[:1] == b"\4"


async def sends(peer: Peer) -> bool:
    """An analyzer sends a sample by ASTM."""
    answers = [await peer.say(part, 1) for part in (ENQ, *by_records(SAMPLE))]
    peer.writer.write(EOT)
    return set(answers) == {ACK}


async def tells(peer: Peer) -> bool:
    """An analyzer sends a message by HL7."""
    return b"MSA|AA|7" in await peer.say(framed(PATIENT), 1)


KINDS = [
    pytest.param(dicom, echoes, id="dicom"),
    pytest.param(astm, sends, id="astm"),
    pytest.param(hl7, tells, id="hl7"),
]


class Room:
    """A listener that runs, and its peers."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.peers: list[Peer] = []

    async def connect(self, number: int) -> Peer:
        """From 127.0.0.``number``."""
        local = (f"127.0.0.{number}", 0)
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.listener.port, local_addr=local))
        self.peers.append(peer)
        return peer


@asynccontextmanager
async def opened(listener: Listener) -> AsyncIterator[Room]:
    task = asyncio.create_task(listener.run())
    while not listener.port:
        assert not task.done(), task.exception()
        await asyncio.sleep(0.001)
    room = Room(listener)
    try:
        yield room
    finally:
        for peer in room.peers:
            peer.writer.transport.abort()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(("make", "speak"), KINDS)
class TestEveryListener:
    async def test_an_address_full_of_silent_ones_shuts_nobody_out(
        self, make: Any, speak: Speak, sink: MemorySink, clock: Clock
    ) -> None:
        async with opened(make(sink, clock.now)) as room:
            equipment = await room.connect(3)
            assert await speak(equipment)
            silent = [await room.connect(2) for _ in range(32)]
            assert await speak(await room.connect(3))
            assert await speak(await room.connect(4))
            assert await speak(await room.connect(2))
            assert not equipment.gone
            assert sum(not peer.gone for peer in silent) == EACH - 1
        assert sink.counts[f"{room.listener.name}:evicted"] >= 1

    async def test_who_only_asks_whether_the_port_is_open_said_nothing_that_is_lost(
        self, make: Any, speak: Speak, sink: MemorySink, clock: Clock
    ) -> None:
        """As monitoring does, and the doctor: the device would be of unknown state for a day."""
        async with opened(make(sink, clock.now)) as room:
            for way in ("close", "half", "abort"):
                peer = await room.connect(2)
                if way == "close":
                    peer.writer.close()
                elif way == "half":
                    peer.writer.write_eof()
                else:
                    peer.writer.transport.abort()
            assert await speak(await room.connect(2))
        assert not [reason for reason in sink.counts if loses(CATALOG, "refused", reason.partition(":")[2])]

    async def test_addresses_full_of_silent_ones_do_not_either(
        self, make: Any, speak: Speak, sink: MemorySink, clock: Clock
    ) -> None:
        async with opened(make(sink, clock.now)) as room:
            equipment = await room.connect(3)
            assert await speak(equipment)
            silent = [await room.connect(number) for number in (5, 6, 7, 8) for _ in range(TOTAL)]
            for number in (3, 3, 4):
                assert await speak(await room.connect(number))
            assert not equipment.gone
            await until(lambda: sum(not peer.gone for peer in silent) == TOTAL - 4)

    async def test_of_a_full_address_the_longest_silent_goes(
        self, make: Any, speak: Speak, sink: MemorySink, clock: Clock
    ) -> None:
        async with opened(make(sink, clock.now)) as room:
            first = await room.connect(2)
            assert await speak(first)
            others = []
            for _ in range(EACH - 1):
                await clock.pass_(1.0)
                others.append(await room.connect(2))
                assert await speak(others[-1])
            await clock.pass_(1.0)
            first.writer.write({"dicom": ECHO, "astm": ENQ, "hl7": framed(PATIENT)}[room.listener.name])
            assert await first.reader.read(1)
            assert await speak(await room.connect(2))
            await until(lambda: others[0].gone)
            assert [peer.gone for peer in (first, *others[1:])] == [False] * (EACH - 1)
        assert sink.counts == {f"{room.listener.name}:evicted": 1}

    async def test_who_spoke_and_then_waits_a_week_is_still_heard(
        self, make: Any, speak: Speak, sink: MemorySink, clock: Clock
    ) -> None:
        async with opened(make(sink, clock.now)) as room:
            waiting = await room.connect(2)
            assert await speak(waiting)
            for _ in range(7):
                await clock.pass_(24 * HOUR)
                assert await speak(await room.connect(3))
            assert not waiting.gone
            assert await waiting.say(ECHO, 1) if speak is echoes else await speak(waiting)
        assert not sink.counts

    async def test_only_those_listed_are_heard(self, make: Any, speak: Speak, sink: MemorySink, clock: Clock) -> None:
        async with opened(make(sink, clock.now, peers=("127.0.0.3", "127.0.1.0/24"))) as room:
            strangers = [await room.connect(2) for _ in range(2 * TOTAL)]
            await until(lambda: all(peer.gone for peer in strangers))
            assert sink.counts == {f"{room.listener.name}:unlisted-peer": 1}
            assert await speak(await room.connect(3))
            await clock.pass_(BURST_S)
            assert not await speak(await room.connect(2))
        assert sink.counts == {f"{room.listener.name}:unlisted-peer": 2}

    async def test_the_system_finds_out_who_is_dead(
        self, make: Any, speak: Speak, sink: MemorySink, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept: list[int] = []

        def recording(writer: asyncio.StreamWriter) -> None:
            keep_alive(writer)
            ours = writer.get_extra_info("socket")
            kept.append(ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
            kept.append(ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE))

        keep_alive = connection.keep_alive
        monkeypatch.setattr(connection, "keep_alive", recording)
        async with opened(make(sink, clock.now)) as room:
            assert await speak(await room.connect(2))
        assert kept[:2] == [1, 60]


class TestDicom:
    async def test_who_asks_for_nothing_is_cut_off_in_time(self, sink: MemorySink, clock: Clock) -> None:
        """PS3.8's ARTIM, also within the request."""
        async with opened(dicom(sink, clock.now)) as room:
            mute, half, associated = [await room.connect(2) for _ in range(3)]
            half.writer.write(request(VERIFICATION)[:50])
            assert await echoes(associated)
            await clock.pass_(REQUEST_S + 1)
            for peer in (mute, half):
                assert (await peer.reader.read())[:1] == b"\7"
            assert not associated.gone
        assert sink.counts == {"dicom:silent": 2}

    async def test_a_pdu_that_stalls_for_hours_goes_on(self, sink: MemorySink, clock: Clock) -> None:
        async with opened(dicom(sink, clock.now)) as room:
            peer = await room.connect(2)
            assert await echoes(peer)
            for cut in (3, 20):
                peer.writer.write(ECHO[:cut])
                await clock.pass_(9 * HOUR)
                assert (await peer.say(ECHO[cut:], 6))[:1] == b"\4"
        assert not sink.counts


class TestAstm:
    async def test_who_waits_hours_before_its_first_sample(self, sink: MemorySink, clock: Clock) -> None:
        async with opened(astm(sink, clock.now)) as room:
            peer = await room.connect(2)
            await clock.pass_(30 * HOUR)
            assert await sends(peer)
        assert not sink.counts
        assert len(sink.entries) == 1

    async def test_who_asks_whether_we_are_there_every_minute(self, sink: MemorySink, clock: Clock) -> None:
        async with opened(astm(sink, clock.now)) as room:
            peer = await room.connect(2)
            for _ in range(12 * 60):
                assert await peer.say(ENQ, 1) == ACK
                peer.writer.write(EOT)
                await clock.pass_(60)
            assert await sends(peer)
        assert not sink.counts

    async def test_a_frame_that_stalls_is_given_up_and_its_line_is_not(self, sink: MemorySink, clock: Clock) -> None:
        """A receiver's time-out ends the transfer, not the connection (LIS01-A2 8.5.2.3)."""
        async with opened(astm(sink, clock.now)) as room:
            peer = await room.connect(2)
            first, second, *_ = by_records(SAMPLE)
            assert [await peer.say(ENQ, 1), await peer.say(first, 1)] == [ACK, ACK]
            peer.writer.write(second[:9])
            await clock.pass_(HOUR)
            await until(lambda: sink.counts["astm:silent"])
            assert await sends(peer)
        assert sink.counts == {"astm:silent": 1, "astm:message-unfinished": 1}
        assert [type(item) for item in sink.items()] == [Inventory, Fault]  # what was acknowledged, and what came again


class TestHl7:
    @pytest.mark.parametrize("cut", [0, 1, 60])
    async def test_who_waits_hours_before_or_within_a_block(self, cut: int, sink: MemorySink, clock: Clock) -> None:
        block = framed(PATIENT)
        async with opened(hl7(sink, clock.now)) as room:
            peer = await room.connect(2)
            peer.writer.write(block[:cut])
            await clock.pass_(30 * HOUR)
            assert b"MSA|AA|7" in await peer.say(block[cut:], 1)
        assert not sink.counts

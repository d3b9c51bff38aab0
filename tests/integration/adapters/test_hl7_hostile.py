"""The HL7 adapter with peers that break every rule, and an honest one beside them."""

import asyncio
import socket

import pytest

from agent.adapters import connection
from agent.adapters.hl7.adapter import MAX_BAD, MAX_NOISE
from agent.adapters.hl7.message import MAX_SEGMENTS
from agent.adapters.hl7.mllp import VT, framed
from tests.fixtures.hl7 import (
    PATIENT,
    MllpPeer,
    code_of,
    equipment,
    inventory,
    listening,
    message,
    notification,
    peer,
    supply,
)
from tests.fixtures.sink import MemorySink

LARGE = inventory(*(supply(f"R{number}" * 10) for number in range(2_000)))


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


class TestHostilePeers:
    """Each is cut off by itself, and an honest one beside it is served."""

    @pytest.mark.parametrize(
        ("sent", "counts"),
        [
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 500, {"another-protocol": 1, "garbage": 1}),
            (b"x" * (MAX_NOISE + 1), {"another-protocol": 1, "garbage": 1}),
            (b"MSH|^~\\&|A\r" * 400, {"not-mllp": 1, "garbage": 1}),
            (framed(b"\x16\x03\x01") * 1000, {"garbage": MAX_BAD, "another-protocol": 1}),
            (framed(b"PID|1|ZHANG") * 1000, {"not-hl7": MAX_BAD + 1}),
            (framed(b"MSH|^^^^^^^|") * 1000, {"bad-delimiters": MAX_BAD, "not-hl7": 1}),
        ],
    )
    async def test_it_is_closed_and_counted(self, sent: bytes, counts: dict[str, int], sink: MemorySink) -> None:
        async with listening(sink) as adapter, peer(adapter.port) as hostile, peer(adapter.port) as honest:
            await hostile.send(sent)
            assert await honest.ask(PATIENT) == "AA 7"
            assert await hostile.closed() == b""
            await honest.close()
        assert sink.counts == {f"hl7:{reason}": times for reason, times in counts.items()}

    async def test_a_peer_that_takes_no_answers_is_cut_off(
        self, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection, "ANSWER_S", 0.3)

        async def flood(hostile: socket.socket) -> None:
            while True:
                await asyncio.get_running_loop().sock_sendall(hostile, block)

        block = framed(message(f3="x" * 200, f4="x" * 200, id_="x" * 200)) * 200
        with socket.socket() as hostile:
            hostile.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            hostile.setblocking(False)
            async with listening(sink) as adapter, peer(adapter.port) as honest:
                await asyncio.get_running_loop().sock_connect(hostile, ("127.0.0.1", adapter.port))
                flooding = asyncio.create_task(flood(hostile))
                async with asyncio.timeout(30):
                    while not sink.counts["hl7:answers-not-taken"]:  # the adapter counts it
                        assert await honest.ask(PATIENT) == "AA 7"
                        await asyncio.sleep(0.01)
                    with pytest.raises(ConnectionError):
                        await flooding
        assert sink.counts["hl7:answers-not-taken"] == 1


class TestTooLarge:
    async def test_an_inventory_beyond_the_limit_is_rejected_and_the_next_is_read(self, sink: MemorySink) -> None:
        assert len(LARGE) > 32 * 1024
        async with listening(sink, max_kb=32) as adapter, peer(adapter.port) as analyzer:
            assert await analyzer.ask(LARGE) == "AR 7"
            assert await analyzer.ask(equipment(id_="8")) == "AA 8"
        assert sink.counts == {"hl7:oversize": 1}

    async def test_so_is_one_of_more_segments_than_there_are_reagents(self, sink: MemorySink) -> None:
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            assert await analyzer.ask(inventory(*["INV|1"] * (MAX_SEGMENTS + 1))) == "AR 7"
        assert sink.counts == {"hl7:oversize": 1}

    async def test_results_of_patients_are_dropped_whatever_their_size(self, sink: MemorySink) -> None:
        large = PATIENT + b"OBX|2|ED|image||" + b"QUJD" * 500_000 + b"\r"
        async with listening(sink, max_kb=32) as adapter, peer(adapter.port) as analyzer:
            assert await analyzer.ask(large) == "AA 7"
        assert not sink.entries
        assert not sink.counts


async def test_mute_ones_make_room_and_who_speaks_beside_them_stays(sink: MemorySink) -> None:
    async with listening(sink) as adapter, peer(adapter.port) as honest:
        mute = []
        for number in range(3 * connection.EACH):
            mute.append(await asyncio.open_connection("127.0.0.1", adapter.port))
            assert await honest.ask(equipment(id_=str(number))) == f"AA {number}"
        async with peer(adapter.port) as late:
            assert await late.ask(equipment("PD", id_="8", at="20261121180100")) == "AA 8"
        assert await honest.ask(notification(id_="9")) == "AA 9"
        for _, writer in mute:
            writer.transport.abort()
    assert sink.counts == {"hl7:evicted": 2 * connection.EACH + 2}


async def test_a_flood_does_not_hold_up_another_connection(sink: MemorySink) -> None:
    async with listening(sink) as adapter, peer(adapter.port) as hostile, peer(adapter.port) as honest:
        flood = asyncio.create_task(_flood(hostile))
        for number in range(20):
            assert await honest.ask(notification(id_=str(number), at=f"2026112118{number:02d}00")) == f"AA {number}"
        assert not flood.done()
        flood.cancel()
        with pytest.raises(asyncio.CancelledError):
            await flood
    assert len(sink.entries) == 20


async def _flood(hostile: MllpPeer) -> None:
    """Messages without end, whose answers are taken."""
    block = framed(message("PID|1|x", type_="ADT^A08")) * 500

    async def take() -> None:
        while await hostile._reader.read(65_536):
            pass

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(take())
        while True:
            await hostile.send(block)


async def test_half_a_message_and_a_hang_up(sink: MemorySink) -> None:
    async with listening(sink) as adapter, peer(adapter.port) as hostile:
        await hostile.send(framed(equipment()) + VT + equipment()[:50])
        assert code_of(await hostile.answer()) == "AA 7"
        hostile.writer.write_eof()
        assert await hostile.closed() == b""
    assert sink.counts == {"hl7:cut-frame": 1}

"""ASTM with peers that break every rule, and an honest one beside them."""

import asyncio
import time
import tracemalloc

import pytest

from agent.adapters import connection
from agent.adapters.astm import channel, link, states
from agent.adapters.astm.adapter import AstmAdapter
from tests.fixtures.astm import (
    ACK,
    ENQ,
    EOT,
    FLAGGED,
    HEADER,
    NAK,
    ROCHE,
    Analyzer,
    by_records,
    framed,
    message,
    running,
    until,
)
from tests.fixtures.sink import MemorySink
from wire.items import Fault

LOOPBACK = "127.0.0.1:0"
ENDLESS = f"{HEADER}\r".encode()


async def honest(adapter: AstmAdapter, number: int = 0) -> None:
    """An analyzer whose message is taken at once."""
    began = time.monotonic()
    analyzer = await Analyzer.connect(adapter.port)
    assert set(await analyzer.send(FLAGGED.replace(b"SID0815", b"SID%04d" % number))) == {ACK}
    await analyzer.close()
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("sent", "answers", "counted"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"", "noise"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"", "noise"),
        (b"\x0bMSH|^~\\&|x\r\x1c\r", b"", "noise"),
        (framed(1, b"x"), b"", "frame-without-enq"),
        (ENQ + framed(2, b"x"), ACK + NAK, "record-without-header"),
        (ENQ + framed(1, b"H||||x\r"), ACK + NAK, "bad-delimiters"),
        (ENQ + framed(1, b"H|\\^&\r") + framed(2, b"MSH|^~\r"), ACK + ACK + NAK, "not-a-record"),
        (ENQ + framed(1, b"H|\\^&\r") + framed(5, b"P|1\r"), ACK * 3, "frame-number-jumped"),
        (ENQ + b"\x021H|\\^&|x\r\3\r\n", ACK + NAK, "no-checksum"),
        (ENQ + framed(1, b"H|\\^&\r", checksum=b"00") * 6 + EOT, ACK + NAK * 6, "checksum-never-right"),
        (ENQ + framed(1, b"x", checksum=b"00"), ACK + NAK, "bad-checksum"),
        (ENQ + b"\x02xx\x03F3\r\n", ACK + NAK, "bad-frame-number"),
        (ENQ + framed(1, b"x" * 70_000), ACK + NAK, "oversize-frame"),
        (ENQ + framed(1, b"H|\\^&\r") * 2, ACK * 3, "frame-repeated"),
        (ENQ + ENQ, ACK * 2, "transfer-restarted"),
        (ENQ + framed(1, b"Hello\r"), ACK + NAK, "record-without-header"),
        (ENQ + b"\x021x" + ENQ, ACK * 2, "frame-cut"),
    ],
)
async def test_each_broken_rule_is_answered_as_the_protocol_asks_and_counted(
    sent: bytes, answers: bytes, counted: str
) -> None:
    sink = MemorySink()
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        analyzer.tell(sent)
        heard = b""
        while len(heard) < len(answers):
            heard += await analyzer.hear()
        await until(lambda: sink.counts[f"astm:{counted}"])
        await honest(adapter)
        await analyzer.close()
    assert heard == answers
    assert len(sink.entries) == 1


async def test_who_hangs_within_a_frame_is_given_up_and_may_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(link._PATIENCE, states.State.RECEIVING, 200)
    sink = MemorySink()
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        assert await analyzer.say(ENQ) == ACK
        assert await analyzer.say(by_records(FLAGGED)[0]) == ACK
        analyzer.tell(by_records(FLAGGED)[1][:9])
        await until(lambda: sink.counts["astm:silent"])
        await honest(adapter)
        assert set(await analyzer.send(FLAGGED)) == {ACK}
        await analyzer.close()
    assert sink.counts == {"astm:silent": 1, "astm:message-unfinished": 1}


async def test_silent_connections_make_room() -> None:
    sink = MemorySink()
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        silent = [await Analyzer.connect(adapter.port) for _ in range(40)]
        for number in range(5):
            await honest(adapter, number)
        for analyzer in silent:
            await analyzer.close()
    assert sink.counts["astm:evicted"] + sink.counts["astm:too-many-connections"] >= 40 - connection.EACH
    assert len(sink.entries) == 5


@pytest.mark.parametrize(
    "flood", [b"x" * 65_536, ENQ * 65_536, b"\2" * 65_536, (ENQ + EOT) * 32_768, framed(1, b"y" * 60_000) * 2]
)
async def test_a_flood_is_hung_up_on_and_the_others_are_served(flood: bytes) -> None:
    sink = MemorySink()
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)

        async def pour() -> None:
            while True:
                analyzer.tell(flood)
                await analyzer.writer.drain()

        pouring = asyncio.create_task(pour())
        hearing = asyncio.create_task(analyzer.reader.read())
        await honest(adapter)
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(20):
                await pouring
        await asyncio.gather(hearing, return_exceptions=True)
        await honest(adapter, 1)
        await analyzer.close()
    assert sink.counts["astm:another-protocol"] == 1
    assert len(sink.entries) == 2


async def test_a_message_without_end_is_told_in_parts_and_not_held() -> None:
    sink = MemorySink()
    record = b"C|1|I|72^" + b"x" * 3900 + b"|I\r"
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        assert await analyzer.say(ENQ) == ACK
        assert await analyzer.say(framed(1, ENDLESS)) == ACK
        tracemalloc.start()
        for number in range(2, 400):
            assert await analyzer.say(framed(number, record)) == ACK
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        analyzer.tell(EOT)
        assert set(await analyzer.send(FLAGGED)) == {ACK}
        await analyzer.close()
    assert peak < 4_000_000
    assert sink.counts["astm:message-oversize"] == 1
    assert sum(item.count for item in sink.items() if isinstance(item, Fault)) == 399


async def test_the_largest_message_does_not_hold_the_others_up() -> None:
    sink = MemorySink()
    large = message(*["C|1|I|72^CLOT FOUND|I"] * 15_000)
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        assert await analyzer.say(ENQ) == ACK
        pieces = [large[at : at + 60_000] for at in range(0, len(large), 60_000)]
        for number, piece in enumerate(pieces[:-1], 1):
            assert await analyzer.say(framed(number, piece, last=False)) == ACK
        answer = asyncio.create_task(analyzer.say(framed(len(pieces), pieces[-1])))
        await honest(adapter)
        assert await answer == ACK
        await analyzer.close()
    counts = [getattr(item, "count", 0) for item in sink.items()]
    assert sorted(counts)[-2:] == [1, 15_000]


async def test_a_peer_that_takes_no_answers_is_no_reason_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said to a peer is bounded by what it may say without a good frame, so the way there is the channel."""
    monkeypatch.setattr(connection, "ANSWER_S", 0.2)
    channels: asyncio.Queue[channel.Tcp] = asyncio.Queue()
    server = await asyncio.start_server(lambda *streams: channels.put_nowait(channel.Tcp(*streams)), "127.0.0.1")
    async with server:
        analyzer = await Analyzer.connect(server.sockets[0].getsockname()[1])
        analyzer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport can be read
        ours = await channels.get()
        with pytest.raises(connection.Deaf):
            await ours.write(bytes(50_000_000))
        await ours.close()
        await analyzer.close()

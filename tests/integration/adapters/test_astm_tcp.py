"""An ASTM analyzer on a real TCP connection: acknowledged after the commit, recognised when it sends again."""

import asyncio

import pytest

from agent.adapters.astm import session
from agent.adapters.astm.adapter import AstmAdapter
from agent.adapters.port import Entry
from agent.config.shapes import Astm
from agent.errors import AgentError
from tests.fixtures.astm import (
    ACK,
    CONTROL,
    ENQ,
    EOT,
    FLAGGED,
    HEADER,
    MODEL,
    NAK,
    ORDER,
    PATIENT,
    ROCHE,
    Analyzer,
    by_records,
    by_size,
    framed,
    message,
    running,
    until,
)
from tests.fixtures.sink import MemorySink
from wire.items import Fault, Inventory, Readings

LOOPBACK = "127.0.0.1:0"
QUERY = message("Q|1|^SID0815||ALL||||||||O")
SIGNAL = message("M|1|SIG|bath.temperature|37.1|C|20240311080000")


class HeldSink(MemorySink):
    """Commits when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.commit = asyncio.Event()

    async def aput(self, entry: Entry) -> bool:
        self.asked.set()
        await self.commit.wait()
        return await super().aput(entry)


def codes(sink: MemorySink) -> list[str]:
    return [item.code for item in sink.items() if isinstance(item, Fault)]


async def test_facts_of_messages_are_entered_in_their_lanes() -> None:
    sink = MemorySink()
    async with running(sink, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        control = message(CONTROL, r"R|1|^^^GLU|5.3|mmol/L|5.0^TARGET\0.15^SD||||||20240311080500")
        assert set(await analyzer.send(SIGNAL, control)) == {ACK}
        await analyzer.close()
    signal, result = sink.entries
    assert [type(item) for item in signal.live] == [Readings]
    assert [type(item) for item in signal.bulk] == [Inventory]
    assert result.live == []
    assert [type(item) for item in result.bulk] == [Readings]  # the inventory is told already
    assert not sink.counts


async def test_patients_results_are_acknowledged_and_nothing_is_entered() -> None:
    sink = MemorySink()
    async with running(sink, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        header = HEADER.replace("^1.2", "")
        assert set(await analyzer.send(message(PATIENT, ORDER, "R|1|^^^685/|22|U/l||A||F", header=header))) == {ACK}
        await analyzer.close()
    assert sink.puts == 0
    assert not sink.counts
    assert sink.nothing == {"astm:patient-results": 1}


async def test_a_code_that_is_not_known_is_acknowledged_and_refused_with_what_it_looked_like() -> None:
    sink = MemorySink()
    async with running(sink, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        header = HEADER.replace("^1.2", "")
        assert set(await analyzer.send(message("C|1|I|BTH-TMP-01|I", header=header))) == {ACK}
        await analyzer.close()
    assert sink.counts == {"astm:unknown-code": 1}
    assert sink.forms == {"astm:unknown-code": "AAA-AAA-99"}


async def test_the_frame_that_ends_a_message_is_acknowledged_after_the_commit() -> None:
    sink = HeldSink()
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        *first, last = by_records(FLAGGED)
        assert await analyzer.say(ENQ) == ACK
        for frame in first:
            assert await analyzer.say(frame) == ACK
        answer = asyncio.create_task(analyzer.say(last))
        await sink.asked.wait()
        done, _ = await asyncio.wait([answer], timeout=0.2)
        assert not done
        sink.commit.set()
        assert await answer == ACK
        await analyzer.close()
    assert codes(sink) == ["COBAS-72"]


async def test_what_the_outbox_does_not_keep_is_answered_nak_and_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "KEEPING_S", 0.0)
    sink = MemorySink()
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        sink.failing = True
        *_, last = by_records(FLAGGED)
        assert (await analyzer.send(FLAGGED))[-1] == NAK
        assert codes(sink) == []
        assert await analyzer.say(ENQ) == ACK
        for frame in by_records(FLAGGED)[:-1]:
            assert await analyzer.say(frame) == ACK
        assert await analyzer.say(last) == NAK
        sink.failing = False
        assert await analyzer.say(last) == ACK
        analyzer.tell(EOT)
        await analyzer.close()
    assert codes(sink) == ["COBAS-72"]


async def test_an_outbox_that_fails_for_a_moment_costs_no_nak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "RETRY_S", 0.02)
    sink = MemorySink()
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        sink.failing = True
        sending = asyncio.create_task(analyzer.send(FLAGGED))
        await until(lambda: sink.puts >= 3)
        sink.failing = False
        assert set(await sending) == {ACK}
        await analyzer.close()
    assert codes(sink) == ["COBAS-72"]


@pytest.mark.parametrize("size", [50, 240, 4000])
async def test_a_message_in_frames_of_any_size(size: int) -> None:
    sink = MemorySink()
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        assert await analyzer.say(ENQ) == ACK
        for frame in by_size(FLAGGED, size):
            assert await analyzer.say(frame) == ACK
        await analyzer.close()
    assert codes(sink) == ["COBAS-72"]


async def test_damaged_and_repeated_frames() -> None:
    sink = MemorySink()
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        assert await analyzer.say(ENQ) == ACK
        for frame in by_records(FLAGGED):
            assert await analyzer.say(frame[:-4] + b"zz\r\n") == NAK
            assert await analyzer.say(frame) == ACK
            assert await analyzer.say(frame) == ACK
        await analyzer.close()
    assert codes(sink) == ["COBAS-72"]
    assert sink.counts["astm:bad-checksum"] == sink.counts["astm:frame-repeated"] == 6


async def test_a_message_sent_again_is_acknowledged_and_entered_once() -> None:
    sink = MemorySink()
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        for _ in range(3):
            analyzer = await Analyzer.connect(adapter.port)
            assert set(await analyzer.send(FLAGGED)) == {ACK}
            await analyzer.close()
    assert codes(sink) == ["COBAS-72"]


async def test_a_terminator_in_the_next_transfer_adds_nothing() -> None:
    sink = MemorySink()
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        assert await analyzer.say(ENQ) == ACK
        for frame in by_records(FLAGGED)[:-1]:
            assert await analyzer.say(frame) == ACK
        analyzer.tell(EOT)
        assert await analyzer.say(ENQ) == ACK
        assert await analyzer.say(framed(1, b"L|1|N\r")) == ACK
        analyzer.tell(EOT)
        assert set(await analyzer.send(SIGNAL)) == {ACK}
        await analyzer.close()
    assert codes(sink) == ["COBAS-72"]
    assert sink.counts == {"astm:no-terminator": 1}


async def test_a_header_that_can_not_be_read_is_not_acknowledged() -> None:
    sink = MemorySink()
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        assert await analyzer.send(message(header="H||||x")) == [NAK, NAK]
        assert set(await analyzer.send(FLAGGED)) == {ACK}
        await analyzer.close()
    assert codes(sink) == ["COBAS-72"]
    assert sink.counts == {"astm:bad-delimiters": 1, "astm:record-without-header": 1, "astm:transfer-abandoned": 1}


class TestQueries:
    async def test_a_query_is_left_to_the_lis(self) -> None:
        async with running(MemorySink(), listen=LOOPBACK) as adapter:
            analyzer = await Analyzer.connect(adapter.port)
            await analyzer.send(QUERY)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await analyzer.reader.read(1)
            await analyzer.close()

    async def test_a_query_is_answered_that_there_are_no_orders(self) -> None:
        async with running(MemorySink(), listen=LOOPBACK, answer_queries=True) as adapter:
            analyzer = await Analyzer.connect(adapter.port)
            await analyzer.send(QUERY)
            assert await analyzer.hear() == ENQ
            analyzer.tell(ACK)
            frame = await analyzer.hear(4096)
            assert frame == framed(1, b"H|\\^&||||||||||P|LIS2-A2\rL|1|I\r")
            assert await analyzer.say(NAK) == frame[:1]
            assert await analyzer.hear(4096) == frame[1:]
            assert await analyzer.say(ACK) == EOT
            await analyzer.close()

    async def test_the_instrument_goes_first(self) -> None:
        sink = MemorySink()
        async with running(sink, ROCHE, listen=LOOPBACK, answer_queries=True) as adapter:
            analyzer = await Analyzer.connect(adapter.port)
            await analyzer.send(QUERY)
            assert await analyzer.hear() == ENQ
            analyzer.tell(ENQ)
            assert set(await analyzer.send(FLAGGED)) == {ACK}
            await analyzer.close()
        assert codes(sink) == ["COBAS-72"]
        assert sink.counts == {"astm:contention": 1}


class TestWithoutTheLink:
    async def test_bare_records(self) -> None:
        sink = MemorySink()
        async with running(sink, ROCHE, listen=LOOPBACK, framing="none") as adapter:
            analyzer = await Analyzer.connect(adapter.port)
            for at in range(0, len(FLAGGED), 7):
                analyzer.tell(FLAGGED[at : at + 7])
            await until(lambda: sink.entries)
            await analyzer.close()
        assert codes(sink) == ["COBAS-72"]

    async def test_frames_without_enq_and_one_that_is_damaged(self) -> None:
        sink = MemorySink()
        async with running(sink, ROCHE, listen=LOOPBACK, framing="none") as adapter:
            analyzer = await Analyzer.connect(adapter.port)
            damaged = by_records(message(ORDER, "C|1|I|74|I"))
            damaged[2] = damaged[2].replace(b"74", b"73")
            analyzer.tell(b"".join([*damaged, *by_records(FLAGGED)]))
            await until(lambda: sink.entries)
            await analyzer.close()
        assert codes(sink) == ["COBAS-72"]
        assert sink.counts == {"astm:bad-checksum": 1, "astm:frame-lost": 1, "astm:message-unfinished": 1}

    async def test_the_peer_waits_while_the_outbox_takes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "RETRY_S", 0.02)
        monkeypatch.setattr(session, "KEEPING_S", 0.0)
        sink = MemorySink()
        async with running(sink, ROCHE, listen=LOOPBACK, framing="none") as adapter:
            analyzer = await Analyzer.connect(adapter.port)
            sink.failing = True
            analyzer.tell(FLAGGED)
            await until(lambda: sink.puts >= 3)
            sink.failing = False
            await until(lambda: sink.entries)
            await analyzer.close()
        assert codes(sink) == ["COBAS-72"]


async def test_a_connection_of_ours_comes_back_when_the_analyzer_does() -> None:
    sink = MemorySink()
    waiting: asyncio.Queue[Analyzer] = asyncio.Queue()
    server = await asyncio.start_server(
        lambda reader, writer: waiting.put_nowait(Analyzer(reader, writer)), "127.0.0.1"
    )
    port = server.sockets[0].getsockname()[1]
    async with server, running(sink, ROCHE, connect=f"127.0.0.1:{port}"):
        first = await waiting.get()
        assert set(await first.send(SIGNAL)) == {ACK}
        await first.close()
        second = await waiting.get()
        assert set(await second.send(FLAGGED)) == {ACK}
        await second.close()
    assert codes(sink) == ["COBAS-72"]


async def test_an_analyzer_that_is_off_is_counted() -> None:
    sink = MemorySink()
    async with running(sink, connect="127.0.0.1:1"):
        await until(lambda: sink.counts["astm:unreachable"] >= 2)


async def test_an_address_in_use_is_one_clear_line() -> None:
    async with running(MemorySink(), listen=LOOPBACK) as adapter:
        second = AstmAdapter(config=Astm(listen=f"127.0.0.1:{adapter.port}"), model=MODEL, sink=MemorySink())
        with pytest.raises(AgentError, match=r"can't listen on 127\.0\.0\.1:\d+: .*in use; choose another"):
            await second.run()


async def test_stopping_cuts_open_connections_off() -> None:
    async with running(MemorySink(), listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        assert await analyzer.say(ENQ) == ACK
    assert await analyzer.hear() == b""
    await analyzer.close()

"""Analyzers by HL7 over real connections: what is kept and how it is answered, as a server and as a client."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agent.adapters.hl7 import adapter as adapting
from agent.adapters.hl7.adapter import Hl7Adapter
from agent.adapters.hl7.mllp import FS, VT, framed
from agent.app import App
from agent.config.file import load
from agent.config.shapes import Hl7
from agent.errors import AgentError
from tests.fixtures.hl7 import (
    MODEL,
    PATIENT,
    RECEIVED,
    MllpPeer,
    code_of,
    controls,
    equipment,
    inventory,
    listening,
    message,
    notification,
    peer,
    running,
    supply,
)
from tests.fixtures.ports import free_port
from tests.fixtures.ports import listening as listens
from tests.fixtures.sink import MemorySink
from tests.fixtures.times import standing
from wire.items import Fault, Readings, StateChange


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  # what is awaited is in the adapter's hands
            await asyncio.sleep(0.01)


class TestAnswers:
    async def test_each_kind_of_message(self, sink: MemorySink) -> None:
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            assert await analyzer.ask(equipment(id_="1")) == "AA 1"
            assert await analyzer.ask(notification(id_="2")) == "AA 2"
            assert await analyzer.ask(inventory(supply(), id_="3")) == "AA 3"
            assert await analyzer.ask(controls(id_="4")) == "AA 4"
            assert not sink.counts
            assert not sink.nothing
            entered = len(sink.entries)
            assert await analyzer.ask(PATIENT) == "AA 7"
            assert await analyzer.ask(message("OBR|1", type_="ORU^R01", f16="1", id_="5")) == "AA 5"
            assert await analyzer.ask(message("TCC|1", type_="TCU^U10", id_="6")) == "AA 6"
            assert await analyzer.ask(message("QRD|1", type_="QRY^Q02", id_="8")) == "AR 8"
            assert len(sink.entries) == entered
        assert sink.counts == {"hl7:query": 1}
        assert sink.nothing == {"hl7:patient-results": 1, "hl7:calibration-message": 1, "hl7:other-message": 1}
        kinds = {type(item) for item in sink.items()}
        assert {StateChange, Fault, Readings} <= kinds

    async def test_an_acknowledgement_is_never_answered(self, sink: MemorySink) -> None:
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            await analyzer.send(framed(message("MSA|AA|1", type_="ACK^U01")))
            assert await analyzer.ask(equipment(id_="2")) == "AA 2"
        assert sink.nothing == {"hl7:answer-message": 1}
        assert not sink.counts

    async def test_enhanced_mode_gives_both_acknowledgements(self, sink: MemorySink) -> None:
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            assert await analyzer.ask(equipment(f15="AL", f16="AL")) == "CA 7"
            assert code_of(await analyzer.answer()) == "AA 7"

    async def test_what_is_not_kept_is_an_error_and_sent_again(self, sink: MemorySink) -> None:
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            sink.failing = True
            assert await analyzer.ask(notification()) == "AE 7"
            assert await analyzer.ask(PATIENT) == "AA 7"
            sink.failing = False
            assert await analyzer.ask(notification()) == "AA 7"
            assert await analyzer.ask(notification()) == "AA 7"
        assert [item.code for item in sink.items() if isinstance(item, Fault) and item.state == "event"] == [
            "PHO-LMP-01"
        ]

    async def test_equal_bytes_without_any_time_are_news(self, sink: MemorySink) -> None:
        untimed = notification(at="", f7="").replace(b"20261121180000", b"")
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            for _ in range(2):
                assert await analyzer.ask(untimed) == "AA 7"
        assert len([item for item in sink.items() if isinstance(item, Fault) and item.state == "event"]) == 2

    async def test_many_at_once_are_answered_in_order(self, sink: MemorySink) -> None:
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            sent = [notification(id_=str(number), at=f"2026112118{number:02d}00") for number in range(50)]
            await analyzer.send(b"".join(map(framed, sent)))
            assert [code_of(await analyzer.answer()) for _ in sent] == [f"AA {number}" for number in range(50)]
        assert len(sink.entries) == 50

    async def test_several_connections_are_one_analyzer(self, sink: MemorySink) -> None:
        async with listening(sink) as adapter, peer(adapter.port) as one, peer(adapter.port) as other:
            assert await one.ask(equipment("OP")) == "AA 7"
            assert await other.ask(equipment("OP", id_="8", at="20261121180100")) == "AA 8"
        assert len(sink.entries) == 1

    async def test_a_peer_that_leaves_out_the_last_carriage_return(self, sink: MemorySink) -> None:
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            await analyzer.send(VT + equipment() + FS)
            assert code_of(await analyzer.answer()) == "AA 7"

    async def test_in_chinese(self, sink: MemorySink) -> None:
        sent = controls(f4="检验科", f18="GB 18030-2000").decode().encode("gb18030")
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            await analyzer.send(framed(sent))
            async with asyncio.timeout(20):
                block = await analyzer._reader.readuntil(FS)
        assert "检验科".encode("gb18030") in block
        assert b"MSA|AA|7\r" in block
        assert not sink.counts


async def test_a_port_in_use_is_said(sink: MemorySink) -> None:
    async with listening(sink) as adapter:
        second = Hl7Adapter(config=Hl7(listen=f"127.0.0.1:{adapter.port}"), model=MODEL, sink=sink)
        with pytest.raises(AgentError, match=r"can't listen on .*choose another address in \[device.hl7\]"):
            await second.run()


class TestClient:
    """The analyzer listens and we connect."""

    @pytest.fixture(autouse=True)
    def eager(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(adapting, "backoff", lambda failures, _: 0.01 * bool(failures))

    async def analyzer(
        self, handle: Callable[[MllpPeer], Awaitable[None]], port: int = 0
    ) -> tuple[asyncio.Server, int]:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await handle(MllpPeer(reader, writer))
            writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", port)
        return server, server.sockets[0].getsockname()[1]

    def adapter(self, port: int, sink: MemorySink) -> Hl7Adapter:
        made = Hl7(connect=f"127.0.0.1:{port}", time_zone="Asia/Shanghai")
        return Hl7Adapter(config=made, model=MODEL, sink=sink, now=standing(RECEIVED))

    async def test_it_connects_again_whatever_happens(self, sink: MemorySink) -> None:
        said: list[str] = []

        async def handle(analyzer: MllpPeer) -> None:
            said.append(await analyzer.ask(notification(id_=str(len(said)), at=f"2026112118{len(said):02d}00")))

        server, port = await self.analyzer(handle)
        async with server, running(self.adapter(port, sink)):
            await until(lambda: len(said) >= 2)
        assert said[:2] == ["AA 0", "AA 1"]
        assert len(sink.entries) == len(said)

    async def test_an_analyzer_that_is_off_is_counted_and_found_when_it_is_on(self, sink: MemorySink) -> None:
        said: list[str] = []

        async def handle(analyzer: MllpPeer) -> None:
            said.append(await analyzer.ask(equipment()))
            await analyzer.closed()

        server, port = await self.analyzer(handle)
        server.close()
        await server.wait_closed()
        async with running(self.adapter(port, sink)):
            await until(lambda: sink.counts["hl7:unreachable"] == 1)
            server, _ = await self.analyzer(handle, port)
            async with server:
                await until(lambda: bool(said))
        assert said == ["AA 7"]
        assert sink.counts["hl7:unreachable"] == 1


AGENT = """\
[agent]
state = "state"
[server]
mqtt = "mqtt://127.0.0.1:1"
[[device]]
name = "chem"
model = "generic-analyzer"
id = "dabc123456789"
[device.hl7]
listen = "127.0.0.1:{port}"
time_zone = "Asia/Shanghai"
"""


async def test_the_whole_agent_serves_it(tmp_path: Path) -> None:
    port = free_port()
    file = tmp_path / "agent.toml"
    file.write_bytes(AGENT.format(port=port).encode())
    app = App(config=load(file))
    running_app = asyncio.create_task(app.run())
    await until(lambda: listens(port))
    async with peer(port) as analyzer:
        assert await analyzer.ask(notification()) == "AA 7"
        assert await analyzer.ask(PATIENT) == "AA 7"
    assert app.devices["chem"].outbox.state.live.items >= 2
    running_app.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running_app

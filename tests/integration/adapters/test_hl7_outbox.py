"""HL7 before the real outbox: an acknowledgement follows the commit, whatever kills the agent; and no word of a patient
is on the disk, in a log or in a counter."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent import system
from agent.adapters.hl7.mllp import framed
from agent.clock import Clock
from agent.outbox.outbox import Outbox
from agent.outbox.storage import Storage
from agent.sink import DeviceSink
from tests.fixtures.canaries import NUMBER, WORD, hl7_words
from tests.fixtures.hl7 import (
    MODEL,
    code_of,
    controls,
    equipment,
    inventory,
    listening,
    notification,
    peer,
    supply,
)
from tests.fixtures.outbox import items
from tests.fixtures.ports import free_port
from wire.ids import mint_device_id
from wire.items import Fault, Item, Readings
from wire.topics import Lane

ROOT = Path(__file__).parents[3]
MESSAGES = (notification(id_="1"), controls(id_="2"), inventory(supply(), id_="3"))

DYING = """
import asyncio, os, sys
from pathlib import Path
from tests.integration.adapters.test_hl7_outbox import opened
from agent.config.shapes import Hl7
from agent.adapters.hl7.adapter import Hl7Adapter
from agent.sink import DeviceSink
from agent.outbox.storage import Storage
from tests.fixtures.hl7 import MODEL, RECEIVED
from tests.fixtures.times import standing

folder, port, when = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
kept = DeviceSink.aput

async def aput(self, entry):
    if when == "after":
        await kept(self, entry)
    os._exit(9)

DeviceSink.aput = aput
outbox, sink = opened(folder)
config = Hl7(listen=f"127.0.0.1:{port}", time_zone="Asia/Shanghai")
adapter = Hl7Adapter(config=config, model=MODEL, sink=sink, now=standing(RECEIVED))
print("open", flush=True)
asyncio.run(adapter.run())
"""


def opened(folder: Path, storage: type[Storage] = Storage) -> tuple[Outbox, DeviceSink]:
    outbox = Outbox(path=folder / "device.outbox", storage=storage)
    clock = Clock(segments=outbox.segments, now=system.now(), machine=system.machine())
    return outbox, DeviceSink(device=mint_device_id(), model=MODEL, outbox=outbox, clock=clock, now=system.now)


async def held(outbox: Outbox) -> list[Item]:
    return [item for lane in Lane for item in await items(outbox, lane)]


class TestKill:
    """The agent is killed at its first message, before or after the commit; the analyzer hears nothing, and sends again
    to the agent's next life."""

    @pytest.fixture(params=["before", "after"])
    def killed(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, int, str]]:
        port = free_port()
        argv = [sys.executable, "-c", DYING, str(tmp_path), str(port), request.param]
        with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            yield tmp_path, port, request.param
            assert process.wait(20) == 9

    @pytest.mark.parametrize("sent", MESSAGES)
    async def test_nothing_is_lost_and_nothing_doubled(self, killed: tuple[Path, int, str], sent: bytes) -> None:
        folder, port, when = killed
        reader, writer = await self._connect(port)
        writer.write(framed(sent))
        async with asyncio.timeout(20):
            assert await reader.read() == b""  # no acknowledgement
        writer.transport.abort()

        outbox, sink = opened(folder)
        before = await held(outbox)
        assert bool(before) == (when == "after")
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            assert (await analyzer.ask(sent))[:2] == "AA"
            once = await held(outbox)
            assert once == before or when == "before"
            assert (await analyzer.ask(sent))[:2] == "AA"
            assert await held(outbox) == once
        outbox.close()
        facts = [item for item in once if isinstance(item, Fault) and item.state == "event"]
        readings = [item.metric for item in once if isinstance(item, Readings)]
        assert len(facts) + len(readings) == 1
        assert all(fault.count == 1 for fault in facts)

    async def _connect(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(20):
            while True:
                try:
                    return await asyncio.open_connection("127.0.0.1", port)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.02)


class FullDisk(Storage):
    """Takes nothing while ``full``."""

    full = False

    def commit(self) -> None:
        if FullDisk.full:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        super().commit()


async def test_a_disk_that_takes_nothing_is_an_error_until_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox, sink = opened(tmp_path, FullDisk)
    async with listening(sink) as adapter, peer(adapter.port) as analyzer:
        with monkeypatch.context() as disk, capture_logs() as logged:
            disk.setattr(FullDisk, "full", True)
            assert await analyzer.ask(notification()) == "AE 7"
        assert "the equipment is not acknowledged" in repr(logged)
        assert await held(outbox) == []
        assert await analyzer.ask(notification()) == "AA 7"
        assert any(isinstance(item, Fault) for item in await held(outbox))
    outbox.close()


def _bytes_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_no_word_of_a_patient_is_on_the_disk_in_a_log_or_in_a_counter(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    honest = [notification(id_="1"), controls(id_="2"), inventory(supply(), id_="3"), equipment("PD", "C", id_="4")]
    outbox, sink = opened(tmp_path)
    with capture_logs() as logged:
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            await analyzer.send(f"{WORD} {NUMBER}".encode() + b"".join(map(framed, hl7_words())))
            for each in honest:
                await analyzer.send(framed(each))
            answers: list[str] = []
            while answers[-1:] != ["AA 4"]:
                answers.append(code_of(await analyzer.answer()))
    assert sink.refusals()
    outbox.close()
    disk = _bytes_in(tmp_path)
    for fact in (b"PHO-LMP-01", b"qc.glu.l2.z", b"reagent.glu.remaining", b"paused"):
        assert fact in disk
    said = "".join(capfd.readouterr()) + repr(logged) + repr(sink.refusals())
    for word in (WORD, NUMBER):
        assert word.encode() not in disk
        assert word not in said

"""ASTM before the real outbox: an acknowledgement follows the commit, whatever kills the agent; and no word of a
patient is on the disk, in a log or in a counter."""

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
from agent.adapters.astm import session
from agent.adapters.port import Entry
from agent.clock import Clock
from agent.outbox.outbox import Outbox
from agent.outbox.storage import Storage
from agent.sink import DeviceSink
from tests.fixtures.astm import (
    ACK,
    CONTROL,
    ENQ,
    EOT,
    FLAGGED,
    NAK,
    ROCHE,
    Analyzer,
    by_records,
    framed,
    message,
    running,
    until,
)
from tests.fixtures.canaries import WORD, astm_broken, astm_words
from tests.fixtures.outbox import items
from tests.fixtures.ports import free_port
from wire.ids import mint_device_id
from wire.items import Fault, Inventory, Item, Readings
from wire.topics import Lane

ROOT = Path(__file__).parents[3]
LOOPBACK = "127.0.0.1:0"
QC = message(CONTROL, "R|1|^^^GLU|5.3|mmol/L|||||||20240311080500")

DYING = """
import asyncio, os, sys
from pathlib import Path
from tests.integration.adapters.test_astm_outbox import opened
from agent.adapters.astm.adapter import AstmAdapter
from agent.config.shapes import Astm
from agent.sink import DeviceSink
from tests.fixtures.astm import NOON, ROCHE
from tests.fixtures.times import standing

folder, port, when = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
kept = DeviceSink.aput

async def aput(self, entry):
    if when == "after":
        await kept(self, entry)
    os._exit(9)

DeviceSink.aput = aput
outbox, sink = opened(folder)
config = Astm(listen=f"127.0.0.1:{port}", time_zone="Asia/Shanghai")
adapter = AstmAdapter(config=config, model=ROCHE, sink=sink, now=standing(NOON))
print("open", flush=True)
asyncio.run(adapter.run())
"""


def opened(folder: Path, storage: type[Storage] = Storage) -> tuple[Outbox, DeviceSink]:
    outbox = Outbox(path=folder / "device.outbox", storage=storage)
    clock = Clock(segments=outbox.segments, now=system.now(), machine=system.machine())
    return outbox, DeviceSink(device=mint_device_id(), model=ROCHE, outbox=outbox, clock=clock, now=system.now)


def written(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def held(outbox: Outbox) -> list[Item]:
    return [item for lane in Lane for item in await items(outbox, lane)]


class TestKill:
    """The agent is killed at its first message, before or after the commit and always before the ACK; the analyzer
    sends again to the agent's next life."""

    @pytest.fixture(params=["before", "after"])
    def killed(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, int, str]]:
        port = free_port()
        argv = [sys.executable, "-c", DYING, str(tmp_path), str(port), request.param]
        with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            yield tmp_path, port, request.param
            assert process.wait(20) == 9

    @pytest.mark.parametrize("sent", [FLAGGED, QC], ids=["flag", "control"])
    async def test_nothing_is_lost_and_nothing_doubled(self, killed: tuple[Path, int, str], sent: bytes) -> None:
        folder, port, when = killed
        analyzer = await self._connected(port)
        *first, last = by_records(sent)
        assert await analyzer.say(ENQ) == ACK
        for frame in first:
            assert await analyzer.say(frame) == ACK
        assert await analyzer.say(last) == b""  # no acknowledgement
        await analyzer.close()

        outbox, sink = opened(folder)
        before = await held(outbox)
        assert bool(before) == (when == "after")
        async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
            analyzer = await Analyzer.connect(adapter.port)
            assert set(await analyzer.send(sent)) == {ACK}
            once = await held(outbox)
            assert once == before or when == "before"
            assert set(await analyzer.send(sent, sent)) == {ACK}
            assert await held(outbox) == once
            await analyzer.close()
        outbox.close()
        facts = [item for item in once if not isinstance(item, Inventory)]
        assert len(facts) == 1
        assert isinstance(facts[0], Readings) or (isinstance(facts[0], Fault) and facts[0].count == 1)

    async def _connected(self, port: int) -> Analyzer:
        async with asyncio.timeout(20):
            while True:
                try:
                    return await Analyzer.connect(port)
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


async def test_a_disk_that_takes_nothing_is_a_nak_until_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "KEEPING_S", 0.0)
    outbox, sink = opened(tmp_path, FullDisk)
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        with monkeypatch.context() as disk, capture_logs() as logged:
            disk.setattr(FullDisk, "full", True)
            assert (await analyzer.send(FLAGGED))[-1] == NAK
            # What was acknowledged of it isn't kept either, and sent again with the rest.
            await until(lambda: "not-kept" in repr(sink.refusals()))
        assert "the equipment is not acknowledged" in repr(logged)
        assert await held(outbox) == []
        assert set(await analyzer.send(FLAGGED)) == {ACK}
        assert any(isinstance(item, Fault) for item in await held(outbox))
        await analyzer.close()
    outbox.close()


async def test_what_was_told_of_a_message_that_broke_off_is_known_to_another_life_of_the_agent(tmp_path: Path) -> None:
    warm = FLAGGED.replace(b"L|1|N", b"C|2|I|74|I\rL|1|N")
    for sent, codes in ((FLAGGED.removesuffix(b"L|1|N\r"), ["COBAS-72"]), (warm, ["COBAS-72", "COBAS-74"])):
        outbox, sink = opened(tmp_path)
        async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
            analyzer = await Analyzer.connect(adapter.port)
            assert set(await analyzer.send(sent)) == {ACK}
            assert await analyzer.say(ENQ) == ACK
            await analyzer.close()
        faults = [item for item in await held(outbox) if isinstance(item, Fault)]
        assert [(fault.code, fault.count) for fault in faults] == [(code, 1) for code in codes]
        outbox.close()


async def test_what_was_acknowledged_of_an_open_transfer_is_kept_when_the_agent_stops(tmp_path: Path) -> None:
    """As on SIGTERM or for an update: in the middle of a message, and between its EOT and the commit."""
    for rest in (b"", EOT):
        outbox, sink = opened(tmp_path)
        async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
            analyzer = await Analyzer.connect(adapter.port)
            assert await analyzer.say(ENQ) == ACK
            for frame in by_records(FLAGGED)[:-1]:
                assert await analyzer.say(frame) == ACK
            analyzer.tell(rest)
            await asyncio.sleep(0)
        await analyzer.close()
        faults = [item for item in await held(outbox) if isinstance(item, Fault)]
        assert [(fault.code, fault.count) for fault in faults] == [("COBAS-72", 1)]
        outbox.close()


async def test_a_commit_that_the_stop_interrupts_is_made_again(tmp_path: Path) -> None:
    outbox, sink = opened(tmp_path)
    putting = sink.aput
    asked = asyncio.Event()

    async def slow(entry: Entry) -> bool:
        if not asked.is_set():
            asked.set()
            await asyncio.Event().wait()
        return await putting(entry)

    sink.aput = slow  # type: ignore[method-assign]
    async with running(sink, ROCHE, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        assert set(await analyzer.send(FLAGGED.removesuffix(b"L|1|N\r"))) == {ACK}
        await asked.wait()
    await analyzer.close()
    assert [item.code for item in await held(outbox) if isinstance(item, Fault)] == ["COBAS-72"]
    outbox.close()


async def test_no_word_of_a_patient_is_on_the_disk_in_a_log_or_in_a_counter(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    word, told, broken = WORD, astm_words(), astm_broken()
    outbox, sink = opened(tmp_path)
    with capture_logs() as logged:
        async with running(sink, ROCHE, listen=LOOPBACK, answer_queries=False) as adapter:
            analyzer = await Analyzer.connect(adapter.port)
            for sent, answer in ((told, ACK), *((each, NAK) for each in broken), (told[:-6], ACK)):
                assert set(await analyzer.send(sent)) == {answer}
            assert await analyzer.say(ENQ) == ACK
            # Records without CR, and one that is cut off.
            for at, record in enumerate((*told.split(b"\r")[:-1], f"M|1|{word}".encode()), 1):
                await analyzer.say(framed(at, record, last=False))
            analyzer.tell(EOT)
            assert await analyzer.say(ENQ) == ACK
            assert await analyzer.say(framed(1, word.encode(), checksum=b"00")) == NAK
            analyzer.tell(EOT + word.encode())
            assert set(await analyzer.send(told)) == {ACK}
            await analyzer.close()
    assert [item.code for item in await held(outbox) if isinstance(item, Fault)] == ["COBAS-72"]
    refusals = sink.refusals()
    assert refusals
    outbox.close()
    disk = written(tmp_path)
    assert b"COBAS-72" in disk
    said = "".join(capfd.readouterr()) + repr(logged) + repr(refusals)
    assert word.encode() not in disk
    assert word not in said

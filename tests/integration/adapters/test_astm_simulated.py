"""The simulated ASTM analyzer before the real adapter: all that it says of itself arrives, and no patient."""

import asyncio
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import pytest

from agent import system
from agent.adapters.astm.assembler import Assembler
from agent.adapters.astm.entry import Told
from agent.adapters.astm.line import line_of
from agent.adapters.astm.link import Deliver, Write
from agent.adapters.astm.reading import read
from agent.adapters.astm.records import Message
from agent.privacy import admit
from catalog.qc import name as qc_name
from sim.analyzer.astm import AstmWriter
from sim.analyzer.device import Analyzer, AnalyzerConfig
from sim.analyzer.e1381 import frames
from sim.analyzer.events import Control, Measured, Notice, Sample
from sim.analyzer.life import AnalyzerLife
from sim.patients import marks
from tests.fixtures.astm import ACK, ENQ, EOT, MODEL, running
from tests.fixtures.ports import free_port
from tests.fixtures.sink import MemorySink
from wire.items import Fault, Inventory, Item, Readings

MONDAY: Final = datetime(2024, 3, 11, 7, tzinfo=UTC)


def received(message: bytes) -> Message:
    """What our side of the line makes of a message in the simulator's frames."""
    line, assembler = line_of("e1381"), Assembler()
    assert line.feed(ENQ, 0) == [Write(ACK)]
    found: list[Message] = []
    for frame in frames(message):
        (delivered,) = line.feed(frame, 0)
        assert isinstance(delivered, Deliver)
        found += assembler.offer(delivered.text, last=delivered.last)
        assert line.accept(0) == [Write(ACK)]
    line.feed(EOT, 0)
    assert not assembler.refused
    (whole,) = found
    return whole


def values(items: list[Item]) -> list[tuple[int, str, float]]:
    return [
        (item.at + (item.dt[row] if item.dt else 0), metric, item.value[row])
        for item in items
        if isinstance(item, Readings)
        for row, metric in enumerate(item.metric)
    ]


def test_a_working_day_is_read_without_a_refusal() -> None:
    life = AnalyzerLife(seed=3, start=MONDAY, model=MODEL, faults_per_day=0)
    for code in ("PHO-LMP-01", "PRB-CLT-01", "WST-FUL-01"):
        assert life.inject(code, MONDAY, lead_s=2 * 3600)
    writer = AstmWriter(model=MODEL, seed=3)
    events = life.step(MONDAY + timedelta(hours=10))
    told = Told(model=MODEL)
    heard: list[Item] = []
    for event in events:
        for data in writer.messages(event, at=event.at.replace(tzinfo=None)):
            at = int(event.at.timestamp() * 1000) + 5
            facts = read(received(data).records, model=MODEL, received=at, zone=UTC, encoding="utf-8")
            assert not facts.refused
            assert facts.timed
            entry = told.entry(facts)
            told.remember(facts)
            heard += [*entry.live, *entry.bulk]
    passed, refused = admit(heard, MODEL)
    assert not +refused
    assert passed == heard

    found = values(heard)
    measured = [
        (int(event.at.timestamp()) * 1000, name, value)
        for event in events
        if isinstance(event, Measured)
        for name, value in event.values
    ]
    assert len(measured) > 100
    assert set(measured) <= set(found)
    controls = [(event, result) for event in events if isinstance(event, Control) for result in event.results]
    scores = [(at, metric, value) for at, metric, value in found if metric.endswith(".z")]
    assert [score[:2] for score in scores] == [
        (int(event.at.timestamp()) * 1000, qc_name(MODEL.assays[result.test].key, f"l{event.level}", "z"))
        for event, result in controls
    ]
    assert [score[2] for score in scores] == pytest.approx(
        [(result.value - result.target) / result.deviation for _, result in controls], abs=1e-2
    )
    samples = sum(len(event.results) for event in events if isinstance(event, Sample))
    assert sum(metric == "photometer.baseline" for _, metric, _ in found) == samples > 0
    codes = {item.code for item in heard if isinstance(item, Fault)}
    notices = {event.code for event in events if isinstance(event, Notice) and event.state != "cleared"}
    assert {"PHO-LMP-01", "PRB-CLT-01", "WST-FUL-01"} <= codes
    assert notices & set(MODEL.codes["astm.comment"].values()) <= codes
    assert sum(isinstance(item, Inventory) for item in heard) == 1
    encoded = msgspec.json.encode(heard).decode()
    assert not any(mark in encoded for mark in marks())


async def test_over_tcp_every_message_is_taken_at_the_first_attempt(tmp_path: Path) -> None:
    port = free_port()
    config = AnalyzerConfig(name="a", protocol="astm", port=port, seed=5, speed=2_000, hour=9, faults_per_day=0)
    sink = MemorySink()
    stop = threading.Event()
    with Analyzer(config=config, model=MODEL, now=lambda: datetime.now(UTC).astimezone()) as analyzer:
        async with running(sink, now=system.now, listen=f"127.0.0.1:{port}"):
            life = asyncio.create_task(asyncio.to_thread(analyzer.run, stop))
            async with asyncio.timeout(60):
                while analyzer.courier.taken < 60:  # noqa: ASYNC110  # it lives in a thread
                    await asyncio.sleep(0.02)
            stop.set()
            await life
    courier = analyzer.courier
    assert (courier.refused, courier.again, courier.given_up) == (0, 0, 0)
    assert {type(item) for item in sink.items()} >= {Readings, Inventory}
    # The one it was stopped within.
    assert not sink.counts - Counter({"astm:message-unfinished": 1, "astm:record-cut": 1})
    encoded = msgspec.json.encode(sink.items()).decode()
    assert not any(mark in encoded for mark in marks())

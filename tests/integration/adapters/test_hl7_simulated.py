"""The simulated HL7 analyzer before the real adapter: all that it says of itself arrives, and no patient."""

import asyncio
import itertools
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from agent.adapters.hl7.adapter import Hl7Adapter
from agent.adapters.hl7.entry import Said
from agent.adapters.hl7.kinds import Kind, kind_of
from agent.adapters.hl7.message import Message
from agent.adapters.hl7.reading import read
from agent.config.shapes import Hl7
from agent.privacy import admit
from catalog.qc import name as qc_name
from sim.analyzer.device import Analyzer, AnalyzerConfig
from sim.analyzer.events import Condition, Control, Notice, Sample, Stock
from sim.analyzer.hl7 import Hl7Writer
from sim.analyzer.life import AnalyzerLife
from sim.patients import marks
from tests.fixtures.hl7 import MODEL, running
from tests.fixtures.ports import free_port
from tests.fixtures.sink import MemorySink
from wire.items import Fault, Inventory, Item, Readings, StateChange

MONDAY = datetime(2026, 11, 23, 7, tzinfo=UTC)


def test_a_working_day_is_read_without_a_refusal() -> None:
    life = AnalyzerLife(seed=3, start=MONDAY, model=MODEL, faults_per_day=0)
    for code in ("PHO-LMP-01", "PRB-CLT-01", "WST-FUL-01"):
        assert life.inject(code, MONDAY, lead_s=2 * 3600)
    numbers = itertools.count(1)
    writer = Hl7Writer(model=MODEL, seed=3, ids=lambda: str(next(numbers)))
    events = life.step(MONDAY + timedelta(hours=10))
    said = Said(model=MODEL)
    heard: list[Item] = []
    kinds = set()
    for event in events:
        for data in writer.messages(event, at=event.at.replace(tzinfo=None)):
            message = Message(data)
            kind = kind_of(message)
            kinds.add(kind)
            assert (kind is Kind.PERSON) == (isinstance(event, Sample) and message.type == "ORU")
            if kind is Kind.PERSON:
                continue
            received = int(event.at.timestamp() * 1000) + 5
            facts = read(message, kind, model=MODEL, received=received, zone=UTC)
            assert not facts.refused
            entry = said.entry(facts)
            said.remember(facts)
            heard += [*entry.live, *entry.bulk]
    assert kinds == {Kind.EQUIPMENT, Kind.CONTROL, Kind.PERSON}
    passed, refused = admit(heard, MODEL)
    assert not +refused
    assert passed == heard

    controls = [(event, result) for event in events if isinstance(event, Control) for result in event.results]
    scores = [
        (item.at, metric, value)
        for item in heard
        if isinstance(item, Readings)
        for metric, value in zip(item.metric, item.value, strict=True)
        if metric.endswith(".z")
    ]
    assert [score[:2] for score in scores] == [
        (int(event.at.timestamp()) * 1000, qc_name(MODEL.assays[result.test].key, f"l{event.level}", "z"))
        for event, result in controls
    ]
    assert [value for _, _, value in scores] == pytest.approx(
        [(result.value - result.target) / result.deviation for _, result in controls], abs=1e-4
    )
    stock = [item for item in heard if isinstance(item, Readings) and item.metric[0].startswith("reagent.")]
    assert len(stock) == sum(isinstance(event, Stock) for event in events)
    told = [item.code for item in heard if isinstance(item, Fault) and item.state == "event"]
    known = set(MODEL.codes["hl7.notification"].values())
    notices = [event.code for event in events if isinstance(event, Notice) and event.code in known]
    assert {"PHO-LMP-01", "PRB-CLT-01", "WST-FUL-01"} <= set(told)
    assert set(notices) <= set(told) | {item.code for item in heard if isinstance(item, Fault)}
    levels = [item.value for item in heard if isinstance(item, StateChange) and item.name == "alert-level"]
    assert len(levels) <= sum(isinstance(event, Condition) for event in events)
    assert any(isinstance(item, Inventory) for item in heard)
    encoded = msgspec.json.encode(heard).decode()
    assert not any(mark in encoded for mark in marks())


async def test_over_tcp_every_message_is_taken_at_the_first_attempt(tmp_path: Path) -> None:
    port = free_port()
    config = AnalyzerConfig(
        name="a", protocol="hl7", port=port, seed=5, log=str(tmp_path / "a.log"), speed=2_000, hour=9, faults_per_day=0
    )
    sink = MemorySink()
    adapter = Hl7Adapter(config=Hl7(listen=f"127.0.0.1:{port}"), model=MODEL, sink=sink)
    stop = threading.Event()
    with Analyzer(config=config, model=MODEL, now=lambda: datetime.now(UTC).astimezone()) as analyzer:
        async with running(adapter):
            life = asyncio.create_task(asyncio.to_thread(analyzer.run, stop))
            async with asyncio.timeout(60):
                while analyzer.courier.taken < 60:  # noqa: ASYNC110  # it lives in a thread
                    await asyncio.sleep(0.02)
            stop.set()
            await life
    courier = analyzer.courier
    assert (courier.refused, courier.again, courier.given_up) == (0, 0, 0)
    assert {type(item) for item in sink.items()} >= {StateChange, Readings, Inventory}
    assert not sink.counts
    encoded = msgspec.json.encode(sink.items()).decode()
    assert not any(mark in encoded for mark in marks())

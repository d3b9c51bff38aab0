"""What the simulated analyzer says by ASTM, by HL7 and in its log is what a real agent hears: all of it, no patient."""

import itertools
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from agent.adapters.astm.reading import Extracted, read
from agent.adapters.hl7 import reading as hl7_reading
from agent.adapters.hl7.kinds import Kind, kind_of
from agent.adapters.hl7.message import Message
from catalog import qc
from catalog.model import Model
from sim.analyzer.astm import AstmWriter
from sim.analyzer.e1381 import ETB, frames
from sim.analyzer.events import Condition, Control, Event, Measured, Notice, Sample, Stock
from sim.analyzer.faults import SCENARIOS
from sim.analyzer.hl7 import Hl7Writer
from sim.analyzer.life import AnalyzerLife
from sim.patients import MARK, marks
from tests.unit.sim.test_log import read as read_line

MONDAY = datetime(2026, 11, 23, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def day(analyzer: Model) -> list[Event]:
    """A morning on which several things break."""
    life = AnalyzerLife(seed=5, start=MONDAY, model=analyzer, faults_per_day=0)
    life.inject("BTH-TMP-01", MONDAY, lead_s=1800, lasts_s=3600)
    for code in ("PRB-CLT-02", "WTR-CON-01", "BAR-RDR-01"):
        life.inject(code, MONDAY, lead_s=3 * 3600, lasts_s=3600)
    events = life.step(MONDAY + timedelta(hours=6))
    assert {type(event) for event in events} == {Sample, Control, Measured, Notice, Condition, Stock}
    return events


def millis(event: Event) -> int:
    return int(event.at.timestamp()) * 1000


def hl7(model: Model) -> Hl7Writer:
    numbers = itertools.count(1)
    return Hl7Writer(model=model, seed=5, ids=lambda: f"id-{next(numbers)}")


# ASTM -----------------------------------------------------------------------------------------------------------------


def heard(writer: AstmWriter, event: Event, model: Model) -> list[Extracted]:
    return [
        read(
            [record for record in message.split(b"\r") if record],
            model=model,
            received=millis(event) + 2000,
            zone=UTC,
            encoding="utf-8",
        )
        for message in writer.messages(event, at=event.at)
    ]


@pytest.mark.parametrize("key", ["generic-analyzer", "roche-cobas", "indiko"])
def test_all_of_astm_is_read_without_a_refusal(shipped_models: dict[str, Model], day: list[Event], key: str) -> None:
    model = shipped_models[key]
    writer = AstmWriter(model=model, seed=5)
    for event in day:
        for one in heard(writer, event, model):
            assert not one.refused
            assert one.inventory == {"device.software": "1.4.2", "device.serial": "10005"}
            assert {reading.at for reading in one.readings} <= {millis(event)}
            assert not any(mark in str((one.readings, one.faults)) for mark in marks())


def test_what_is_measured_travels_in_its_unit(analyzer: Model, day: list[Event]) -> None:
    writer = AstmWriter(model=analyzer, seed=5)
    for event in day:
        if isinstance(event, Measured):
            (one,) = heard(writer, event, analyzer)
            assert [(r.metric, r.value) for r in one.readings] == list(event.values)
            assert all(r.unit == analyzer.signals[r.metric].unit for r in one.readings)


def test_controls_travel_as_values_and_scores_and_their_failures_as_faults(analyzer: Model, day: list[Event]) -> None:
    writer = AstmWriter(model=analyzer, seed=5)
    failed = 0
    for event in day:
        if not isinstance(event, Control):
            continue
        (one,) = heard(writer, event, analyzer)
        found = {reading.metric: reading.value for reading in one.readings}
        for result in event.results:
            name, level = result.test.lower(), f"l{event.level}"
            assert found[qc.name(name, level, "value")] == pytest.approx(result.value, rel=1e-5)
            z = (result.value - result.target) / result.deviation
            assert found[qc.name(name, level, "z")] == pytest.approx(z, abs=1e-4)
        flags = sum(bool(result.codes) for result in event.results)
        assert [fault.code for fault in one.faults] == ["QCF-OUT-01"] * bool(flags)
        failed += flags
    assert failed, "the bath was too warm"


def test_of_a_patients_sample_only_the_baseline_and_what_went_wrong_is_left(analyzer: Model, day: list[Event]) -> None:
    writer = AstmWriter(model=analyzer, seed=5)
    mishaps = set()
    for event in day:
        if isinstance(event, Sample):
            (message,) = writer.messages(event, at=event.at)
            assert MARK.encode() in message
            (one,) = heard(writer, event, analyzer)
            assert [(r.metric, r.value) for r in one.readings] == [
                ("photometer.baseline", result.readings[0]) for result in event.results
            ]
            assert [fault.code for fault in one.faults] == list(event.codes)
            mishaps |= set(event.codes)
    assert {"PRB-CLT-01", "BAR-SMP-01"} <= mishaps


def test_faults_travel_as_comments_and_their_end_does_not(analyzer: Model, day: list[Event]) -> None:
    writer = AstmWriter(model=analyzer, seed=5)
    for event in day:
        if isinstance(event, Notice):
            told = [(fault.code, fault.state) for one in heard(writer, event, analyzer) for fault in one.faults]
            assert told == ([] if event.state == "cleared" else [(event.code, "event")])


def test_stock_travels_as_what_is_left(analyzer: Model, day: list[Event]) -> None:
    writer = AstmWriter(model=analyzer, seed=5)
    stock = next(event for event in day if isinstance(event, Stock))
    (one,) = heard(writer, stock, analyzer)
    left = {reading.metric: reading.value for reading in one.readings}
    assert left["reagent.glu.remaining"] == pytest.approx(
        next(100 * s.left / s.tests for s in stock.supplies if s.substance == "GLU"), abs=0.05
    )
    assert {"reagent.ise.remaining", "reagent.detergent.remaining", "reagent.alkaline.remaining"} < set(left)


def test_its_traffic_has_records_of_more_than_a_frame(analyzer: Model, day: list[Event]) -> None:
    writer = AstmWriter(model=analyzer, seed=5)
    made = [frame for event in day for message in writer.messages(event, at=event.at) for frame in frames(message)]
    assert any(frame[-5:-4] == ETB for frame in made)


# HL7 ------------------------------------------------------------------------------------------------------------------


def test_each_kind_of_event_is_a_kind_of_message(analyzer: Model, day: list[Event]) -> None:
    writer = hl7(analyzer)
    for event in day:
        messages = [Message(data) for data in writer.messages(event, at=event.at)]
        kinds = {(message.type, kind_of(message)) for message in messages}
        match event:
            case Condition():
                assert kinds == {("ESU", Kind.EQUIPMENT)}
            case Notice():
                assert kinds == {("EAN", Kind.EQUIPMENT)}
            case Stock():
                assert kinds == {("INU", Kind.EQUIPMENT)}
            case Control():
                assert ("ORU", Kind.CONTROL) in kinds
                assert kinds <= {("ORU", Kind.CONTROL), ("EAN", Kind.EQUIPMENT)}
            case Sample():
                assert kinds == {("EAN", Kind.EQUIPMENT)} if event.codes else {("ORU", Kind.PERSON)}
            case Measured():
                assert not messages


def test_all_of_hl7_is_read_without_a_refusal(analyzer: Model, day: list[Event]) -> None:
    writer = hl7(analyzer)
    faults, ids = [], []
    for event in day:
        for data in writer.messages(event, at=event.at):
            message = Message(data)
            ids.append(message.header.text(10))
            kind = kind_of(message)
            if kind is Kind.PERSON:
                assert MARK.encode() in data
                continue
            one = hl7_reading.read(message, kind, model=analyzer, received=millis(event) + 2000, zone=UTC)
            assert not one.refused
            encoded = msgspec.json.encode((one.readings, one.faults, one.states, one.inventory)).decode()
            assert not any(mark in encoded for mark in marks())
            faults += [(fault.code, fault.state) for fault in one.faults]
    assert ids == [f"id-{number}" for number in range(1, len(ids) + 1)], "a control id is used once"
    assert ("BTH-TMP-01", "event") in faults
    assert ("BTH-TMP-01", "cleared") in faults
    assert ("QCF-OUT-01", "event") in faults


def test_its_log_has_every_measurement_and_canaries(analyzer: Model, day: list[Event]) -> None:
    writer = hl7(analyzer)
    lines: list[str] = []
    for event in day:
        written = writer.log(event, at=event.at)
        lines += written
        if isinstance(event, Measured):
            found = [one for line in written for one in read_line(line, analyzer.log_patterns)]
            assert [(one.what, one.value) for one in found] == list(event.values)
            assert {one.at for one in found} == {event.at.strftime("%Y-%m-%d %H:%M:%S")}
        else:
            assert not any(read_line(line, analyzer.log_patterns) for line in written), "told by HL7 already"
    assert all(MARK in line for line in lines)


def test_a_fault_that_hl7_has_no_word_for_is_in_the_log(analyzer: Model) -> None:
    life = AnalyzerLife(seed=5, start=MONDAY, model=analyzer, faults_per_day=0)
    life.inject("SYS-APP-01", MONDAY, lead_s=0, lasts_s=60)
    notices = [e for e in life.step(MONDAY + timedelta(hours=1)) if isinstance(e, Notice)]
    writer = hl7(analyzer)
    assert not any(writer.messages(notice, at=notice.at) for notice in notices)
    found = [
        (one.what, one.state)
        for notice in notices
        for line in writer.log(notice, at=notice.at)
        for one in read_line(line, analyzer.log_patterns)
    ]
    assert found == [("SYS-APP-01", "active"), ("SYS-APP-01", "cleared")]


@pytest.mark.parametrize("key", ["generic-analyzer", "roche-cobas", "indiko"])
def test_every_scenario_can_be_told_by_either_protocol(key: str, shipped_models: dict[str, Model]) -> None:
    model = shipped_models[key]
    for table in ("astm.comment", "hl7.notification"):
        assert set(SCENARIOS) <= set(model.codes[table].values())

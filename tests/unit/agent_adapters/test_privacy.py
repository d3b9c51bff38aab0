"""The last gate: only what is declared leaves, whatever an adapter hands in."""

from collections import Counter

import pytest

from agent.privacy import INVENTORY, STATES, admit
from catalog.load import load
from wire.items import (
    Birth,
    ClockStep,
    Dropped,
    Fault,
    Heartbeat,
    Inventory,
    Item,
    Readings,
    Reply,
    Skipped,
    StateChange,
)

MODEL = load().models["generic-dr"]
NAME = "ZHANG^SAN"


def gate(*items: Item) -> tuple[list[Item], Counter[str]]:
    return admit(items, MODEL)


def readings(metric: str, value: float, unit: str | None = None) -> Readings:
    return Readings(at=1, metric=[metric], value=[value], unit=None if unit is None else [unit])


def test_what_is_declared_passes_untouched() -> None:
    items: list[Item] = [
        readings("tube.voltage", 80, "kV"),
        readings("host.disk_used", 12, "%"),  # a base's
        Fault(at=1, code="GEN-KV-01", state="active", source="log", params={"tube.voltage": 80.0}),
        StateChange(at=1, name="exposure.status", value="ABORTED"),
        Inventory(at=1, fields={"detector.id": "SN-074638"}),
    ]
    assert gate(*items) == (items, Counter())


def test_the_agent_s_own_words_pass() -> None:
    items: list[Item] = [
        Birth(at=1, boot=1, agent="steth", model="generic-dr", interval_s=15),
        Heartbeat(at=1),
        ClockStep(at=1, segment=1, step_ms=5),
        Reply(at=1, command="abcdefgh", status="done"),
        Skipped(at=1, reason="report.refused", items=1, bytes=1),
        Dropped(at=1, reports=1, bytes=1, first=1, last=1),
    ]
    assert gate(*items) == (items, Counter())


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (readings("patient.age", 80), "unknown-metric"),
        (readings("zhang.san", 1), "unknown-metric"),
        (readings("tube.voltage", 80, "V"), "wrong-unit"),
        (readings("tube.voltage", 80_000, "kV"), "out-of-range"),
        (readings("tube.voltage", float("nan"), "kV"), "out-of-range"),
        (readings("detector.temperature", -273, "Cel"), "out-of-range"),
        (Fault(at=1, code="ZHANG-SAN", state="active"), "unknown-code"),
        (Fault(at=1, code="GEN-KV-01", state="active", source="zhang san"), "unknown-source"),
        (StateChange(at=1, name="exposure.status", value=NAME), "unknown-state"),
        (StateChange(at=1, name="patient", value="NORMAL"), "unknown-state"),
        (Inventory(at=1, fields={"patient": "12"}), "unknown-field"),
        (Inventory(at=1, fields={"device.serial": NAME}), "malformed-field"),
        (Inventory(at=1, fields={"detector.id": "张三"}), "malformed-field"),
        (Inventory(at=1, fields={"device.software": "a" * 65}), "malformed-field"),
        (Inventory(at=1, fields={"detector.calibrated_at": "20261122"}), "malformed-field"),
    ],
)
def test_what_is_not_declared_is_dropped_and_counted(item: Item, reason: str) -> None:
    assert gate(item) == ([], Counter({reason: 1}))


def test_the_rest_of_an_item_stays() -> None:
    mixed = Readings(
        at=1,
        metric=["tube.voltage", "patient.age", "exposure.mas"],
        value=[80, 44, 8],
        dt=[0, 1, 2],
        unit=["kV", "a", "mAs"],
        quality=[0, 0, 1],
    )
    fields = Inventory(at=1, fields={"device.serial": "123", "patient": "x", "detector.id": NAME})
    fault = Fault(at=1, code="GEN-KV-01", state="active", params={"tube.voltage": 80.0, "name": NAME, "zhang": 1.0})
    passed, refused = gate(mixed, fields, fault)
    assert passed == [
        Readings(
            at=1, metric=["tube.voltage", "exposure.mas"], value=[80, 8], dt=[0, 2], unit=["kV", "mAs"], quality=[0, 1]
        ),
        Inventory(at=1, fields={"device.serial": "123"}),
        Fault(at=1, code="GEN-KV-01", state="active", params={"tube.voltage": 80.0}),
    ]
    assert refused == Counter({"unknown-metric": 1, "unknown-field": 1, "malformed-field": 1, "unknown-parameter": 2})


def test_no_pattern_admits_what_a_name_looks_like_in_dicom() -> None:
    for pattern in INVENTORY.values():
        for value in ("WANG^XIAOMING", "Wang^Xiao^Ming^^Dr", "王小明", "wang@example.org", " leading", "a\nb", ""):
            assert not pattern.match(value)
    assert all(value.isupper() for values in STATES.values() for value in values)

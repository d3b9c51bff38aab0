"""The last gate: only what is declared leaves, whatever an adapter hands in."""

import re
from collections import Counter

import pytest

from agent.privacy import admit
from catalog.allowed import INVENTORY, REAGENT_INVENTORY, STATES
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
ANALYZER = load().models["generic-analyzer"]
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
    fault = Fault(
        at=1,
        code="GEN-KV-01",
        state="active",
        source="zhang-san",
        params={"tube.voltage": 80.0, "name": NAME, "zhang": 1.0, "tube.current": 110101199003074233.0},
    )
    passed, refused = gate(mixed, fields, fault)
    assert passed == [
        Readings(
            at=1, metric=["tube.voltage", "exposure.mas"], value=[80, 8], dt=[0, 2], unit=["kV", "mAs"], quality=[0, 1]
        ),
        Inventory(at=1, fields={"device.serial": "123"}),
        Fault(at=1, code="GEN-KV-01", state="active", source="other", params={"tube.voltage": 80.0}),
    ]
    refusals = {"unknown-metric": 1, "unknown-field": 1, "malformed-field": 1, "unknown-parameter": 3}
    assert refused == Counter(refusals | {"unknown-source": 1})


def test_no_pattern_admits_what_a_name_looks_like_in_dicom() -> None:
    for looks in INVENTORY.values():
        for value in ("WANG^XIAOMING", "Wang^Xiao^Ming^^Dr", "王小明", "wang@example.org", " leading", "a\nb", ""):
            assert not looks(value, MODEL)
        for reagent in REAGENT_INVENTORY.values():
            assert not reagent(value, MODEL)
    words = re.compile(r"[A-Z]+( [A-Z]+)*|[a-z]+(-[a-z]+)*")
    assert all(words.fullmatch(value) for values in STATES.values() for value in values)


class TestAnalyzers:
    """What the gate knows of a model that has reagents and raw codes."""

    def test_reagents_of_the_model_have_a_lot_and_an_expiry(self) -> None:
        fields = {"reagent.glu.lot": "L20-7", "reagent.glu.expires": "2027-05-31"}
        assert admit([Inventory(at=1, fields=fields)], ANALYZER) == ([Inventory(at=1, fields=fields)], Counter())

    @pytest.mark.parametrize(
        ("name", "value", "reason"),
        [
            ("reagent.glu.lot", "WANG", "malformed-field"),
            ("reagent.glu.lot", "WANG 7", "malformed-field"),
            ("reagent.glu.expires", "20270531", "malformed-field"),
            ("reagent.glu.owner", "7", "unknown-field"),
            ("reagent.wang.lot", "7", "unknown-field"),
            ("reagent.lot", "7", "unknown-field"),
        ],
    )
    def test_and_nothing_else(self, name: str, value: str, reason: str) -> None:
        assert admit([Inventory(at=1, fields={name: value})], ANALYZER) == ([], Counter({reason: 1}))

    def test_reagents_of_the_model_have_a_status(self) -> None:
        status = StateChange(at=1, name="reagent.glu.status", value="expired")
        assert admit([status], ANALYZER) == ([status], Counter())

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("reagent.glu.status", "WANG"),
            ("reagent.wang.status", "ok"),
            ("reagent.glu.owner", "ok"),
            ("reagent.status", "ok"),
        ],
    )
    def test_and_no_other_state(self, name: str, value: str) -> None:
        assert admit([StateChange(at=1, name=name, value=value)], ANALYZER) == ([], Counter({"unknown-state": 1}))

    def test_a_dr_has_no_reagents(self) -> None:
        assert gate(Inventory(at=1, fields={"reagent.glu.lot": "7"})) == ([], Counter({"unknown-field": 1}))

    @pytest.mark.parametrize("number", [0.0, 17.0, 999_999.0])
    def test_an_unknown_raw_code_keeps_its_number(self, number: float) -> None:
        fault = Fault(at=1, code="UNKNOWN-CODE", state="event", params={"code": number})
        assert admit([fault], ANALYZER) == ([fault], Counter())

    @pytest.mark.parametrize(
        ("code", "params"),
        [
            ("UNKNOWN-CODE", {"code": 1_000_000.0}),
            ("UNKNOWN-CODE", {"code": -1.0}),
            ("UNKNOWN-CODE", {"code": 1.5}),
            ("UNKNOWN-CODE", {"code": float("nan")}),
            ("UNKNOWN-CODE", {"code": "17"}),
            ("UNKNOWN-CODE", {"patient": 17.0}),
            ("PHO-LMP-01", {"code": 17.0}),
        ],
    )
    def test_but_no_identifier_and_no_other_code_has_one(self, code: str, params: dict[str, float | str]) -> None:
        passed, refused = admit([Fault(at=1, code=code, state="event", params=params)], ANALYZER)
        assert passed == [Fault(at=1, code=code, state="event")]
        assert refused == Counter({"unknown-parameter": 1})

"""What is taken from a message, and that nothing else is."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.hl7.kinds import Kind, kind_of
from agent.adapters.hl7.message import Message
from agent.adapters.hl7.reading import Extracted, read
from agent.adapters.hl7.tables import STATES, SUBSTANCE
from agent.errors import AdapterError
from agent.privacy import admit
from catalog.allowed import REAGENT_STATES
from catalog.allowed import STATES as DECLARED
from catalog.model import UNKNOWN_CODE
from tests.fixtures.hl7 import (
    AT,
    EQU,
    MODEL,
    PATIENT,
    RECEIVED,
    control,
    controls,
    equipment,
    inventory,
    message,
    notification,
    supply,
)
from wire.items import Fault, Item

SHANGHAI = ZoneInfo("Asia/Shanghai")


def facts(data: bytes) -> Extracted:
    made = Message(data)
    return read(made, kind_of(made), model=MODEL, received=RECEIVED, zone=SHANGHAI)


def states(data: bytes) -> dict[str, str]:
    return {state.name: state.value for state in facts(data).states}


def readings(data: bytes) -> dict[str, float]:
    return {reading.metric: reading.value for reading in facts(data).readings}


class TestEquipment:
    def test_state_control_and_level_at_their_time(self) -> None:
        found = facts(equipment("ES", "C"))
        assert [(state.at, state.name, state.value) for state in found.states] == [
            (AT, "equipment", "emergency-stop"),
            (AT, "equipment.control", "remote"),
            (AT, "alert-level", "critical"),
        ]
        assert (found.at, found.timed, found.inventory) == (AT, True, {"device.serial": "SN-0042"})
        assert not found.refused

    @pytest.mark.parametrize("code", list(STATES["equipment"]))
    def test_every_code_of_the_table(self, code: str) -> None:
        assert states(equipment(code))["equipment"] == STATES["equipment"][code]
        assert states(equipment(code.lower()))["equipment"] == STATES["equipment"][code]

    def test_the_gate_knows_every_word(self) -> None:
        assert {name: frozenset(table.values()) for name, table in STATES.items()} == {
            name: DECLARED[name] for name in STATES
        }

    def test_no_change_and_nothing_are_no_state(self) -> None:
        found = facts(message("EQU|SN-0042|20261121180000|...||"))
        assert found.states == ()
        assert not found.refused

    def test_a_code_of_no_table_is_counted_and_not_told(self) -> None:
        found = facts(message("EQU|SN-0042|20261121180000|ZHANG|SAN|1961"))
        assert found.states == ()
        assert found.refused == {
            "unknown-state:equipment": 1, "unknown-state:equipment.control": 1, "unknown-state:alert-level": 1,
        }  # fmt: skip

    @pytest.mark.parametrize("id_", ["ZHANG", "ZHANG 1", "张三1", "-1", "1" * 33, "a\\X41\\1"])
    def test_an_id_that_is_no_serial_number(self, id_: str) -> None:
        found = facts(message(f"EQU|{id_}|20261121180000|OP"))
        assert found.inventory == {}
        assert found.refused == {"malformed:device.serial": 1}

    @pytest.mark.parametrize(
        ("id_", "serial"), [("12345", "12345"), ("BS-480^SN0001", "SN0001"), ("12345^ROCHE", "12345"), ("^X1", "X1")]
    )
    def test_a_serial_number_may_stand_behind_the_model(self, id_: str, serial: str) -> None:
        assert facts(message(f"EQU|{id_}|20261121180000|OP")).inventory == {"device.serial": serial}


class TestTime:
    def test_an_offset_of_its_own_comes_before_the_zone(self) -> None:
        assert facts(equipment(at="20261121100000+0000")).at == AT
        assert facts(equipment(at="20261121180000.1234")).at == AT + 123

    @pytest.mark.parametrize(
        "text",
        [
            *("20261121180000", "202611211800", "20261121180000.", "20261121180000.0000+0800", "20261121180000.0+0800"),
            *("20261121180000.000123456789+0800", "20261121100000Z", "20261121100000.0Z", "202611211000Z"),
            *("20261121100000z", "20261121100000-0000", "20261121180000+08", "20261121180000+08:00"),
            *("20261121050000-0500", "20261121200000.000+1000", "2026-11-21T18:00:00", "2026/11/21 18:00:00"),
            *("2026-11-21T10:00:00.000Z", "2026-11-21T18:00:00+08:00", "20261121T180000", "20261121180000,000"),
            *("20261121180000^S", "20261121180000^YYYYMMDDHHMMSS"),
        ],
    )
    def test_however_one_moment_is_written(self, text: str) -> None:
        found = facts(equipment(at=text))
        assert (found.at, found.refused) == (AT, {})

    def test_without_its_own_the_header_s_counts(self) -> None:
        found = facts(equipment(at=""))
        assert (found.at, found.timed) == (AT + 1000, True)
        assert not found.refused

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("20261121", "malformed"),
            ("2026112118", "malformed"),
            ("20261321180000", "malformed"),
            ("20261121250000", "malformed"),
            ("18991121180000", "implausible"),
            ("20261121180000+9900", "implausible"),
            ("20261121180000+0860", "implausible"),
            ("20261121180000+8", "malformed"),
            ("20261121180000PM", "malformed"),
            ("20261121180000." + "0" * 40, "malformed"),
            ("202611211800Zulu", "malformed"),
            ("20291121180000", "implausible"),
            ("ZHANG", "malformed"),
        ],
    )
    def test_a_time_that_is_none(self, text: str, reason: str) -> None:
        found = facts(equipment(at=text))
        assert found.at == AT + 1000
        assert found.refused == {f"{reason}:time": 1}

    def test_no_time_at_all(self) -> None:
        found = facts(controls(control().replace("20261121180000", ""), f7=""))
        assert (found.at, found.timed) == (RECEIVED, False)
        assert {reading.quality for reading in found.readings} == {1}


class TestNotification:
    def test_a_code_of_the_catalog(self) -> None:
        assert facts(notification()).faults == (Fault(at=AT, code="PHO-LMP-01", state="event", source="hl7"),)

    def test_normal_says_that_it_is_over(self) -> None:
        assert [fault.state for fault in facts(notification(severity="N")).faults] == ["cleared"]

    def test_a_number_that_the_catalog_does_not_hold_keeps_it(self) -> None:
        (fault,) = facts(notification("004711")).faults
        assert (fault.code, fault.params) == (UNKNOWN_CODE, {"code": 4711.0})

    @pytest.mark.parametrize("code", ["1234567", "ZHANG", "", "٣", "1.5", "-1", "lamp_low"])
    def test_any_other_code_is_counted_and_not_told(self, code: str) -> None:
        found = facts(notification(code))
        assert found.faults == ()
        assert found.refused == {"unknown-code": 1}

    def test_several_each_at_its_own_time(self) -> None:
        lines = ["NDS|1|20261121175900|S|CLOT", "NTE|1||ZHANG", "NDS|2|20261121180000|W|LAMP_LOW"]
        found = facts(message(EQU, *lines, type_="EAN^U09"))
        assert [(fault.at, fault.code) for fault in found.faults] == [(AT - 60_000, "PRB-CLT-01"), (AT, "PHO-LMP-01")]
        assert found.at == AT


class TestInventory:
    def test_what_is_left_is_told_in_percent(self) -> None:
        found = facts(inventory(supply(), supply("DET", "1.5", "2")))
        assert [(each.at, each.metric, each.value, each.unit) for each in found.readings] == [
            (AT, "reagent.glu.remaining", 25.0, "%"),
            (AT, "reagent.detergent.remaining", 75.0, "%"),
        ]

    def test_bottles_of_a_type_add_up_and_the_scarcest_type_counts(self) -> None:
        lines = [supply(left="10", initial="100"), supply(left="90", initial="100"), supply(f3="R2", left="20")]
        assert readings(inventory(*lines)) == {"reagent.glu.remaining": pytest.approx(100 / 6)}

    @pytest.mark.parametrize(
        ("more", "value"),
        [
            ({"left": "", "f8": "60"}, 50.0),
            ({"left": "30", "f8": "60"}, 25.0),
            ({"left": "37.5", "initial": "", "f11": "%"}, 37.5),
            ({"left": "0"}, 0.0),
        ],
    )
    def test_available_before_current_and_percent_as_it_is(self, more: dict[str, str], value: float) -> None:
        assert readings(inventory(supply(**more))) == {"reagent.glu.remaining": value}

    @pytest.mark.parametrize(
        ("more", "refused"),
        [
            ({"initial": "0"}, {"implausible:reagent.glu": 1}),
            ({"left": "-1"}, {"implausible:reagent.glu": 1}),
            ({"left": "ZHANG"}, {"malformed:reagent.glu": 1}),
            ({"left": "1e999"}, {"not-a-number:reagent.glu": 1}),
            ({"left": ""}, {}),
            ({"initial": ""}, {}),
            ({"id_": "ZHANG"}, {"unknown-reagent": 1}),
            ({"f12": "soon", "left": ""}, {"malformed:reagent.glu.expires": 1}),
            ({"f16": "ZHANG", "left": ""}, {"malformed:reagent.glu.lot": 1}),
        ],
    )
    def test_what_is_no_amount(self, more: dict[str, str], refused: dict[str, int]) -> None:
        found = facts(inventory(supply(**more)))
        assert found.readings == ()
        assert found.refused == refused
        assert found.inventory == {"device.serial": "SN-0042"}

    @pytest.mark.parametrize(
        ("bottles", "status"),
        [
            ([{"f2": "OK"}], "ok"),
            ([{"f2": "ee^Expired"}], "expired"),
            ([{"f2": "EE"}, {"f2": "EW"}, {"f2": "NE"}], "expires-soon"),  # one that can be used is enough
            ([{"f2": "OK"}, {"f2": "NE", "f3": "R2"}, {"f2": "NW", "f3": "R2"}], "short"),  # R2 is needed as well
            ([{"f2": "OK~CURRENT^^99ROC"}], "ok"),
        ],
    )
    def test_status_of_the_type_that_is_worst_off(self, bottles: list[dict[str, str]], status: str) -> None:
        found = facts(inventory(*(supply(**more) for more in bottles)))
        assert [(each.at, each.name, each.value) for each in found.states[3:]] == [(AT, "reagent.glu.status", status)]
        assert not found.refused

    def test_a_status_of_no_table(self) -> None:
        found = facts(inventory(supply(f2="ZHANG")))
        assert len(found.states) == 3
        assert found.refused == {"unknown-state:reagent.glu": 1}

    def test_the_gate_knows_every_status(self) -> None:
        assert frozenset(SUBSTANCE.values()) == REAGENT_STATES["status"]

    def test_lot_and_expiry_of_the_bottle_that_expires_first(self) -> None:
        lines = [
            supply(f12="20270630", f16="L-9"),
            supply(f12="20270131000000", f16="L-7"),
            supply(f12="20270831", f16="L-8"),
            supply("DET", f16="D1"),
        ]
        assert facts(inventory(*lines)).inventory == {
            "device.serial": "SN-0042",
            "reagent.glu.expires": "2027-01-31",
            "reagent.glu.lot": "L-7",
            "reagent.detergent.lot": "D1",
        }


class TestControl:
    def test_value_in_the_catalog_s_unit_and_distance_from_the_target(self) -> None:
        found = facts(controls())
        assert [(each.at, each.metric, each.unit) for each in found.readings] == [
            (AT, "qc.glu.l2.z", "1"),
            (AT, "qc.glu.l2.value", "mmol/L"),
        ]
        assert [each.value for each in found.readings] == pytest.approx([-1.8 / 3.5, 98.2 * 0.05551])
        assert not found.refused

    def test_a_unit_that_is_not_known_leaves_the_distance(self) -> None:
        found = facts(controls(control(unit="grains")))
        assert [each.metric for each in found.readings] == ["qc.glu.l2.z"]
        assert found.refused == {"wrong-unit:qc.glu": 1}

    @pytest.mark.parametrize(("target", "deviation"), [("", "3.5"), ("100", ""), ("100", "0"), ("100", "-1")])
    def test_without_target_or_deviation_only_the_value(self, target: str, deviation: str) -> None:
        found = facts(controls(control().replace("|100|3.5|", f"|{target}|{deviation}|")))
        assert [each.metric for each in found.readings] == ["qc.glu.l2.value"]

    def test_the_level_tells_what_the_name_does_not(self) -> None:
        assert "qc.glu.l3.z" in readings(controls(control(name="Lyphochek 14201", level="H")))

    @pytest.mark.parametrize(
        ("line", "refused"),
        [
            (control(test="ZHANG"), {"unknown-assay": 1}),
            (control(name="ZHANG", level="SAN"), {"unknown-control": 1}),
            (control(value=""), {}),
            (control(value="< 3"), {"malformed:qc.glu": 1}),
        ],
    )
    def test_what_is_none_is_counted_and_not_told(self, line: str, refused: dict[str, int]) -> None:
        found = facts(controls(line))
        assert found.readings == ()
        assert found.refused == refused


class TestKinds:
    @pytest.mark.parametrize(
        ("data", "kind"),
        [
            (equipment(), Kind.EQUIPMENT),
            (controls(), Kind.CONTROL),
            (PATIENT, Kind.PERSON),
            (message("OBR|1", type_="ORU^R01", f16="1"), Kind.CALIBRATION),
            (message("OBR|1", type_="ORU^R01"), Kind.PERSON),
            (message("OBR|1", type_="ORU^R01", f16="AL"), Kind.PERSON),
            (controls("PID|1", control()), Kind.PERSON),
            (controls(control(), "OBX|1|NM|GLU||9"), Kind.PERSON),
            (message(EQU, "  pid|1"), Kind.PERSON),
            (message("PID|1", type_="OUL^R22"), Kind.PERSON),
            (message("MSA|AA|1", type_="ACK^R01"), Kind.ANSWER),
            (message("MSA|AA|1", "PID|1", type_="RSP^K11"), Kind.ANSWER),
            (message("QRD|1", type_="QRY^Q02"), Kind.QUERY),
            (message("QPD|1", type_="QBP^Q11"), Kind.QUERY),
            (message(EQU, type_="TCU^U10"), Kind.OTHER),
            (message(type_=""), Kind.OTHER),
        ],
    )
    def test_each(self, data: bytes, kind: Kind) -> None:
        assert kind_of(Message(data)) is kind


FIELD = st.text(st.sampled_from("ab1|^~\\&. \r\n葡-"), max_size=30)


@given(st.lists(FIELD, min_size=30, max_size=30), st.sampled_from(["ESU", "EAN", "INU", "ORU"]))
def test_no_field_makes_it_raise_or_tell_what_the_gate_stops(fields: list[str], type_: str) -> None:
    lines = [f"{name}|{'|'.join(fields)}" for name in ("EQU", "NDS", "INV", "OBR")]
    try:
        made = Message(message(*lines, type_=type_, f16="2"))
    except AdapterError:
        return
    found = read(made, Kind.CONTROL if type_ == "ORU" else Kind.EQUIPMENT, model=MODEL, received=RECEIVED, zone=UTC)
    kept: list[Item] = [*found.states, *found.faults]
    assert admit(kept, MODEL)[0] == kept

"""Results of controls by OUL (IHE LAB-29): what is read of them, and that a patient's specimen is never looked at."""

from zoneinfo import ZoneInfo

import pytest

from agent.adapters.hl7.intake import Taken, taken
from agent.adapters.hl7.kinds import Kind
from agent.adapters.hl7.mllp import Frame
from agent.adapters.hl7.reading import Extracted
from agent.adapters.sends import hl7
from agent.privacy import admit
from tests.fixtures.hl7 import AT, MODEL, RECEIVED, controls, observation, specimen, specimens, supply
from wire.items import Inventory

ORDER = "OBR|1|||GLU^GLU^99MAK"


def took(data: bytes) -> Taken:
    (found,) = taken(Frame(data, len(data)), model=MODEL, received=RECEIVED, zone=ZoneInfo("Asia/Shanghai"))
    return found


def facts(*segments: str, event: str = "R22") -> Extracted:
    found = took(specimens(*segments, event=event)).facts
    assert found is not None
    return found


def values(found: Extracted) -> dict[str, float]:
    return {reading.metric: reading.value for reading in found.readings}


@pytest.mark.parametrize("event", ["R21", "R22", "R23", "R24"])
def test_the_value_of_a_control(event: str) -> None:
    found = facts(specimen(), ORDER, observation(), event=event)
    assert [(each.at, each.metric, each.value, each.unit) for each in found.readings] == [
        (AT, "qc.glu.l1.value", 5.5, "mmol/L")
    ]
    assert found.timed
    assert not found.refused


def test_ordered_by_the_order() -> None:
    """R24: the order comes before its specimen."""
    found = facts(
        *("OBR|1|||GLU", specimen("QC1"), observation(test="")),
        *("OBR|2|||ALT", specimen("QC2"), observation("40", "U/L", test="")),
        event="R24",
    )
    assert values(found) == {"qc.glu.l1.value": 5.5, "qc.alt.l2.value": 40.0}


class TestWhatItIsCalled:
    @pytest.mark.parametrize(
        "lines",
        [
            (specimen("QC1"),),
            (specimen("8000417^QC1"),),
            (specimen("8000417&QC1"),),
            (specimen("QC1-0425/7"),),
            (specimen("8000417"), "SAC|||QC1"),
            (specimen("8000417&CONTROL"), "SAC|||8000417^CONTROL", "INV|8000417^L1^99MAK|OK^^HL70383|CO^^HL70384"),
        ],
    )
    def test_a_control(self, lines: tuple[str, ...]) -> None:
        assert values(facts(*lines, ORDER, observation())) == {"qc.glu.l1.value": 5.5}

    @pytest.mark.parametrize("name", ["8000417", "", "1-7", "L-7", "INV"])
    def test_one_that_is_not_known(self, name: str) -> None:
        found = facts(specimen(name), "INV|L1|OK|R1", ORDER, observation())
        assert not found.tell
        assert found.refused == {"unknown-control": 1}

    @pytest.mark.parametrize("test", ["GLU", "2345-7^Glucose^LN^GLU^Glucose^99MAK", "GLU^GLU^99MAK^^^IHELAW", ""])
    def test_a_test(self, test: str) -> None:
        assert values(facts(specimen(), ORDER, observation(test=test))) == {"qc.glu.l1.value": 5.5}

    def test_one_that_is_not_known_with_its_form(self) -> None:
        found = facts(specimen(), ORDER, observation(test="XYZ-01"))
        assert found.refused == {"unknown-assay": 1}
        assert found.forms == {"unknown-assay": "AAA-99"}

    @pytest.mark.parametrize("unit", ["mmol/L", "mmol/L^^UCUM", "^mmol/l", "x^^99MAK^mmol/L"])
    def test_a_unit(self, unit: str) -> None:
        assert values(facts(specimen(), ORDER, observation(unit=unit))) == {"qc.glu.l1.value": 5.5}

    @pytest.mark.parametrize("unit", ["µmol/L", "μmol/L", "umol/L", "\\XB5\\mol/L", "\\X00B5\\mol/L", "\\XC2B5\\mol/L"])
    def test_a_unit_with_a_micro_sign(self, unit: str) -> None:
        found = facts(specimen(), observation("85.5", unit, test="CREA"))
        assert values(found) == {"qc.crea.l1.value": 85.5}

    def test_a_unit_that_has_no_meaning_here(self) -> None:
        found = facts(specimen(), ORDER, observation(unit="grains"))
        assert found.refused == {"wrong-unit:qc.glu": 1}
        assert found.forms == {"wrong-unit:qc.glu": "aaaaaa"}


class TestValue:
    @pytest.mark.parametrize(
        ("type_", "value"), [("NM", "5.5"), ("ST", "5.5"), ("", "5.5"), ("SN", "^5.5"), ("SN", "=^5.5^^")]
    )
    def test_a_number(self, type_: str, value: str) -> None:
        assert values(facts(specimen(), observation(value, f2=type_))) == {"qc.glu.l1.value": 5.5}

    @pytest.mark.parametrize(("type_", "value"), [("SN", ">^5.5"), ("SN", "^5^-^6"), ("ST", "< 3"), ("NM", "high")])
    def test_what_is_none_is_counted(self, type_: str, value: str) -> None:
        found = facts(specimen(), observation(value, f2=type_))
        assert not found.tell
        assert found.refused == {"malformed:qc.glu": 1}

    @pytest.mark.parametrize("status", ["X", "D", "W"])
    def test_a_result_that_does_not_exist(self, status: str) -> None:
        found = facts(specimen(), observation(f11=status))
        assert found.refused == {"no-result:qc.glu": 1}
        assert not found.readings

    def test_what_stands_beside_it_is_passed_over(self) -> None:
        beside = [
            observation("^^99MAK", f2="CE"),
            observation("20261121175000", "", f2="DTM", test="PT^Pipetting^99MAK^S_OTHER^x^IHELAW"),
            observation("0.361", "", test="GLU^Glucose^99MAK^S_RAW^Raw^IHELAW"),
        ]
        found = facts(specimen(), ORDER, observation(), *beside)
        assert values(found) == {"qc.glu.l1.value": 5.5}
        assert not found.refused

    def test_nothing_of_it_known_is_told_as_nothing(self) -> None:
        assert took(specimens(specimen(), ORDER, observation("", f2="CE"))).untold == "no-facts"
        assert took(specimens(specimen(), ORDER)).untold == "no-facts"

    @pytest.mark.parametrize(
        ("range_", "z"),
        [
            ("5.0^TARGET~0.25^SD", 2.0),
            ("0.25^sd~5.0^Mean", 2.0),
            ("5.0-6.0", None),
            ("5.0^TARGET", None),
            ("5.0^TARGET~0^SD", None),
            ("5.0^0.25", None),
        ],
    )
    def test_the_distance_from_a_target_that_is_named(self, range_: str, z: float | None) -> None:
        found = facts(specimen(), observation(f7=range_))
        assert values(found) == {"qc.glu.l1.value": 5.5} | ({} if z is None else {"qc.glu.l1.z": z})
        assert not found.refused


class TestTime:
    @pytest.mark.parametrize(
        ("times", "order"),
        [
            ({"f14": "20261121180000"}, 0),
            ({"f14": "20261121120000", "f19": "20261121180000"}, 0),
            ({"f14": ""}, 7),
            ({"f14": ""}, 22),
            ({"f14": "20261121180000^YYYYMMDDHHMMSS"}, 0),
        ],
    )
    def test_of_the_analysis_the_observation_the_order(self, times: dict[str, str], order: int) -> None:
        line = "OBR|1|||GLU" + ("|" * (order - 4) + "20261121180000" if order else "")
        found = facts(specimen(), line, observation(**times))
        assert [each.at for each in found.readings] == [AT]

    def test_else_the_message_s(self) -> None:
        assert [each.at for each in facts(specimen(), observation(f14="")).readings] == [AT + 1_000]


class TestLot:
    def test_of_the_material(self) -> None:
        material = supply("QC1", f3="CO", f12="20270131", f16="L-0425")
        reagent = supply(f12="20260101", f16="R-7")
        found = facts(specimen(), material, ORDER, observation(), reagent)
        assert found.inventory == {"control.l1.lot": "L-0425", "control.l1.expires": "2027-01-31"}
        assert found.inventory.keys() <= hl7(MODEL).inventory
        told = Inventory(at=AT, fields=found.inventory)
        assert admit([told], MODEL) == ([told], {})

    @pytest.mark.parametrize("name", ["control.l1", "control.l1.name", "control.l9.lot", "control.lot"])
    def test_the_gate_knows_no_other_field(self, name: str) -> None:
        assert admit([Inventory(at=AT, fields={name: "L-1"})], MODEL) == ([], {"unknown-field": 1})

    def test_or_the_specimen_s_expiry(self) -> None:
        assert facts(specimen(f19="20270131"), observation()).inventory == {"control.l1.expires": "2027-01-31"}

    @pytest.mark.parametrize("lot", ["ZHANG", "ZHANG 1", "张三1"])
    def test_a_name_is_none(self, lot: str) -> None:
        found = facts(specimen(), supply("QC1", f3="CO", f16=lot), observation())
        assert found.inventory == {}
        assert found.refused == {"malformed:control.l1.lot": 1}


class TestKinds:
    @pytest.mark.parametrize("role", ["Q", "q", "Q^Control specimen^HL70369", "QC", "Control"])
    def test_a_control_s(self, role: str) -> None:
        assert took(specimens(specimen(role=role), observation())).kind is Kind.CONTROL

    @pytest.mark.parametrize("role", ["C", "V"])
    def test_a_calibrator_s(self, role: str) -> None:
        found = took(specimens(specimen(role=role), observation()))
        assert (found.kind, found.untold, found.facts) == (Kind.CALIBRATION, "calibration-message", None)

    def test_a_calibrator_s_beside_a_control_s(self) -> None:
        calibrator = (specimen("CAL1", role="C"), ORDER, observation("99"))
        control = (specimen(), ORDER, observation())
        for lines in (calibrator + control, control + calibrator):
            assert values(facts(*lines)) == {"qc.glu.l1.value": 5.5}

    @pytest.mark.parametrize(
        "lines",
        [
            (specimen(role="P"),),
            (specimen(role=""),),
            (specimen(role="B"),),
            (),
            (specimen(), "PID|1||12||ZHANG^SAN"),
            (specimen(), "PID|||||||"),
            (specimen(), " pid|1"),
            (specimen(), "PV1|1|N"),
            (specimen(), observation(), specimen(role="P")),
            (specimen(role="C"), observation(), specimen(role="P")),
        ],
    )
    def test_anybody_else_s_is_dropped_unread(self, lines: tuple[str, ...]) -> None:
        found = took(specimens(*lines, ORDER, observation()))
        assert (found.kind, found.untold, found.facts) == (Kind.PERSON, "patient-results", None)

    def test_other_messages_with_results_stay_a_person_s(self) -> None:
        assert took(controls(specimen(), observation())).kind is Kind.PERSON
        assert took(controls(specimen(), observation(), f16="0")).kind is Kind.PERSON

"""What a message's records say of the equipment, and what is never taken of them."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.astm.reading import MAX_FACTS, Extracted, read
from agent.errors import AdapterError
from catalog.model import Model
from tests.fixtures.astm import CONTROL, FLAGGED, HEADER, INDIKO, MODEL, ORDER, PATIENT, ROCHE, message
from tests.fixtures.astm_facts import RECEIVED, ZONE, at, facts, of
from wire.items import Fault


def codes(found: Extracted) -> list[tuple[str, float | str | None, int]]:
    return [(fault.code, fault.params.get("code"), fault.count) for fault in found.faults]


def values(found: Extracted) -> dict[str, tuple[float, str]]:
    return {reading.metric: (reading.value, reading.unit) for reading in found.readings}


RESULT = "R|1|^^^685/|22.4|U/l||A||F|||20240311080500||P1"


class TestFlags:
    def test_a_flag_behind_a_result_is_a_fault_at_the_result_s_time(self) -> None:
        found = of(PATIENT, ORDER, RESULT, "C|1|I|72^CLOT FOUND|I")
        assert found.faults == (Fault(at=at("20240311080500"), code="COBAS-72", state="event", source="astm"),)
        assert found.readings == ()
        assert not found.refused

    @pytest.mark.parametrize("flag", ["0", "26", "27", "44", "45", "", "000"])
    def test_no_flag_and_flags_about_the_patient_s_result_are_nothing(self, flag: str) -> None:
        found = of(PATIENT, ORDER, RESULT, f"C|1|I|{flag}|I")
        assert (found.faults, found.refused) == ((), {})

    def test_numeric_flags_of_r_8(self) -> None:
        found = of(PATIENT, ORDER, r"R|1|^^^685/|22.4|U/l||A|72\74|F")
        assert codes(found) == [("COBAS-72", None, 1), ("COBAS-74", None, 1)]

    @pytest.mark.parametrize("flag", ["A", "S", "N", "Q", "<", "CANARY", "1234567"])
    def test_other_words_of_r_8_are_the_standard_s(self, flag: str) -> None:
        found = of(PATIENT, ORDER, f"R|1|^^^685/|22.4|U/l||A|{flag}|F")
        assert (found.faults, found.refused) == ((), {})

    def test_r_7_is_never_taken(self) -> None:
        assert of(PATIENT, ORDER, "R|1|^^^685/|22.4|U/l||72||F").faults == ()

    def test_a_number_that_the_table_does_not_hold(self) -> None:
        assert codes(of(ORDER, RESULT, "C|1|I|9999^x|I")) == [("UNKNOWN-CODE", 9999.0, 1)]

    @pytest.mark.parametrize("code", ["Sol1^F Dev", "ZHANG", "1234567", "-72", "7.2", "７２"])
    def test_another_code_is_counted_and_not_told(self, code: str) -> None:
        found = of(ORDER, RESULT, f"C|1|I|{code}|I")
        assert (found.faults, found.refused) == ((), {"unknown-code": 1})

    @pytest.mark.parametrize("flag", ["072", "000072", " 72 "])
    def test_zeros_and_blanks_before_a_number(self, flag: str) -> None:
        assert codes(of(ORDER, RESULT, f"C|1|I|{flag}|I")) == [("COBAS-72", None, 1)]

    def test_equal_flags_fold_over_their_times(self) -> None:
        later = RESULT.replace("0805", "0807")
        found = of(ORDER, later, "C|1|I|72|I", RESULT, "C|1|I|72|I", RESULT, r"C|1|I|72\74|I")
        first, second = found.faults
        assert (first.count, first.first, first.last) == (3, at("20240311080500"), at("20240311080700"))
        assert (second.code, second.count) == ("COBAS-74", 1)

    @pytest.mark.parametrize("text", ["72 ^ ^ ^ ^ ", "72^a^b", "ZHANG SAN", "4711^ZHANG", "4711", "P|72"])
    def test_roche_s_sample_comments_are_free_text(self, text: str) -> None:
        found = of(PATIENT, ORDER, f"C|1|I|{text}|G")
        assert (found.faults, found.refused) == ((), {})

    @pytest.mark.parametrize("record", ["C|1|L|72|I", "C|1|P|72|G", "C|1|I|72|T", "C|1|I|72|P"])
    def test_comments_of_the_laboratory_and_of_other_types_are_not_looked_at(self, record: str) -> None:
        found = of(ORDER, record)
        assert (found.faults, found.refused) == ((), {})

    def test_indiko_s_comments_are_codes(self) -> None:
        found = of(ORDER, "C|1|I|16^Liquid movement|G", "C|2|I|17^dV|G", "C|3|I|99^new|G", "C|4|I|99|G", model=INDIKO)
        assert codes(found) == [("IND-16", None, 1), ("ISE-DV-01", None, 1), ("UNKNOWN-CODE", 99.0, 1)]

    def test_comments_stand_behind_any_record(self) -> None:
        found = of("C|1|I|1^a|G", PATIENT, "C|1|I|16^a|G", ORDER, "C|1|I|17^a|G", model=INDIKO)
        assert len(found.faults) == 3
        assert [fault.at for fault in found.faults] == [at("20240311081403")] * 2 + [at("20240311081000")]


class TestControls:
    def result(self, *fields: str, order: str = CONTROL, model: Model = MODEL) -> Extracted:
        return of(order, "|".join(["R", "1", *fields]), model=model)

    def test_value_and_z(self) -> None:
        found = self.result(
            "^^^GLU", "5.3", "mmol/L", r"5.0^TARGET\0.15^SD", "N", "", "F", "", "", "", "20240311080500"
        )
        assert values(found) == {
            "qc.glu.l1.value": (5.3, "mmol/L"),
            "qc.glu.l1.z": (pytest.approx(2.0), "1"),
        }
        assert {reading.at for reading in found.readings} == {at("20240311080500")}
        assert {reading.quality for reading in found.readings} == {0}

    @pytest.mark.parametrize("limits", ["", "4.5^5.5", "4.5 to 5.5", r"4.5^LOW\5.5^HIGH", "5^TARGET", r"5^TARGET\0^SD"])
    def test_without_target_and_deviation_there_is_no_z(self, limits: str) -> None:
        assert list(values(self.result("^^^GLU", "5.3", "mmol/L", limits))) == ["qc.glu.l1.value"]

    def test_units_are_converted_by_the_assay(self) -> None:
        assert values(self.result("^^^GLU", "100", "mg/dL"))["qc.glu.l1.value"][0] == pytest.approx(5.551)
        found = self.result("^^^GLU", "100", "furlong")
        assert (found.readings, found.refused) == ((), {"wrong-unit:qc.glu": 1})

    @pytest.mark.parametrize("line", ["utf-8", "gb18030", "latin-1"])
    @pytest.mark.parametrize(
        "unit",
        ["µmol/L".encode(), "μmol/L".encode(), "µmol/L".encode("latin-1"), "μmol/L".encode("gb18030"), b"umol/L"],
    )
    def test_a_micro_sign_in_whatever_encoding(self, unit: bytes, line: str) -> None:
        result = b"R|1|^^^CREA|85.5|" + unit + b"|\r"
        whole = message(CONTROL, "R|1|x").replace(b"R|1|x\r", result)
        assert values(facts(whole, MODEL, line))["qc.crea.l1.value"] == (85.5, "umol/L")

    @pytest.mark.parametrize("test", ["^^^GLU", "GLU", "^^^GLU/", "^^^GLU//not", " GLU "])
    def test_the_test_as_makers_write_it(self, test: str) -> None:
        assert values(self.result(test, "5", "mmol/L")) == {"qc.glu.l1.value": (5, "mmol/L")}

    def test_roche_s_numbers(self) -> None:
        assert list(values(self.result("^^^685/", "40", "U/l", model=ROCHE))) == ["qc.alt.l1.value"]

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            (("^^^NOPE", "5", "mmol/L"), "unknown-assay"),
            (("^^^GLU", "ZHANG", "mmol/L"), "malformed:qc.glu"),
            (("^^^GLU", "<0.1", "mmol/L"), "malformed:qc.glu"),
            (("^^^GLU", "", "mmol/L"), "empty:qc.glu"),
            (("^^^GLU", "5", "mmol/L", "", "", "", "X"), "no-result:qc.glu"),
            (("^^^GLU", "5", "mmol/L", "", "", "", "R"), "no-result:qc.glu"),
        ],
    )
    def test_what_is_no_result_is_counted(self, fields: tuple[str, ...], reason: str) -> None:
        found = self.result(*fields)
        assert (found.readings, found.refused) == ((), {reason: 1})

    @pytest.mark.parametrize("name", ["QC-L9", "ZHANG", ""])
    def test_a_control_that_the_catalog_does_not_know(self, name: str) -> None:
        found = self.result("^^^GLU", "5", "mmol/L", order=CONTROL.replace("QC-L1-LOT77", name))
        assert (found.readings, found.refused) == ((), {"unknown-control": 1})

    @pytest.mark.parametrize("name", ["QC-L2", "L2", "2", "QC-L2-LOT2026A/1/1/1", "QC-L2/7"])
    def test_a_control_s_id_may_go_on_with_its_lot(self, name: str) -> None:
        found = self.result("^^^GLU", "5", "mmol/L", order=CONTROL.replace("QC-L1-LOT77", name))
        assert list(values(found)) == ["qc.glu.l2.value"]

    @pytest.mark.parametrize(
        "order",
        [
            "O|1|QC-L1|||R||||||Q",
            "O|1|QC-L1|||R||||||||||QC",
            "O|1|QC-L1|||R||||||N||||Control",
            "O|1|QC-L1|0^1^1^^QC^SC||R",
            "O|1|QC-L1|||R|20240311080000||||Q||||control",
        ],
    )
    def test_how_an_order_says_that_it_is_a_control(self, order: str) -> None:
        assert list(values(self.result("^^^GLU", "5", "mmol/L", order=order))) == ["qc.glu.l1.value"]

    @pytest.mark.parametrize(
        "order",
        [
            ORDER.replace("SID0815", "QC-L1"),
            "O|1|QC-L1|||R|||||Q||||blood|",
            "O|1|QC-L1|||R||||||N||||S1||||||||||Q",
            "O|1|QC-L1",
        ],
    )
    def test_a_patient_s_sample_is_none_whatever_it_is_called(self, order: str) -> None:
        found = self.result("^^^GLU", "5", "mmol/L", order=order)
        assert (found.readings, found.refused) == ((), {})

    def test_the_next_order_or_patient_is_no_control_any_more(self) -> None:
        result = "R|1|^^^GLU|5|mmol/L"
        found = of(CONTROL, result, ORDER, result, CONTROL, result, PATIENT, result, model=MODEL)
        assert len(found.readings) == 2

    def test_a_class_before_the_number(self) -> None:
        assert values(self.result("^^^CRP", "-1^0.08", "mg/L"))["qc.crp.l1.value"] == (0.08, "mg/L")


class TestSignals:
    def test_a_signal_with_its_own_time_and_a_converted_unit(self) -> None:
        found = of("M|1|SIG|bath.temperature|310.15|K|20240311080000", model=MODEL)
        (reading,) = found.readings
        assert reading[:2] == (at("20240311080000"), "bath.temperature")
        assert reading.value == pytest.approx(37)
        assert (reading.unit, reading.quality) == ("Cel", 0)

    @pytest.mark.parametrize("unit", ["Cel", "C", "°C", "℃"])
    def test_spellings_of_a_unit(self, unit: str) -> None:
        found = of(f"M|1|SIG|bath.temperature|37,1|{unit}|20240311080000", model=MODEL)
        assert values(found) == {"bath.temperature": (37.1, "Cel")}

    def test_without_a_time_it_is_the_message_s_and_uncertain(self) -> None:
        (reading,) = of("M|1|SIG|ise.na.slope|0.0554|V|", model=MODEL).readings
        assert reading.value == pytest.approx(55.4)
        assert (reading.at, reading.unit, reading.quality) == (at("20240311081403"), "mV", 1)

    @pytest.mark.parametrize(
        ("record", "reason"),
        [
            ("M|1|SIG|ZHANG|1|%|20240311080000", "unknown-signal"),
            ("M|1|SIG|host.cpu|1|%|20240311080000", "unknown-signal"),
            ("M|1|SIG|qc.glu.l1.value|5|mmol/L|20240311080000", "unknown-signal"),
            ("M|1|SIG|bath.temperature|37|kV|20240311080000", "wrong-unit:bath.temperature"),
            ("M|1|SIG|bath.temperature|37||20240311080000", "wrong-unit:bath.temperature"),
            ("M|1|SIG|bath.temperature|warm|Cel|20240311080000", "malformed:bath.temperature"),
            ("M|1|SIG|bath.temperature||Cel|20240311080000", "empty:bath.temperature"),
            ("M|1|SIG|bath.temperature|1e999|Cel|20240311080000", "not-a-number:bath.temperature"),
            ("M|1|SIG", "unknown-signal"),
        ],
    )
    def test_what_is_none_is_counted(self, record: str, reason: str) -> None:
        found = of(record, model=MODEL)
        assert (found.readings, found.refused) == ((), {reason: 1})

    def test_of_raw_readings_only_the_first_is_taken(self) -> None:
        found = of(PATIENT, ORDER, RESULT, r"M|1|RR^BM^c111^1|-21|-21\-21\1\140\141|0.018514")
        assert values(found) == {"photometer.baseline": (-21, "1")}

    @pytest.mark.parametrize("record", ["M|1|CR^BM^c111^1|211^Ap211|x", "M|1|ZHANG|37", "M|1|RR^BM|", "S|1|x", "X"])
    def test_other_records_are_nothing(self, record: str) -> None:
        found = of(record)
        assert (found.readings, found.refused) == ((), {})


class TestHeader:
    @pytest.mark.parametrize(
        ("sender", "inventory"),
        [
            ("cobas6000^1", {}),
            ("Indiko^TF^5.02.00", {"device.software": "5.02.00"}),
            ("S^Roche^c111^4.2.2.1730^1^13147", {"device.software": "4.2.2.1730", "device.serial": "13147"}),
            ("S^Roche^c111^4.2.2.1730^1^ZHANG SAN", {"device.software": "4.2.2.1730"}),
            ("ZHANG^SAN^1961.03.04", {}),
            ("", {}),
        ],
    )
    def test_version_and_serial_of_the_sender(self, sender: str, inventory: dict[str, str]) -> None:
        assert of(header=HEADER.replace("cobas6000^1.2", sender)).inventory == inventory

    def test_any_delimiters(self) -> None:
        table = str.maketrans("|\\^&", "!@#$")
        whole = FLAGGED.decode().translate(table).encode()
        assert facts(whole).faults == facts(FLAGGED).faults

    def test_a_query_is_known(self) -> None:
        assert of("Q|1|^SID0815||ALL||||||||O").query
        assert not facts(FLAGGED).query

    def test_without_delimiters_nothing_can_be_read(self) -> None:
        with pytest.raises(AdapterError):
            read([b"H|||x"], model=ROCHE, received=RECEIVED, zone=ZONE, encoding="utf-8")


class TestBounds:
    def test_facts_of_a_message(self) -> None:
        flood = [f"C|1|I|{number}|I" for number in range(100_000, 100_000 + 2 * MAX_FACTS)]
        found = of(*flood)
        assert (len(found.faults), found.refused["too-many-facts"]) == (MAX_FACTS, MAX_FACTS)
        found = of(*["M|1|SIG|bath.temperature|37|C|"] * (MAX_FACTS + 3), model=MODEL)
        assert (len(found.readings), found.refused["too-many-facts"]) == (MAX_FACTS, 3)


@pytest.mark.parametrize(
    "record",
    ["O|1|" + "-" * 60_000 + "|" * 9 + "Q", "M|1|SIG|" + "&F&" * 20_000, "C|1|I|" + "\\" * 60_000 + "|I"],
    ids=["control", "escapes", "repeats"],
)
def test_a_hostile_record_costs_no_more_than_its_size(record: str) -> None:
    """Each took from seconds to minutes once: an attempt at each of its characters looked at all others."""
    began = time.process_time()
    of(*[record] * 10, model=MODEL)
    assert time.process_time() - began < 2


RECORDS: Any = st.builds(
    "|".join,
    st.lists(
        st.sampled_from(["H", "P", "O", "R", "C", "M", "Q", "L", "1", "I", "G", "SIG", "Q", "72", "^^^GLU", "QC-L1"])
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=20),
        max_size=30,
    ),
)


@given(st.lists(RECORDS, max_size=12), st.sampled_from([MODEL, ROCHE, INDIKO]))
def test_nothing_is_raised_whatever_stands_in_the_records(records: list[str], model: Model) -> None:
    whole = message(*(record for record in records if not record.startswith(("H", "L"))))
    for fact in facts(whole, model).readings:
        assert fact.metric in model.signals

"""What a dose report says: the numbers of its events in the units of the catalog, and no word."""

from datetime import UTC

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydicom import Dataset, Sequence

from agent.adapters.dicom.image import Extracted, hashed
from agent.adapters.dicom.objects import Untold
from agent.adapters.dicom.report import MAX_EVENTS
from agent.errors import AdapterError
from tests.fixtures.dicom import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, data_set, image, read_object
from tests.fixtures.dose import STARTED as STARTED_AT
from tests.fixtures.dose import code, content, encoded, event, number, report
from wire.items import GOOD, UNCERTAIN

RECEIVED = 1_795_306_500_000  # 2026-11-22 08:15:00 in Shanghai
STARTED = 1_795_306_443_250
KEY = b"k" * 32
FACTS = {
    "tube.voltage": (80.5, "kV"),
    "tube.current": (320, "mA"),
    "exposure.time": (25, "ms"),
    "exposure.mas": (8.04, "mAs"),
    "exposure.dap": (1.75, "dGy.cm2"),
    "exposure.index": (412.5, "1"),
    "exposure.target_index": (400, "1"),
    "exposure.deviation_index": (0.1, "1"),
}


def read(*events: Dataset, zone: str | None = "+0800") -> list[Extracted]:
    return list(read_object(encoded(report(*events, zone=zone)), received=RECEIVED, zone=UTC, key=KEY))


def facts(found: Extracted) -> dict[str, tuple[float, str]]:
    return {reading.metric: (reading.value, reading.unit) for reading in found.readings}


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED])
def test_every_number_of_an_event_in_our_units(syntax: str, undefined: bool) -> None:
    data = encoded(report(undefined=undefined), syntax=syntax)
    (found,) = read_object(data, received=RECEIVED, zone=UTC, key=KEY)
    assert facts(found) == FACTS
    assert (found.at, found.states, found.inventory, found.refused) == (STARTED, (), None, {})
    assert {reading.quality for reading in found.readings} == {GOOD}
    assert "CANARY" not in repr(found)


def test_each_event_is_told_by_itself_and_totals_are_not() -> None:
    first, second = read(event(), event({"113733": ("49", "kV")}, uid="2.25.72", started="20261122081500+0900"))
    assert facts(first) == FACTS
    assert facts(second) == {"tube.voltage": (49, "kV")}
    assert second.at == STARTED + 56_750 - 3_600_000
    assert first.seen != second.seen


@pytest.mark.parametrize(
    ("concept", "value", "unit", "metric", "expected"),
    [
        ("113733", "80000", "V", "tube.voltage", 80),
        ("113734", "320500", "uA", "tube.current", 320.5),
        ("113734", "0.32", "A", "tube.current", 320),
        ("113824", "25100", "us", "exposure.time", 25.1),
        ("113824", "0.025", "s", "exposure.time", 25),
        ("113736", "8.04", "mA.s", "exposure.mas", 8.04),
        ("113736", "8.04", "mAs", "exposure.mas", 8.04),
        ("113736", "0.00804", "A.s", "exposure.mas", 8.04),
        ("122130", "0.00000082", "Gy.m2", "exposure.dap", 0.082),
        ("122130", "1.5", "Gy.cm2", "exposure.dap", 15),
        ("122130", "1.5", "dGy.cm2", "exposure.dap", 1.5),
        ("122130", "150", "mGy.cm2", "exposure.dap", 1.5),
        ("122130", "15", "uGy.m2", "exposure.dap", 1.5),
        ("122130", "150000", "uGy.cm2", "exposure.dap", 1.5),
        ("122130", "15", "cGy.cm2", "exposure.dap", 1.5),
    ],
)
def test_units_are_those_that_the_item_names(concept: str, value: str, unit: str, metric: str, expected: float) -> None:
    (found,) = read(event({concept: (value, unit)}))
    assert [(reading.metric, reading.value) for reading in found.readings] == [(metric, expected)]


@pytest.mark.parametrize(
    ("concept", "value", "unit", "reason"),
    [
        ("113733", "80", "furlong", "unknown-unit:tube.voltage"),
        ("113733", "80", "mA", "unknown-unit:tube.voltage"),
        ("113733", "80", "CANARY^UNIT", "unknown-unit:tube.voltage"),
        ("113733", "0", "kV", "placeholder:tube.voltage"),
        ("113733", "CANARY", "kV", "malformed:tube.voltage"),
        ("113733", "NaN", "kV", "not-a-number:tube.voltage"),
        ("113733", "80\\90", "kV", "multi-valued:tube.voltage"),
        ("113733", None, "kV", "empty:tube.voltage"),
        ("113736", "0", "uA.s", "placeholder:exposure.mas"),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_what_is_no_number_is_refused_and_counted(concept: str, value: str | None, unit: str, reason: str) -> None:
    wrong = number(concept, None, unit) if value is None else _raw(concept, value, unit)
    (found,) = read(event({"113845": ("400", "1")}, more=[wrong]))
    assert found.refused == {reason: 1}
    assert facts(found) == {"exposure.index": (400, "1"), "dicom.values_refused": (1, "1")}
    assert "CANARY" not in repr(found)


def _raw(concept: str, value: str, unit: str) -> Dataset:
    """A NUM item whose value is no DS."""
    found = number(concept, "1", unit)
    (measured,) = found.MeasuredValueSequence
    del measured.NumericValue
    measured.add_new(0x0040A30A, "LO", value.split("\\") if "\\" in value else value)
    return found


def test_a_number_twice_is_one_and_two_numbers_are_none() -> None:
    twice = [number("113733", "80.5", "kV"), number("113734", "999", "mA")]
    (found,) = read(event({"113733": ("80.5", "kV"), "113734": ("320", "mA")}, more=twice))
    assert facts(found) == {"tube.voltage": (80.5, "kV"), "dicom.values_refused": (1, "1")}
    assert found.refused == {"multi-valued:tube.current": 1}


def test_a_deviation_of_zero_without_its_target_is_a_placeholder() -> None:
    (found,) = read(event({"113847": ("0", "1"), "113845": ("400", "1")}))
    assert found.refused == {"placeholder:exposure.deviation_index": 1}
    (found,) = read(event({"113847": ("0", "1"), "113845": ("400", "1"), "113846": ("400", "1")}))
    assert facts(found)["exposure.deviation_index"] == (0, "1")


def test_only_dicom_s_own_codes_count() -> None:
    (found,) = read(event({}, more=[number("113733", "80", "kV", scheme="99MAKER"), content("NUM", "113733")]))
    assert facts(found) == {"dicom.values_refused": (1, "1")}
    assert found.refused == {"empty:tube.voltage": 1}


@pytest.mark.parametrize(
    ("started", "reason"),
    [(None, "empty:time"), ("CANARY", "malformed:time"), ("20261122", "malformed:time"),
     ("20301122081403", "implausible:time")],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_without_a_usable_time_it_is_uncertain_and_of_its_receipt(started: str | None, reason: str) -> None:
    moment = content("DATETIME", "111526")
    moment.add_new(0x0040A120, "LO", started or "")
    (found,) = read(event({"113733": ("80", "kV")}, started=None, more=[moment] if started else []))
    assert found.at == RECEIVED
    assert found.refused == {reason: 1}
    assert {reading.quality for reading in found.readings} == {UNCERTAIN}


def grouped(*parts: Dataset, kind: str = "CONTAINER") -> Dataset:
    """Numbers that a maker groups within an event."""
    return content(kind, "113750", parts=parts)


class TestBelow:
    KV = number("113733", "80", "kV")

    @pytest.mark.parametrize("kind", ["CONTAINER", "NUM"])
    def test_a_number_in_a_group_is_the_event_s(self, kind: str) -> None:
        (found,) = read(event({}, more=[grouped(grouped(self.KV), number("113734", "320", "mA"), kind=kind)]))
        assert facts(found) == {"tube.voltage": (80, "kV"), "tube.current": (320, "mA")}
        assert not found.refused

    def test_the_event_s_own_comes_first(self) -> None:
        wrong = grouped(number("113733", "90", "furlong"))
        (found,) = read(event({"113733": ("80", "kV")}, more=[grouped(number("113733", "90", "kV")), wrong]))
        assert facts(found) == {"tube.voltage": (80, "kV")}
        assert not found.refused

    def test_two_different_ones_are_none(self) -> None:
        more = [grouped(self.KV), grouped(self.KV), grouped(number("113733", "90", "kV"))]
        (found,) = read(event({}, more=more))
        assert found.refused == {"multi-valued:tube.voltage": 1}

    def test_what_is_refused_is_counted_with_its_form(self) -> None:
        (found,) = read(event({}, more=[grouped(number("113733", "80", "FURLONG"))]))
        assert (found.refused, found.forms) == (
            {"unknown-unit:tube.voltage": 1},
            {"unknown-unit:tube.voltage": "AAAAAAA"},
        )

    def test_what_a_word_is_qualified_by_is_none(self) -> None:
        (found,) = read(event({}, more=[grouped(self.KV, kind="CODE")]))
        assert found.refused == {"event-without-numbers": 1}

    def test_an_event_within_an_event_keeps_its_own(self) -> None:
        inner, outer = read(event({}, more=[event({"113733": ("80", "kV")}, uid="2.25.99")]))
        assert facts(inner) == {"tube.voltage": (80, "kV")}
        assert outer.refused == {"event-without-numbers": 1}


@pytest.mark.parametrize("scheme", ["DCM", "dcm", "", None])
def test_codes_without_a_scheme_are_dicom_s(scheme: str | None) -> None:
    found = number("113733", "80", "kV")
    (concept,) = found.ConceptNameCodeSequence
    concept.CodingSchemeDesignator = scheme or ""
    if scheme is None:
        del concept.CodingSchemeDesignator
    assert facts(read(event({}, more=[found]))[0]) == {"tube.voltage": (80, "kV")}


def test_events_of_one_uid_that_say_different_things_are_different() -> None:
    kv = [("80", STARTED_AT), ("90", "20261122081503"), ("80", STARTED_AT)]
    found = read(*[event({"113733": (value, "kV")}, started=at) for value, at in kv])
    assert found[0].seen == found[2].seen != found[1].seen
    assert [each.seen for each in found] == [
        each.seen for each in read(*[event({"113733": (value, "kV")}, started=at) for value, at in kv])
    ]


@pytest.mark.parametrize("size", [1, 2, 511])
def test_zeros_behind_a_report_are_no_damage(size: int) -> None:
    (found,) = read_object(encoded(report()) + bytes(size), received=RECEIVED, zone=UTC, key=KEY)
    assert facts(found) == FACTS


def test_a_time_without_an_offset_is_in_the_equipment_s_zone() -> None:
    (found,) = read(zone=None)
    assert found.at == STARTED + 8 * 3_600_000
    (found,) = read(zone="CANARY")
    assert found.at == STARTED + 8 * 3_600_000


def test_an_event_is_recognised_by_its_uid_its_images_or_its_place() -> None:
    (found,) = read(event(images=["2.25.1", "2.25.2"]))
    assert found.seen == hashed(b"2.25.71", KEY)
    assert found.exposure == (found.seen, hashed(b"2.25.1", KEY), hashed(b"2.25.2", KEY))
    first, second = read(event(uid=None), event(uid=None))
    assert first.seen != second.seen
    assert first.seen == read(event(uid=None))[0].seen
    assert b"2.25" not in found.seen


def test_more_events_than_anybody_reads_are_left_out() -> None:
    found = read(*[event({"113733": ("80", "kV")}, uid=f"2.25.9{number}") for number in range(MAX_EVENTS + 3)])
    assert len(found) == MAX_EVENTS
    assert found[-1].refused == {"too-many-events": 1}


def test_a_tree_without_bottom_is_refused() -> None:
    deep = content("CONTAINER", "113706")
    for _ in range(40):
        deep = content("CONTAINER", "113706", parts=[deep])
    with pytest.raises(AdapterError) as caught:
        read(deep)
    assert caught.value.reason == "unreadable"


def test_a_report_that_is_cut_is_refused() -> None:
    data = encoded(report(event(), event(uid="2.25.8")))
    with pytest.raises(AdapterError) as caught:
        read_object(data[:-300], received=RECEIVED, zone=UTC)
    assert caught.value.reason == "truncated"


def test_only_a_container_is_an_event() -> None:
    other = event()
    other.ValueType = "TEXT"
    (found,) = read(other, event({"113733": ("49", "kV")}, uid="2.25.72"))
    assert facts(found) == {"tube.voltage": (49, "kV")}


@pytest.mark.parametrize("change", [-2, 2])
def test_an_item_whose_length_is_not_that_of_its_elements_is_damage(change: int) -> None:
    data = bytearray(encoded(report()))
    at = data.index(b"\x40\x00\x30\xa7SQ\0\0") + 16
    length = int.from_bytes(data[at : at + 4], "little") + change
    data[at : at + 4] = length.to_bytes(4, "little")
    with pytest.raises(AdapterError) as caught:
        read_object(bytes(data), received=RECEIVED, zone=UTC)
    assert caught.value.reason == "truncated"


SAMPLE = encoded(report())


@settings(deadline=None, max_examples=300)
@given(at=st.integers(0, len(SAMPLE) - 1), change=st.binary(max_size=12), drop=st.integers(0, 12))
@example(at=len(SAMPLE) - 1, change=b"", drop=1)
def test_no_damage_raises_anything_but_the_adapter_s_error(at: int, change: bytes, drop: int) -> None:
    try:
        found = read_object(SAMPLE[:at] + change + SAMPLE[at + drop :], received=RECEIVED, zone=UTC, key=KEY)
    except AdapterError as error:
        assert "CANARY" not in str(error)  # noqa: PT017  # or none at all
    else:
        assert "CANARY" not in repr([each.items() for each in found])


def test_an_image_is_still_one() -> None:
    (found,) = read_object(image(), received=RECEIVED, zone=UTC, key=KEY)
    assert found.inventory is not None
    data = data_set({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1", "KVP": "80"})
    (found,) = read_object(data, received=RECEIVED, zone=UTC, key=KEY, transfer_syntax=EXPLICIT)
    assert facts(found)["tube.voltage"] == (80, "kV")


CLASSES = {
    "X-Ray Radiation Dose SR": "1.2.840.10008.5.1.4.1.1.88.67",
    "Enhanced SR": "1.2.840.10008.5.1.4.1.1.88.22",
    "Comprehensive SR": "1.2.840.10008.5.1.4.1.1.88.33",
    "Comprehensive 3D SR": "1.2.840.10008.5.1.4.1.1.88.34",
    "Extensible SR": "1.2.840.10008.5.1.4.1.1.88.35",
    "Enhanced X-Ray Radiation Dose SR": "1.2.840.10008.5.1.4.1.1.88.76",
}


def of_class(uid: str, made: Dataset, *, template: str | None = None) -> list[Extracted]:
    made.SOPClassUID = uid
    if template is not None:
        followed = Dataset()
        followed.MappingResource, followed.TemplateIdentifier = "DCMR", template
        made.ContentTemplateSequence = Sequence([followed])
    return list(read_object(encoded(made), received=RECEIVED, zone=UTC, key=KEY))


@pytest.mark.parametrize("template", [None, "10001", "10040"])
@pytest.mark.parametrize("name", CLASSES)
def test_it_is_known_by_its_title_in_whatever_class_it_came(name: str, template: str | None) -> None:
    (found,) = of_class(CLASSES[name], report(), template=template)
    assert facts(found) == FACTS
    assert not found.refused


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "X-Ray Radiation Dose SR"])
def test_another_report_is_another_storage(name: str) -> None:
    other = report()
    other.ConceptNameCodeSequence = code("126000")
    with pytest.raises(Untold) as caught:
        of_class(CLASSES[name], other)
    assert caught.value.reason == "other-storage"


def test_a_maker_s_title_of_the_same_number_is_none() -> None:
    other = report()
    other.ConceptNameCodeSequence = code("113701", "99MAKER")
    with pytest.raises(Untold):
        of_class(CLASSES["Enhanced SR"], other)


@pytest.mark.parametrize(
    ("template", "reason"),
    [(None, "report-without-events"), ("10001", "report-without-events"), ("10011", "other-template")],
)
def test_a_report_without_events_says_so(template: str | None, reason: str) -> None:
    """As a CT's, whose acquisitions are another template's (TID 10011)."""
    with pytest.raises(Untold) as caught:
        of_class(CLASSES["X-Ray Radiation Dose SR"], report(content("CONTAINER", "113819")), template=template)
    assert caught.value.reason == reason


def test_units_as_equipment_spells_them() -> None:
    spelled = {"113733": ("81", "KV"), "113824": ("25", "msec"), "122130": ("2.0", "cGycm2"), "113736": ("8", "mAs")}
    (found,) = read(event(spelled))
    assert facts(found) == {
        "tube.voltage": (81, "kV"),
        "exposure.time": (25, "ms"),
        "exposure.dap": (0.2, "dGy.cm2"),
        "exposure.mas": (8, "mAs"),
    }
    assert not found.refused


def test_a_unit_that_is_refused_is_counted_with_its_form() -> None:
    (found,) = read(event({"113734": ("320", "MA"), "113733": ("80", "CANARY-7"), "113845": ("400", "1")}))
    assert found.refused == {"ambiguous-unit:tube.current": 1, "unknown-unit:tube.voltage": 1}
    assert found.forms == {"ambiguous-unit:tube.current": "AA", "unknown-unit:tube.voltage": "AAAAAA-9"}


def test_an_event_without_numbers_is_counted() -> None:
    (found,) = read(event({}))
    assert found.items() == []
    assert found.refused == {"event-without-numbers": 1}

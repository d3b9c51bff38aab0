"""What an image's header says: all of the domain's DR table, and which values survive that break the standard."""

from collections import Counter
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from agent.adapters.dicom.image import ALLOWED, NUMBERS, Extracted
from agent.errors import AdapterError
from catalog.load import load
from tests.fixtures.dicom import (
    BIG_ENDIAN,
    DEFLATED,
    DX,
    EXPLICIT,
    FULL,
    IMPLICIT,
    JPEG_LOSSLESS,
    Tag,
    Value,
    data_set,
    element,
    header,
    image,
    read_object,
)
from wire.items import UNCERTAIN

SHANGHAI = ZoneInfo("Asia/Shanghai")
RECEIVED = 1_795_306_500_000  # 2026-11-22 08:15:00 in Shanghai
ACQUIRED = 1_795_306_443_250


def read(change: dict[Tag, Value | None] | None = None, *, syntax: str = EXPLICIT) -> Extracted:
    return header(image(change, syntax=syntax), received=RECEIVED, zone=UTC, key=b"k")


def values(facts: Extracted) -> dict[str, float]:
    return {reading.metric: reading.value for reading in facts.readings}


def test_every_fact_of_the_table_with_its_unit() -> None:
    facts = read()
    assert {(reading.metric, reading.value, reading.unit) for reading in facts.readings} == {
        ("detector.nominal", 1, "1"),
        ("detector.temperature", 31.5, "Cel"),
        ("detector.exposures_since_calibration", 812, "1"),
        ("detector.exposures_total", 118230, "1"),
        ("detector.time_since_exposure", 94.5, "s"),
        ("detector.active_time", 510, "ms"),
        ("detector.sensitivity", 97.2, "1"),
        ("exposure.index", 412.5, "1"),
        ("exposure.target_index", 400, "1"),
        ("exposure.deviation_index", 0.1, "1"),
        ("tube.voltage", 80.5, "kV"),
        ("tube.current", 320.4, "mA"),
        ("exposure.time", 25.1005, "ms"),
        ("exposure.mas", 8.04, "mAs"),
        ("exposure.dap", 1.75, "dGy.cm2"),
        ("exposure.aborted", 0, "1"),
    }
    assert [(state.name, state.value) for state in facts.states] == [
        ("exposure.control_mode", "AUTOMATIC"),
        ("exposure.status", "NORMAL"),
    ]
    assert facts.inventory is not None
    assert facts.inventory.fields == {
        "detector.id": "SN-074638",
        "detector.calibrated_at": "2026-11-01T07:00:00+08:00",
        "device.serial": "00012345abc",
        "device.software": "4.0.3;B8.P6",
        "device.calibrated_at": "2026-03-01T10:15:00+08:00",
    }
    assert facts.at == ACQUIRED
    assert not facts.refused
    assert {item.at for item in facts.items() if hasattr(item, "at")} == {ACQUIRED}


def test_every_number_is_declared_by_the_generic_model_in_the_same_unit() -> None:
    signals = load().models["generic-dr"].signals
    flags = ("detector.nominal", "exposure.aborted", "dicom.values_refused")
    declared = {number.metric: number.unit for number in NUMBERS} | dict.fromkeys(flags, "1")
    assert {name: signals[name].unit for name in declared} == declared


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED, JPEG_LOSSLESS])
def test_every_transfer_syntax_says_the_same(syntax: str) -> None:
    assert read(syntax=syntax)._replace(seen=b"") == read()._replace(seen=b"")


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_a_data_set_without_preamble_or_meta_information(syntax: str) -> None:
    data = data_set(FULL, syntax=syntax)
    assert values(header(data, received=RECEIVED, zone=UTC)) == values(read())


def test_an_explicit_file_that_says_it_is_implicit() -> None:
    data = image().replace(EXPLICIT.encode() + b"\0", IMPLICIT.encode() + b"\0\0\0", 1)
    assert values(header(data, received=RECEIVED, zone=UTC)) == values(read())


@pytest.mark.parametrize(
    ("tag", "metric"),
    [
        ("KVP", "tube.voltage"),
        ("ImageAndFluoroscopyAreaDoseProduct", "exposure.dap"),
        ("ExposureIndex", "exposure.index"),
        ("TargetExposureIndex", "exposure.target_index"),
        ("Sensitivity", "detector.sensitivity"),
        ("DetectorTemperature", "detector.temperature"),
        ("ExposuresOnDetectorSinceManufactured", "detector.exposures_total"),
        ("DetectorTimeSinceLastExposure", "detector.time_since_exposure"),
        ("DetectorActiveTime", "detector.active_time"),
    ],
)
@pytest.mark.parametrize(
    ("value", "reason"),
    [("0", "placeholder"), ("0.000000", "placeholder"), ("", "empty"), ("   ", "empty"), ("NaN", "not-a-number"),
     ("-INF", "not-a-number"), ("1e999", "not-a-number"), ("80\\90", "multi-valued"), ("80 Torr", "unknown-unit"),
     ("1,500", "malformed"), ("八十".encode("gb18030"), "not-ascii"), ("9" * 1100, "oversize")],
)  # fmt: skip
def test_what_is_no_value_is_never_a_reading_and_is_counted(tag: str, metric: str, value: Value, reason: str) -> None:
    facts = read({tag: value})
    assert metric not in values(facts)
    assert facts.refused == Counter({f"{reason}:{metric}": 1})
    assert values(facts)["dicom.values_refused"] == 1


@pytest.mark.parametrize(
    ("value", "number"),
    [("80.5", 80.5), (" 80.5  ", 80.5), ("80.5\0\0", 80.5), ("+80.5", 80.5), ("8.05e1", 80.5), ("80,5", 80.5),
     ("80.5\\80.5", 80.5), (".5", 0.5), ("80.", 80)],
)  # fmt: skip
def test_a_value_survives_whose_meaning_is_certain(value: Value, number: float) -> None:
    facts = read({"KVP": value})
    assert values(facts)["tube.voltage"] == number
    assert not facts.refused


@pytest.mark.parametrize(
    ("vr", "raw", "number"),
    [("FD", b"\0\0\0\0\0\x20\x54\x40", 80.5), ("FL", b"\0\0\xa1\x42", 80.5), ("US", b"\x50\0", 80),
     ("LO", b"80.5", 80.5), ("SL", b"\x50\0\0\0", 80), ("UN", b"80.5", 80.5)],
)  # fmt: skip
def test_a_number_in_another_representation(vr: str, raw: bytes, number: float) -> None:
    data = image().replace(element("KVP", "80.5"), element("KVP", raw, vr=vr), 1)
    assert values(header(data, received=RECEIVED, zone=UTC))["tube.voltage"] == number


@pytest.mark.parametrize(
    ("vr", "raw", "reason"),
    [("FD", b"\0\0\0\0\0\0\xf8\x7f", "not-a-number"), ("FD", b"\0\0\0\0", "malformed"), ("US", b"", "empty"),
     ("US", b"\x50\0\x51\0", "multi-valued")],
)  # fmt: skip
def test_a_number_in_another_representation_that_is_none(vr: str, raw: bytes, reason: str) -> None:
    data = image().replace(element("KVP", "80.5"), element("KVP", raw, vr=vr), 1)
    facts = header(data, received=RECEIVED, zone=UTC)
    assert "tube.voltage" not in values(facts)
    assert facts.refused == Counter({f"{reason}:tube.voltage": 1})


def test_a_fraction_in_an_integer_string_survives() -> None:
    assert values(read({"ExposureTime": "25.4", "ExposureTimeInuS": None}))["exposure.time"] == 25.4


@pytest.mark.parametrize(
    ("coarse", "fine", "metric"),
    [("XRayTubeCurrent", "XRayTubeCurrentInuA", "tube.current"), ("ExposureTime", "ExposureTimeInuS", "exposure.time"),
     ("Exposure", "ExposureInuAs", "exposure.mas")],
)  # fmt: skip
def test_the_finer_of_two_elements_counts(coarse: str, fine: str, metric: str) -> None:
    assert values(read({coarse: "7", fine: "7400"}))[metric] == 7.4
    assert values(read({coarse: None, fine: "7400"}))[metric] == 7.4
    assert values(read({coarse: "7", fine: None}))[metric] == 7
    assert values(read({coarse: "7", fine: "0"}))[metric] == 7  # a placeholder beside a value
    assert values(read({coarse: "0", fine: "340"}))[metric] == 0.34  # an integer can't say it
    facts = read({coarse: "7", fine: "7"})  # one of them is in the other's unit, nobody knows which
    assert metric not in values(facts)
    assert facts.refused == Counter({f"contradiction:{metric}": 1})


def test_counters_may_be_nought_and_so_may_a_deviation_from_a_target() -> None:
    facts = read({"ExposuresOnDetectorSinceLastCalibration": "0", "DeviationIndex": "0"})
    assert values(facts)["detector.exposures_since_calibration"] == 0
    assert values(facts)["exposure.deviation_index"] == 0


@pytest.mark.parametrize("target", ["0", "", None])
def test_a_deviation_of_nought_without_a_target_is_a_placeholder(target: str | None) -> None:
    facts = read({"DeviationIndex": "0.0", "TargetExposureIndex": target})
    assert "exposure.deviation_index" not in values(facts)
    assert facts.refused["placeholder:exposure.deviation_index"] == 1


def test_a_deviation_index_is_never_computed() -> None:
    assert "exposure.deviation_index" not in values(read({"DeviationIndex": None}))


def test_absent_elements_are_neither_readings_nor_counted() -> None:
    facts = read(dict.fromkeys(tag for tag in FULL if tag not in {"SOPClassUID", "SOPInstanceUID", "AcquisitionDate"}))
    assert facts.readings[0].metric == "dicom.values_refused"
    assert facts.refused == Counter({"no-time": 1})
    assert (facts.states, facts.inventory) == ((), None)


def test_a_detector_that_is_not_nominal_and_an_aborted_exposure() -> None:
    facts = read({"DetectorConditionsNominalFlag": "no ", "ExposureStatus": "ABORTED"})
    assert values(facts)["detector.nominal"] == 0
    assert values(facts)["exposure.aborted"] == 1


def test_an_unknown_code_is_counted_and_says_nothing() -> None:
    facts = read({"DetectorConditionsNominalFlag": "MAYBE", "ExposureStatus": "ZHANG^SAN", "ExposureControlMode": ""})
    assert facts.refused == Counter(
        {"unknown-code:detector.nominal": 1, "unknown-code:exposure.status": 1, "empty:exposure.control_mode": 1}
    )
    assert facts.states == ()
    assert not {"detector.nominal", "exposure.aborted"} & values(facts).keys()


class TestTime:
    def test_its_own_offset_comes_before_the_configured_zone(self) -> None:
        assert read({"TimezoneOffsetFromUTC": "-0330"}).at == ACQUIRED + int(11.5 * 3_600_000)

    def test_the_configured_zone_counts_where_the_header_says_none(self) -> None:
        data = image({"TimezoneOffsetFromUTC": None})
        assert header(data, received=RECEIVED, zone=SHANGHAI).at == ACQUIRED
        later = header(data, received=RECEIVED + 8 * 3_600_000, zone=UTC)
        assert later.at == ACQUIRED + 8 * 3_600_000

    def test_date_and_time_in_one_element_come_first(self) -> None:
        assert read({"AcquisitionDateTime": "20261122081000.5"}).at == ACQUIRED - 243_250 + 500
        assert read({"AcquisitionDateTime": "20261122011000.5+0100"}).at == ACQUIRED - 243_250 + 500

    def test_the_content_stands_in_for_the_acquisition(self) -> None:
        facts = read({"AcquisitionTime": None, "ContentDate": "2026.11.22", "ContentTime": "08:14:03"})
        assert facts.at == ACQUIRED - 250

    def test_study_and_series_times_are_not_even_read(self) -> None:
        assert not {0x00080020, 0x00080021, 0x00080030, 0x00080031} & ALLOWED

    @pytest.mark.parametrize(
        ("date", "time"),
        [(None, None), ("", ""), ("20261122", None), ("00000000", "000000"), ("19000101", "000000"), ("20261322", "08"),
         ("20261122", "246000"), ("ZHANGSAN", "081403"), ("20270101", "000000"), ("20261122", "0814.5")],
    )  # fmt: skip
    def test_without_a_usable_time_that_of_receipt_counts_and_all_is_uncertain(
        self, date: str | None, time: str | None
    ) -> None:
        facts = read({"AcquisitionDate": date, "AcquisitionTime": time})
        assert facts.at == RECEIVED
        assert {reading.quality for reading in facts.readings} == {UNCERTAIN}
        assert facts.refused["no-time"] == 1

    def test_an_hour_that_comes_twice_is_uncertain(self) -> None:
        berlin = ZoneInfo("Europe/Berlin")
        change: dict[Tag, Value | None] = {"AcquisitionDate": "20261025", "AcquisitionTime": "023000"}
        data = image(change | {"TimezoneOffsetFromUTC": None})
        facts = header(data, received=RECEIVED, zone=berlin)
        assert {reading.quality for reading in facts.readings} == {UNCERTAIN}

    def test_a_wrong_offset_is_counted_and_the_configured_zone_counts(self) -> None:
        facts = header(image({"TimezoneOffsetFromUTC": "+9900"}), received=RECEIVED, zone=SHANGHAI)
        assert facts.at == ACQUIRED
        assert facts.refused == Counter({"implausible:time-zone": 1})

    def test_a_leap_second_is_the_second_before(self) -> None:
        assert read({"AcquisitionTime": "081460"}).at == ACQUIRED - 3_250 + 59_000


class TestInventory:
    def test_software_versions_as_many_as_fit(self) -> None:
        facts = read({"SoftwareVersions": "\\".join(f"part{number}:1.7.2.{number}" for number in range(20))})
        assert facts.inventory is not None
        assert facts.inventory.fields["device.software"] == "part0:1.7.2.0;part1:1.7.2.1;part2:1.7.2.2;part3:1.7.2.3"

    def test_a_calibration_without_a_time_is_a_date(self) -> None:
        facts = read({"TimeOfLastDetectorCalibration": None, "TimeOfLastCalibration": "0900"})
        assert facts.inventory is not None
        assert facts.inventory.fields["detector.calibrated_at"] == "2026-11-01"
        assert facts.inventory.fields["device.calibrated_at"] == "2026-03-01"

    def test_a_wrong_calibration_is_counted(self) -> None:
        facts = read({"DateOfLastDetectorCalibration": "00000000", "TimeOfLastCalibration": "99\\99"})
        assert facts.inventory is not None
        assert not {"detector.calibrated_at", "device.calibrated_at"} & facts.inventory.fields.keys()
        assert facts.refused == Counter({"malformed:detector.calibrated_at": 1, "malformed:device.calibrated_at": 1})


class TestSeen:
    def test_the_same_instance_is_recognised_whatever_else_changed(self) -> None:
        assert read().seen == read({"KVP": "90"}).seen
        assert read().seen != read({"SOPInstanceUID": "2.25.2"}).seen
        assert len(read().seen) == 16

    def test_it_says_nothing_without_the_key(self) -> None:
        assert read().seen != header(image(), received=RECEIVED, zone=UTC, key=b"other").seen


class TestKind:
    @pytest.mark.parametrize(
        "uid",
        [DX, DX + ".1", "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.2", "1.2.840.10008.5.1.4.1.1.1.2.1"],
    )
    def test_x_ray_images(self, uid: str) -> None:
        assert values(read({"SOPClassUID": uid}))["tube.voltage"] == 80.5

    def test_a_secondary_capture_is_what_its_modality_says(self) -> None:
        capture = "1.2.840.10008.5.1.4.1.1.7"
        assert values(read({"SOPClassUID": capture, "Modality": "MG"}))["tube.voltage"] == 80.5
        for modality in ("OT", "", None):
            with pytest.raises(AdapterError) as caught:
                read({"SOPClassUID": capture, "Modality": modality})
            assert caught.value.reason == "other-storage"

    @pytest.mark.parametrize("uid", ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.33", "ZHANG^SAN"])
    def test_other_objects_are_refused_in_a_sentence(self, uid: str) -> None:
        with pytest.raises(AdapterError, match="neither an X-ray image") as caught:
            read({"SOPClassUID": uid})
        assert caught.value.reason == "other-storage"
        assert uid not in str(caught.value)

    def test_without_a_class_it_is_what_its_file_or_its_sender_says(self) -> None:
        assert values(read({"SOPClassUID": None}))["tube.voltage"] == 80.5
        body = data_set({"SOPInstanceUID": "2.25.9", "KVP": "80"})
        with pytest.raises(AdapterError) as caught:
            read_object(body, received=RECEIVED, zone=UTC, transfer_syntax=EXPLICIT)
        assert caught.value.reason == "not-dicom"

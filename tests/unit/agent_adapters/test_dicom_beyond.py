"""Images further beyond the standard: what has one meaning is read, what has two is refused, and no two are one."""

import struct
from datetime import UTC
from typing import Final

import pytest

from agent.adapters.dicom.image import Extracted
from tests.fixtures.dicom import BIG_ENDIAN, DX, EXPLICIT, IMPLICIT, Tag, Value, data_set, element, header

RECEIVED: Final = 1_795_861_000_000
AT: Final = 1_795_860_900_000
IDENTITY: Final[dict[Tag, Value]] = {
    "SOPClassUID": DX,
    "SOPInstanceUID": "2.25.77",
    "AcquisitionDate": "20261128",
    "AcquisitionTime": "101500",
    "Modality": "DX",
}
FACTS: Final = {"tube.voltage": 81, "detector.temperature": 31.5}
KVP: Final = element("KVP", "81")
TEMPERATURE: Final = element("DetectorTemperature", "31.5")
PIXELS: Final = element("PixelData", b"\x5a" * 64, vr="OW")
PRIVATE: Final = b"\x09\0\x10\x10"
ITEM: Final = b"\xfe\xff\0\xe0\xff\xff\xff\xff"
ITEM_END: Final = b"\xfe\xff\x0d\xe0\0\0\0\0"
SEQUENCE_END: Final = b"\xfe\xff\xdd\xe0\0\0\0\0"


def read(*parts: bytes, change: dict[Tag, Value | None] | None = None, tail: bytes = PIXELS) -> Extracted:
    whole = {tag: value for tag, value in {**IDENTITY, **(change or {})}.items() if value is not None}
    body = data_set(whole) + b"".join(parts) + tail
    return header(body, received=RECEIVED, zone=UTC, key=b"k" * 32, transfer_syntax=EXPLICIT)


def facts(found: Extracted) -> dict[str, float]:
    return {reading.metric: reading.value for reading in found.readings}


def one(tag: Tag, value: Value) -> Extracted:
    return read(change={tag: value})


class TestRepresentations:
    @pytest.mark.parametrize("vr", [b"  ", b"??", b"ox", b"--", b"\0\0", b"OX"])
    @pytest.mark.parametrize("size", [0, 6, 64, 70_000])
    def test_unknown_ones_with_a_length_of_four_bytes(self, vr: bytes, size: int) -> None:
        found = read(PRIVATE + vr + b"\0\0" + struct.pack("<I", size) + b"a" * size, KVP, TEMPERATURE)
        assert facts(found) == FACTS
        assert not found.refused

    @pytest.mark.parametrize("vr", [b"  ", b"??", b"ox", b"\0\0", b"OX"])
    def test_unknown_ones_of_what_is_read(self, vr: bytes) -> None:
        assert facts(read(b"\x18\0\x60\0" + vr + b"\0\0\2\0\0\0" + b"81", TEMPERATURE)) == FACTS

    @pytest.mark.parametrize("vr", [b"  ", b"??", b"\0\0", b"SQ", b"UN"])
    @pytest.mark.parametrize("inside", [EXPLICIT, IMPLICIT])
    def test_of_a_sequence_without_a_length(self, vr: bytes, inside: str) -> None:
        items = ITEM + element("KVP", "11", syntax=inside) + element("PatientComments", "", syntax=inside) + ITEM_END
        found = read(PRIVATE + vr + b"\0\0\xff\xff\xff\xff" + items + SEQUENCE_END, KVP, TEMPERATURE)
        assert facts(found) == FACTS

    def test_text_that_is_said_to_be_binary_is_no_number(self) -> None:
        found = read(b"\x18\0\x60\0US\2\0" + b"81", TEMPERATURE)
        assert facts(found)["detector.temperature"] == 31.5
        assert found.refused == {"malformed:tube.voltage": 1}


@pytest.mark.parametrize("said", [EXPLICIT, BIG_ENDIAN, IMPLICIT])
@pytest.mark.parametrize("written", [EXPLICIT, BIG_ENDIAN])
def test_the_order_of_bytes_is_that_of_the_first_group(said: str, written: str) -> None:
    whole = {**IDENTITY, "KVP": "81", "DetectorTemperature": "31.5"}
    data = data_set(whole, syntax=written, pixels=64)
    assert facts(header(data, received=RECEIVED, zone=UTC, transfer_syntax=said)) == FACTS


@pytest.mark.parametrize(("flag", "nominal"), [("N", 0), ("n", 0), ("Y", 1), ("no", 0)])
def test_a_flag_of_one_letter(flag: str, nominal: int) -> None:
    assert facts(one("DetectorConditionsNominalFlag", flag)) == {"detector.nominal": nominal}


class TestTwice:
    def test_the_same_is_one(self) -> None:
        assert facts(read(KVP, element("KVP", "81\0"), TEMPERATURE)) == FACTS

    def test_where_one_is_empty_the_other_counts(self) -> None:
        assert facts(read(element("KVP", ""), KVP, TEMPERATURE)) == FACTS
        assert facts(read(KVP, element("KVP", ""), TEMPERATURE)) == FACTS

    @pytest.mark.parametrize("again", [1, 100_000])
    def test_two_values_are_none(self, again: int) -> None:
        found = read(KVP, TEMPERATURE, *[element("KVP", "99"), element("KVP", "98")] * again)
        assert facts(found)["detector.temperature"] == 31.5
        assert "tube.voltage" not in facts(found)
        assert found.refused["multi-valued:tube.voltage"] == 1


class TestIdentity:
    @pytest.mark.parametrize("empty", ["", b"\0\0", "  ", None])
    def test_objects_without_one_aren_t_the_same(self, empty: Value | None) -> None:
        first = read(KVP, change={"SOPInstanceUID": empty})
        second = read(element("KVP", "90"), change={"SOPInstanceUID": empty})
        assert first.seen != second.seen
        assert first.seen == read(KVP, change={"SOPInstanceUID": empty}).seen

    @pytest.mark.parametrize("empty", ["", b"\0\0"])
    def test_an_empty_event_names_no_exposure(self, empty: Value) -> None:
        found = read(KVP, change={"IrradiationEventUID": empty})
        assert found.exposure == (found.seen,)

    def test_an_image_of_several_events_is_each_one_s(self) -> None:
        several = read(KVP, change={"IrradiationEventUID": "2.25.71\\2.25.72"})
        second = read(KVP, change={"IrradiationEventUID": "2.25.72"})
        assert len(several.exposure) == 3
        assert second.exposure[1] == several.exposure[2]


@pytest.mark.parametrize("size", [1, 5, 8, 511, 2048])
def test_zeros_behind_the_last_element_are_no_damage(size: int) -> None:
    assert facts(read(KVP, TEMPERATURE, tail=bytes(size))) == FACTS


@pytest.mark.parametrize(
    ("tag", "text", "metric", "value"),
    [
        ("KVP", "81 kV", "tube.voltage", 81), ("KVP", "81kVp", "tube.voltage", 81),
        ("KVP", "81000 V", "tube.voltage", 81),
        ("DetectorTemperature", b"31.5\xb0C", "detector.temperature", 31.5),
        ("DetectorTemperature", "31,5 ℃".encode(), "detector.temperature", 31.5),
        ("DetectorTemperature", "31.5 Cel", "detector.temperature", 31.5),
        ("ExposureTime", "25 ms", "exposure.time", 25), ("ExposureTimeInuS", "25100 us", "exposure.time", 25.1),
        ("ExposureTimeInuS", "25.1 ms", "exposure.time", 25.1),
        ("DetectorTimeSinceLastExposure", "94 s", "detector.time_since_exposure", 94),
        ("ImageAndFluoroscopyAreaDoseProduct", "1.75 dGy.cm2", "exposure.dap", 1.75),
    ],
)  # fmt: skip
def test_a_unit_behind_the_number(tag: str, text: Value, metric: str, value: float) -> None:
    found = one(tag, text)
    assert facts(found) == {metric: pytest.approx(value)}
    assert not found.refused


@pytest.mark.parametrize(
    ("tag", "text", "reason"),
    [("KVP", "81 mA", "unknown-unit"), ("XRayTubeCurrent", "320 MA", "ambiguous-unit"), ("KVP", "CANARY", "malformed"),
     ("DetectorTemperature", "88 F", "unknown-unit"), ("KVP", "1,234 kV", "malformed"),
     ("KVP", "81\\82 kV", "malformed")],
)  # fmt: skip
def test_another_unit_is_none(tag: str, text: Value, reason: str) -> None:
    found = one(tag, text)
    assert [each.partition(":")[0] for each in found.refused] == [reason]
    assert "CANARY" not in repr(found)


HOUR: Final = 3_600_000


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"AcquisitionTime": "8:14:03"}, AT - 2 * HOUR - 57_000),
        ({"AcquisitionTime": "81403"}, AT - 2 * HOUR - 57_000),
        ({"AcquisitionTime": "81403.5"}, AT - 2 * HOUR - 56_500), ({"AcquisitionTime": "240000"}, AT + 49_500_000),
        ({"AcquisitionTime": "24:00"}, AT + 49_500_000), ({"AcquisitionTime": "101500  "}, AT),
        ({"AcquisitionDateTime": "20261128101500+08"}, AT - 8 * HOUR),
        ({"AcquisitionDateTime": "20261128101500 +0800"}, AT - 8 * HOUR),
        ({"TimezoneOffsetFromUTC": "+8"}, AT - 8 * HOUR), ({"TimezoneOffsetFromUTC": "+08"}, AT - 8 * HOUR),
        ({"TimezoneOffsetFromUTC": "UTC+8"}, AT - 8 * HOUR), ({"TimezoneOffsetFromUTC": "Z"}, AT),
        ({"TimezoneOffsetFromUTC": "utc"}, AT), ({"TimezoneOffsetFromUTC": "-0330"}, AT + 7 * HOUR // 2),
    ],
)  # fmt: skip
def test_a_time_of_one_meaning(change: dict[Tag, Value | None], at: int) -> None:
    found = read(KVP, change=change)
    assert found.at == at
    assert not found.refused


@pytest.mark.parametrize("time", ["240001", "2500", "106000", "101561", "814", "8", "10:15:00 PM"])
def test_another_is_none(time: str) -> None:
    found = read(KVP, change={"AcquisitionTime": time})
    assert found.at == RECEIVED
    assert found.refused == {"malformed:time": 1, "no-time": 1}

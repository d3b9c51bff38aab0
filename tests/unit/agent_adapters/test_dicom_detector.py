"""Why a detector isn't nominal: a code of the catalog, as long as it lasts, and never the words."""

from datetime import UTC

import pytest

from agent.adapters.dicom.detector import Detector
from agent.adapters.dicom.image import Extracted
from agent.adapters.dicom.reasons import Reasons
from agent.adapters.dicom.walk import Raw
from tests.fixtures.dicom import REASONS, Tag, Value, header, image
from tests.fixtures.scp import MODEL
from tests.fixtures.sink import MemorySink

RECEIVED = 1_795_306_500_000
RANGE = "Detector is out of temperature range"


def read(flag: str | None, description: Value | None, time: str = "081403") -> Extracted:
    change: dict[Tag, Value | None] = {
        "DetectorConditionsNominalFlag": flag,
        "DetectorDescription": description,
        "AcquisitionTime": time,
    }
    return header(image(change), received=RECEIVED, zone=UTC)


@pytest.mark.parametrize(
    ("description", "code"),
    [
        (RANGE, "DET-TEMP-03"), ("TEMPERATURE\r\n OUT OF RANGE", "DET-TEMP-03"), ("Panel overheated", "DET-TEMP-01"),
        ("temperature too low", "DET-TEMP-02"), ("Low battery (8 %)", "DET-BAT-01"),
        ("calibration overdue", "DET-CAL-01"),
        ("no calibration", "DET-CAL-02"), ("too many bad pixels", "DET-PIX-01"), ("line defect", "DET-PIX-02"),
        ("shock detected", "DET-DROP-01"), ("self-test failed", "DET-TST-01"), ("weak signal", "DET-LINK-03"),
        ("探测器温度超出范围".encode(), "DET-TEMP-03"), ("探测器过热".encode("gb18030"), "DET-TEMP-01"),
        ("电池电量低".encode("gb18030"), "DET-BAT-01"), ("需要重新校正".encode(), "DET-CAL-01"),
        ("溫度過高".encode(), "DET-TEMP-01"), ("Lost connection to panel 2", "DET-LINK-01"),
        ("平板连接断开".encode("gb18030"), "DET-LINK-01"), ("Panel needs calibration!", "DET-CAL-01"),
    ],
)  # fmt: skip
def test_a_pattern_picks_the_code(description: Value, code: str) -> None:
    found = read("NO", description)
    assert (found.nominal, found.reason) == (False, code)
    assert not found.refused
    assert code in MODEL.faults
    assert any(getattr(item, "code", "") == code for item in found.items())


@pytest.mark.parametrize("flag", ["YES", None])
def test_of_a_nominal_detector_the_description_says_nothing(flag: str | None) -> None:
    found = read(flag, RANGE)
    assert found.reason is None
    assert not found.refused


def test_what_no_pattern_knows_is_counted_and_never_said() -> None:
    found = read("NO", "CANARY^NAME says so")
    assert found.reason is None
    assert found.refused == {"unknown-reason:detector.nominal": 1}
    assert "CANARY" not in repr(found)


@pytest.mark.parametrize("description", [None, "", "   "])
def test_without_a_description_there_is_no_reason_and_nothing_to_count(description: str | None) -> None:
    found = read("NO", description)
    assert found.reason is None
    assert not found.refused


def test_the_words_never_come_out() -> None:
    assert "temperature range" not in repr(read("NO", f"{RANGE} CANARY"))


def test_every_example_of_the_catalog_is_known_by_its_own_pattern() -> None:
    assert len(MODEL.detector_reasons) >= 10
    for reason in MODEL.detector_reasons:
        assert REASONS.code_of(Raw("LT", reason.example.encode(), little=True)) == reason.code


def test_a_model_without_patterns_knows_no_reason() -> None:
    assert Reasons().code_of(Raw("LT", RANGE.encode(), little=True)) is None


class Story:
    """Images one after the other, with a restart between each two."""

    def __init__(self) -> None:
        self.sink = MemorySink()

    def tell(self, flag: str | None, description: str | None, time: str) -> list[tuple[str, str]]:
        detector = Detector(sink=self.sink, name="dicom")
        found = read(flag, description, time)
        faults = detector.faults(found)
        self.sink.positions |= detector.position(found)
        detector.remember(found)
        return [(fault.code, fault.state) for fault in faults]


HOT, COLD = "overheated", "too cold"


def test_it_lasts_until_an_image_says_nominal() -> None:
    story = Story()
    assert story.tell("YES", None, "080000") == []
    assert not story.sink.positions
    assert story.tell("NO", HOT, "080100") == [("DET-TEMP-01", "active")]
    assert story.tell("NO", HOT, "080200") == [("DET-TEMP-01", "active")]
    assert story.tell("NO", None, "080300") == []
    assert story.tell(None, HOT, "080400") == []
    assert story.tell("YES", HOT, "080500") == [("DET-TEMP-01", "cleared")]
    assert story.tell("YES", None, "080600") == []


def test_another_reason_takes_its_place() -> None:
    story = Story()
    assert story.tell("NO", HOT, "080100") == [("DET-TEMP-01", "active")]
    assert story.tell("NO", COLD, "080200") == [("DET-TEMP-01", "cleared"), ("DET-TEMP-02", "active")]
    assert story.tell("YES", None, "080300") == [("DET-TEMP-02", "cleared")]


def test_an_older_image_changes_nothing_of_what_is() -> None:
    story = Story()
    assert story.tell("NO", HOT, "080300") == [("DET-TEMP-01", "active")]
    assert story.tell("YES", None, "080200") == []
    assert story.tell("NO", HOT, "080100") == [("DET-TEMP-01", "active")]
    assert story.tell("NO", COLD, "080000") == [("DET-TEMP-02", "active"), ("DET-TEMP-02", "cleared")]
    assert story.tell("YES", None, "080400") == [("DET-TEMP-01", "cleared")]


@pytest.mark.parametrize("kept", [b"", b"\1", b"\0" * 8, b"\xff" * 40])
def test_whatever_is_on_the_disk_is_read(kept: bytes) -> None:
    sink = MemorySink()
    sink.positions["dicom:detector"] = kept
    assert Detector(sink=sink, name="dicom").faults(read("NO", HOT))

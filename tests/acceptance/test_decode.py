"""``steth-agent decode``: each health fact of the files with its unit, nothing else, and no word about a patient."""

import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import FileMetaDataset

from agent.adapters.dicom.image import ALLOWED
from tests.fixtures.canaries import with_canaries
from tests.fixtures.decoding import Facts, decode, facts, lines
from tests.fixtures.dicom import FULL, Tag, Value, image

GE = {
    "detector.sensitivity": (97.213916, "1"),
    "exposure.target_index": (438.469173, "1"),
}
GE_INVENTORY = {"detector.id": "UA1234-6", "device.software": "dm_Platform_release_superbee-FW23.1-SB"}
KODAK_INVENTORY = {"detector.id": "SN074638", "device.serial": "00012345abc", "device.software": "4.0.3.B8.P6"}
MANUAL = {"exposure.control_mode": "MANUAL"}

GOLDEN: dict[str, tuple[str, Facts, dict[str, str], dict[str, str]]] = {
    "DX-Im-Carestream_DR7500-1": (
        "2014-06-20T10:51:16+00:00",
        {
            "tube.voltage": (80, "kV"),
            "tube.current": (500, "mA"),
            "exposure.time": (19, "ms"),
            "exposure.mas": (10, "mAs"),
            "exposure.dap": (11.013, "dGy.cm2"),
        },
        {},
        KODAK_INVENTORY,
    ),
    "DX-Im-Carestream_DR7500-2": (
        "2014-06-20T10:51:52+00:00",
        {
            "tube.voltage": (80, "kV"),
            "tube.current": (500, "mA"),
            "exposure.time": (18, "ms"),
            "exposure.mas": (9, "mAs"),
            "exposure.dap": (10.157, "dGy.cm2"),
        },
        {},
        KODAK_INVENTORY,
    ),
    "DX-Im-Carestream_DRX": (
        "2017-05-22T11:32:54.701000+00:00",
        {
            "detector.temperature": (31, "Cel"),
            "detector.sensitivity": (9452.552734375, "1"),
            "exposure.index": (256.88, "1"),
            "exposure.target_index": (226.22, "1"),
            "exposure.deviation_index": (0.55, "1"),
            "tube.voltage": (100, "kV"),
            "tube.current": (250, "mA"),
            "exposure.time": (4, "ms"),
            "exposure.mas": (1, "mAs"),
            "exposure.dap": (0.633, "dGy.cm2"),
        },
        {},
        {"detector.id": "153430100419", "device.serial": "001829", "device.software": "5.7.712.3078"},
    ),
    "DX-Im-GE_XR220-1": (
        "2014-09-30T14:11:33+00:00",
        {
            **GE,
            "detector.temperature": (18.9, "Cel"),
            "exposure.index": (51.745061, "1"),
            "exposure.deviation_index": (-9.3, "1"),
            "tube.voltage": (69.639999, "kV"),
            "tube.current": (189, "mA"),
            "exposure.time": (6, "ms"),
            "exposure.mas": (1.04, "mAs"),
            "exposure.dap": (0.41, "dGy.cm2"),
        },
        MANUAL,
        GE_INVENTORY,
    ),
    "DX-Im-GE_XR220-2": (
        "2014-09-30T14:12:15+00:00",
        {
            **GE,
            "detector.temperature": (19, "Cel"),
            "exposure.index": (108.84306, "1"),
            "exposure.deviation_index": (-6.1, "1"),
            "tube.voltage": (69.860001, "kV"),
            "tube.current": (192, "mA"),
            "exposure.time": (11, "ms"),
            "exposure.mas": (2.04, "mAs"),
            "exposure.dap": (0.82, "dGy.cm2"),
        },
        MANUAL,
        GE_INVENTORY,
    ),
    "DX-Im-GE_XR220-3": (
        "2014-09-30T14:12:43+00:00",
        {
            **GE,
            "detector.temperature": (19, "Cel"),
            "exposure.index": (286.828227, "1"),
            "exposure.deviation_index": (-1.8, "1"),
            "tube.voltage": (69.959999, "kV"),
            "tube.current": (190, "mA"),
            "exposure.time": (27, "ms"),
            "exposure.mas": (5.04, "mAs"),
            "exposure.dap": (2.05, "dGy.cm2"),
        },
        MANUAL,
        GE_INVENTORY,
    ),
    "MG-Im-Hologic-PropProj": (
        "2014-05-22T12:02:55+00:00",
        {
            "detector.nominal": (1, "1"),
            "detector.temperature": (32.09, "Cel"),
            "tube.voltage": (28, "kV"),
            "tube.current": (20, "mA"),
            "exposure.time": (300, "ms"),
            "exposure.mas": (6, "mAs"),
        },
        MANUAL,
        {
            "detector.id": "YM801197",
            "detector.calibrated_at": "2014-05-21T18:53:59+00:00",
            "device.serial": "81008761234",
            "device.software": "AWS:1.7.2.44;M35:1.5.2.0;GIP2D:3.13.0-4.13.5;Filter:1.0.0.8",
        },
    ),
}
"""What each sample says, read from its dump by hand: time, readings, states, inventory."""
RDSR = "DX-RDSR-Carestream_DRXEvolution"
RDSR_EVENTS = 5


@pytest.mark.parametrize("name", GOLDEN)
def test_every_fact_of_a_sample(name: str, shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    when, readings, states, inventory = GOLDEN[name]
    code, out, err = decode(capsys, "dicom", "--time-zone", "UTC", shared_data / "dicom" / f"{name}.dcm")
    items = lines(out)
    assert (code, err) == (0, "")
    assert facts(items) == readings
    assert {item["name"]: item["value"] for item in items if item["t"] == "state"} == states
    assert [item["fields"] for item in items if item["t"] == "inventory"] == [inventory]
    moments = {item["at"] for item in items}
    assert len(moments) == 1
    assert datetime.fromtimestamp(moments.pop() / 1000, UTC).isoformat() == when
    assert {item["t"] for item in items} <= {"readings", "state", "inventory"}


def test_all_samples_at_once_with_the_dose_report_among_them(
    shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted((shared_data / "dicom").glob("*.dcm"))
    code, out, err = decode(capsys, "dicom", "--time-zone", "Asia/Shanghai", *files)
    assert (code, err) == (0, "")
    assert sum(item["t"] == "readings" for item in lines(out)) == len(GOLDEN) + RDSR_EVENTS


def patient_words(files: Iterable[Path]) -> set[str]:
    """Names, identifiers and dates of birth of the samples, also as an instant and in other spellings of a date."""
    found: set[str] = set()
    for file in files:
        sample = dcmread(file, stop_before_pixels=True)
        for element in sample.iterall():
            if element.VR == "PN" or element.keyword in {"PatientID", "PatientBirthDate", "AccessionNumber", "StudyID"}:
                text = str(element.value)
                found |= {text, *text.split("^")} if text else set()
                if element.VR == "DA" and text:
                    found.add(f"{text[:4]}-{text[4:6]}-{text[6:]}")
    return {word for word in found if len(word) > 3}


def test_no_name_identifier_or_date_of_birth_of_the_samples(
    shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted((shared_data / "dicom").glob("*.dcm"))
    words = patient_words(files)
    assert {"XR220^Samantha", "00098765", "19571112", "Samantha", "1957-11-12"} <= words
    _, out, err = decode(capsys, "dicom", *files)
    found = {word for word in words if word in out or word in err.replace(str(shared_data), "")}
    assert found == set()


KEPT = frozenset({0x00080005, 0x00080016, 0x0018700A, 0x00181000, 0x00181020})
"""What an image is, and the three texts that are inventory: with a word in them they would not be those. The character
set is filled in the file, as pydicom quotes it in a warning instead of writing it."""


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.filterwarnings("ignore:The value length")
@pytest.mark.parametrize("name", [*GOLDEN, RDSR, "made"])
def test_a_word_in_every_element_of_text_appears_nowhere(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "made.dcm"
    if name == "made":
        source.write_bytes(image())
    else:
        source = request.getfixturevalue("shared_data") / "dicom" / f"{name}.dcm"
    sample = dcmread(source)
    count = with_canaries(sample, KEPT)
    assert count > 20
    file = tmp_path / "canaries.dcm"
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = sample.file_meta.TransferSyntaxUID
    sample.file_meta = meta
    sample.preamble = bytes(128)
    sample.save_as(file, enforce_file_format=False)
    file.write_bytes(file.read_bytes().replace(b"ISO_IR 100", b"CANARY1234"))
    _, out, err = decode(capsys, "dicom", file)
    assert "CANARY" not in out + err.replace(str(file), "")
    assert "9.8.7." not in out + err


def test_an_element_of_text_of_which_only_inventory_may_leave_keeps_its_pattern(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "one.dcm"
    names: dict[Tag, Value | None] = {"DetectorID": "ZHANG^SAN", "DeviceSerialNumber": "张三".encode()}
    file.write_bytes(image({**names, "SoftwareVersions": "a^b"}))
    code, out, err = decode(capsys, "dicom", "--time-zone", "UTC", file)
    assert code == 0
    (inventory,) = [item for item in lines(out) if item["t"] == "inventory"]
    assert inventory["fields"].keys() == {"detector.calibrated_at", "device.calibrated_at"}
    assert "refused 2 malformed-field" in err
    assert "refused 1 not-ascii:device.serial" in err
    assert "ZHANG" not in out + err


def test_every_element_that_may_be_read_is_in_the_made_image() -> None:
    read = {int(element.tag) for element in dcmread(BytesIO(image()))}
    unread = ALLOWED - read
    assert {f"{tag:08X}" for tag in unread} == {"0008002A", "00080023", "00080033", "00083010"}
    # other elements of the same time, and the exposure's own UID, of which nothing but a keyed hash is kept
    assert len(FULL) > 30


class TestBadInput:
    def test_each_bad_file_is_one_sentence_and_the_others_are_decoded(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        good, cut, text, empty = (tmp_path / name for name in ("good.dcm", "cut.dcm", "text.txt", "empty"))
        good.write_bytes(image())
        cut.write_bytes(image()[:300])
        text.write_text("ZHANG SAN 1961-03-04\n" * 50, encoding="utf-8")
        empty.write_bytes(b"")
        gone = tmp_path / "gone.dcm"
        code, out, err = decode(capsys, "dicom", "--time-zone", "UTC", cut, text, good, empty, gone, tmp_path)
        assert code == 2
        assert len(facts(lines(out))) == 16
        said = err.splitlines()
        assert [line.split(": ")[1] for line in said] == [str(each) for each in (cut, text, empty, gone, tmp_path)]
        assert "ends within its header: send or copy it again" in said[0]
        assert "no DICOM object" in said[1]
        assert "No such file or directory; check its name and rights" in said[3]
        assert "ZHANG" not in err

    def test_refusals_are_counted_on_stderr(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = tmp_path / "one.dcm"
        file.write_bytes(image({"KVP": "0", "Exposure": "0", "ExposureInuAs": "", "DetectorTemperature": "500"}))
        code, out, err = decode(capsys, "dicom", "--time-zone", "UTC", file)
        assert code == 0
        assert not {"tube.voltage", "exposure.mas", "detector.temperature"} & facts(lines(out)).keys()
        assert err.splitlines() == [
            "steth decode: refused 1 empty:exposure.mas",
            "steth decode: refused 1 out-of-range",
            "steth decode: refused 1 placeholder:exposure.mas",
            "steth decode: refused 1 placeholder:tube.voltage",
        ]

    def test_a_zone_is_never_guessed_in_silence(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = tmp_path / "one.dcm"
        file.write_bytes(image())
        assert "taken as UTC" in decode(capsys, "dicom", file)[2]
        assert decode(capsys, "dicom", "--time-zone", "Asia/Shanghai", file)[2] == ""

    @pytest.mark.parametrize(
        ("option", "value", "said"),
        [("--time-zone", "Mars", "isn't known"), ("--model", "nope", "has no model nope"), ("--catalog", "/x", "/x")],
    )
    def test_a_wrong_option_is_one_line(
        self, option: str, value: str, said: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, out, err = decode(capsys, "dicom", option, value, "x.dcm")
        assert (code, out) == (2, "")
        assert said in err
        assert len(err.splitlines()) == 1

    def test_a_file_without_a_time_is_as_old_as_it_says_itself(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "one.dcm"
        file.write_bytes(image({"AcquisitionDate": None, "AcquisitionTime": None}))
        os.utime(file, (1_700_000_000, 1_700_000_000))
        first = decode(capsys, "dicom", file)
        assert {item["at"] for item in lines(first[1])} == {1_700_000_000_000}
        assert first == decode(capsys, "dicom", file)


def test_a_reader_that_has_seen_enough_ends_it_quietly(tmp_path: Path) -> None:
    log = tmp_path / "dr.log"
    log.write_text("2026-11-22 08:14:03 ALARM GEN-KV-01 SET\n" * 20_000, encoding="utf-8")
    argv = [sys.executable, "-c", "import sys; from agent.cli import run; sys.exit(run(sys.argv[1:]))"]
    with subprocess.Popen(
        [*argv, "decode", "log", "--time-zone", "UTC", log], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_from_the_command_line_with_nothing_else_on_stdout(tmp_path: Path) -> None:
    file = tmp_path / "one.dcm"
    file.write_bytes(image())
    argv = [sys.executable, "-c", "import sys; from agent.cli import run; sys.exit(run(sys.argv[1:]))"]
    done = subprocess.run([*argv, "decode", "dicom", file], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0
    assert facts(lines(done.stdout.decode()))["tube.voltage"] == (80.5, "kV")
    assert b"CANARY" not in done.stdout + done.stderr

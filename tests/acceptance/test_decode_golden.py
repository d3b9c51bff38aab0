"""``decode dicom`` and ``decode log``: whole outputs, compared with dumps by eye, of samples and of our own.

An output is made anew by the command line that the test gives to ``decode``; look at each line of it before it is kept.
"""

import os
from pathlib import Path
from typing import Final

import pytest

from tests.fixtures.decoding import decode, lines
from tests.fixtures.dicom import image
from tests.fixtures.dose import encoded, event, report

GOLDEN: Final = Path(__file__).parent / "golden"
SAMPLES: Final = (
    "DX-Im-Carestream_DR7500-1",
    "DX-Im-Carestream_DR7500-2",
    "DX-Im-Carestream_DRX",
    "DX-Im-GE_XR220-1",
    "DX-Im-GE_XR220-2",
    "DX-Im-GE_XR220-3",
    "DX-RDSR-Carestream_DRXEvolution",
    "MG-Im-Hologic-PropProj",
)
RECEIVED: Final = 1_795_400_000
"""2026-11-23 10:13:20 in Shanghai, s: when each file was last written."""
ZONE: Final = ("--time-zone", "Asia/Shanghai")

LOG: Final = """\
=== DR console 4.2, log of room 3 ===
2026-11-22 08:14:03 ALARM GEN-KV-01 SET kV 达不到设定值，患者张三
2026-11-22 08:14:04 INFO ZHANG^SAN 19610304 曝光
2026-11-22 08:14:05 STATUS tube_heat=42.5%
2026-11-22 08:14:06 STATUS tube_heat=NaN%
2026-11-22 08:14:07 ERROR exposure of 李四 aborted
  Module: generator
  Code: GEN-ROT-01
2026-11-22 08:14:09 ERROR no code follows
2026-11-22 08:20:41 ALARM GEN-KV-01 CLR
2026-11-22 08:20:42 ALARM ABC-DEF-99 SET
2026-11-22 08:21:00 STATUS tube_exposures=118230
2026-11-22 08:21:00 STATUS arcs_today=2
2026-11-22 08:22:17 ALARM GEN-ARC-01 EVT 王五
"""
REFUSED: Final = (
    "steth decode: refused 1 unknown-code\n",
    "steth decode: refused 1 unfinished\n",
)


def written(folder: Path, name: str, content: bytes) -> Path:
    file = folder / name
    file.write_bytes(content)
    os.utime(file, (RECEIVED, RECEIVED))
    return file


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_read_as_it_was(
    name: str, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, "a.dcm", (shared_data / "dicom" / f"{name}.dcm").read_bytes())
    code, out, err = decode(capsys, "dicom", *ZONE, file)
    assert (code, err) == (0, "")
    assert out == (GOLDEN / "dicom" / f"{name}.jsonl").read_text("utf-8")


def test_no_sample_is_left_out(shared_data: Path) -> None:
    assert {file.stem for file in (shared_data / "dicom").iterdir()} == set(SAMPLES)
    assert {file.stem for file in (GOLDEN / "dicom").iterdir()} == {*SAMPLES, "made-image", "made-report"}


def test_an_image_of_our_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = decode(capsys, "dicom", *ZONE, written(tmp_path, "a.dcm", image()))
    assert (code, err) == (0, "")
    assert out == (GOLDEN / "dicom" / "made-image.jsonl").read_text("utf-8")


def test_a_report_of_our_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    second = event({"113733": ("49", "kV"), "113734": ("0", "mA")}, uid="2.25.72", started="20261122081503+0900")
    file = written(tmp_path, "a.dcm", encoded(report(event(), second)))
    code, out, err = decode(capsys, "dicom", *ZONE, file)
    assert (code, err) == (0, "steth decode: refused 1 placeholder:tube.current\n")
    assert out == (GOLDEN / "dicom" / "made-report.jsonl").read_text("utf-8")


@pytest.mark.parametrize(
    ("encoding", "codec", "newline"),
    [
        ("utf-8", "utf-8", "\n"),
        ("utf-8", "utf-8-sig", "\r\n"),
        ("gb18030", "gb18030", "\r\n"),
        ("gb18030", "gbk", "\n"),
        ("utf-16", "utf-16", "\r\n"),
        ("utf-16", "utf-16-le", "\n"),
        ("utf-16", "utf-16-be", "\r\n"),
        ("utf-16-le", "utf-16-le", "\r\n"),
        ("utf-16-be", "utf-16-be", "\n"),
    ],
)
def test_a_log_is_read_the_same_in_every_encoding(
    encoding: str, codec: str, newline: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, "dr.log", LOG.replace("\n", newline).encode(codec))
    code, out, err = decode(capsys, "log", *ZONE, "--encoding", encoding, file)
    assert code == 0
    assert out == (GOLDEN / "log" / "dr.jsonl").read_text("utf-8")
    assert sorted(err.splitlines(keepends=True)) == sorted(REFUSED)


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        (image(), "utf-8", "it is no text at all; give a log"),
        (encoded(report()), "gb18030", "it is no text at all; give a log"),
        (LOG.encode("utf-16"), "utf-8", "it is text in UTF-16; give --encoding utf-16"),
        (LOG.encode("utf-16-be"), "gb18030", "it is text in UTF-16; give --encoding utf-16"),
        (LOG.encode("utf-8"), "utf-16", "it is no text in utf-16; give its --encoding"),
        (b"\xff\xfa\xf9\n" * 100, "utf-8", "it is no text in utf-8; give the log's --encoding"),
    ],
)
def test_what_is_no_log_is_refused_in_a_sentence(
    content: bytes, encoding: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, "a.bin", content)
    code, out, err = decode(capsys, "log", *ZONE, "--encoding", encoding, file)
    assert (code, out) == (2, "")
    assert err == f"steth decode: {file}: {said}\n"


@pytest.mark.parametrize("content", [LOG.encode("utf-8"), LOG.encode("utf-16"), b"", b"MSH|^~\\&|a\r", b"\x05"])
def test_what_is_no_dicom_is_refused_in_a_sentence(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, "a.dcm", content)
    code, out, err = decode(capsys, "dicom", *ZONE, file)
    assert (code, out) == (2, "")
    assert err == (f"steth decode: {file}: it is no DICOM object: no DICM mark, and no data set at its start\n")


def test_outputs_say_nothing_of_a_patient() -> None:
    files = [*(GOLDEN / "dicom").iterdir(), *(GOLDEN / "log").iterdir()]
    assert len(files) == len(SAMPLES) + 3
    for file in files:
        text = file.read_text("utf-8")
        assert lines(text)
        for word in ("CANARY", "ZHANG", "张三", "李四", "Samantha", "19610304"):
            assert word not in text

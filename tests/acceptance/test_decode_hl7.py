"""``decode hl7``: the health facts of HL7 messages, nothing else, and no word about a patient."""

import json
from pathlib import Path

import pytest

from agent.adapters.hl7.mllp import framed
from tests.fixtures.decoding import decode, facts, lines
from tests.fixtures.hl7 import (
    PATIENT,
    control,
    controls,
    equipment,
    inventory,
    message,
    notification,
    observation,
    specimen,
    specimens,
    supply,
)

GOLDEN = Path(__file__).parent / "golden" / "hl7"
SAMPLES = sorted(file.stem for file in GOLDEN.glob("*.jsonl"))
SHANGHAI = ("--time-zone", "Asia/Shanghai")


class TestSamples:
    @pytest.mark.parametrize("name", SAMPLES)
    def test_each_is_read_as_it_was(self, name: str, shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, err = decode(capsys, "hl7", *SHANGHAI, shared_data / "hl7" / f"{name}.hl7")
        assert code == 0
        assert out == (GOLDEN / f"{name}.jsonl").read_text(encoding="utf-8")
        assert err == ("steth decode: refused 1 patient-results\n" if "patient" in name else "")

    def test_all_of_them(self, shared_data: Path) -> None:
        assert sorted(file.stem for file in (shared_data / "hl7").glob("*.hl7")) == SAMPLES

    def test_nothing_of_the_patient_s_sample_is_said(
        self, shared_data: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = shared_data / "hl7" / "mindray_bs480_patient.hl7"
        _, out, err = decode(capsys, "hl7", *SHANGHAI, file)
        for word in ("854", "LAB-2025", "X^X", "19000101", "92.0", "serum"):
            assert word.encode() in file.read_bytes()
            assert word not in out + err


EVERYTHING = (equipment("PD", "S"), notification(), inventory(supply(f16="L-7")), controls(), PATIENT)


class TestFiles:
    def decoded(self, data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
        file = tmp_path / "some.hl7"
        file.write_bytes(data)
        return decode(capsys, "hl7", *SHANGHAI, file)

    @pytest.mark.parametrize(
        "data",
        [
            b"".join(map(framed, EVERYTHING)),
            b"".join(EVERYTHING),
            b"".join(EVERYTHING).replace(b"\r", b"\n"),
            b"".join(EVERYTHING).replace(b"\r", b"\r\n"),
            b"\xef\xbb\xbf" + b"\r\n".join(EVERYTHING) + b"\r\n",
            b"FHS|^~\\&|x\rBHS|^~\\&|x\r" + b"".join(EVERYTHING) + b"BTS|5\rFTS|1\r",
        ],
        ids=["framed", "bare", "lf", "crlf", "mark", "batch"],
    )
    def test_however_they_are_written(self, data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, err = self.decoded(data, tmp_path, capsys)
        assert (code, err) == (0, "steth decode: refused 1 patient-results\n")
        assert facts(lines(out)) == {
            "reagent.glu.remaining": (25.0, "%"),
            "qc.glu.l2.z": (pytest.approx(-1.8 / 3.5), "1"),
            "qc.glu.l2.value": (pytest.approx(98.2 * 0.05551), "mmol/L"),
        }
        told = [item.get("code") or item.get("value") for item in lines(out) if item["t"] in ("fault", "state")]
        assert told == [
            "paused",
            "remote",
            "serious",
            "EQU-ALERT-SERIOUS",
            "EQU-ALERT-CRITICAL",
            # The notification and the inventory say that the analyzer runs again.
            "operating",
            "normal",
            "PHO-LMP-01",
            "EQU-ALERT-SERIOUS",
            "EQU-ALERT-CRITICAL",
            "ok",
        ]

    def test_a_model_decides_what_is_known(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = tmp_path / "some.hl7"
        file.write_bytes(notification())
        _, out, err = decode(capsys, "hl7", *SHANGHAI, "--model", "generic-dr", file)
        assert [item["t"] for item in lines(out)] == ["state"] * 3 + ["inventory"]
        assert err == "steth decode: refused 1 unknown-code\n"

    def test_more_segments_than_any_message_has(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, err = self.decoded(inventory(*["INV|GLU"] * 5000), tmp_path, capsys)
        assert (code, out, err) == (0, "", "steth decode: refused 1 oversize\n")

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"", "no HL7 message"),
            (b"PID|1|ZHANG^SAN\r", "no HL7 message"),
            (b"ZHANG SAN\r" + equipment(), "no HL7 message"),
            (b"MSH is not a header\r", "no HL7 message"),
            (b"\x89PNG\r\n\x1a\nMSHZHANG", "no HL7 message"),
            (b"H|\\^&|||ZHANG\rP|1||ZHANG\rL|1|N\r", "no HL7 message"),
            (b"MSH|^^^^|ZHANG\r", "delimiters that can't be told apart"),
        ],
    )
    def test_what_is_none_is_one_sentence(
        self, data: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, out, err = self.decoded(data, tmp_path, capsys)
        assert (code, out) == (2, "")
        assert said in err
        assert len(err.splitlines()) == 1
        assert "ZHANG" not in err


TEMPLATES = {
    "ESU": equipment("OP", "S"),
    "EAN": notification(),
    "INU": inventory(supply(f8="40", f16="L-7", f12="20270101")),
    "QC": controls(control()),
    "OUL": specimens(
        specimen(), "SAC|||QC1", supply("QC1", f3="CO", f12="20270101", f16="L-7"), "OBR|1|||GLU", observation()
    ),
    "PATIENT": PATIENT,
    "ADT": message("EVN|A08|20261121", "PID|1||854^^^H||ZHANG^SAN", "PV1|1|I|W^1", type_="ADT^A08"),
}
CANARIES = ("CANARY", "CAN^ARY CANARY", "4401061961030412", "CANARY\\E\\CANARY")
KEPT_DIGITS = {("EQU", 1), ("INV", 16)}
"""Where a number is an identifier of the equipment or of its reagent, by the standard, and leaves as such."""


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("canary", CANARIES)
def test_a_canary_in_any_field_stays_there(
    name: str, canary: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = []
    segments = TEMPLATES[name].decode().rstrip("\r").split("\r")
    for at, line in enumerate(segments):
        fields = line.split("|") + [""] * 30
        for number in range(2 if line.startswith("MSH") else 1, 30):
            key = (fields[0], number)
            if canary.isdigit() and key in KEPT_DIGITS:
                continue
            changed = "|".join([*fields[:number], canary, *fields[number + 1 :]])
            files.append(tmp_path / f"{at}-{number}.hl7")
            files[-1].write_bytes("\r".join([*segments[:at], changed, *segments[at + 1 :]]).encode())
    code, out, err = decode(capsys, "hl7", *SHANGHAI, *files)
    assert code == 0
    assert all(json.loads(line) for line in out.splitlines())
    for word in ("CANARY", "CAN^ARY", "ARY", "4401061961"):
        assert word not in out
        assert word not in err

"""``decode astm``: the health facts of ASTM messages, nothing else, and no word about a patient."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from agent.adapters.astm.frames import MAX_FRAME
from tests.fixtures.astm import (
    CONTROL,
    FLAGGED,
    HEADER,
    ORDER,
    PATIENT,
    by_records,
    by_size,
    framed,
    message,
    session,
)
from tests.fixtures.decoding import decode, facts, lines

GOLDEN: Final = Path(__file__).parent / "golden" / "astm"
SAMPLES: Final = {
    "cobas6000_ise_immuno.wire": "roche-cobas",
    "hitachi7600_batch.wire": "roche-cobas",
    "indiko_host_query.wire": "indiko",
    "indiko_qc.wire": "indiko",
    "modular_flag45_ise.wire": "roche-cobas",
    "senaite_cobas_c111.txt": "roche-cobas",
    "senaite_cobas_c311.txt": "roche-cobas",
    "senaite_spotchem_el_mock.txt": "generic-analyzer",
}
"""Each sample with the catalog's model for it."""
SHANGHAI: Final = ("--time-zone", "Asia/Shanghai")

RESULT: Final = r"R|1|^^^685/|22.4|U/l|5.0^TARGET\0.15^SD|A|72|F||||20240311080500||P1"
RECORDS: Final = (
    PATIENT,
    ORDER,
    RESULT,
    "C|1|I|74^REAGENT WARM|I",
    "C|2|I|                    ^        ^       ^      ^    |G",
    r"M|1|RR^BM^c111^1|-21|-21\-21\1\140\141|0.018514",
    CONTROL,
    RESULT.replace("685/", "GLU").replace("22.4|U/l", "5.3|mmol/L"),
    "M|1|SIG|bath.temperature|37.1|C|20240311080000",
    "Q|1|^SID0815||ALL||||||||O",
    "S|1|x|y",
)
EVERYTHING: Final = message(*RECORDS, header=HEADER.replace("cobas6000^1.2", "S^Roche^c111^4.2.2.1730^1^13147"))
TOLD: Final = {
    "photometer.baseline": (-21, "1"),
    "bath.temperature": (37.1, "Cel"),
    "qc.glu.l1.value": (5.3, "mmol/L"),
    "qc.glu.l1.z": (pytest.approx(2.0), "1"),
}


class TestSamples:
    @pytest.mark.parametrize("name", SAMPLES)
    def test_each_is_read_as_it_was(
        self, name: str, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / name
        file.write_bytes((shared_data / "astm" / name).read_bytes())
        os.utime(file, (1_800_000_000, 1_800_000_000))  # the time of receipt
        code, out, err = decode(capsys, "astm", "--model", SAMPLES[name], *SHANGHAI, file)
        assert (code, err) == (0, "")
        assert out == (GOLDEN / f"{name}.jsonl").read_text(encoding="utf-8")

    def test_all_of_them(self, shared_data: Path) -> None:
        assert {file.name for file in (shared_data / "astm").iterdir()} == set(SAMPLES)
        assert {file.name.removesuffix(".jsonl") for file in GOLDEN.iterdir()} == set(SAMPLES)

    @pytest.mark.parametrize("name", SAMPLES)
    @pytest.mark.parametrize("model", ["roche-cobas", "indiko", "generic-analyzer"])
    def test_no_patient_s_result_or_identifier_is_said(
        self, name: str, model: str, shared_data: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = shared_data / "astm" / name
        _, out, err = decode(capsys, "astm", "--model", model, *SHANGHAI, file)
        words = patient_words(file.read_bytes())
        assert words or "query" in name
        assert {word for word in words if word in out + err} == set()


def patient_words(data: bytes) -> set[str]:
    """Identifiers of samples and results of patients in a capture."""
    text = "".join(char for char in data.decode("latin-1").replace("\x17", "") if char >= " " or char in "\r\n")
    found: set[str] = set()
    for record in text.replace("\n", "\r").split("\r"):
        at = next((at for at in (0, 1) if record[at : at + 2] in ("P|", "O|", "R|")), None)
        fields = [] if at is None else record[at:].split("|")
        if fields[:1] == ["R"] and "|Q|" not in record:
            found.add(fields[3])
        elif fields[:1] == ["O"]:
            found |= {part.strip() for part in fields[2].replace("/", "^").split("^")}
        elif fields[:1] == ["P"]:
            found |= set(fields[2:6])
    return {word for word in found if len(word) > 3}


def decoded(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, model: str = "roche-cobas"
) -> tuple[int, str, str]:
    file = tmp_path / "some.astm"
    file.write_bytes(data)
    return decode(capsys, "astm", "--model", model, *SHANGHAI, file)


class TestFiles:
    @pytest.mark.parametrize(
        "data",
        [
            session(by_records(EVERYTHING)),
            session(by_size(EVERYTHING, 60)),
            session([framed(1, EVERYTHING)]),
            session(by_size(EVERYTHING, 60)).replace(b"\r\n", b"\n"),
            b"".join(by_records(EVERYTHING)),
            b"".join(by_size(EVERYTHING, 60)),
            b"\n".join(frame[:-2] for frame in by_size(EVERYTHING, 240)),
            EVERYTHING,
            EVERYTHING.replace(b"\r", b"\n"),
            EVERYTHING.replace(b"\r", b"\r\n"),
            EVERYTHING[:-1],
        ],
        ids=["session", "etb", "one", "lf-only", "frames", "frames-etb", "no-end", "bare", "lf", "crlf", "last"],
    )
    def test_however_they_are_written(self, data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, err = decoded(data, tmp_path, capsys)
        assert (code, err) == (0, "")
        assert facts(lines(out)) == TOLD
        found = [(item["code"], item["count"]) for item in lines(out) if item["t"] == "fault"]
        assert found == [("COBAS-72", 2), ("COBAS-74", 1)]
        (inventory,) = [item["fields"] for item in lines(out) if item["t"] == "inventory"]
        assert inventory == {"device.software": "4.2.2.1730", "device.serial": "13147"}

    def test_what_a_receiver_would_refuse_is_not_told(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        frames = by_records(FLAGGED)
        damaged = frames[4].replace(b"72", b"74")
        twice = [*frames[:4], damaged, frames[4], frames[4], frames[5]]
        code, out, err = decoded(session(twice), tmp_path, capsys)
        assert code == 0
        assert [item["code"] for item in lines(out) if item["t"] == "fault"] == ["COBAS-72"]
        assert err.splitlines() == ["steth decode: refused 1 bad-checksum", "steth decode: refused 1 frame-repeated"]

    def test_several_messages_one_of_them_broken_off(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        half = session(by_records(FLAGGED)[:-2])
        code, out, err = decoded(half + session(by_records(FLAGGED)) + half, tmp_path, capsys)
        assert (code, err) == (0, "steth decode: refused 2 no-terminator\n")
        assert len([item for item in lines(out) if item["t"] == "fault"]) == 1

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (FLAGGED.removesuffix(b"L|1|N\r"), "no-terminator"),
            (FLAGGED.removesuffix(b"\rL|1|N\r"), "no-terminator"),
            (session(by_records(FLAGGED)[:-1]), "no-terminator"),
            (session(by_records(FLAGGED)[:-1])[:-1], "message-unfinished"),
            (b"".join(by_records(FLAGGED)[:-1]), "no-terminator"),
        ],
        ids=["bare", "bare-without-cr", "session", "session-without-eot", "frames"],
    )
    def test_what_ends_without_a_terminator_is_told_as_on_the_line(
        self, data: bytes, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, out, err = decoded(data, tmp_path, capsys)
        assert (code, err) == (0, f"steth decode: refused 1 {reason}\n")
        assert [item["code"] for item in lines(out) if item["t"] == "fault"] == ["COBAS-72"]

    def test_the_settings_of_a_line(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = tmp_path / "some.astm"
        records = FLAGGED.split(b"\r")[:-1]
        file.write_bytes(session(framed(at, record, last=False)[:-4] for at, record in enumerate(records, 1)))
        for setting in ((), ("--record-per-frame",)):
            code, out, err = decode(
                capsys, "astm", "--model", "roche-cobas", "--no-checksum", *setting, *SHANGHAI, file
            )
            assert (code, err) == (0, "")
            assert "COBAS-72" in out

    @pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "latin-1"])
    def test_in_any_encoding(self, encoding: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        name = "张三" if encoding == "gb18030" else "Müller"
        file = tmp_path / "some.astm"
        file.write_bytes(FLAGGED.replace(b"ZHANG^SAN", name.encode(encoding)))
        code, out, err = decode(capsys, "astm", "--model", "roche-cobas", "--encoding", encoding, *SHANGHAI, file)
        assert (code, err) == (0, "")
        assert "COBAS-72" in out
        assert name not in out

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"", "it is no ASTM message, none begins with H: give what the analyzer sends"),
            (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "no ASTM message"),
            (b"MSH|^~\\&|A|B|C|D|20240311||ORU^R01|1|P|2.3.1\rPID|1||ZHANG\rOBX|1\rL|1\r", "no ASTM message"),
            (b"hello\nHello world\nHow are you\n", "no ASTM message"),
            (b"\0" * 100_000, "no ASTM message"),
            (PATIENT.encode() + b"\rL|1|N\r", "no ASTM message"),
            (session(frame[:-4] + b"00\r\n" for frame in by_records(FLAGGED)), "or give --no-checksum"),
            (session(frame[:-4] + b"\r\n" for frame in by_records(FLAGGED)), "or give --no-checksum"),
            (message(header="H||||x"), "declares no delimiters"),
            (session([framed(1, b"x" * MAX_FRAME)]), "no ASTM message"),
        ],
        ids=["empty", "png", "hl7", "text", "zeros", "headless", "damaged", "unsummed", "marks", "huge"],
    )
    def test_what_is_not_of_the_format_is_one_sentence(
        self, data: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, out, err = decoded(data, tmp_path, capsys)
        assert (code, out) == (2, "")
        assert said in err
        assert len(err.splitlines()) == 1

    def test_the_model_that_is_taken_where_none_is_named(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "some.astm"
        file.write_bytes(FLAGGED)
        code, out, _ = decode(capsys, "astm", *SHANGHAI, file)
        assert code == 0
        assert [item["params"] for item in lines(out) if item["t"] == "fault"] == [{"code": 72.0}]


def with_canaries(word: str) -> Iterator[bytes]:
    """The message with the word in each field of each record, one after the other, and in all at once."""
    records = EVERYTHING.decode().split("\r")[:-1]
    full = []
    for at, record in enumerate(records):
        fields = record.split("|")
        fields += [""] * (35 - len(fields))
        first = 2 if record.startswith("H") else 1
        for number in range(first, len(fields)):
            changed = "|".join([*fields[:number], word, *fields[number + 1 :]])
            yield "\r".join([*records[:at], changed, *records[at + 1 :], ""]).encode()
        full.append("|".join([*fields[:first], *[word] * (len(fields) - first)]))
    yield "\r".join([*full, ""]).encode()


class TestCanaries:
    @pytest.mark.parametrize("word", ["CANARY", "CANARY^CANARY", r"CANARY^1\CANARY^2", "CANARY&F&CANARY", "1961030447"])
    @pytest.mark.parametrize("model", ["roche-cobas", "indiko", "generic-analyzer"])
    def test_a_word_in_every_field_of_every_record_appears_nowhere(
        self, word: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        messages = list(with_canaries(word))
        assert len(messages) > 400
        code, out, err = decoded(b"".join(messages), tmp_path, capsys, model=model)
        assert code == 0
        assert len(lines(out)) > 1000
        for canary in ("CANARY", "1961030447"):
            assert canary not in out + err

    @pytest.mark.parametrize("record", list("POCRMQSHL"))
    def test_a_word_for_a_record_s_kind_and_behind_it(
        self, record: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        data = EVERYTHING.replace(f"\r{record}|".encode(), f"\r{record}CANARY|".encode()).replace(b"\r", b"|CANARY\r")
        _, out, err = decoded(data, tmp_path, capsys)
        assert "CANARY" not in out + err

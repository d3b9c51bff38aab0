"""``steth-agent decode log``."""

from pathlib import Path

import pytest

from tests.fixtures.decoding import decode, facts, lines


class TestLog:
    TEXT = (
        "2026-11-22 08:14:03 ALARM GEN-KV-01 SET patient ZHANG SAN\n"
        "2026-11-22 08:14:04 INFO ZHANG^SAN 19610304 exposed\n"
        "2026-11-22 08:14:05 STATUS tube_heat=42.5%\n"
        "2026-11-22 08:20:41 ALARM GEN-KV-01 CLR\n"
        "2026-11-22 08:20:42 ALARM ABC-DEF-99 SET"
    )

    @pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
    def test_codes_and_numbers_and_nothing_else(
        self, encoding: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "dr.log"
        file.write_bytes((self.TEXT + "\n2026-11-22 08:20:43 错误").encode(encoding))
        argv = ("log", "--time-zone", "Asia/Shanghai", "--encoding", encoding, file)
        code, out, err = decode(capsys, *argv)
        assert code == 0
        assert [(item["t"], item["at"], item.get("code"), item.get("state")) for item in lines(out)] == [
            ("fault", 1_795_306_443_000, "GEN-KV-01", "active"),
            ("fault", 1_795_306_841_000, "GEN-KV-01", "cleared"),
            ("readings", 1_795_306_445_000, None, None),
        ]
        assert facts(lines(out)) == {"tube.heat": (42.5, "%")}
        assert err == "steth decode: refused 1 unknown-code\n"

    def test_what_is_no_text_is_a_sentence(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        binary, good = tmp_path / "a.bin", tmp_path / "dr.log"
        binary.write_bytes(b"\xff\xfe\xfd\n" * 100)
        good.write_text(self.TEXT, encoding="utf-8")
        code, out, err = decode(capsys, "log", "--time-zone", "UTC", binary, good)
        assert code == 2
        assert len(lines(out)) == 3
        assert err.splitlines()[0].endswith("a.bin: it is no text in utf-8; give the log's --encoding")

import json
import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog.model import Model
from sim.analyzer.device import Analyzer, AnalyzerConfig
from sim.cli import run
from sim.pace import PlannedFault
from sim.patients import MARK_ZH

WALL = datetime(2026, 11, 25, 13, tzinfo=UTC)


def device(
    model: Model, folder: Path, *, protocol: str = "hl7", wall: datetime = WALL, hour: float | None = 9.0
) -> Analyzer:
    config = AnalyzerConfig(
        name="one",
        protocol="astm" if protocol == "astm" else "hl7",
        port=1,
        seed=3,
        log=str(folder / "analyzer.log") if protocol == "hl7" else None,
        state=str(folder / "analyzer.state"),
        speed=60,
        hour=hour,
        faults_per_day=0,
        faults=(PlannedFault(code="BTH-TMP-01", after_s=20, lasts_s=60),),
    )
    return Analyzer(config=config, model=model, now=lambda: wall)


def control_ids(messages: list[bytes]) -> list[bytes]:
    return [message.split(b"\r")[0].split(b"|")[9] for message in messages]


def test_messages_and_log_carry_the_walls_time(analyzer: Model, tmp_path: Path) -> None:
    with device(analyzer, tmp_path) as one:
        one.tick(WALL + timedelta(seconds=90))
    waiting = one.courier.waiting()
    told = [message for message in waiting if b"BATH_TEMP" in message]
    assert [re.findall(rb"NDS\|1\|(\d+)\|(.)", message)[0] for message in told] == [
        (b"20261125130020", b"S"),
        (b"20261125130100", b"S"),  # its hour is over: still there
        (b"20261125130120", b"N"),
    ]
    times = re.findall(r"^\[2026-11-25 (\S+)\] MON bath_temp", (tmp_path / "analyzer.log").read_text(), re.MULTILINE)
    assert times[:3] == ["13:00:00", "13:00:02", "13:00:04"], "two minutes of its life each"
    assert len(set(control_ids(waiting))) == len(waiting) > 30


@pytest.mark.parametrize("protocol", ["astm", "hl7"])
def test_a_killed_analyzer_goes_on_with_its_wear_and_what_is_not_acknowledged(
    analyzer: Model, tmp_path: Path, protocol: str
) -> None:
    with device(analyzer, tmp_path, protocol=protocol) as first:
        first.tick(WALL + timedelta(seconds=30))
    before = first.courier.waiting()
    with device(analyzer, tmp_path, protocol=protocol, wall=WALL + timedelta(seconds=90)) as second:
        assert second.courier.waiting() == before
        assert second.life.state.at == first.life.state.at, "its own clock goes on, too"
        assert second.life.state.tests == first.life.state.tests
        assert second.life.state.lamp_hours == first.life.state.lamp_hours
        second.tick(WALL + timedelta(seconds=200))
    added = second.courier.waiting()[len(before) :]
    assert added
    if protocol == "hl7":
        assert not set(control_ids(before)) & set(control_ids(added)), "another message never has an old id"
        assert re.search(rb"NDS\|1\|20261125130130\|N\^Normal\^HL70367\|BATH_TEMP", b"".join(added))


def test_a_log_may_be_written_as_chinese_windows_does(analyzer: Model, tmp_path: Path) -> None:
    config = AnalyzerConfig(
        name="one", protocol="hl7", port=1, seed=3, log=str(tmp_path / "a.log"), hour=9.0, encoding="gb18030"
    )
    with Analyzer(config=config, model=analyzer, now=lambda: WALL) as one:
        one.tick(WALL + timedelta(hours=1))
    data = (tmp_path / "a.log").read_bytes()
    assert MARK_ZH in data.decode("gb18030")
    with pytest.raises(UnicodeDecodeError):
        data.decode("utf-8")


def test_an_analyzer_at_the_walls_own_time_stays_with_it_after_a_restart(analyzer: Model, tmp_path: Path) -> None:
    with device(analyzer, tmp_path, hour=None) as first:
        first.tick(WALL + timedelta(minutes=5))
    later = WALL + timedelta(days=1)
    with device(analyzer, tmp_path, hour=None, wall=later) as again:
        assert again.life.next_at() >= later


def test_an_analyzer_stops_when_asked_and_keeps_its_state(analyzer: Model, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with device(analyzer, tmp_path, protocol="astm") as one:
        one.run(stop)
    assert json.loads((tmp_path / "analyzer.state").read_bytes())["waiting"] == []


def test_a_state_that_is_none_is_one_clear_line(analyzer: Model, tmp_path: Path) -> None:
    (tmp_path / "analyzer.state").write_text('{"life": 1}')
    with pytest.raises(ValueError, match=r"analyzer\.state is no state of an analyzer .*: remove it"):
        device(analyzer, tmp_path)


def test_hl7_needs_a_log_and_astm_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["analyzer", "--to", "127.0.0.1:1", "--seconds", "0.2"]
    assert run([*arguments, "--protocol", "hl7"]) == 2
    assert capsys.readouterr().err == "steth sim: analyzer: an analyzer that speaks HL7 needs a log file\n"
    assert run([*arguments, "--protocol", "hl7", "--log", str(tmp_path / "a.log")]) == 0
    assert run([*arguments, "--protocol", "astm", "--state", str(tmp_path / "a.state")]) == 0
    assert (tmp_path / "a.state").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--fault", "GEN-KV-01@5"], "generic-analyzer has no fault GEN-KV-01"),
        (["--model", "none"], "the catalog has no model none"),
        (["--speed", "0"], "speed"),
    ],
)
def test_what_cannot_be_is_one_clear_line(more: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyzer", "--protocol", "astm", "--to", "127.0.0.1:1", "--seconds", "0.2", *more]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_broken_catalog_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "parts.yaml").write_text("parts: 1\n")
    config = {"analyzers": [{"name": "a", "protocol": "astm", "port": 1, "seed": 1}], "catalog": str(tmp_path)}
    (tmp_path / "hospital.json").write_text(json.dumps(config))
    assert run(["hospital", str(tmp_path / "hospital.json")]) == 2
    assert capsys.readouterr().err == f"steth sim: {tmp_path / 'parts.yaml'}:1:8: Expected `array`, got `int`\n"

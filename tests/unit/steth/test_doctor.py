"""The doctor's judgements on values."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.show.findings import as_json, fail, failed, lines, ok
from catalog.model import Text
from steth.certificates import initialise
from steth.doctor import cli
from steth.doctor.broker import judge_expiry
from steth.doctor.database import judge_clock
from steth.doctor.machine import GIB, check_certificates, judge_disk
from steth.folder import DOCTOR
from steth.settings import Settings


@pytest.mark.parametrize(("offset_s", "level"), [(0.2, "ok"), (-0.9, "ok"), (1.5, "warn"), (-29, "warn"), (31, "fail")])
def test_clocks_that_differ(offset_s: float, level: str) -> None:
    assert judge_clock(offset_s).level == level


@pytest.mark.parametrize(("free", "level"), [(50 * GIB, "ok"), (9 * GIB, "warn"), (1 * GIB, "fail"), (0, "fail")])
def test_disks_that_fill(free: int, level: str) -> None:
    assert judge_disk(Path("/x"), free=free, total=100 * GIB).level == level


@pytest.mark.parametrize(("days", "level"), [(-1, "fail"), (0, "fail"), (29, "warn"), (31, "ok")])
def test_certificates_that_end(days: int, level: str) -> None:
    now = datetime.now(UTC)
    assert judge_expiry("c", now + timedelta(days=days), now=now).level == level


def test_an_authority_that_ends_is_said_half_a_year_before(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    initialise(tmp_path / "made", names=["localhost"], now=now)
    place = tmp_path / "made" / "ingest"
    files = {"mqtt_ca": "ca.crt", "mqtt_cert": "client.crt", "mqtt_key": "client.key"}
    settings = Settings(**{name: str(place / file) for name, file in files.items()})  # type: ignore[arg-type]
    for days, levels in ((0, ["ok", "ok", "ok"]), (380, ["ok", "warn", "ok"]), (3650 - 150, ["warn", "fail", "ok"])):
        found = list(check_certificates(settings, now + timedelta(days=days)))
        assert [finding.level for finding in found] == levels, days
        for finding, says in zip(found, ("all equipment", "steth certs renew", ""), strict=True):
            assert finding.level == "ok" or says in str(finding.todo)


# what it is asked, and what it prints ---------------------------------------------------------------------------------


def asked(**more: Any) -> int:
    usual: dict[str, Any] = {"config": None, "data": None, "agent": None, "processes": [], "lang": "en"}
    return cli.run(**{**usual, "as_objects": False, **more})


def test_a_folder_where_nothing_runs_or_what_is_there_is_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(data=tmp_path) == 1
    assert "no `steth up` runs in" in capsys.readouterr().out
    for damaged in (
        "{",
        "[]",
        '{"settings": {"nonsense": "1"}, "processes": {}, "agent": null}',
        '{"settings": {"heartbeat_s": "often"}, "processes": {}, "agent": null}',
    ):
        (tmp_path / DOCTOR).write_text(damaged)
        assert asked(data=tmp_path) == 1
        assert "is damaged" in capsys.readouterr().out, damaged


def test_a_setting_that_is_wrong_is_a_finding_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "steth.toml").write_text('heartbeat_s = "often"\n')
    assert asked(config=tmp_path / "steth.toml", as_objects=True) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["check"], said["level"]) == ("config", "fail")
    assert "steth.toml:1: heartbeat_s" in said["said"]


@pytest.mark.parametrize("process", ["", "ingest", "ingest=127.0.0.1:1", "=http://x"])
def test_an_address_of_a_process_that_is_none(process: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(processes=[process]) == 1
    assert "name=http://host:port" in capsys.readouterr().out


def test_one_line_for_each_and_nothing_that_a_terminal_obeys() -> None:
    hostile = "a\x1b[2Jb\nc\x07"
    findings = [
        ok("one", zh="好", en="fine"),
        fail("two", zh=hostile, en=hostile, todo=Text(zh="做", en="do")),
    ]
    assert [len(line.splitlines()) for line in lines(findings, "en")] == [1, 1]
    assert all(
        text.isprintable() for text in [*lines(findings, "en"), *lines(findings, "zh"), *as_json(findings, "en")]
    )
    assert (failed(findings), failed(findings[:1])) == (True, False)


@pytest.mark.parametrize(("variables", "lang"), [({"LANG": "zh_CN.UTF-8"}, "zh"), ({"LANG": "C"}, "en"), ({}, "en")])
def test_the_language_is_the_terminals(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], lang: str) -> None:
    for name in ("LANG", "LC_ALL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cli.reader_language() == lang

import json
import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydicom import Dataset

from catalog.model import Model
from sim.cli import run
from sim.dr import Dr, DrConfig
from sim.pace import Pace, PlannedFault
from sim.pending import Pending, Waiting
from sim.sender import MAX_QUEUE, Sender

WALL = datetime(2026, 11, 25, 13, 0, tzinfo=UTC)  # a Wednesday


def dr(model: Model, folder: Path, *, hour: float | None = 9, speed: float = 60, wall: datetime = WALL) -> Dr:
    config = DrConfig(
        name="dr",
        port=1,
        log=str(folder / "dr.log"),
        seed=3,
        state=str(folder / "dr.state"),
        speed=speed,
        hour=hour,
        faults_per_day=0,
        faults=(PlannedFault(code="DET-TEMP-01", after_s=20, lasts_s=40),),
    )
    return Dr(config=config, model=model, now=lambda: wall)


def images(one: Dr) -> list[Pending]:
    return [waiting for waiting in one.sender.waiting() if isinstance(waiting, Pending)]


def no_image(pending: Waiting) -> Dataset:
    raise AssertionError(f"nothing is sent here: {pending}")


def test_simulated_time_runs_faster_than_the_walls_from_the_start_on() -> None:
    monday = datetime(2026, 11, 23, 9, tzinfo=UTC)
    pace = Pace(wall=WALL, simulated=monday, speed=60)
    assert pace.simulated(WALL + timedelta(seconds=10)) == monday + timedelta(minutes=10)
    assert pace.wall(monday + timedelta(minutes=10)) == WALL + timedelta(seconds=10)
    assert pace.wall(monday - timedelta(days=30)) == WALL - timedelta(days=30)


def test_log_and_images_carry_the_walls_time(model: Model, tmp_path: Path) -> None:
    with dr(model, tmp_path) as one:
        one.tick(WALL + timedelta(seconds=70))
    alarms = re.findall(r"^(\S+ \S+) ALARM DET-TEMP-01 (\w+)", (tmp_path / "dr.log").read_text(), re.MULTILINE)
    assert alarms == [("2026-11-25 13:00:20", "SET"), ("2026-11-25 13:01:00", "CLR")]
    waiting = images(one)
    assert len(waiting) > 10
    assert all(WALL < pending.at <= WALL + timedelta(seconds=70) for pending in waiting)
    assert all(pending.calibrated_at < WALL for pending in waiting)
    assert all(pending.exposure.at.weekday() == 0 for pending in waiting)
    assert any(not pending.exposure.nominal for pending in waiting)


def test_a_killed_dr_goes_on_with_its_counters_its_queue_and_its_calibration(model: Model, tmp_path: Path) -> None:
    with dr(model, tmp_path) as first:
        first.tick(WALL + timedelta(seconds=30))
    before, seen = first.sender.waiting(), images(first)
    with dr(model, tmp_path, wall=WALL + timedelta(seconds=90)) as second:
        assert second.sender.waiting()[: len(before)] == before
        second.tick(WALL + timedelta(seconds=200))
    added = images(second)[len(seen) :]
    assert added[0].exposure.number == seen[-1].exposure.number + 1
    assert added[0].at > WALL + timedelta(seconds=90)
    assert added[0].calibrated_at == seen[0].calibrated_at
    assert re.search(r"13:01:30 ALARM DET-TEMP-01 CLR after restart", (tmp_path / "dr.log").read_text())


def test_a_dr_at_the_walls_own_time_stays_with_it_after_a_restart(model: Model, tmp_path: Path) -> None:
    with dr(model, tmp_path, hour=None, speed=1) as first:
        first.tick(WALL + timedelta(hours=1))
    later = WALL + timedelta(days=1)
    with dr(model, tmp_path, hour=None, speed=1, wall=later) as again:
        again.tick(later + timedelta(hours=1))
    fresh = [p for p in images(again) if p.at > later]
    assert fresh
    assert all(pending.exposure.at == pending.at for pending in fresh)


def test_what_waits_is_bounded(model: Model, tmp_path: Path) -> None:
    with dr(model, tmp_path) as one:
        one.tick(WALL + timedelta(seconds=30))
    pending = one.sender.waiting()[0]
    full = Sender(host="", port=1, called="A", calling="B", make=no_image, waiting=[pending] * MAX_QUEUE)
    assert not full.add(pending)
    assert full.given_up == 1


def test_a_log_that_can_not_be_written_ends_the_dr(model: Model, tmp_path: Path) -> None:
    (tmp_path / "dr.log").mkdir()
    with pytest.raises(IsADirectoryError):
        dr(model, tmp_path)


def test_a_dr_stops_when_asked(model: Model, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with dr(model, tmp_path) as one:
        one.run(stop)
    assert json.loads((tmp_path / "dr.state").read_bytes())["queue"] == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "steth sim: "),
        ('{"drs": []}', "a hospital without a device"),
        ('{"drs": [{"name": "a", "port": 1, "log": "x", "seed": 1, "speeed": 2}]}', "speeed"),
        ('{"drs": [{"name": "a", "port": 1, "log": "x", "seed": 1, "model": "none"}]}', "no model none"),
        (
            '{"drs": [{"name": "a", "port": 1, "log": "LOG", "seed": 1, "faults": [{"code": "X-1", "after_s": 1}]}]}',
            "X-1",
        ),
    ],
)
def test_a_wrong_configuration_is_one_clear_line(
    content: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hospital.json"
    path.write_text(content.replace("LOG", str(tmp_path / "x.log")))
    assert run(["hospital", str(path)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_state_that_is_none_says_what_to_do(model: Model, tmp_path: Path) -> None:
    (tmp_path / "dr.state").write_text('{"life": {}}')
    with pytest.raises(ValueError, match=r"dr\.state is no state of a DR .*: remove it"):
        dr(model, tmp_path)


def test_a_fault_may_be_asked_for_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "hospital.json"
    drs = [
        {"name": name, "port": 1, "log": str(tmp_path / name), "seed": 1, "hour": 9, "faults_per_day": 0}
        for name in "ab"
    ]
    path.write_text(json.dumps({"drs": drs}))
    assert run(["hospital", str(path), "--fault", "GEN-KV-01@0.05", "--seconds", "0.6"]) == 0
    assert " ALARM GEN-KV-01 SET kV not reached" in (tmp_path / "a").read_text()
    assert "ALARM" not in (tmp_path / "b").read_text()


@pytest.mark.parametrize("text", ["GEN-KV-01", "@3", "GEN-KV-01@", "GEN-KV-01@-1", "GEN-KV-01@nan", "GEN-KV-01@inf"])
def test_a_fault_without_its_moment_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        run(["fleet", "--fault", text])
    assert exit_.value.code == 2
    assert "CODE@SECONDS" in capsys.readouterr().err


def test_a_missing_configuration_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["hospital", str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["fleet", "--to", "nowhere"],
        ["fleet", "--readings", "0"],
        ["fleet", "--model", "none"],
        ["dr", "--log", "x", "--to", "a"],
    ],
)
def test_wrong_arguments_are_one_clear_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1

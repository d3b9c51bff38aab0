import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from catalog.model import LogPattern, Model
from sim.events import Event, Exposure, LogLine, Status, Step
from sim.faults import SCENARIOS
from sim.life import DrLife
from sim.log import LogFile, lines
from sim.patients import MARK

MONDAY = datetime(2026, 11, 23, 6, tzinfo=UTC)


class Read(NamedTuple):
    """What the catalog's patterns find in a line."""

    at: str
    what: str
    state: str
    value: float


def read(line: str, patterns: tuple[LogPattern, ...]) -> list[Read]:
    found = []
    for pattern in patterns:
        match = re.match(pattern.regex, line)
        if match is None:
            continue
        if pattern.fault is not None:
            said = match[pattern.fault.group] if pattern.fault.group else ""
            code = pattern.fault.code or pattern.fault.table[said]
            found.append(Read(match["ts"], code, pattern.fault.state, 0))
        elif pattern.signal is not None:
            found.append(Read(match["ts"], pattern.signal.name, "", float(match[pattern.signal.group])))
    return found


def written(event: Event) -> list[str]:
    return lines(event, at=event.at, seed=1)


def test_each_line_is_read_by_exactly_the_pattern_that_it_is_for(model: Model) -> None:
    life = DrLife(seed=9, start=MONDAY, model=model, faults_per_day=20, fault_scale=0.02)
    seen = set()
    for event in life.step(MONDAY + timedelta(days=4)):
        expected = {
            Exposure: [],
            LogLine: [
                Read(f"{event.at:%Y-%m-%d %H:%M:%S}", getattr(event, "code", ""), getattr(event, "state", ""), 0)
            ],
            Step: [],
            Status: [Read(f"{event.at:%Y-%m-%d %H:%M:%S}", getattr(event, "name", ""), "", getattr(event, "value", 0))],
        }[type(event)]
        for line in written(event):
            assert read(line, model.log_patterns) == expected
        seen.add(getattr(event, "name", getattr(event, "state", "exposure")))
    assert seen >= {
        "exposure", "active", "cleared", "event", "tube.heat", "tube.exposures_total", "generator.arcs",
        "detector.battery", "detector.defect_pixels",
    }  # fmt: skip


def test_every_fault_of_the_model_can_be_written_so_that_it_is_read(model: Model) -> None:
    """Codes of the header alone (from DICOM) are no lines of a log."""
    in_log = [code for code in model.faults if re.fullmatch(r"[A-Z]+-[A-Z]+-\d\d|IRAY-\d+", code)]
    assert set(SCENARIOS) <= set(in_log)
    assert len(in_log) >= 60
    for code in in_log:
        life = DrLife(seed=1, start=MONDAY, model=model, faults_per_day=0)
        life.inject(code, MONDAY, lead_s=0, lasts_s=60)
        own = [e for e in life.step(MONDAY + timedelta(seconds=90)) if isinstance(e, LogLine) and e.code == code]
        assert own
        for event in own:
            (line,) = written(event)
            assert [(r.what, r.state) for r in read(line, model.log_patterns)] == [(code, event.state)]


def test_the_log_names_patients_as_real_logs_do(model: Model) -> None:
    life = DrLife(seed=1, start=MONDAY, model=model, faults_per_day=0)
    life.inject("DET-TEMP-01", MONDAY, lead_s=60)
    text = "\n".join(line for event in life.step(MONDAY + timedelta(hours=4)) for line in written(event))
    assert text.count(MARK) > 5
    assert re.search(rf"ALARM DET-TEMP-01 SET .*{MARK}", text)


def test_a_full_log_is_rotated_and_nothing_is_lost(tmp_path: Path) -> None:
    log = LogFile(path=tmp_path / "logs" / "dr.log", max_bytes=100, keep=3)
    for number in range(20):
        log.write([f"{number} first", f"{number} second"])
    log.close()
    names = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert names == ["dr.log", "dr.log.1", "dr.log.2", "dr.log.3"]
    kept = "".join((tmp_path / "logs" / name).read_text() for name in reversed(names)).splitlines()
    whole = [f"{number} {part}" for number in range(20) for part in ("first", "second")]
    assert kept == whole[-len(kept) :]
    assert len(kept) > 20


def test_a_log_goes_on_after_a_restart(tmp_path: Path) -> None:
    for number in range(2):
        log = LogFile(path=tmp_path / "dr.log")
        log.write([f"run {number}"])
        log.close()
    assert (tmp_path / "dr.log").read_text() == "run 0\nrun 1\n"


@pytest.mark.parametrize("name", ["dr.log"])
def test_a_line_is_there_at_once(tmp_path: Path, name: str) -> None:
    log = LogFile(path=tmp_path / name)
    log.write(["now"])
    assert (tmp_path / name).read_text() == "now\n"
    log.close()


def test_a_full_disk_stops_no_equipment() -> None:
    log = LogFile(path=Path("/dev/full"))
    for _ in range(100):
        log.write(["x" * 500])
    log.close()


def test_a_log_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    with pytest.raises(IsADirectoryError):
        LogFile(path=tmp_path / "log")

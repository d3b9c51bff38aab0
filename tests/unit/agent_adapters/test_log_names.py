"""What a log is called after its rotation, and what is another log."""

import os
import shutil
from pathlib import Path

import pytest

from agent.adapters.logs.names import Names
from tests.fixtures.logs import Hospital, line


@pytest.fixture
def hospital(tmp_path: Path) -> Hospital:
    return Hospital(tmp_path)


NAMES = [
    *("dr.log.1", "dr.log.01", "dr.1.log", "dr_1.log", "dr-1.log", "dr.001", "dr.log.1.old", "dr.0.log", "dr.#1#.log"),
    *("dr.log.old", "dr.old", "dr.log.bak", "dr.bak", "dr_bak.log", "dr.log~", "dr-old.log", "dr_old.log", "DR.BAK"),
    *("dr_prev.log", "dr.prev", "dr-backup.log", "dr.log.backup", "dr_last.log", "dr.archive.log", "dr.log.orig"),
    *("dr-2026-11-22.log", "dr.20261122.log", "dr_20261122_103000.log", "dr.log.2026-11-22-10", "dr20261122.log"),
    *("dr.log-20261122", "dr.log.2026-11-22_10-30", "dr-2026-11-22T10-30-00.000.log", "dr.log.20261122T103000Z"),
    *("dr.2026-11-22.0.log", "dr-11-22-2026-1.log", "dr20261122_001.log", "dr-22Nov2026.log", "dr 2026.11.22.log"),
    *("dr(1).log", "dr (1).log", "dr - Copy.log", "dr - Copy (2).log", "dr - 副本.log", "dr_备份.log", "dr[1].log"),
    *(
        "dr_2026年11月22日.log",
        "dr备份.log",
        "dr.log.旧",
        "dr_Sun.log",
        "dr-Sunday.log",
        "dr_星期日.log",
        "dr_history.log",
    ),
    *("20261122_dr.log", "2026-11-22-dr.log", "old_dr.log", "Copy of dr.log", "~dr.log", "旧dr.log", "dr.log.2026-W47"),
]


@pytest.mark.parametrize("name", NAMES)
async def test_renamed_right_after_a_line(hospital: Hospital, name: str) -> None:
    assert Names(hospital.log, now=0.0).is_rotated(name)
    hospital.write(2)
    await hospital.read()
    hospital.write()
    hospital.log.rename(hospital.folder / name)
    hospital.write(3)
    assert await hospital.read() == hospital.everything
    hospital.write()
    assert await hospital.read() == hospital.everything
    assert not hospital.sink.counts


@pytest.mark.parametrize("name", NAMES)
async def test_a_whole_file_between_two_looks_under_any_name(hospital: Hospital, name: str) -> None:
    hospital.write(2)
    await hospital.read()
    hospital.log.rename(hospital.folder / "dr_20261121_093000_bak.log")
    hospital.write(2)
    hospital.log.rename(hospital.folder / name)
    hospital.write(2)
    assert await hospital.read() == hospital.everything
    assert not hospital.sink.counts


@pytest.mark.parametrize(
    "name",
    [
        "driver.log",
        "2dr.log",
        "hydra_dr.log",
        "hdr.log",
        "dr2.log",
        "dr_service.log",
        "dr.txt.lock",
        "dr.csv",
        "dr-export.log",
    ],
)
async def test_another_log_beside_it_is_never_read(hospital: Hospital, name: str) -> None:
    assert not Names(hospital.log, now=0.0).is_rotated(name)
    hospital.write(2)
    await hospital.read()
    (hospital.folder / name).write_text(line(999), encoding="utf-8")
    hospital.log.rename(hospital.folder / "dr.log.1")
    hospital.write(2)
    assert await hospital.read() == hospital.everything


def test_a_hostile_name_takes_no_time(tmp_path: Path) -> None:
    assert not Names(tmp_path / "dr.log", now=0.0).is_rotated("dr-" + "1" * 200 + "x")
    assert not Names(tmp_path / "dr.log", now=0.0).is_rotated("dr-" + "-t-z" * 50 + "x")
    assert not Names(tmp_path / "dr.log", now=0.0).is_rotated("1t" * 100 + "x_dr.log")
    assert not Names(tmp_path / "dr.log", now=0.0).is_rotated("-t-z" * 50 + "x.dr.log")


@pytest.mark.parametrize("name", NAMES)
async def test_copied_and_truncated(hospital: Hospital, name: str) -> None:
    hospital.write(2)
    await hospital.read()
    hospital.write()
    shutil.copyfile(hospital.log, hospital.folder / name)
    os.truncate(hospital.log, 0)
    hospital.write(2)
    assert await hospital.read() == hospital.everything
    assert not hospital.sink.counts


@pytest.mark.parametrize("name", ["ended 22 Nov.dat", "x", "old_dr.log"])
async def test_renamed_to_a_name_of_no_kind_it_is_found_by_its_inode(hospital: Hospital, name: str) -> None:
    hospital.write(2)
    await hospital.read()
    hospital.write()
    hospital.log.rename(hospital.folder / name)
    hospital.write()
    assert await hospital.read() == hospital.everything
    assert not hospital.sink.counts

"""Logs whose name changes: with the day in it, or a link that is switched from file to file."""

import os
import shutil
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.adapters.logs.tail import LogTail
from agent.clock import Now
from agent.config.shapes import Log
from tests.fixtures.logs import MODEL, NOW, Hospital
from wire.items import Fault

DAYS = [f"dr_2026-11-{day}.log" for day in range(20, 28)]


@pytest.fixture
def daily(tmp_path: Path) -> Hospital:
    return Hospital(tmp_path, "dr_*.log")


class Linked(Hospital):
    """``current.log`` is a link to today's file, in a folder that may be another one."""

    def today(self, name: str) -> None:
        self.log.unlink(missing_ok=True)
        self.log.symlink_to(name)


@pytest.fixture
def linked(tmp_path: Path) -> Linked:
    return Linked(tmp_path, "current.log")


async def test_a_file_for_each_day(daily: Hospital) -> None:
    for day in DAYS:
        daily.write(3, to=day)
        assert await daily.read() == daily.everything
        assert await daily.read() == daily.everything  # idle
        daily.write(2, to=day)  # unread when the next day begins
    daily.restart()
    assert await daily.read() == daily.everything
    assert not daily.sink.counts


async def test_days_while_the_agent_was_down(daily: Hospital) -> None:
    for day in DAYS:
        daily.write(2, to=day)
        if day == DAYS[0]:
            await daily.read()
            daily.write(1, to=day)
    daily.restart()
    assert await daily.read() == daily.everything
    assert not daily.sink.counts


async def test_the_first_look_reads_the_newest_alone(daily: Hospital) -> None:
    for day, count in zip(DAYS[:2], (3, 2), strict=True):
        daily.write(count, to=day)
    for day, seconds in ((DAYS[0], -90_000), (DAYS[1], 0)):
        modified = NOW.wall // 1000 + seconds
        os.utime(daily.folder / day, (modified, modified))
    assert await daily.read() == [3, 4]


async def test_the_machine_s_clock_goes_back_by_years_and_is_set_right(daily: Hospital) -> None:
    """Without a battery it begins in 2006, and so do the names and times of its files."""
    now = NOW.wall // 1000
    for name, seconds in (("dr_2026.log", now), ("dr_2006.log", now - 20 * 365 * 86_400), ("dr_2026_2.log", now + 60)):
        config = Log(path=str(daily.log), time_zone="Asia/Shanghai")
        then = Now(wall=seconds * 1000, elapsed=0)
        daily.agent = LogTail(config=config, model=MODEL, sink=daily.sink, now=partial(replace, then))
        daily.agent.resume()
        for later in (0, 1):
            daily.write(2, to=name)
            os.utime(daily.folder / name, (seconds + later, seconds + later))
            await daily.read()
    codes = [item.code for item in daily.sink.items() if isinstance(item, Fault)]
    assert codes.count("GEN-KV-01") == daily.written == 12
    assert not any("unread" in reason for reason in daily.sink.counts)


async def test_it_is_waited_for(daily: Hospital) -> None:
    await daily.read()
    daily.write(2, to="dr_1.csv")
    daily.written = 0
    await daily.read()
    daily.write(2, to="DR_2.LOG")
    assert await daily.read() == daily.everything


async def test_the_next_day_is_empty_and_the_writer_still_in_the_last_one(daily: Hospital) -> None:
    daily.write(2, to=DAYS[0])
    await daily.read()
    daily.write(0, to=DAYS[1])
    assert await daily.read() == daily.everything
    daily.write(1, to=DAYS[0])
    assert await daily.read() == daily.everything
    daily.write(1, to=DAYS[1])
    daily.restart()
    assert await daily.read() == daily.everything
    assert not daily.sink.counts


async def test_within_the_day_it_is_rotated_by_size(daily: Hospital) -> None:
    daily.write(3, to=DAYS[0])
    await daily.read()
    for number in range(1, 4):
        daily.write(2, to=DAYS[0])
        (daily.folder / DAYS[0]).rename(daily.folder / f"dr_2026-11-20_{number:03}.log")
        daily.write(1, to=DAYS[0])
    assert await daily.read() == daily.everything
    assert not daily.sink.counts


async def test_the_folder_is_restored_and_old_days_are_deleted(daily: Hospital) -> None:
    for number, day in enumerate(DAYS):
        daily.write(2, to=day)
        await daily.read()
        if number >= 5:
            (daily.folder / DAYS[number - 5]).unlink()
    for day in DAYS[3:]:
        shutil.copyfile(daily.folder / day, daily.folder / "x")
        (daily.folder / "x").rename(daily.folder / day)
    daily.restart()
    assert await daily.read() == daily.everything
    daily.write(1, to=DAYS[-1])
    assert await daily.read() == daily.everything
    assert not daily.sink.counts


def touched_ns(path: Path) -> int:
    return path.stat().st_mtime_ns


async def test_a_new_file_is_seen_in_a_folder_that_just_changed(tmp_path: Path) -> None:
    """What ``stat`` says of a folder doesn't count before it has settled: two files of one tick would look like one."""
    daily = Hospital(tmp_path, "dr_*.log")
    daily.write(1, to=DAYS[0])
    os.utime(tmp_path / DAYS[0], (1_000_000_000, 1_000_000_000))
    changed = touched_ns(tmp_path)
    now = Now(wall=changed // 1_000_000 + 1000, elapsed=0)
    config = Log(path=str(daily.log), time_zone="Asia/Shanghai")
    daily.agent = LogTail(config=config, model=MODEL, sink=daily.sink, now=lambda: now)
    for _ in range(3):
        assert len(await daily.read()) == 1
    daily.write(1, to=DAYS[1])
    os.utime(tmp_path, ns=(changed, changed))
    assert len(await daily.read()) == 2


async def test_brackets_are_letters_of_a_name(tmp_path: Path) -> None:
    daily = Hospital(tmp_path, "dr [A]_*.log")
    for name in ("dr [A]_1.log", "dr [A]_2.log", "dr A_3.log"):
        daily.write(1, to=name)
        await daily.read()
    assert daily.told == [0, 1]


async def test_a_link_is_switched(linked: Linked) -> None:
    for day in DAYS:
        linked.today(day)
        linked.write(2)
        assert await linked.read() == linked.everything
        linked.write(1)
    linked.restart()
    assert await linked.read() == linked.everything
    assert not linked.sink.counts


async def test_a_link_is_switched_while_the_agent_was_down(linked: Linked) -> None:
    for day in DAYS:
        linked.today(day)
        linked.write(2)
        if day == DAYS[0]:
            await linked.read()
            linked.write(1)
    linked.restart()
    assert await linked.read() == linked.everything
    assert not linked.sink.counts


async def test_a_link_is_switched_to_what_is_not_there_yet_and_back(linked: Linked) -> None:
    linked.today(DAYS[0])
    linked.write(2)
    await linked.read()
    linked.today(DAYS[1])
    assert await linked.read() == linked.everything
    linked.write(1)
    assert await linked.read() == linked.everything
    linked.today(DAYS[0])
    assert await linked.read() == linked.everything
    linked.write(1)
    assert await linked.read() == linked.everything
    assert not linked.sink.counts


@pytest.mark.parametrize("within", ["dr_{day}.log", "{day}/dr.log"])
async def test_a_link_leads_into_another_folder(linked: Linked, within: str) -> None:
    """``{day}/dr.log``: a folder for each day."""
    for number in range(5):
        name = within.format(day=f"2026-11-{20 + number}")
        (linked.folder / "logs" / name).parent.mkdir(parents=True, exist_ok=True)
        linked.today(f"logs/{name}")
        linked.write(2)
        assert await linked.read() == linked.everything
        assert await linked.read() == linked.everything
        linked.write(1)
    assert await linked.read() == linked.everything
    assert not linked.sink.counts


async def test_the_folder_is_a_link_that_is_switched(tmp_path: Path) -> None:
    days = [tmp_path / f"2026-11-{20 + number}" for number in range(3)]
    today = tmp_path / "today"
    log = Hospital(tmp_path, "today/dr.log")
    for day in days:
        day.mkdir()
        today.unlink(missing_ok=True)
        today.symlink_to(day.name)
        log.write(2)
        assert await log.read() == log.everything
        log.write(1)
    assert await log.read() == log.everything
    assert not log.sink.counts


async def test_what_a_link_leads_to_is_rotated_in_its_own_folder(linked: Linked) -> None:
    (linked.folder / "logs").mkdir()
    linked.today("logs/dr.log")
    linked.write(2)
    await linked.read()
    for number in (2, 1):
        linked.write(1)
        (linked.folder / "logs/dr.log").rename(linked.folder / f"logs/dr.log.{number}")
    linked.write(1)
    assert await linked.read() == linked.everything
    assert not linked.sink.counts

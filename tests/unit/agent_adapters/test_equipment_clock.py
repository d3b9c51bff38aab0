"""What is said of a moment that we know judges the equipment's clock; a backlog keeps its own times."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from agent.adapters.equipment_clock import (
    AGAIN_MS,
    CLOCK_CODE,
    QUEUE_MS,
    ZONE_MS,
    ClockWatch,
    Told,
    follow,
    judge,
    judge_message,
)
from agent.adapters.logs.tail import LogTail
from agent.adapters.values import Moment
from agent.clock import Now
from agent.config.shapes import Log
from agent.errors import OutboxError
from agent.privacy import admit
from catalog.allowed import UNCERTAIN_TIME
from catalog.load import load
from tests.fixtures.astm import until
from tests.fixtures.sink import MemorySink
from wire.items import UNCERTAIN, Fault, Readings

CATALOG = load()
MODEL = CATALOG.models["generic-dr"]
NOW = 1_795_305_600_000
"""2026-11-22 00:00 UTC."""


@pytest.mark.parametrize(
    ("own", "since", "at", "right"),
    [
        (NOW - 5000, NOW - 1000, NOW - 5000, True),
        (NOW - ZONE_MS, NOW, NOW - ZONE_MS, True),
        (NOW + ZONE_MS, NOW, NOW + ZONE_MS, True),
        (NOW - ZONE_MS - 2000, NOW - 1000, NOW, False),
        (NOW - 20 * QUEUE_MS, NOW - 1000, NOW, False),
        (NOW + 20 * QUEUE_MS, NOW - 1000, NOW, False),
        (None, NOW - 1000, NOW, False),
        (NOW - 20 * QUEUE_MS, None, NOW - 20 * QUEUE_MS, None),
        (NOW + ZONE_MS + 1, None, NOW, None),
        (None, None, NOW, None),
        (NOW - 72 * 3_600_000, NOW - 80 * 3_600_000, NOW - 72 * 3_600_000, True),  # we looked away for so long
    ],
)
def test_a_fact(own: int | None, since: int | None, at: int, right: bool | None) -> None:
    judged = judge(None if own is None else Moment(own, certain=True), received=NOW, since=since)
    assert judged.right is right
    assert judged.time == Moment(at, certain=at == own)


@pytest.mark.parametrize(
    ("sent", "right"),
    [
        (None, None),
        (NOW - 60_000, True),
        (NOW + ZONE_MS, True),
        (NOW - 7 * 86_400_000, None),
        (NOW - QUEUE_MS - 1, False),
        (NOW + ZONE_MS + 1, False),
    ],
)
def test_a_header(sent: int | None, right: bool | None) -> None:
    assert judge_message(sent, received=NOW) is right


def test_it_is_told_when_it_changes_and_again_after_an_hour() -> None:
    told, fault = follow(Told(), True, received=NOW, source="log")
    assert (told, fault) == (Told(), None)
    told, fault = follow(told, False, received=NOW, source="log")
    assert fault == Fault(at=NOW, code=CLOCK_CODE, state="active", source="log")
    assert follow(told, False, received=NOW + 1000, source="log") == (told, None)
    assert follow(told, None, received=NOW + 2 * AGAIN_MS, source="log") == (told, None)
    told, fault = follow(told, False, received=NOW + AGAIN_MS, source="log")
    assert fault is not None
    told, fault = follow(told, True, received=NOW + 2 * AGAIN_MS, source="log")
    assert fault == Fault(at=NOW + 2 * AGAIN_MS, code=CLOCK_CODE, state="cleared", source="log")
    assert follow(told, True, received=NOW, source="log") == (Told(), None)


async def test_what_was_told_is_known_after_a_restart() -> None:
    sink = MemorySink()

    def started() -> ClockWatch:
        return ClockWatch(model=MODEL, sink=sink, source="log", name="clock")

    watch = started()
    sink.failing = True
    with pytest.raises(OutboxError):
        await watch.heard(False, received=NOW)
    sink.failing = False
    await watch.heard(False, received=NOW)
    await watch.heard(False, received=NOW)
    await started().heard(False, received=NOW)
    await started().heard(None, received=NOW)
    await started().heard(True, received=NOW)
    assert [item.state for item in sink.items() if isinstance(item, Fault)] == ["active", "cleared"]
    sink.positions["clock"] = b"\xc1"
    await started().heard(True, received=NOW)
    assert len(sink.items()) == 2


async def test_a_model_without_the_code_is_told_nothing() -> None:
    sink = MemorySink()
    model = structs.replace(MODEL, faults={})
    await ClockWatch(model=model, sink=sink, source="log", name="clock").heard(False, received=NOW)
    assert sink.items() == []


@pytest.mark.parametrize("key", ["generic-dr", "generic-analyzer", "indiko", "roche-cobas"])
def test_each_model_of_equipment_knows_the_code_in_both_languages(key: str) -> None:
    fault = CATALOG.models[key].faults[CLOCK_CODE]
    assert "时钟" in fault.name.zh
    assert "clock" in fault.name.en
    assert fault.advice.zh
    assert fault.advice.en
    assert fault.clear is None


def test_that_a_time_is_uncertain_may_leave_and_nothing_else_under_its_name() -> None:
    said = Fault(at=NOW, code="GEN-KV-01", state="active", params={UNCERTAIN_TIME: 1.0})
    assert admit([said], MODEL)[0] == [said]
    other = Fault(at=NOW, code="GEN-KV-01", state="active", params={UNCERTAIN_TIME: 19610304.0})
    (passed,), stopped = admit([other], MODEL)
    assert isinstance(passed, Fault)
    assert passed.params == {}
    assert stopped == {"unknown-parameter": 1}


class Running:
    """An agent that looks at a log every second, and a writer with a clock of its own."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.path = path
        self.sink = MemorySink()
        self.now = NOW
        self.looks = 0
        self._options = options
        self.start()

    def start(self) -> None:
        config = Log(path=str(self.path), time_zone="UTC", **self._options)
        self.agent = LogTail(config=config, model=MODEL, sink=self.sink, now=self._now)
        self.agent.resume()

    def _now(self) -> Now:
        self.looks += 1
        return Now(wall=self.now, elapsed=self.now)

    def write(self, *times: datetime, text: str = "ALARM GEN-KV-01 SET") -> None:
        with self.path.open("a", encoding="utf-8") as stream:
            stream.writelines(f"{time:%Y-%m-%d %H:%M:%S} {text}\n" for time in times)
        os.utime(self.path, (self.now / 1000, self.now / 1000))

    async def look(self, after_ms: int = 1000) -> list[Fault]:
        self.now += after_ms
        before = len(self.sink.items())
        while await self.agent.turn():
            pass
        return [item for item in self.sink.items()[before:] if isinstance(item, Fault)]

    @property
    def time(self) -> datetime:
        return datetime.fromtimestamp(self.now / 1000, UTC)


YEARS = timedelta(days=9 * 365)


@pytest.fixture
async def running(tmp_path: Path) -> Running:
    running = Running(tmp_path / "dr.log")
    running.write(running.time)
    await running.look()
    return running


@pytest.mark.parametrize("off", [-YEARS, YEARS, timedelta(hours=-30), timedelta(days=2), timedelta(days=-365 * 45)])
async def test_a_line_just_written_with_a_wrong_time(running: Running, off: timedelta) -> None:
    running.write(running.time + off)
    clock, fault = await running.look()
    assert clock == Fault(at=running.now - 1000, code=CLOCK_CODE, state="active", source="log")
    assert abs(fault.at - running.now) <= 1000
    assert fault.params == {UNCERTAIN_TIME: 1.0}
    assert running.sink.counts == {"log:implausible:time": 1}
    running.write(running.time + off)
    (again,) = await running.look()
    assert again.code == "GEN-KV-01"
    running.write(running.time)
    cleared, right = await running.look()
    assert (cleared.code, cleared.state) == (CLOCK_CODE, "cleared")
    assert right.params == {}


async def test_a_reading_of_a_line_just_written_is_uncertain(running: Running) -> None:
    running.write(running.time - YEARS, text="STATUS tube_heat=42.5%")
    await running.look()
    (reading,) = [item for item in running.sink.items() if isinstance(item, Readings)]
    assert abs(reading.at - running.now) <= 1000
    assert reading.quality == [UNCERTAIN]


@pytest.mark.parametrize("off", [timedelta(hours=-14), timedelta(hours=12), timedelta(minutes=-40)])
async def test_a_wrong_zone_or_a_clock_that_is_a_little_off_is_no_wrong_clock(running: Running, off: timedelta) -> None:
    time = running.time + off
    running.write(time)
    (fault,) = await running.look()
    assert fault.at == int(time.timestamp()) * 1000
    assert fault.params == {}


async def test_the_first_read_of_a_log_is_a_backlog(tmp_path: Path) -> None:
    running = Running(tmp_path / "dr.log")
    old = running.time - YEARS
    running.write(old)
    (fault,) = await running.look()
    assert (fault.code, fault.at) == ("GEN-KV-01", int(old.timestamp()) * 1000)


async def test_what_came_while_the_agent_was_down_is_a_backlog(running: Running) -> None:
    old = running.time
    running.write(old)
    running.now += 100 * 86_400_000
    running.start()
    (fault,) = await running.look()
    assert (fault.code, fault.at, fault.params) == ("GEN-KV-01", int(old.timestamp()) * 1000, {})


async def test_what_came_while_the_machine_slept_is_no_wrong_clock(running: Running) -> None:
    running.now += 3 * 86_400_000
    old = running.time
    running.write(old)
    (fault,) = await running.look(after_ms=5 * 86_400_000)
    assert (fault.code, fault.at) == ("GEN-KV-01", int(old.timestamp()) * 1000)


async def test_an_old_file_that_is_put_in_the_place_of_the_log_is_a_backlog(running: Running) -> None:
    old = running.time - YEARS
    running.path.rename(running.path.with_name("dr.log.1"))
    running.write(old)
    (fault,) = await running.look(after_ms=10_000)
    assert (fault.code, fault.at) == ("GEN-KV-01", int(old.timestamp()) * 1000)


async def test_a_rotated_log_is_judged_from_its_second_look_on(running: Running) -> None:
    running.path.rename(running.path.with_name("dr.log.1"))
    running.write()
    await running.look(after_ms=10_000)
    running.write(running.time - YEARS)
    assert [fault.code for fault in await running.look()] == [CLOCK_CODE, "GEN-KV-01"]


async def test_a_share_whose_clock_is_as_wrong_as_the_lines(running: Running) -> None:
    running.write(running.time - YEARS)
    wrong = running.now / 1000 - YEARS.total_seconds()
    os.utime(running.path, (wrong, wrong))
    clock, fault = await running.look()
    assert clock.code == CLOCK_CODE
    assert abs(fault.at - running.now) <= 1000


async def test_the_clock_is_set_within_one_look(running: Running) -> None:
    """The last line has the last word; each is judged by itself."""
    running.write(running.time - YEARS, running.time)
    first, second = await running.look()
    assert first.params == {UNCERTAIN_TIME: 1.0}
    assert second.params == {}


async def test_a_line_that_says_no_time_says_nothing_of_the_clock(running: Running) -> None:
    running.write(running.time - YEARS)
    assert len(await running.look()) == 2
    with running.path.open("a", encoding="utf-8") as stream:
        stream.write("2026-99-22 00:00:00 ALARM GEN-KV-01 SET\n")
    (fault,) = await running.look()
    assert (fault.code, fault.params) == ("GEN-KV-01", {UNCERTAIN_TIME: 1.0})


async def test_an_agent_that_starts_again_tells_that_it_is_right(running: Running) -> None:
    running.write(running.time - YEARS)
    await running.look()
    running.start()
    await running.look()
    running.write(running.time)
    assert [fault.code for fault in await running.look()] == [CLOCK_CODE, "GEN-KV-01"]


async def test_while_the_outbox_takes_nothing_nothing_was_told(running: Running) -> None:
    running.write(running.time - YEARS)
    running.sink.failing = True
    assert await running.look() == []
    running.sink.failing = False
    assert [fault.code for fault in await running.look()] == [CLOCK_CODE, "GEN-KV-01"]


async def test_looks_that_find_nothing_new_count_as_looks(tmp_path: Path) -> None:
    """Also those of the thread that waits while a log is idle: a line is no older than the last of them."""
    running = Running(tmp_path / "dr.log", every_s=0.05)
    running.write(running.time)
    task = asyncio.create_task(running.agent.run())
    try:
        await until(lambda: running.looks >= 5)
        running.now += 3 * 86_400_000
        looks = running.looks
        await until(lambda: running.looks >= looks + 3)
        running.write(running.time - timedelta(days=2))
        await until(lambda: len(running.sink.items()) == 3)
    finally:
        task.cancel()
    assert [item.code for item in running.sink.items() if isinstance(item, Fault)][1:] == [CLOCK_CODE, "GEN-KV-01"]

"""The log adapter against a sink: positions commit with what was read, through kills, a full disk and rotation."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.logs.file import CHUNK
from agent.adapters.logs.tail import COMMIT_BYTES, LogTail
from agent.clock import Now
from agent.config.shapes import Log
from agent.errors import AgentError
from catalog.load import load
from tests.fixtures.astm import until
from tests.fixtures.sink import MemorySink
from wire.items import Fault

MODEL = load().models["generic-dr"]
LATER = Now(wall=1_795_309_200_000, elapsed=0)


def line(second: int, code: str = "GEN-KV-01") -> str:
    return f"2026-11-22 08:{second // 60:02}:{second % 60:02} ALARM {code} SET ZHANG SAN\n"


def tail(path: Path, sink: MemorySink, **options: Any) -> LogTail:
    config = Log(path=str(path), time_zone="Asia/Shanghai", **options)
    return LogTail(config=config, model=MODEL, sink=sink, now=lambda: LATER)


async def drain(adapter: LogTail) -> None:
    while await adapter.turn():
        pass


async def start(path: Path, sink: MemorySink, **options: Any) -> LogTail:
    adapter = tail(path, sink, **options)
    adapter.resume()
    await drain(adapter)
    return adapter


def seconds(sink: MemorySink) -> list[int]:
    faults = [item for item in sink.items() if isinstance(item, Fault)]
    return [(fault.at - 1_795_305_600_000) // 1000 for fault in faults]


async def test_lines_become_faults_and_nothing_else_of_them_is_entered(tmp_path: Path) -> None:
    path, sink = tmp_path / "dr.log", MemorySink()
    path.write_text(line(0) + "ZHANG SAN 1961-03-04\n" + line(1), encoding="utf-8")
    await start(path, sink)
    assert seconds(sink) == [0, 1]
    assert "ZHANG" not in repr(sink.entries)
    assert b"ZHANG" not in b"".join(sink.positions.values())


async def test_an_idle_log_wakes_nobody_and_its_next_line_is_entered(tmp_path: Path) -> None:
    turns = 0

    class Counted(LogTail):
        async def turn(self) -> bool:
            nonlocal turns
            turns += 1
            return await super().turn()

    path, sink = tmp_path / "dr.log", MemorySink()
    path.write_text(line(0), encoding="utf-8")
    config = Log(path=str(path), time_zone="Asia/Shanghai", every_s=0.001)
    adapter = Counted(config=config, model=MODEL, sink=sink, now=lambda: LATER)
    running = asyncio.create_task(adapter.run())
    for number in range(1, 4):
        await until(lambda number=number: seconds(sink) == list(range(number)) and adapter._still)
        at_rest = turns
        await asyncio.sleep(0.2)
        assert turns <= at_rest + 3, "some hundred looks in its own thread, none in the loop"
        with path.open("a", encoding="utf-8") as stream:
            stream.write(line(number))
    running.cancel()
    await until(lambda: not any(thread.name.startswith("log:") for thread in threading.enumerate()))


async def test_killed_between_two_turns_it_goes_on_where_it_committed(tmp_path: Path) -> None:
    path, sink = tmp_path / "dr.log", MemorySink()
    path.write_text("".join(map(line, range(3))), encoding="utf-8")
    await start(path, sink)
    with path.open("a", encoding="utf-8") as stream:
        stream.write("".join(map(line, range(3, 6))))
    await start(path, sink)
    await start(path, sink)
    assert seconds(sink) == list(range(6))


async def test_what_the_outbox_does_not_take_is_read_again(tmp_path: Path) -> None:
    path, sink = tmp_path / "dr.log", MemorySink()
    path.write_text(line(0), encoding="utf-8")
    sink.failing = True
    adapter = await start(path, sink)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(line(1))
    await drain(adapter)
    assert seconds(sink) == []
    assert sink.positions == {}
    sink.failing = False
    await drain(adapter)
    assert seconds(sink) == [0, 1]
    assert sink.counts["outbox:failed"] == 2


async def test_a_log_without_facts_commits_its_position_now_and_then(tmp_path: Path) -> None:
    path, sink = tmp_path / "dr.log", MemorySink()
    text = b"nothing of interest, but long\n" * (4 * COMMIT_BYTES // 30)
    path.write_bytes(text)
    await start(path, sink)
    assert sink.items() == []
    assert 4 <= len(sink.entries) <= 6
    assert len(text) // CHUNK > 10


async def test_a_big_log_is_entered_in_turns_in_order(tmp_path: Path) -> None:
    path, sink = tmp_path / "dr.log", MemorySink()
    path.write_text("".join(map(line, range(12_000 // 4))) * 4, encoding="utf-8")
    adapter = tail(path, sink)
    adapter.resume()
    assert await adapter.turn()
    assert 0 < len(sink.items()) < 12_000
    await drain(adapter)
    assert seconds(sink) == list(range(3000)) * 4


async def test_rotation_between_two_turns(tmp_path: Path) -> None:
    path, sink = tmp_path / "dr.log", MemorySink()
    path.write_text(line(0), encoding="utf-8")
    adapter = await start(path, sink)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(line(1))
    path.rename(tmp_path / "dr.log.1")
    path.write_text(line(2), encoding="utf-8")
    await drain(adapter)
    assert seconds(sink) == [0, 1, 2]


async def test_what_is_refused_is_counted_by_reason(tmp_path: Path) -> None:
    path, sink = tmp_path / "dr.log", MemorySink()
    path.write_bytes(line(0, "FOO-BAR-01").encode() + b"\xff\n" + b"x" * 100_000 + b"\n")
    await start(path, sink)
    assert set(sink.counts) == {"log:unknown-code", "log:bad-bytes", "log:long-line"}


async def test_a_log_that_can_not_be_read_is_counted_once_and_tried_again(tmp_path: Path) -> None:
    path, sink = tmp_path / "dr.log", MemorySink()
    path.mkdir()
    adapter = await start(path, sink)
    await drain(adapter)
    assert sink.counts == {"log:unreadable-file": 1}
    path.rmdir()
    path.write_text(line(0), encoding="utf-8")
    await drain(adapter)
    assert seconds(sink) == [0]


async def test_lines_without_a_time_are_as_old_as_the_file(tmp_path: Path) -> None:
    """A backlog read today must not look like today's faults."""
    path, sink = tmp_path / "dr.log", MemorySink()
    path.write_text("2026-99-22 08:00:00 ALARM GEN-KV-01 SET\n", encoding="utf-8")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    await start(path, sink)
    assert [item.at for item in sink.items() if isinstance(item, Fault)] == [1_700_000_000_000]


def test_a_pattern_or_zone_that_is_not_there_is_one_clear_line() -> None:
    for config in (Log(path="x", patterns=("nope",)), Log(path="x", time_zone="Mars/Olympus")):
        with pytest.raises(AgentError, match=r"nope|Mars") as caught:
            LogTail(config=config, model=MODEL, sink=MemorySink())
        assert "\n" not in str(caught.value)

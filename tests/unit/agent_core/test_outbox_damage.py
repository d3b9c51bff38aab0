"""The outbox with damaged files and killed processes; on full disks: tests/integration/agent/test_full_disk.py."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from structlog.testing import capture_logs

from agent.adapters.port import Entry
from agent.errors import AgentError, DamagedReport, OutboxFailed
from agent.outbox.outbox import Outbox
from agent.outbox.storage import Storage
from catalog.own_words import DAMAGED
from tests.fixtures.outbox import NOW, fault, held, items, reading
from wire.items import Fault, Readings, Skipped
from wire.topics import Lane


class Small(Storage):
    """A disk of 60 pages."""

    PRAGMAS: ClassVar = {**Storage.PRAGMAS, "max_page_count": "60"}


async def test_a_file_at_its_largest_drops_bulk_for_what_is_new_then_takes_nothing(path: Path) -> None:
    outbox = Outbox(path=path, storage=Small)
    kept = 0
    with contextlib.suppress(OutboxFailed):
        while kept < 1_000:
            await outbox.aput(Entry(live=[fault(f"C-{kept}")], bulk=[reading(1.0, 500)]), NOW)
            kept += 1
            await held(outbox, Lane.BULK, kept)  # under way, and so never dropped
    assert 3 < kept < 1_000
    assert (outbox.state.live.reports, outbox.state.bulk.reports) == (kept, kept)
    await outbox._write(lambda book: book._delete(Lane.BULK, 0, kept))
    await outbox.aput(Entry(live=[fault("AFTER")]), NOW)  # room again
    outbox.close()
    outbox = Outbox(path=path)
    assert outbox.state.live.reports == kept + 1
    outbox.close()


class Odd(Storage):
    """Fails at a step as nobody expected, once ``broken``, with a text that quotes what it had in hand."""

    step: ClassVar[str] = "commit"
    broken: ClassVar[bool] = False

    def _at(self, step: str) -> None:
        if self.broken and self.step == step:
            raise ValueError("ZHANG^SAN")

    def begin(self) -> None:
        self._at("begin")
        super().begin()

    def commit(self) -> None:
        self._at("commit")
        super().commit()

    def look(self) -> None:
        self._at("look")
        super().look()


@pytest.mark.parametrize("step", ["begin", "commit", "look"])
async def test_whoever_waits_is_answered_whatever_happens(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(Odd, "step", step)
    outbox = Outbox(path=path, storage=Odd)
    await outbox.aput(Entry(live=[fault("A")]), NOW)
    monkeypatch.setattr(Odd, "broken", True)
    with capture_logs() as logs:
        all_ = [outbox.aput(Entry(live=[fault(f"B-{number}")]), NOW) for number in range(20)]
        answers = await asyncio.wait_for(asyncio.gather(*all_, return_exceptions=True), 20)
    assert {type(answer) for answer in answers} == {OutboxFailed}
    assert 0 < len(logs) <= 20
    assert all(str(line["error"]).startswith("ValueError in test_outbox_damage.py:") for line in logs)
    assert "ZHANG" not in f"{logs} {answers}"
    monkeypatch.setattr(Odd, "broken", False)
    await outbox.aput(Entry(live=[fault("C")]), NOW)
    there = await items(outbox, Lane.LIVE)
    assert [item.code for item in there if isinstance(item, Fault)] == ["A", "C"]
    assert outbox.state.live.reports == 2
    outbox.close()


async def test_a_listener_that_fails_takes_no_answer_away(path: Path) -> None:
    outbox = Outbox(path=path)

    def fail() -> None:
        raise RuntimeError("ZHANG^SAN")

    outbox.watch(fail)
    with capture_logs() as logs:
        for code in "AB":
            assert (await asyncio.wait_for(outbox.aput(Entry(live=[fault(code)]), NOW), 20))[0]
        outbox.close()
    assert len(logs) == 2
    assert "ZHANG" not in str(logs)
    assert outbox.state.live.reports == 2


def _garbage(path: Path) -> None:
    path.write_bytes(os.urandom(20_000))


def _torn(path: Path) -> None:
    Outbox(path=path).close()
    outbox = Outbox(path=path)
    for number in range(50):
        outbox.put(Entry(bulk=[reading(float(number), 500)]), NOW)
    outbox.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _another_database(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE patients (name TEXT)")
    other.close()


def _unreadable_state(path: Path) -> None:
    Outbox(path=path).close()
    with sqlite3.connect(path) as other:
        other.execute("UPDATE meta SET state = x'ff00ff'")
    other.close()


@pytest.mark.parametrize("damage", [_garbage, _torn, _another_database, _unreadable_state])
def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(path: Path, damage: Callable[[Path], None]) -> None:
    damage(path)
    outbox = Outbox(path=path)
    assert outbox.state.boot == 1
    assert outbox.put(Entry(live=[fault()]), NOW)[0]
    outbox.close()
    assert path.with_name("d.outbox.damaged-1").exists()
    damage(path.with_name("other"))
    path.with_name("other").replace(path)
    Outbox(path=path).close()
    assert path.with_name("d.outbox.damaged-2").exists()


async def test_a_report_with_a_flipped_bit_is_never_sent_and_leaves_a_note(outbox: Outbox) -> None:
    for number in range(3):
        await outbox.aput(Entry(bulk=[reading(float(number))]), NOW)
    outbox._book._db.execute("UPDATE body SET bytes = CAST(replace(bytes, '1.0', '7.0') AS BLOB) WHERE id = 2")
    assert [report.seq for report in await held(outbox, Lane.BULK)] == [1]
    with pytest.raises(DamagedReport) as damage:
        await held(outbox, Lane.BULK, 2)
    await outbox.skip(Lane.BULK, damage.value.seq, reason=DAMAGED)
    assert [type(item) for item in await items(outbox, Lane.BULK)] == [Readings, Skipped, Readings]


def test_damage_found_at_work_is_told_and_the_next_start_begins_anew(path: Path) -> None:
    outbox = Outbox(path=path)
    for number in range(200):
        outbox.put(Entry(bulk=[reading(float(number), 300)]), NOW)
    outbox.close()
    size = path.stat().st_size
    outbox = Outbox(path=path)
    outbox._book._db.execute("PRAGMA cache_size = 0")
    with path.open("r+b") as file:  # under its feet
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(OutboxFailed):
        asyncio.run(held(outbox, Lane.BULK))
    assert outbox.damaged
    outbox.close()
    outbox = Outbox(path=path)
    assert outbox.state.boot == 1
    outbox.close()


def test_a_file_of_a_newer_agent_is_left_alone(path: Path) -> None:
    Outbox(path=path).close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(AgentError, match="newer agent"):
        Outbox(path=path)
    assert not path.with_name("d.outbox.damaged-1").exists()


def test_two_agents_never_share_an_outbox(path: Path, outbox: Outbox) -> None:
    assert outbox.state.boot == 1

    class Hasty(Storage):
        LOCK_S: ClassVar[float] = 0.05

    with pytest.raises(AgentError, match="another agent"):
        Outbox(path=path, storage=Hasty)


def test_a_folder_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="can't be opened"):
        Outbox(path=tmp_path / "none" / "d.outbox")


CHILD = r"""
import sys
from pathlib import Path
from agent.adapters.port import Entry
from agent.clock import Moment
from catalog.own_words import DAMAGED, REFUSED
from agent.outbox.outbox import Outbox, _Job
from wire.items import Fault, Readings
import threading
outbox = Outbox(path=Path(sys.argv[1]))
def run(name):
    for number in range(100_000):
        entry = Entry(
            live=[Fault(at=1, code=f"{name}-{number}", state="active")],
            bulk=[Readings(at=1, metric=["m"] * 200, value=[float(number)] * 200)],
            positions={name: b"%d" % number},
        )
        outbox.put(entry, Moment(at=1, segment=0))
        sys.stdout.write(f"{name} {number}\n")
        sys.stdout.flush()
for name in "ABC":
    threading.Thread(target=run, args=(name,)).start()
"""


@pytest.mark.parametrize("lines", [1, 30, 111])
def test_delivery_1_a_kill_in_the_middle_loses_nothing_that_was_answered(path: Path, lines: int) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    answered = [child.stdout.readline().split() for _ in range(lines)]
    child.send_signal(signal.SIGKILL)
    answered += [line.split() for line in child.stdout.read().splitlines() if len(line.split()) == 2]
    child.stdout.close()
    child.wait()
    outbox = Outbox(path=path)
    try:
        assert not path.with_name("d.outbox.damaged-1").exists()
        assert outbox.state.live.reports == outbox.state.bulk.reports
        there = asyncio.run(items(outbox, Lane.LIVE))
        codes = [item.code for item in there if isinstance(item, Fault)]
        for name in "ABC":
            own = [int(code[2:]) for code in codes if code.startswith(name)]
            assert own == list(range(len(own)))
            told = [int(number) for who, number in answered if who == name]
            assert len(own) > max(told, default=-1)
            kept = outbox.position(name)
            assert (int(kept) if kept is not None else -1) == len(own) - 1
    finally:
        outbox.close()

"""Starting on a disk that is full, or that nothing can be written to (ADR 0017)."""

import asyncio
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.app import App
from agent.config.shapes import Agent, Config, Device, Server
from agent.errors import AgentError, NoRoom
from agent.outbox.outbox import Outbox
from agent.outbox.room import reserve_of
from agent.uplink.enrol import enrol
from tests.fixtures.disk import SmallDisk
from tests.fixtures.full_disk import Former, Reserved, drained, entry, filled
from tests.fixtures.outbox import NOW
from tests.fixtures.ports import free_port


@pytest.mark.parametrize("times", [1, 5])
async def test_it_starts_on_a_full_disk_and_drains(disk: SmallDisk, path: Path, times: int) -> None:
    outbox = Outbox(path=path, storage=Reserved)
    await filled(outbox, 2_000)
    for _ in range(times):
        outbox.close()
        disk.fill()
        outbox = Outbox(path=path, storage=Reserved)
        disk.fill()
    assert outbox.state.boot == times + 1
    assert (outbox.state.live.reports, outbox.state.bulk.reports) == (2_000, 2_000)
    await drained(outbox, disk)
    outbox.close()


CHILD = """
import sys
from pathlib import Path
from agent.errors import OutboxError
from agent.outbox.outbox import Outbox
from tests.fixtures.outbox import NOW
from tests.fixtures.full_disk import Reserved, entry
outbox = Outbox(path=Path(sys.argv[1]), storage=Reserved)
number = 0
while True:
    try:
        outbox.put(entry(number), NOW)
        print(number, flush=True)
        number += 1
    except OutboxError:
        print("full", flush=True)
"""


def test_killed_on_a_full_disk_it_has_what_it_answered(disk: SmallDisk, path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None
        answered = 0
        while answered < 4_000 and (line := child.stdout.readline().strip()) != "full":
            answered += line.isdigit()  # it logs too
            if answered == 1_500:
                disk.fill()
        child.send_signal(signal.SIGKILL)
        answered += sum(line.isdigit() for line in child.stdout.read().splitlines())
    disk.fill()
    outbox = Outbox(path=path, storage=Reserved)
    assert not list(disk.folder.glob("*damaged*"))
    assert outbox.state.live.reports >= answered > 1_500
    assert outbox.state.live.reports == outbox.state.bulk.reports + outbox.state.dropped
    asyncio.run(drained(outbox, disk))
    outbox.close()


def test_full_beyond_the_reserve_it_says_what_to_do(disk: SmallDisk, path: Path) -> None:
    disk.fill()
    with pytest.raises(NoRoom, match=r"No space left on device.*make room"):
        Outbox(path=path, storage=Reserved)
    disk.make_room()
    Outbox(path=path, storage=Reserved).close()


def test_a_disk_that_is_read_only_is_told_as_that(disk: SmallDisk, path: Path) -> None:
    Outbox(path=path, storage=Reserved).close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk.folder)], check=True)
    with pytest.raises(AgentError, match="Read-only file system") as error:
        Outbox(path=path, storage=Reserved)
    assert not isinstance(error.value, NoRoom)
    subprocess.run(["mount", "-o", "remount,rw", str(disk.folder)], check=True)
    Outbox(path=path, storage=Reserved).close()


async def test_an_agent_begins_on_a_full_disk_once_there_is_room(
    disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.app.backoff", lambda *_: 0.0)
    disk.fill()
    device = Device(name="dr-1", model="generic-dr", id="dabcdefghjkm1")
    config = Config(
        agent=Agent(state=str(disk.folder)),
        server=Server(mqtt=f"mqtt://127.0.0.1:{free_port()}"),
        devices=(device,),
    )
    app = App(config=config)
    with capture_logs() as logs:
        running = asyncio.create_task(app.run())
        await asyncio.sleep(2.5)
        assert not app.devices
        disk.make_room()
        deadline = time.monotonic() + 20
        while not app.devices:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    failed = [line for line in logs if line["event"] == "device failed, it is started again"]
    assert len(failed) == 1
    assert "make room" in failed[0]["error"]


def test_a_code_is_not_used_up_where_its_answer_can_not_be_kept(disk: SmallDisk) -> None:
    disk.fill()
    with pytest.raises(NoRoom, match="make room"):
        enrol(disk.folder, "dr-1", api=f"http://127.0.0.1:{free_port()}", code="WXYZ-2345")


def test_an_outbox_of_the_former_agent_goes_on(disk: SmallDisk, path: Path) -> None:
    former = Outbox(path=path, storage=Former)
    former.put(entry(1), NOW)
    key, epoch = former.key, former.state.epoch
    former.close()
    shutil.copy(path, path.with_name("copy"))
    assert not reserve_of(path).path.exists()
    outbox = Outbox(path=path, storage=Reserved)
    assert (outbox.key, outbox.state.epoch, outbox.state.boot) == (key, epoch, 2)
    assert outbox.state.live.reports == outbox.state.bulk.reports == 1
    outbox.put(entry(2), NOW)
    outbox.close()
    assert reserve_of(path).whole

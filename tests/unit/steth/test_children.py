"""What `steth up` makes of its children: who listens, what their logs may weigh, what outlives a kill."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from steth import children, folder
from steth.children import Child, bound_log
from steth.folder import DataFolder, UpError, data_folder
from tests.fixtures.ports import free_port, wait_until


class Listener(Child):
    """A process that listens on the port it is told, or ends where somebody else does."""

    def __init__(self, port: int, where: DataFolder) -> None:
        super().__init__(name="listener", arguments=[], environment={}, folder=where)
        program = f"import socket, sys; s = socket.create_server(('127.0.0.1', {port})); sys.stdin.read()"
        self._command = [sys.executable, "-c", program]


@pytest.fixture
def where(tmp_path: Path) -> Iterator[DataFolder]:
    with data_folder(tmp_path / "data") as made:
        yield made


def test_who_answers_on_the_port_of_a_dead_child_is_not_taken_for_it(where: DataFolder) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        child = Listener(port, where)
        child.start()
        wait_until(lambda: not child.running, what="the child's end")
        with socket.create_connection(("127.0.0.1", port), 5):
            assert not child.listens(port)
        assert "Address already in use" in child.last_words()
        assert "Address already in use" in (child.revive() or "")


def test_a_child_that_listens_is_known(where: DataFolder) -> None:
    port = free_port()
    child = Listener(port, where)
    child.start()
    wait_until(lambda: child.listens(port), what="listening")
    assert not child.listens(free_port())
    asyncio.run(child.stop())
    assert not child.running
    assert not child.listens(port)


def test_a_log_is_bounded_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "LOG_BYTES", 1000)
    log = tmp_path / "broker.log"
    with log.open("ab", buffering=0) as writer:
        for number in range(500):
            writer.write(b"%09d\n" % number)
            bound_log(log)
    assert log.stat().st_size <= 1010
    assert (tmp_path / "broker.log.1").stat().st_size <= 1010
    assert log.read_bytes().endswith(b"%09d\n" % 499) or log.stat().st_size == 0
    assert {path.name for path in tmp_path.iterdir()} == {"broker.log", "broker.log.1"}


class Flood(Child):
    """A process that writes to its log without end."""

    def __init__(self, where: DataFolder) -> None:
        super().__init__(name="flood", arguments=[], environment={}, folder=where)
        program = "import sys, time\nwhile True: sys.stderr.write('x' * 9999 + chr(10)); time.sleep(0.001)"
        self._command = [sys.executable, "-c", program]


def test_a_process_that_floods_its_log_fills_no_disk(where: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "LOG_BYTES", 100_000)
    child = Flood(where)
    child.start()
    assert child._process is not None
    counters = psutil.Process(child._process.pid).io_counters
    most = 0

    def flooded() -> bool:
        nonlocal most
        bound_log(child.log)
        most = max(most, sum(path.stat().st_blocks * 512 for path in child.log.parent.iterdir()))
        return counters().write_chars > 5_000_000

    wait_until(flooded, what="five megabytes", seconds=30)
    asyncio.run(child.stop())
    assert 0 < most < 2_000_000


def test_the_children_of_a_killed_run_end_before_the_next_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with data_folder(tmp_path) as held:
        survivor = subprocess.Popen(["/bin/sleep", "60"], pass_fds=(held.family,))
    monkeypatch.setattr(folder, "_FAMILY_S", 0.1)
    try:
        with pytest.raises(UpError, match="still work in"), data_folder(tmp_path):
            pytest.fail("it began beside them")
    finally:
        survivor.kill()
        survivor.wait()
    with data_folder(tmp_path):
        pass


def test_a_folder_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UpError, match="is not text"), data_folder(tmp_path / os.fsdecode(b"\xca\xfd\xbe")):
        pytest.fail("it began")

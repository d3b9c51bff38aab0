"""The disk of the chaos run forgets what was not synchronised, and nothing else."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos.power import Disk, build_shim
from tests.fixtures.parts import missing


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("gcc") is None:
        missing("gcc", get="apt-get install gcc libc6-dev")
    return build_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def disk(shim: Path, tmp_path: Path) -> Disk:
    return Disk(folder=tmp_path, shim=shim, stack=ExitStack())


def run(disk: Disk, program: str) -> None:
    """Run a program that ends by killing itself."""
    environment = {**os.environ, **disk.environment}
    code = f"import os, sqlite3\nfolder = {str(disk.folder)!r}\n{program}\nos.kill(os.getpid(), 9)"
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == -9, ended.stderr


WRITE = """
fd = os.open(folder + "/file", os.O_RDWR | os.O_CREAT)
os.write(fd, b"first ")
os.fsync(fd)
os.write(fd, b"second")
os.pwrite(fd, b"F", 0)
"""


def test_what_was_synchronised_survives_and_what_was_not_does_not(disk: Disk) -> None:
    run(disk, WRITE)
    assert (disk.folder / "file").read_bytes() == b"First second"
    disk.lose_power()
    assert (disk.folder / "file").read_bytes() == b"first "


def test_a_file_never_synchronised_is_gone_and_a_removed_one_too(disk: Disk) -> None:
    run(disk, WRITE + "os.unlink(folder + '/file')\nopen(folder + '/other', 'w').write('x')")
    disk.lose_power()
    assert list(disk.folder.iterdir()) == []


def test_another_process_synchronises_what_a_killed_one_left(disk: Disk) -> None:
    run(disk, WRITE)
    run(disk, "fd = os.open(folder + '/file', os.O_RDWR)\nos.fdatasync(fd)\nos.ftruncate(fd, 3)")
    disk.lose_power()
    assert (disk.folder / "file").read_bytes() == b"First second"


def test_a_truncation_survives_with_the_next_synchronisation(disk: Disk) -> None:
    run(disk, WRITE + "os.ftruncate(fd, 3)\nos.fsync(fd)")
    disk.lose_power()
    assert (disk.folder / "file").read_bytes() == b"Fir"


SQLITE = """
connection = sqlite3.connect(folder + "/outbox", isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA synchronous = {}")
connection.execute("CREATE TABLE IF NOT EXISTS t (n)")
for n in range(50):
    connection.execute("INSERT INTO t VALUES (?)", (n,))
"""


@pytest.mark.parametrize(("synchronous", "kept"), [("FULL", 50), ("OFF", 0)])
def test_sqlite_goes_through_it(disk: Disk, synchronous: str, kept: int) -> None:
    """Committed with synchronisation: there. Without: gone. So the run's agents are really on this disk."""
    run(disk, SQLITE.format(synchronous))
    disk.lose_power()
    assert rows(disk.folder / "outbox") == kept


def rows(path: Path) -> int:

    if not path.exists():
        return 0
    connection = sqlite3.connect(path)
    try:
        if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            return 0
        found: int = connection.execute("SELECT count(*) FROM t").fetchone()[0]
        return found
    finally:
        connection.close()

"""The embedded server's life and who gets in."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from store import embedded_folder
from store.embedded import EmbeddedPostgres
from store.errors import StoreError, StoreErrorCode
from tests.fixtures.folders import thrown_away
from tests.fixtures.parts import missing
from tests.fixtures.ports import wait_until
from tests.integration.store.servers import guards_of, servers_on

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a server of the test's own may be, below a folder that is closed to the service user."""
    with thrown_away() as top:
        yield top / "postgres"
        for process in servers_on(top):  # of a test that failed
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


@pytest.fixture(scope="module")
def shared_folder() -> Iterator[Path]:
    """The folder of the server that tests only look at."""
    with thrown_away() as top:
        yield top / "postgres"


@pytest.fixture(scope="module")
def running(shared_folder: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(folder=shared_folder, shared_buffers_mb=16)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(folder=folder, shared_buffers_mb=16)
    made.start()
    yield made
    made.stop()


STEALS_AWAY = """
import os, signal, sys, pathlib, psutil, psycopg
from store.embedded import EmbeddedPostgres

server = EmbeddedPostgres(folder=pathlib.Path(sys.argv[1]), shared_buffers_mb=16)
with psycopg.connect(server.start()) as connection:
    connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
print(server.pid, flush=True)
if "guarded" not in sys.argv:
    for child in psutil.Process().children():
        if child.name() == "sh":
            child.kill()
os.kill(os.getpid(), signal.SIGKILL)
"""


def query(dsn: str, statement: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def start_in_a_process_that_is_killed(folder: Path, *how: str) -> int:
    """Start a server in a child, commit a row, kill the child, and return the postmaster that it leaves behind; its
    guard is killed first unless it is ``guarded``."""
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            STEALS_AWAY,
            str(folder),
            *how,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    return int(child.stdout)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_settings_of_a_store_that_must_not_lose(running: EmbeddedPostgres) -> None:
    names = ("fsync", "synchronous_commit", "full_page_writes", "TimeZone", "max_connections", "server_encoding")
    found = [query(running.dsn, f"SELECT current_setting('{name}')") for name in names]
    assert found == ["on", "on", "on", "UTC", "60", "UTF8"]
    assert query(running.dsn, "SELECT current_setting('data_checksums')") == "on"
    locale = "SELECT format('%s %s', datlocprovider, datlocale) FROM pg_database WHERE datname = 'postgres'"
    assert query(running.dsn, locale) == "b C.UTF-8"
    assert query(running.tcp_dsn, "SELECT current_setting('idle_in_transaction_session_timeout')") == "30s"


def test_only_the_loopback_is_listened_on(running: EmbeddedPostgres) -> None:
    listening = {
        connection.laddr.ip
        for connection in psutil.Process(running.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN and connection.laddr
    }
    assert listening == {"127.0.0.1"}


def test_folders_are_ours_alone_and_parents_untouched(folder: Path) -> None:
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    before = {parent: (parent.stat().st_mode, parent.stat().st_uid) for parent in folder.parents}
    made = EmbeddedPostgres(folder=folder, shared_buffers_mb=16)
    made.start()
    try:
        assert {parent: (parent.stat().st_mode, parent.stat().st_uid) for parent in folder.parents} == before
        modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
        root = os.geteuid() == 0
        assert modes == {
            folder.name: 0o710 if root else 0o700,
            "data": 0o700,
            "log": 0o700,
            "socket": 0o700,
            "password": 0o600,
            "lock": 0o600,
            "start.log": 0o600,
        }
        assert psutil.Process(made.pid).uids().real == made.account.uid != 0
    finally:
        made.stop()


def test_another_user_of_the_machine_is_refused(running: EmbeddedPostgres, shared_folder: Path) -> None:
    if os.geteuid() != 0:
        missing("a second system user", get="run it as root")
    # The worst case: nothing above the folder keeps the other user out.
    above = shared_folder.parent
    before = above.stat().st_mode
    where = conninfo_to_dict(running.dsn)

    def as_nobody(*command: str) -> str:
        done = subprocess.run(
            command, user="nobody", group="nogroup", extra_groups=[], cwd="/", env={"LC_ALL": "C"},
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode != 0, done.stdout
        return done.stderr

    psql = [str(running.binaries / "psql"), "--no-psqlrc", "--no-password", "-c", "SELECT 1"]
    try:
        above.chmod(0o755)
        over_socket = as_nobody(*psql, make_conninfo("", **{**where, "password": None}))
        over_tcp = as_nobody(*psql, make_conninfo("", **{**where, "password": None, "host": "127.0.0.1"}))
        wrong = as_nobody(*psql, make_conninfo("", **{**where, "password": "guess", "host": "127.0.0.1"}))
        assert "Permission denied" in over_socket
        assert "no password supplied" in over_tcp
        assert "password authentication failed" in wrong
        for name in ("data", "log", "socket", "password", "lock"):
            assert "Permission denied" in as_nobody("/bin/ls", str(shared_folder / name / "."))
            assert "Permission denied" in as_nobody("/bin/cat", str(shared_folder / name))
        assert "Permission denied" in as_nobody("/bin/ls", str(shared_folder))
    finally:
        above.chmod(before)


def test_no_password_no_entry_on_the_socket_either(running: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(make_conninfo(running.dsn, password=""), passfile="/dev/null")


def test_a_killed_postmaster_is_started_again_with_all_that_was_committed(server: EmbeddedPostgres) -> None:
    query(server.dsn, "CREATE TABLE kept AS SELECT 42 AS value")
    pid, dsn = server.pid, server.dsn
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: server.pid is None, what="the end of the postmaster")
    assert server.start() == dsn  # the same port: pools find it again
    assert server.pid != pid
    assert query(dsn, "SELECT value FROM kept") == 42


def test_a_clean_stop_and_start(server: EmbeddedPostgres, folder: Path) -> None:
    query(server.dsn, "CREATE TABLE kept AS SELECT 42 AS value")
    pid = server.pid
    assert pid is not None
    server.stop()
    assert gone(pid)
    assert not (folder / "data" / "postmaster.pid").exists()
    server.stop()  # again does nothing
    assert query(server.start(), "SELECT value FROM kept") == 42
    with pytest.raises(RuntimeError, match="running"):
        server.start()


def test_what_a_killed_parent_left_running_is_taken_over(folder: Path) -> None:
    orphan = start_in_a_process_that_is_killed(folder)
    assert not gone(orphan)
    server = EmbeddedPostgres(folder=folder, shared_buffers_mb=16)
    try:
        assert query(server.start(), "SELECT value FROM kept") == 42
        assert gone(orphan)
        assert [process.pid for process in servers_on(folder) if process.ppid() == os.getpid()] == [server.pid]
    finally:
        server.stop()
    assert not servers_on(folder)


@pytest.mark.parametrize("where", ["postgres", "x" * 120])
def test_nothing_is_left_of_a_server_whose_parent_was_killed(folder: Path, where: str) -> None:
    left = {path.name for path in Path("/dev/shm").iterdir()}
    sockets = set(Path("/tmp").glob("steth-postgres-*"))
    orphan = start_in_a_process_that_is_killed(folder.with_name(where), "guarded")
    wait_until(lambda: gone(orphan), what="the server's end", seconds=30)
    wait_until(lambda: not guards_of(orphan), what="the guard's end")
    assert not (folder.with_name(where) / "data" / "postmaster.pid").exists(), "in order, not by force"
    assert {path.name for path in Path("/dev/shm").iterdir() if "PostgreSQL" in path.name} <= left
    assert set(Path("/tmp").glob("steth-postgres-*")) <= sockets


def test_a_stop_leaves_no_guard(server: EmbeddedPostgres) -> None:
    pid = server.pid
    assert pid is not None
    assert len(guards_of(pid)) == 1
    server.stop()
    assert not guards_of(pid)


def test_its_log_quotes_no_row_that_failed(running: EmbeddedPostgres, shared_folder: Path) -> None:
    with psycopg.connect(running.dsn, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE one (name text UNIQUE CHECK (name <> 'Li Si'))")
        for name in ("Zhang San", "Zhang San", "Li Si"):
            with contextlib.suppress(psycopg.IntegrityError):
                connection.execute("INSERT INTO one VALUES (%s)", (name,))
    (file,) = (shared_folder / "log").iterdir()
    wait_until(lambda: "violates check" in file.read_text(), what="the log")
    log = file.read_text()
    assert "duplicate key value" in log
    assert "San" not in log
    assert "(Li" not in log


def test_shared_memory_is_no_matter_of_the_machines(running: EmbeddedPostgres) -> None:
    assert query(running.dsn, "SHOW dynamic_shared_memory_type") == "mmap"
    before = {path.name for path in Path("/dev/shm").iterdir()}
    parallel = "SET debug_parallel_query = on; SET min_parallel_table_scan_size = 0; SELECT count(*) FROM pg_class"
    with psycopg.connect(running.dsn, autocommit=True) as connection:
        for statement in parallel.split("; "):
            connection.execute(statement.encode())
        assert {p.name for p in Path("/dev/shm").iterdir() if "PostgreSQL" in p.name} <= before


def test_a_second_steth_on_the_folder_is_refused_and_harms_nothing(
    running: EmbeddedPostgres, shared_folder: Path
) -> None:
    pid = running.pid
    with pytest.raises(StoreError, match=f"in use by another steth \\(process {os.getpid()}\\)") as caught:
        EmbeddedPostgres(folder=shared_folder).start()
    assert caught.value.code is StoreErrorCode.IN_USE
    assert running.pid == pid
    assert query(running.dsn, "SELECT 1") == 1


def test_a_long_path_moves_the_socket_to_a_private_folder(folder: Path) -> None:
    long = folder / ("x" * 60) / ("y" * 60) / "postgres"
    long.parent.mkdir(parents=True)
    start_in_a_process_that_is_killed(long)
    (orphan,) = {Path(line) for line in (long / "data" / "postmaster.pid").read_text().splitlines()[4:5]}
    server = EmbeddedPostgres(folder=long, shared_buffers_mb=16)
    try:
        assert query(server.start(), "SELECT value FROM kept") == 42
        place = Path(str(conninfo_to_dict(server.dsn)["host"]))
        assert folder not in place.parents
        assert (place.stat().st_mode & 0o777, place.stat().st_uid) == (0o700, server.account.uid)
        assert orphan.name.startswith("steth-postgres-")
        assert not orphan.exists()

        pid, dsn = server.pid, server.dsn
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: server.pid is None, what="the end of the postmaster")
        assert server.start() == dsn
        assert query(dsn, "SELECT value FROM kept") == 42
    finally:
        server.stop()
    assert not place.exists()


def test_a_comma_in_the_path(folder: Path) -> None:
    server = EmbeddedPostgres(folder=folder / "a, 'b' \"c\" 听诊", shared_buffers_mb=16)
    try:
        assert query(server.start(), "SELECT 1") == 1
    finally:
        server.stop()


def test_a_stale_number_that_means_another_process_now(server: EmbeddedPostgres, folder: Path) -> None:
    server.stop()
    other = server.account.spawn(["/bin/sleep", "60"], output=sys.stdout.buffer)
    try:
        stale = f"{other.pid}\n{folder}/data\n1795321574\n5432\n\n127.0.0.1\n 1 1\nready   \n"
        (folder / "data" / "postmaster.pid").write_text(stale)
        os.chown(folder / "data" / "postmaster.pid", server.account.uid, server.account.gid)
        assert query(server.start(), "SELECT 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_an_interrupted_initdb_is_begun_again(folder: Path) -> None:
    folder.mkdir()
    (folder / "lock").touch()
    (folder / "password").write_text("half")
    (folder / "data.new").mkdir()
    (folder / "data.new" / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(folder=folder, shared_buffers_mb=16)
    try:
        assert query(server.start(), "SELECT 1") == 1
    finally:
        server.stop()


def refused(server: EmbeddedPostgres, code: StoreErrorCode) -> str:
    with pytest.raises(StoreError) as caught:
        server.start()
    assert caught.value.code is code, caught.value
    assert "\n" not in str(caught.value)
    assert server.pid is None
    return str(caught.value)


def test_what_is_wrong_is_said_in_one_line(server: EmbeddedPostgres, folder: Path, tmp_path: Path) -> None:
    data = folder / "data"
    server.stop()

    with socket.create_server(("127.0.0.1", 0)) as taken:
        fixed = EmbeddedPostgres(folder=folder, port=taken.getsockname()[1])
        assert "the port is in use" in refused(fixed, StoreErrorCode.PORT_IN_USE)

    (data / "PG_VERSION").write_text("19\n")
    assert "is PostgreSQL 19's and this is PostgreSQL 18" in refused(server, StoreErrorCode.DATA_VERSION)
    (data / "PG_VERSION").write_text("18\n")

    (folder / "log").rename(folder / "log.away")
    (folder / "log").mkdir(mode=0o500)
    assert "can't be written to" in refused(server, StoreErrorCode.FOLDER_READ_ONLY)
    (folder / "log").rmdir()
    (folder / "log.away").rename(folder / "log")

    (folder / "password").rename(folder / "password.away")
    assert "is gone" in refused(server, StoreErrorCode.PASSWORD_LOST)
    (folder / "password").write_text("another\n")
    assert "does not hold the superuser's password" in refused(server, StoreErrorCode.PASSWORD_LOST)
    (folder / "password.away").rename(folder / "password")

    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    before = (tmp_path / "photos").stat().st_mode
    refused(EmbeddedPostgres(folder=tmp_path / "photos"), StoreErrorCode.NOT_OURS)
    assert (tmp_path / "photos").stat().st_mode == before

    assert query(server.start(), "SELECT 1") == 1


def test_a_closed_parent_where_there_is_no_way_round(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        missing("a service user that is another", get="run it as root")
    monkeypatch.setattr(embedded_folder, "_DESCRIPTORS", tmp_path / "no proc here")
    said = refused(EmbeddedPostgres(folder=folder), StoreErrorCode.FOLDER_CLOSED)
    assert f"the folder {folder.parent} is closed to the user 'steth'" in said
    assert f"chmod o+x {folder.parent}" in said
    assert folder.parent.stat().st_mode & 0o777 == 0o700


def test_settings_that_postgres_refuses(folder: Path) -> None:
    server = EmbeddedPostgres(folder=folder, settings={"shared_buffers": "no"})
    assert "shared_buffers" in refused(server, StoreErrorCode.START)

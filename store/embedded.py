"""An embedded PostgreSQL server: `steth up` needs no database of anybody.

The folder it is given is ours alone and holds `data` (the cluster), `log` (a week, one file a day), `socket`,
`password` (the superuser's), `lock` and `start.log`. Started by root, the folder stays root's and what the server
writes belongs to the service user (`store.account`); the modes of parent folders are never touched.

The server listens on its Unix socket (folder 0700) and on 127.0.0.1, so that tools such as `psql` or Grafana reach it
too; both ask for a password (SCRAM), so being on the machine is not enough.

A server whose parent was killed is ended by its guard (`store.embedded_guard`). Where that was killed too, whoever
starts it next on the same folder stops it first: the lock says that no other steth is using it.

Shared memory is the server's own and a file of its data folder, never /dev/shm: that may be small, missing or full of
others' things, and what a kill leaves there stays.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo

from store.account import SERVICE_FOLDER, Account, binaries_for, current_account, packaged_version
from store.embedded_folder import WayIn, lock_folder, make_folder, own_folder
from store.embedded_guard import Guard
from store.embedded_log import StartLog
from store.errors import StoreError, StoreErrorCode
from store.orphans import stop_processes_of

SUPERUSER: Final = "postgres"
_SOCKET_PATH_BYTES: Final = 107 if sys.platform == "linux" else 103  # sun_path without its final zero
_SOCKET_PREFIX: Final = "steth-postgres-"
_PORT_ATTEMPTS: Final = 5
_FAST_STOP_S: Final = 30.0
_SETTINGS: Final = MappingProxyType(
    {
        "cluster_name": "steth",
        "listen_addresses": "127.0.0.1",
        "max_connections": "60",
        "dynamic_shared_memory_type": "mmap",
        # So much of it lies in the main block, without a file: statistics and the few queries that run in parallel.
        "min_dynamic_shared_memory": "16MB",
        "fsync": "on",
        "synchronous_commit": "on",
        "idle_in_transaction_session_timeout": "30s",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Relative to the data folder, which is the server's working folder: a way in is never looked up by path.
        "log_directory": "../log",
        "logging_collector": "on",
        "log_filename": "postgres-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        # Else the details of an error quote the row that failed, or the key that was there already.
        "log_error_verbosity": "terse",
    }
)
_NO_SETTINGS: Final[Mapping[str, str]] = MappingProxyType({})


class EmbeddedPostgres:
    """One server on one folder: `start()` gives its DSN, `stop()` ends it. Blocking; not for two threads at once.

    `port` on 127.0.0.1 (None: a free one, kept over restarts of this object); `shared_buffers_mb` in MiB; `settings`
    are further server settings and override ours; `start_timeout_s` bounds recovery after a crash as well.
    """

    def __init__(
        self,
        *,
        folder: Path,
        port: int | None = None,
        shared_buffers_mb: int = 128,
        settings: Mapping[str, str] = _NO_SETTINGS,
        start_timeout_s: float = 120.0,
        service_folder: Path = SERVICE_FOLDER,
    ) -> None:
        self._folder = Path(os.path.realpath(folder))
        self._fixed_port = port
        self._port = port
        self._settings = {**_SETTINGS, "shared_buffers": f"{shared_buffers_mb}MB", **settings}
        self._start_timeout_s = start_timeout_s
        self._service_folder = service_folder
        self._account: Account | None = None
        self._binaries: Path | None = None
        self._lock: int | None = None
        self._socket_folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs, else None."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def binaries(self) -> Path:
        """The folder of `pg_dump`, `psql` and the rest, as the server's account runs them. Needs `start()`."""
        if self._binaries is None:
            raise RuntimeError("the server was never started")
        return self._binaries

    @property
    def account(self) -> Account:
        """Whom the server's processes run as. Needs `start()`."""
        if self._account is None:
            raise RuntimeError("the server was never started")
        return self._account

    @property
    def dsn(self) -> str:
        """The superuser's DSN over the Unix socket, database `postgres`. Holds the password: don't log it."""
        return self._conninfo(host=str(self._socket_folder))

    @property
    def tcp_dsn(self) -> str:
        """The same over 127.0.0.1."""
        return self._conninfo(host="127.0.0.1")

    def _conninfo(self, *, host: str) -> str:
        if self._port is None or self._socket_folder is None:
            raise RuntimeError("the server was never started")
        return make_conninfo(host=host, port=self._port, user=SUPERUSER, password=self._password(), dbname="postgres")

    def start(self) -> str:
        """Start the server, making the cluster first where there is none, and return `dsn`.

        Takes over what a killed parent left running. Raises StoreError with one line that says what is wrong.
        """
        if self.pid is not None:
            raise RuntimeError("the server is running")
        try:
            self._prepare()
            self._launch_and_check()
        except OSError as error:
            self.stop()
            raise _as_store_error(error, self._folder) from error
        except BaseException:
            self.stop()
            raise
        return self.dsn

    def stop(self) -> None:
        """End the server (clients are disconnected, nothing is lost) and let go of the folder. May be called again."""
        if self._process is not None:
            # SIGINT: fast shutdown; SIGQUIT: at once, recovers at the next start.
            for how, seconds in ((signal.SIGINT, _FAST_STOP_S), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
                self._process.send_signal(how)
                try:
                    self._process.wait(timeout=seconds)
                    break
                except subprocess.TimeoutExpired:
                    continue
            self._process = None
        self._dismiss_guard()
        if self._socket_folder is not None and self._socket_folder.parent != self._folder:
            shutil.rmtree(self._socket_folder, ignore_errors=True)
        self._socket_folder = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _dismiss_guard(self) -> None:
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.dismiss()

    def _prepare(self) -> None:
        """Everything up to a cluster that may be started: account, binaries, folder, lock, takeover, initdb."""
        account = self._account = current_account()
        self._binaries = binaries_for(account, service_folder=self._service_folder)
        if self._lock is None:
            own_folder(self._folder, account)
            self._lock = lock_folder(self._folder)
        for name in ("log", "socket"):
            make_folder(self._folder / name, account)
        data = self._folder / "data"
        if (data / "PG_VERSION").exists():
            self._check_data(account, data)
            self._take_over(account, data)
        else:
            self._initialise(account, data)

    def _check_data(self, account: Account, data: Path) -> None:
        found = data.stat()
        if found.st_uid != account.uid:
            raise StoreError(
                StoreErrorCode.NOT_OURS,
                f"{data} belongs to user {found.st_uid} and the server would run as {account.name} ({account.uid})",
            )
        if not (self._folder / "password").exists():
            raise StoreError(
                StoreErrorCode.PASSWORD_LOST,
                f"{data} is there but the file {self._folder / 'password'} is gone: restore it",
            )
        version, ours = (data / "PG_VERSION").read_text().strip(), packaged_version().partition(".")[0]
        if version != ours:
            raise StoreError(
                StoreErrorCode.DATA_VERSION,
                f"{data} is PostgreSQL {version}'s and this is PostgreSQL {ours}: dump it there, restore it here",
            )

    def _take_over(self, account: Account, data: Path) -> None:
        """Stop what still runs on our data (a killed parent's server) and clear what it left behind."""
        lines = _postmaster_lines(data)
        stop_processes_of(data, postmaster=int(lines[0]) if lines else None)
        if len(lines) > 4 and Path(lines[4]) != self._socket_folder:
            _remove_socket_folder(Path(lines[4]), account)
        # Left by a kill. Nothing runs in the folder (just checked), but its number may be some other process's by now,
        # and PostgreSQL would then refuse to start.
        (data / "postmaster.pid").unlink(missing_ok=True)

    def _initialise(self, account: Account, data: Path) -> None:
        """Make the cluster beside its place and rename it: a kill in between leaves nothing half made."""
        draft = self._folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        self._make_password(account)
        make_folder(draft, account)
        with WayIn(self._folder, account) as way:
            command = [
                str(self.binaries / "initdb"),
                f"--pgdata={way.path}/data.new",
                f"--pwfile={way.path}/password",
                f"--username={SUPERUSER}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
                "--set=dynamic_shared_memory_type=mmap",
            ]
            done = account.run(command, pass_fds=way.descriptors)
        if done.returncode != 0:
            shutil.rmtree(draft, ignore_errors=True)
            raise StartLog.error_in(done.stderr, folder=self._folder, what="initdb")
        draft.rename(data)

    def _make_password(self, account: Account) -> None:
        draft = self._folder / "password.new"
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        account.own(draft)
        draft.rename(self._folder / "password")

    def _password(self) -> str:
        return (self._folder / "password").read_text().strip()

    def _launch_and_check(self) -> None:
        """Launch until a real connection answers; a server that dies right away is started once more.

        (After a kill of the postmaster the first start may end in a dead server.)
        """
        deaths = 0
        for _ in range(_PORT_ATTEMPTS):
            if self._port is None:
                self._port = _free_port()
            try:
                self._launch(self._port)
            except StoreError as error:
                if error.code is StoreErrorCode.PORT_IN_USE and self._fixed_port is None:
                    self._port = None
                elif error.code is StoreErrorCode.START and deaths == 0:
                    deaths += 1
                else:
                    raise
            else:
                return
        raise StoreError(StoreErrorCode.PORT_IN_USE, f"no free port on 127.0.0.1 in {_PORT_ATTEMPTS} attempts")

    def _launch(self, port: int) -> None:
        account = self.account
        self._socket_folder = self._place_socket(account)
        outside = self._socket_folder.parent != self._folder
        settings = {
            **self._settings,
            "port": str(port),
            "unix_socket_directories": f'"{self._socket_folder}"' if outside else "../socket",
        }
        log = StartLog(self._folder)
        with WayIn(self._folder, account) as way, log.open() as output:
            command = [str(self.binaries / "postgres"), "-D", f"{way.path}/data"]
            for name, value in settings.items():
                command += ["-c", f"{name}={value}"]
            self._process = account.spawn(command, output=output, pass_fds=way.descriptors)
        self._dismiss_guard()
        self._guard = Guard(
            pid=self._process.pid,
            data=self._folder / "data",
            socket_folder=self._socket_folder if outside else None,
        )
        deadline = time.monotonic() + self._start_timeout_s
        while not self._answers(self._process.pid):
            if self._process.poll() is not None:
                self._process = None
                raise log.error()
            if time.monotonic() > deadline:
                raise StoreError(
                    StoreErrorCode.START,
                    f"PostgreSQL on {self._folder} did not answer within {self._start_timeout_s:.0f} s",
                )
            time.sleep(0.01)

    def _answers(self, pid: int) -> bool:
        """True if the postmaster says it is ready and a query comes back: the file alone may be of a dead server."""
        lines = _postmaster_lines(self._folder / "data")
        if len(lines) < 8 or lines[0] != str(pid) or lines[7].strip() != "ready":
            return False
        try:
            with psycopg.connect(self.dsn, connect_timeout=5) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise StoreError(
                    StoreErrorCode.PASSWORD_LOST,
                    f"the file {self._folder / 'password'} does not hold the superuser's password any more: restore it",
                ) from None
            return False

    def _place_socket(self, account: Account) -> Path:
        """The folder `socket`, or a private temporary one where the path is too long, or libpq would split it, or would
        be told it in UTF-8 while the disk has it in the letters of another locale."""
        inside = self._folder / "socket"
        short = len(os.fsencode(inside / ".s.PGSQL.65535")) <= _SOCKET_PATH_BYTES
        if short and str(inside).isascii() and "," not in str(inside):
            return inside
        if self._socket_folder is not None:
            return self._socket_folder
        made = Path(tempfile.mkdtemp(prefix=_SOCKET_PREFIX, dir=_temporary_folder()))
        account.own(made)
        return made


def _postmaster_lines(data: Path) -> list[str]:
    """The lines of postmaster.pid: process, data folder, start, port, socket folder, address, shared memory, status."""
    try:
        lines = os.fsdecode((data / "postmaster.pid").read_bytes()).splitlines()
    except FileNotFoundError:
        return []
    return lines if lines and lines[0].isdigit() else []


def _remove_socket_folder(path: Path, account: Account) -> None:
    """Remove the temporary socket folder a killed parent left, if that is what this is."""
    try:
        found = path.lstat()
    except OSError:
        return
    if path.parent == _temporary_folder() and path.name.startswith(_SOCKET_PREFIX) and found.st_uid == account.uid:
        shutil.rmtree(path, ignore_errors=True)


def _temporary_folder() -> Path:
    # Not TMPDIR: it may be the very path that is too long, or closed to the service user.
    return Path("/tmp")  # noqa: S108 - used with mkdtemp only


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _as_store_error(error: OSError, folder: Path) -> StoreError:
    return StartLog.error_in(os.strerror(error.errno) if error.errno else str(error), folder=folder, what="preparing")

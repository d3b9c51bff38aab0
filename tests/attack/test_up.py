"""`steth up` on a machine with other users."""

import re
import stat
from pathlib import Path

import psutil
import pytest

from tests.fixtures.ports import free_port
from tests.fixtures.up import running

pytestmark = pytest.mark.attack


def test_its_files_are_its_user_s_alone_and_its_doors_the_machine_s_own(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running(folder, free_port(), "--devices", "1") as up:
        up.ready()
        family = [psutil.Process(up.process.pid), *psutil.Process(up.process.pid).children(recursive=True)]
        doors = {
            (connection.laddr.ip, connection.laddr.port)
            for process in family
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }
        assert doors
        assert {ip for ip, _ in doors} <= {"127.0.0.1", "::1"}
        for process in family:
            limits = Path(f"/proc/{process.pid}/limits").read_text(encoding="utf-8")
            assert re.search(r"^Max core file size +0 ", limits, re.MULTILINE), process.cmdline()
        secrets = [up.run["password"], up.run["token"]]
        for path in [folder, *folder.rglob("*")]:
            mode = stat.S_IMODE(path.lstat().st_mode)
            closed = not mode & 0o077 or any(
                not stat.S_IMODE(above.stat().st_mode) & 0o077 for above in _above(path, folder)
            )
            if path.is_file() and not closed:
                text = path.read_bytes()
                assert not [secret for secret in secrets if secret.encode() in text], path
            if path.suffix in {".toml", ".key"} or path.name == "run.json":
                assert closed, f"{path} {mode:o}"
        for process in family:
            assert not [secret for secret in secrets if secret in " ".join(process.cmdline())]


def _above(path: Path, top: Path) -> list[Path]:
    return [above for above in path.parents if above == top or top in above.parents]

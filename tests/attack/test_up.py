"""`steth up` on a machine with other users."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.fixtures.maker import Maker
from tests.fixtures.ports import free_port
from tests.fixtures.up import Up, running
from tests.fixtures.wire_canaries import FLOATS, NAMES, WANTED, places, planted

pytestmark = pytest.mark.attack


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with running(tmp_path_factory.mktemp("up") / "data", free_port(), "--devices", "1") as made:
        made.ready()
        yield made


def test_its_files_are_its_user_s_alone_and_its_doors_the_machine_s_own(up: Up) -> None:
    folder = up.folder
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


def test_a_guesser_behind_forged_headers_is_stopped(up: Up) -> None:
    answers = set()
    for n in range(20):
        login = {"user": "demo-staff", "password": f"guess-{n}"}
        forged = {"X-Forwarded-For": f"203.0.113.{n}", "Forwarded": f"for=203.0.113.{n}"}
        answers.add(httpx.post(f"{up.run['http']}/api/v1/login", json=login, headers=forged, timeout=10).status_code)
    assert answers == {401, 429}
    heard = up.sql(b"SELECT DISTINCT detail->>'address' FROM audit WHERE action LIKE 'login-failed%%'")
    assert heard == [("127.0.0.1",)]


def test_a_patient_is_kept_in_no_file_of_it(up: Up) -> None:
    """Not even in PostgreSQL's write-ahead log; the device's own name is found there."""
    numbers = [("readings", ("value", "[]")), ("fault", ("params", "{}"))]
    evil = [planted(kind, path, canary) for kind, path in places() for canary in NAMES]
    evil += [planted(kind, path, number) for kind, path in numbers for number in FLOATS]
    with Maker(up) as maker:
        device = maker.mint("Victim")
        for each in evil:
            maker.report(device, {**each, "at": maker.now()})
        maker.report(device, {"t": "readings", "at": maker.now(), "metric": ["host.cpu"], "value": [12.5]})
        up.until(lambda: up.get(f"/devices/{device}")["latest"])
    words = [word.encode() for word in (*WANTED, "victim")]
    found = set()
    for path in up.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes().lower()
            found |= {word for word in words if word in content}
    assert found == {b"victim"}


def _above(path: Path, top: Path) -> list[Path]:
    return [above for above in path.parents if above == top or top in above.parents]

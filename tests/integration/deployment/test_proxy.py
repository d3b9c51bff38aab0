"""The proxy as it is deployed: docker/proxy/nginx.conf on a real nginx but for folders and ports, and `steth api`."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psycopg
import pytest

from tests.fixtures.parts import missing
from tests.fixtures.ports import free_port, listening, wait_until
from tests.fixtures.postgres import Cluster, Database
from tests.fixtures.trixie import Daemon, Tree

CONFIG: Final = Path(__file__).resolve().parents[3] / "docker" / "proxy" / "nginx.conf"
CALLER: Final = "127.0.0.5"
"""Nobody else calls from there; nginx itself reaches the API from 127.0.0.1."""
USER: Final = "www-data"
NEW: Final = "quiet-harbour-lamp"
SOON_S: Final = 10.0
OF_ADDRESS: Final = 20


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`head`: its lines, the first with the version of HTTP."""

    head: list[str]
    body: str

    @property
    def status(self) -> int:
        return int(self.head[0].split()[1])


@dataclass(frozen=True, kw_only=True)
class Door:
    """The proxy, and what stands behind it. `certificates`: its folder in the tree."""

    tree: Tree
    certificates: Path
    port: int
    api: str
    database: Database
    password: str

    def curl(self, path: str, *more: str) -> list[str]:
        """A request as a browser's, by HTTP/2."""
        authority = str(self.certificates / "ca.crt")
        asked = ["curl", "--silent", "--show-error", "--http2", "--path-as-is", "--max-time", "60"]
        asked += ["--cacert", authority, "--interface", CALLER, *more, f"https://127.0.0.1:{self.port}{path}"]
        return self.tree.command(*asked, user=USER)

    def ask(self, path: str, *more: str) -> Answer:
        done = subprocess.run(self.curl(path, "--include", *more), capture_output=True, text=True, check=True)
        head, _, body = done.stdout.partition("\n\n")
        return Answer(head=head.splitlines(), body=body)

    def listeners(self) -> float:
        """Live streams, as the API counts them."""
        text = httpx.get(f"{self.api}/metrics", trust_env=False).text
        (found,) = re.findall(r"^steth_api_stream_clients (\S+)$", text, re.MULTILINE)
        return float(found)


def replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"docker/proxy/nginx.conf has no {old}"
    return text.replace(old, new)


def steth(folder: Path, *arguments: str, settings: dict[str, str]) -> list[str]:
    config = folder / f"{arguments[0]}.toml"
    config.write_text("".join(f'{key} = "{value}"\n' for key, value in settings.items()), encoding="utf-8")
    config.chmod(0o600)
    return [sys.executable, "-m", "steth", *arguments, "--config", str(config)]


@pytest.fixture(scope="module")
def door(
    trixie: Tree, certificates: Path, plain_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    if not all(trixie.outside(Path(part)).exists() for part in ("/usr/sbin/nginx", "/usr/bin/curl")):
        missing("nginx and curl in the Debian 13 tree", get="sudo make test-deps")
    folder = tmp_path_factory.mktemp("proxy")
    database = plain_cluster.create()
    add = steth(folder, "account", "add", "chief", "--role", "admin", settings={"dsn_owner": database.owner})
    password = subprocess.run(add, check=True, capture_output=True, text=True).stdout.strip()

    behind, port = free_port(), free_port()
    settings = {"dsn_api": database.api, "http": f"127.0.0.1:{behind}", "proxies": "127.0.0.1"}
    environment = {key: value for key, value in os.environ.items() if not key.startswith("STETH_")}
    api = subprocess.Popen(steth(folder, "api", settings=settings), env=environment)

    inside = trixie.make_directory(user=USER)
    directory = trixie.outside(inside)
    text = CONFIG.read_text(encoding="utf-8").replace("/tmp/", f"{inside}/")
    text = text.replace("/etc/nginx/certs/", f"{inside}/")
    text = replaced(text, "listen 8443 ssl;", f"listen 127.0.0.1:{port} ssl;")
    text = replaced(text, "server api:8420;", f"server 127.0.0.1:{behind};")
    text = replaced(text, "client_header_timeout 10s;", "client_header_timeout 1s;")
    text = replaced(text, "limit_conn callers 1000;", f"limit_conn callers {OF_ADDRESS};")
    (directory / "nginx.conf").write_text(text, encoding="utf-8")
    for name in ("server.crt", "server.key"):
        shutil.copy(certificates / "proxy" / name, directory)
    shutil.copy(certificates / "ca" / "steth-ca.crt", directory / "ca.crt")
    for path in directory.iterdir():
        shutil.chown(path, *trixie.ids(USER))
    nginx = Daemon(
        tree=trixie,
        user=USER,
        command=["/usr/sbin/nginx", "-e", "stderr", "-c", f"{inside}/nginx.conf"],
        log=folder / "nginx.log",
        ready=lambda: listening(port),
    )
    try:
        wait_until(lambda: listening(behind), what="the start of steth api", seconds=30)
        nginx.start()
        made = Door(
            tree=trixie,
            certificates=inside,
            port=port,
            api=f"http://127.0.0.1:{behind}",
            database=database,
            password=password,
        )
        yield made
        assert api.poll() is None
        assert (folder / "nginx.log").read_text(encoding="utf-8") == "", "nothing that was asked is written anywhere"
    finally:
        nginx.kill()
        api.terminate()
        api.wait(30)
        shutil.rmtree(directory, ignore_errors=True)
        plain_cluster.drop(database.name)


def json(text: str) -> list[str]:
    return ["--header", "Content-Type: application/json", "--data", text]


def test_from_the_login_to_the_first_event(door: Door) -> None:
    """By HTTP/2, with a cookie that never goes out in clear, and under the caller's own address whatever it forges."""
    forged = []
    for header in ("X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http"):
        forged += ["--header", header]
    wanted = json(f'{{"user": "chief", "password": "{door.password}"}}')
    session = door.ask("/api/v1/session", *forged, *wanted)
    assert session.head[0].startswith("HTTP/2 200"), session
    cookies = [line for line in session.head if line.startswith("set-cookie: ")]
    assert len(cookies) == 2
    assert all(re.search(r"; secure(;|\Z)", cookie, re.IGNORECASE) for cookie in cookies)
    assert "strict-transport-security: max-age=31536000" in session.head
    assert not any(line.startswith("server: nginx/") for line in session.head)
    with psycopg.connect(door.database.superuser) as connection:
        told = connection.execute("SELECT detail->>'address' FROM audit WHERE action = 'login'").fetchall()
    assert told == [(CALLER,)]

    login = door.ask("/api/v1/login", *wanted)
    (token,) = re.findall(r'"token": ?"(st_[^"]+)"', login.body)
    bearer = ["--header", f"Authorization: Bearer {token}"]
    changed = door.ask("/api/v1/account/password", *bearer, *json(f'{{"old": "{door.password}", "new": "{NEW}"}}'))
    assert changed.status < 300, changed
    began = time.monotonic()
    with subprocess.Popen(
        door.curl("/api/v1/stream", "--no-buffer", *bearer), stdout=subprocess.PIPE, text=True
    ) as tab:
        assert tab.stdout is not None
        events = [next(line for line in tab.stdout if line.startswith("event: ")).strip() for _ in range(3)]
        assert time.monotonic() - began < SOON_S
        assert events == ["event: hello", "event: beat", "event: beat"], "each as it is said"
        assert door.listeners() == 1
        tab.kill()  # curl, for chroot becomes what it runs
    wait_until(lambda: door.listeners() == 0, what="the end of the stream", seconds=SOON_S)


@pytest.mark.parametrize("name", ["metrics", "readyz", "healthz"])
def test_what_is_for_ourselves_is_not_there(door: Door, name: str) -> None:
    assert httpx.get(f"{door.api}/{name}", trust_env=False).status_code == 200
    for path in (
        f"/{name}",
        f"//{name}",
        f"/{name}/",
        f"/api/../{name}",
        f"/%{ord(name[0]):x}{name[1:]}",
        f"/{name}?x=1",
    ):
        answer = door.ask(path)
        assert (answer.status, "steth_" in answer.body) == (404, False), path
    assert door.ask(f"/{name}", "--http1.1").status == 404


def test_nobody_sends_without_end_or_takes_a_place_by_silence(door: Door) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def called() -> socket.socket:
        return socket.create_connection(("127.0.0.1", door.port), timeout=SOON_S)

    with called() as silent, context.wrap_socket(called()) as half, context.wrap_socket(called()) as much:
        half.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        much.sendall(b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n")
        assert much.recv(100).startswith(b"HTTP/1.1 413 ")
        assert (silent.recv(1), half.recv(1)) == (b"", b"")


def test_one_address_leaves_connections_to_others(door: Door) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    half = b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf"

    def called(stack: ExitStack) -> ssl.SSLSocket:
        made = socket.create_connection(("127.0.0.1", door.port), SOON_S, source_address=("127.0.0.6", 0))
        one = stack.enter_context(context.wrap_socket(made))
        one.sendall(half)
        return one

    with ExitStack() as stack:
        many = [called(stack) for _ in range(OF_ADDRESS + 1)]
        assert many[-1].recv(100).startswith(b"HTTP/1.1 429 ")
        assert door.ask("/").status == 200


def test_old_tls_is_refused(door: Door) -> None:
    old = ["--tls-max", "1.1", "--tlsv1.0", "--ciphers", "ALL:@SECLEVEL=0"]
    done = subprocess.run(door.curl("/", *old), capture_output=True, text=True, check=False)
    assert (done.returncode != 0, "alert protocol version" in done.stderr) == (True, True), done.stderr
    assert door.ask("/", "--tls-max", "1.2").status == 200

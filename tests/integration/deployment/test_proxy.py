"""Console and API by the door of a deployment."""

import re
import socket
import ssl
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx
import psycopg
import pytest

from tests.fixtures.ports import wait_until
from tests.integration.deployment.conftest import CALLER, OF_ADDRESS, Door, announcing, steth

NEW: Final = "quiet-harbour-lamp"
SOON_S: Final = 10.0


@pytest.fixture
def password(door: Door, tmp_path: Path) -> str:
    """Of the account `chief`, as it was printed."""
    add = steth(tmp_path, "account", "add", "chief", "--role", "staff", settings={"dsn_owner": door.database.owner})
    return subprocess.run(add, check=True, capture_output=True, text=True).stdout.strip()


def json(text: str) -> list[str]:
    return ["--header", "Content-Type: application/json", "--data", text]


def test_from_the_login_to_the_first_event(door: Door, password: str) -> None:
    """By HTTP/2, with a cookie that never goes out in clear, and under the caller's own address whatever it forges."""
    forged = []
    for header in ("X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http"):
        forged += ["--header", header]
    wanted = json(f'{{"user": "chief", "password": "{password}"}}')
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
    changed = door.ask("/api/v1/account/password", *bearer, *json(f'{{"old": "{password}", "new": "{NEW}"}}'))
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
    context = announcing("http/1.1")

    def called() -> socket.socket:
        return socket.create_connection(("127.0.0.1", door.port), timeout=SOON_S)

    with called() as silent, context.wrap_socket(called()) as half, context.wrap_socket(called()) as much:
        half.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        much.sendall(b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n")
        assert much.recv(100).startswith(b"HTTP/1.1 413 ")
        assert (silent.recv(1), half.recv(1)) == (b"", b"")


def test_one_address_leaves_connections_to_others(door: Door) -> None:
    context = announcing("http/1.1")
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

"""Taking all places: of the stream, and of the server's connections."""

import socket
import time
from contextlib import ExitStack
from typing import Final

import httpx
import pytest

from tests.attack.installation import PREFIX, Installation, until

pytestmark = pytest.mark.attack

TRIED: Final = 300


def streaming(stack: ExitStack, target: Installation, who: str) -> httpx.Response:
    """The head of a stream that stays open."""
    client = stack.enter_context(httpx.Client(timeout=20, trust_env=False))
    headers = {"Authorization": f"Bearer {target.insiders[who].token}"}
    return stack.enter_context(client.stream("GET", f"{target.api}{PREFIX}/stream", headers=headers))


def test_one_account_cannot_take_the_streams_of_all(target: Installation) -> None:
    with ExitStack() as stack:
        taken = [streaming(stack, target, "hospital-a").status_code for _ in range(TRIED)]
        alive = until(lambda: _streams(target))
        assert alive <= 60, "what one account holds"
        for other in ("hospital-b", "noc"):
            answer = streaming(stack, target, other)
            assert answer.status_code == httpx.codes.OK, other
            assert next(answer.iter_lines())
        assert set(taken) <= {200, 429}


def _streams(target: Installation) -> int:
    found = [
        line
        for line in httpx.get(f"{target.api}/metrics", timeout=20).text.splitlines()
        if line.startswith("steth_api_stream_clients")
    ]
    return int(sum(float(line.rpartition(" ")[2]) for line in found))


def test_silent_and_half_sent_requests_end_and_others_are_served(target: Installation) -> None:
    host, port = target.api.removeprefix("http://").split(":")
    halves = [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"GET /healthz HTTP/1.1\r\nX-A: " + b"a" * 1000]
    with ExitStack() as stack:
        silent = []
        for n in range(200):
            one = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
            one.sendall(halves[n % len(halves)])
            silent.append(one)
        assert httpx.get(f"{target.api}/healthz", timeout=10).status_code == httpx.codes.OK
        began = time.monotonic()
        for one in silent:
            one.settimeout(max(0.1, 20 - (time.monotonic() - began)))
            try:
                while one.recv(4096):
                    pass
            except ConnectionError:
                pass
        assert time.monotonic() - began < 20

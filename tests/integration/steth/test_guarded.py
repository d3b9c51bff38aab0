"""The API's HTTP server against clients that say nothing, half of it, or take nothing: raw sockets, quick clocks."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest
from starlette.types import Message, Receive, Scope, Send
from uvicorn.server import ServerState

from steth.guarded import Waiting
from steth.run_api import http_server
from tests.fixtures.ports import free_port

LIMITS_S = {"headers_s": 0.4, "body_s": 0.6, "take_s": 0.6}
PATIENCE_S = 5.0
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
BIG = 16 * 1024 * 1024


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """`/`: answers at once. `/late`: after longer than any limit. `/read`: when it has the body. `/big`: with a lot."""
    if scope["type"] != "http":
        return
    body = b"ok"
    if scope["path"] == "/late":
        await asyncio.sleep(0.7)
    elif scope["path"] == "/read":
        while (await receive()).get("more_body"):
            pass
    elif scope["path"] == "/big":
        body = bytes(BIG)
    start: Message = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
    await send(start)
    await send({"type": "http.response.body", "body": body})


@dataclass(kw_only=True)
class Server:
    port: int
    waiting: Waiting
    state: ServerState

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()

    async def answered(self, request: bytes = REQUEST) -> bytes:
        async with asyncio.timeout(PATIENCE_S), self.connected() as (reader, writer):
            writer.write(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            return await reader.read()


@pytest.fixture
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    waiting, port = Waiting(**{**LIMITS_S, **getattr(request, "param", {})}), free_port()
    serving = http_server(app, host="127.0.0.1", port=port, waiting=waiting)
    task = asyncio.create_task(serving.serve())
    await until(lambda: serving.started)
    yield Server(port=port, waiting=waiting, state=serving.server_state)
    serving.should_exit = True
    await task


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - a state of uvicorn's
            await asyncio.sleep(0.01)


async def closed(reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        while await reader.read(65536):
            pass


@pytest.mark.parametrize(
    ("first", "drip"),
    [
        (b"", b""),
        (b"GET / HT", b""),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", b"a"),
        (REQUEST, b"G"),
        (b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nhalf", b""),
        (b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", b"x"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", b"x"),  # answered before it was sent
        (b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
async def test_who_sends_nothing_or_half_of_it_is_cut_off(server: Server, first: bytes, drip: bytes) -> None:
    began = time.monotonic()
    async with asyncio.timeout(PATIENCE_S), server.connected() as (reader, writer):
        writer.write(first)
        ended = asyncio.create_task(closed(reader))
        while not ended.done():
            writer.write(drip)
            await asyncio.wait([ended], timeout=0.05)
    assert 0.3 < time.monotonic() - began < 2.5
    assert len(server.waiting) == 0


async def test_who_takes_nothing_is_cut_off(server: Server) -> None:
    request = b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as idle:
        idle.sendall(request)
        await until(lambda: len(server.state.connections) == 1)
        await until(lambda: not server.state.connections)
    async with server.connected() as (reader, writer):
        writer.write(request)
        got, began = 0, time.monotonic()
        while got < BIG:
            piece = await reader.read(BIG // 16)
            assert piece, "slowly is not never"
            got += len(piece)
            await asyncio.sleep(0.01)
    assert time.monotonic() - began > LIMITS_S["take_s"]


async def test_who_waits_for_us_is_not_cut_off(server: Server) -> None:
    assert (await server.answered(b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n")).endswith(b"ok")
    both = await server.answered(REQUEST.replace(b"\r\n\r\n", b"\r\nX-Y: 1\r\n\r\n") + REQUEST)
    assert both.startswith(b"HTTP/1.1 200")
    async with asyncio.timeout(PATIENCE_S), server.connected() as (reader, writer):
        for _ in range(2):
            writer.write(REQUEST + b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n" + REQUEST)  # pipelined
            for _ in range(3):
                await reader.readuntil(b"\r\n\r\nok")


@pytest.mark.parametrize("server", [{"most": 3, "take_s": 60}], indirect=True)
async def test_who_takes_an_answer_slowly_waits_as_who_sends_one_and_makes_room(server: Server) -> None:
    slow: list[asyncio.StreamWriter] = []
    try:
        for _ in range(5):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
            slow.append(writer)
            writer.write(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
            there = min(len(slow), 3)
            await until(lambda there=there: len(server.waiting) == there)  # type: ignore[misc]  # a lambda of a loop
        await until(lambda: len(server.state.connections) == 3)  # the longest of them went
        assert (await server.answered()).endswith(b"ok")
    finally:
        for writer in slow:
            writer.close()


@pytest.mark.parametrize("server", [{"most": 50}], indirect=True)
async def test_silent_connections_keep_nobody_out(server: Server) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(200)]
    try:
        assert (await server.answered()).endswith(b"ok")
        assert (await server.answered(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab")).endswith(b"ok")
        assert len(server.waiting) <= 50
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(closed(reader) for reader, _ in silent))
    finally:
        for _, writer in silent:
            writer.close()

"""Receivers that behave as documented, or badly: chat robots, and a web server whose answer is written byte by byte."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

from desk.telling.robots import HOSTS, Kind

SECRET: Final = "SECab12"
KEYWORD: Final = "WX"


class Robots:
    """All four kinds of robot on one port. Each knows the tokens `good` (no security), `signed` and `keyword`."""

    def __init__(self) -> None:
        self.port = 0
        self.said: list[str] = []
        self.per_minute = 20
        self.asked = 0

    def hosts(self) -> dict[Kind, str]:
        return dict.fromkeys(HOSTS, f"http://127.0.0.1:{self.port}")

    def answer(self, url: str, body: dict[str, Any]) -> dict[str, Any]:
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked += 1
        match parts.path.split("/")[1]:
            case "robot":
                return self._dingtalk(query, body)
            case "cgi-bin":
                return self._wecom(query, body)
            case _:
                return self._feishu(parts.path.rsplit("/", 1)[1], body)

    def _dingtalk(self, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        token, text = query["access_token"], body["text"]["content"]
        if token not in {"good", "signed", "keyword"}:
            return {"errcode": 300001, "errmsg": "token is not exist"}
        at = query.get("timestamp", "")
        if token == "signed" and query.get("sign") != _sign(SECRET, f"{at}\n{SECRET}"):
            return {"errcode": 310000, "errmsg": "sign not match"}
        if token == "keyword" and KEYWORD not in text:
            return {"errcode": 310000, "errmsg": "keywords not in content"}
        if len(self.said) >= self.per_minute:
            return {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}
        self.said.append(text)
        return {"errcode": 0, "errmsg": "ok"}

    def _wecom(self, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        text = body["text"]["content"]
        if query["key"] != "good":
            return {"errcode": 93000, "errmsg": "invalid webhook url"}
        if len(text.encode()) > 2048:
            return {"errcode": 40058, "errmsg": "content exceed max length"}
        if len(self.said) >= self.per_minute:
            return {"errcode": 45009, "errmsg": "api freq out of limit"}
        self.said.append(text)
        return {"errcode": 0, "errmsg": "ok"}

    def _feishu(self, token: str, body: dict[str, Any]) -> dict[str, Any]:
        text = body["content"]["text"]
        if token not in {"good", "signed", "keyword"}:
            return {"code": 19001, "msg": "param invalid: incoming webhook access token invalid"}
        if token == "signed" and body.get("sign") != _sign(f"{body.get('timestamp')}\n{SECRET}", ""):
            return {"code": 19021, "msg": "sign match fail or timestamp is not within one hour from current time"}
        if token == "keyword" and KEYWORD not in text:
            return {"code": 19024, "msg": "Key Words Not Found"}
        if len(self.said) >= self.per_minute:
            return {"code": 11232, "msg": "frequency limited"}
        self.said.append(text)
        return {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}


def _sign(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


@contextmanager
def robots() -> Iterator[Robots]:
    state = Robots()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps(state.answer(self.path, body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


Writing = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Raw:
    """A server that reads a request and lets `write` answer. `sent` counts the bytes it got rid of."""

    def __init__(self, write: Writing) -> None:
        self.port = 0
        self.asked = 0
        self.write = write


@asynccontextmanager
async def raw(write: Writing, *, asked: bytes = b"\r\n\r\n") -> AsyncIterator[Raw]:
    """`asked`: how a request ends; empty: the server speaks first."""
    state = Raw(write)
    tasks: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        state.asked += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            if asked:
                await reader.readuntil(asked)
            await state.write(writer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answering(text: bytes) -> Writing:
    """A whole answer at once."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(text)

    return write


async def endless_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def endless_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Filler: " + b"y" * 8000 + b"\r\n")
        await writer.drain()


async def endless_interim(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 100)
        await writer.drain()
        await asyncio.sleep(0.01)


async def boundless_mail(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"220-go on\r\n" * 8000)
        await writer.drain()


async def drip(writer: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


async def hang(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


@contextmanager
def deaf() -> Iterator[int]:
    """A port that takes connections and never says a word, so that a TLS handshake hangs."""
    import socket  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def elapsed(began: float) -> float:
    return time.monotonic() - began

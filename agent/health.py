"""The loopback listener: ``GET /metrics``, ``/healthz``, ``/readyz`` and ``/refusals``, which are those of each device
(HTTP/1.1, one request a connection)."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Final

import msgspec
import structlog

from agent.device import DeviceAgent
from agent.errors import AgentError
from agent.metrics import CONTENT_TYPE, collect, render

_log: Final = structlog.get_logger(part="health")

TIMEOUT_S: Final = 5.0
MAX_REQUEST: Final = 8192
_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}
_JSON: Final = "application/json"


async def serve(address: str, devices: Mapping[str, DeviceAgent]) -> None:
    """Until cancelled. Raises ``AgentError`` when the address can't be listened on."""
    host, _, port = address.rpartition(":")

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            try:
                status, kind, body = await _answer(reader, devices)
                head = (
                    f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {kind}\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                )
                writer.write(head.encode() + body)
                async with asyncio.timeout(TIMEOUT_S):
                    await writer.drain()
            except (TimeoutError, asyncio.IncompleteReadError):
                _log.info("request not finished")
            finally:
                writer.close()

    try:
        server = await asyncio.start_server(connected, host.strip("[]"), int(port), limit=MAX_REQUEST)
    except OSError as error:
        raise AgentError(f"[agent] health: can't listen on {address}: {error.strerror}; choose another") from None
    async with server:
        await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, devices: Mapping[str, DeviceAgent]) -> tuple[int, str, bytes]:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            request = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return _error(431)
    method, _, rest = request.partition(b" ")
    path, _, version = rest.partition(b"\r\n")[0].partition(b" ")
    if not version.startswith(b"HTTP/1."):
        return _error(400)
    if method != b"GET":
        return _error(405)
    match path.partition(b"?")[0]:
        case b"/metrics":
            return 200, CONTENT_TYPE, render(collect(devices.values())).encode()
        case b"/healthz":
            damaged = [name for name, device in devices.items() if device.outbox.damaged]
            return _state(ok=not damaged, what={"damaged": damaged})
        case b"/readyz":
            waiting = [name for name, device in devices.items() if not device.uplink.ready]
            return _state(ok=bool(devices) and not waiting, what={"waiting": waiting})
        case b"/refusals":
            return 200, _JSON, msgspec.json.encode({name: device.sink.refusals() for name, device in devices.items()})
        case _:
            return _error(404)


def _state(*, ok: bool, what: dict[str, list[str]]) -> tuple[int, str, bytes]:
    return (200 if ok else 503), _JSON, msgspec.json.encode({"ok": ok, **what})


def _error(status: int) -> tuple[int, str, bytes]:
    return status, "text/plain; charset=utf-8", f"{_REASONS[status]}\n".encode()

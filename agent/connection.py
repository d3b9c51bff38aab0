"""What every listener of the agent does with a TCP connection of equipment, beside its protocol."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any, Final

from agent.errors import AgentError

CHUNK: Final = 65_536
"""Bytes of a connection that wait unread here at most; the rest of a flood waits in the peer's own buffers."""
_KEEP_ALIVE: Final = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}


async def serve(
    address: str,
    connection: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, object]],
    *,
    name: str,
    ready: Callable[[int], None],
) -> None:
    """Run ``connection`` for every peer that connects to ``host:port``, until cancelled. ``ready`` is told the port
    once it listens. ``name``: the adapter's. Raises ``AgentError`` when the address can't be listened on."""
    host, _, port = address.rpartition(":")
    tasks = asyncio.TaskGroup()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.create_task(connection(reader, writer), name=f"{name}-connection")

    try:
        server = await asyncio.start_server(connected, host.strip("[]"), int(port), start_serving=False, limit=CHUNK)
    except OSError as error:
        what = error.strerror or type(error).__name__
        text = f"{name}: can't listen on {address}: {what}; choose another address in [device.{name}]"
        raise AgentError(text) from error
    async with tasks:
        try:
            await server.start_serving()
            ready(server.sockets[0].getsockname()[1])
            await asyncio.get_running_loop().create_future()  # until cancelled
        finally:
            server.close()


def keep_alive(writer: asyncio.StreamWriter) -> None:
    """Notice within minutes a peer whose machine was switched off, though nothing is ever sent to it."""
    connection: socket.socket = writer.get_extra_info("socket")
    # A peer may be gone already, and some systems know fewer options.
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, amount in _KEEP_ALIVE.items():
            if hasattr(socket, option):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), amount)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection; what a peer hasn't taken after a second is thrown away, it may never take it."""
    writer.close()
    try:
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        reset(writer)
    except asyncio.CancelledError:
        reset(writer)
        raise


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection at once. Without the option the system would keep megabytes of answers for a peer that takes
    none, and the peer would not even hear that it is over."""
    with contextlib.suppress(OSError):
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

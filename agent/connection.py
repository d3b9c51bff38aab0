"""What every listener of the agent does with a TCP connection of equipment, beside its protocol."""

import asyncio
import contextlib
import socket
import struct
from typing import Final

_KEEP_ALIVE: Final = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}


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

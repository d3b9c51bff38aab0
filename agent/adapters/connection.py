"""What every listener of the agent does with a TCP connection of equipment, beside its protocol."""

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from ipaddress import ip_address
from typing import Any, Final

import structlog

from agent.adapters.port import Sink
from agent.config.addresses import Ip, network_of
from agent.errors import AgentError

EACH: Final = 16
"""Connections of one address to one listener. Equipment has one or two; a gateway may send by several at once."""
TOTAL: Final = 32
"""Connections to one listener: what the memory of the largest half messages allows (ADR 0015)."""
BURST_S: Final = 60.0
"""An address that isn't listed is counted once in this time, however often it comes."""
STRANGER: Final = "another-protocol"
"""The word for a connection that was ended without having said anything in the protocol of its listener: a port scan,
a browser, a monitor. Nothing of the equipment was lost with it."""
CHUNK: Final = 65_536
"""Bytes of a connection that wait unread here at most; the rest of a flood waits in the peer's own buffers."""
ANSWER_S: Final = 60.0
"""Seconds for a peer to take the answers it asked for. A link may stall so long, and our system's own buffer takes
many answers before anybody waits: a peer beyond it asks and doesn't listen."""
_KEEP_ALIVE: Final = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
_log: Final = structlog.get_logger(part="connection")


def address_of(host: str) -> Ip:
    """A peer's address as the system tells it. An IPv4 address mapped into IPv6 (RFC 4291 2.5.5.2) is that address;
    the zone of a link-local one is left out. Raises ``ValueError``."""
    address = ip_address(host.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


class Guest:
    """A connection that was let in. ``heard``: when it last sent anything; ``said``: it ever did. ``cut`` ends it at
    once."""

    def __init__(self, address: Ip, *, heard: float, cut: Callable[[], None]) -> None:
        self.address = address
        self.heard = heard
        self.said = False
        self.cut = cut


class Door:
    """Who may be connected to one listener. Every ``now`` is seconds of a clock that only goes forward.

    Nobody is sent away for waiting, but for who comes: when its address is full, the longest silent connection of that
    address makes room; when the listener is, the longest silent of the address that has most. So no address, whatever
    it opens, shuts another out.

    Counted: ``evicted``; ``unlisted-peer``, once a burst; ``too-many-connections``, who comes while twice as many as
    may be connected were sent away and still hold what they said, because it is being entered.
    """

    def __init__(self, *, name: str, sink: Sink, peers: Iterable[str] = ()) -> None:
        """``peers``: addresses and networks that may connect; none: any."""
        self._name = name
        self._sink = sink
        self._networks = tuple(network_of(peer) for peer in peers)
        self._guests: set[Guest] = set()
        self._leaving: set[Guest] = set()
        self._strangers: dict[Ip, float] = {}

    def admit(self, host: str, *, now: float, cut: Callable[[], None]) -> Guest | None:
        """Let a connection in, maybe in place of another; None: it is refused."""
        address = address_of(host)
        if self._networks and not any(address in network for network in self._networks):
            self._stranger(address, now)
            return None
        leaving = sum(guest.address == address for guest in self._leaving)
        if leaving >= 2 * EACH or len(self._leaving) >= 2 * TOTAL:
            self._sink.refused(self._name, "too-many-connections")
            return None
        self._make_room(address)
        guest = Guest(address, heard=now, cut=cut)
        self._guests.add(guest)
        return guest

    def leave(self, guest: Guest) -> None:
        """It is over, and nothing of it is held any more."""
        self._guests.discard(guest)
        self._leaving.discard(guest)

    def _make_room(self, address: Ip) -> None:
        """For one more of this address."""
        numbers = Counter(guest.address for guest in self._guests)
        numbers[address] += 1
        if numbers[address] > EACH:
            payers = {address}
        elif len(self._guests) >= TOTAL:
            most = max(numbers.values())
            payers = {each for each, number in numbers.items() if number == most}
        else:
            return
        longest = min((guest for guest in self._guests if guest.address in payers), key=lambda guest: guest.heard)
        self._guests.remove(longest)
        if longest.said:
            self._leaving.add(longest)
        self._sink.refused(self._name, "evicted")
        longest.cut()

    def _stranger(self, address: Ip, now: float) -> None:
        self._strangers = {each: last for each, last in self._strangers.items() if now - last < BURST_S}
        if address in self._strangers or len(self._strangers) >= TOTAL:
            return  # a scan from everywhere is one burst, too
        self._strangers[address] = now
        self._sink.refused(self._name, "unlisted-peer")
        _log.warning("refused a peer that isn't listed", adapter=self._name, address=str(address))


class _Reader(asyncio.StreamReader):
    """Tells its guest that something came."""

    guest: Guest | None = None

    def feed_data(self, data: Any) -> None:
        if self.guest is not None:
            self.guest.heard = asyncio.get_running_loop().time()
            self.guest.said = True
        super().feed_data(data)


async def serve(
    address: str,
    connection: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, object]],
    *,
    name: str,
    door: Door,
    ready: Callable[[int], None],
) -> None:
    """Run ``connection`` for every peer that connects to ``host:port`` and is let in, until cancelled; close its
    connection then. ``ready`` is told the port once it listens. ``name``: the adapter's. Raises ``AgentError`` when the
    address can't be listened on."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    tasks = asyncio.TaskGroup()

    async def visit(guest: Guest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await connection(reader, writer)
        finally:
            door.leave(guest)
            await hang_up(writer)

    def protocol() -> asyncio.StreamReaderProtocol:
        reader = _Reader(limit=CHUNK, loop=loop)

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = writer.get_extra_info("peername")  # none: it is gone already
            guest = peer and door.admit(peer[0], now=loop.time(), cut=lambda: reset(writer))
            if guest is None:
                reset(writer)
                return
            reader.guest = guest
            keep_alive(writer)
            tasks.create_task(visit(guest, reader, writer), name=f"{name}-connection")

        return asyncio.StreamReaderProtocol(reader, connected, loop=loop)

    try:
        server = await loop.create_server(protocol, host.strip("[]"), int(port), start_serving=False)
    except OSError as error:
        what = error.strerror or type(error).__name__
        text = f"{name}: can't listen on {address}: {what}; choose another address in [device.{name}]"
        raise AgentError(text) from error
    async with tasks:
        try:
            await server.start_serving()
            ready(server.sockets[0].getsockname()[1])
            await loop.create_future()  # until cancelled
        finally:
            server.close()


class Deaf(OSError):
    """The peer asked, and doesn't take the answers."""


async def send(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send an answer. Raises ``Deaf``, or another ``OSError`` when the peer is gone."""
    writer.write(data)
    try:
        async with asyncio.timeout(ANSWER_S):
            await writer.drain()
    except TimeoutError:
        raise Deaf from None


def lost(error: OSError) -> str:
    """The word under which a connection that ended so is counted."""
    return "answers-not-taken" if isinstance(error, Deaf) else "connection-lost"


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

"""One MQTT 5 connection that publishes at QoS 1, fast: many devices may share it.

What was published stays here until its PUBACK; after a lost connection the same session gets it again, in order
(MQTT 5, 4.4). At most the broker's receive maximum is in flight (4.9).
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import mqtt5
from msgspec import Struct

_SESSION_EXPIRY_S: Final = 600
_KEEP_ALIVE_S: Final = 20
_MAX_PACKET: Final = 1024 * 1024
_PUBACK: Final = 4
_DUPLICATE: Final = 0x08
_DELIVERED: Final = (mqtt5.PubAckReasonCode.SUCCESS, mqtt5.PubAckReasonCode.NO_MATCHING_SUBSCRIBERS)
_GRANTED: Final = (mqtt5.SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE, mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE)
_FILTERS: Final = 200
"""Topic filters in one SUBSCRIBE."""
_SUBSCRIBE_IDS: Final = 60_000
"""Packet ids from here on are for SUBSCRIBE; those below are for PUBLISH."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where the broker is. `tls` None: plain TCP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    username: str | None = None
    password: str | None = None


Message = tuple[str, bytes, str, list[tuple[str, str]]]
"""Topic, body, content type and user properties."""


class Refused(Exception):
    """The broker doesn't take us: the reason code of its CONNACK or SUBACK, or it isn't there."""


class Link(asyncio.Protocol):
    """A connection under `client_id`. `window`: how many messages may be in flight at most; the broker's receive
    maximum bounds it further. `on_message`: topic and body of what is subscribed."""

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        client_id: str,
        window: int,
        filters: Sequence[str] = (),
        on_message: Callable[[str, bytes], None] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._client_id = client_id
        self._window = min(window, _SUBSCRIBE_IDS - 1)
        self._filters = list(filters)
        self._on_message = on_message
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._free: deque[int] = deque(range(1, self._window + 1))
        self._flight: dict[int, bytes] = {}
        self._limit = 0
        self._paused = False
        self._granted = 0
        self._refused_because: str | None = None
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._moved = asyncio.Event()
        self._closing = False
        self.published = 0
        self.acknowledged = 0
        self.refused = 0
        """PUBACKs with an error code (128 and above): no delivery."""
        self.connections = 0

    @property
    def room(self) -> int:
        """How many messages may be published now."""
        if self._paused or not self._up.is_set():
            return 0
        return self._limit - len(self._flight)

    @property
    def in_flight(self) -> int:
        """Messages without a PUBACK."""
        return len(self._flight)

    def publish(self, messages: Iterable[Message]) -> None:
        """Publish `messages` in order. Check `room` first."""
        packets = []
        for topic, body, content_type, properties in messages:
            packet_id = self._free.popleft()
            packet = mqtt5.PublishPacket(
                topic,
                body,
                qos=mqtt5.QoS.AT_LEAST_ONCE,
                packet_id=packet_id,
                content_type=content_type,
                user_properties=properties,
            ).write()
            self._flight[packet_id] = packet
            packets.append(packet)
        self.published += len(packets)
        if self._transport is not None:
            self._transport.write(b"".join(packets))

    async def moved(self, timeout: float) -> None:  # noqa: ASYNC109 - a bound, not an error
        """Wait until PUBACKs or messages came, or `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._moved.wait()
        except TimeoutError:
            return

    async def run(self) -> None:
        """Keep connected until `close`. Raises `Refused` when the broker doesn't take us."""
        delay = 0.1
        while not self._closing:
            self._down.clear()
            try:
                await self._connect()
            except (OSError, TimeoutError):
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
                continue
            while not self._down.is_set():
                try:
                    async with asyncio.timeout(_KEEP_ALIVE_S / 2):
                        await self._down.wait()
                except TimeoutError:
                    if self._transport is not None:
                        self._transport.write(mqtt5.PingReqPacket().write())
            if self._refused_because is not None:
                raise Refused(self._refused_because)
            if not self._closing:
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)

    async def ready(self) -> None:
        """Wait until connected and subscribed."""
        await self._up.wait()

    def close(self) -> None:
        """End the connection and its session."""
        self._closing = True
        if self._transport is not None:
            self._transport.write(mqtt5.DisconnectPacket(session_expiry_interval=0).write())
            self._transport.close()

    # asyncio.Protocol ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say who we are."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("MQTT needs a stream")
        self._transport = transport
        self._rest = b""
        self._granted = 0
        self._paused = False
        self.connections += 1
        where = self._endpoint
        transport.write(
            mqtt5.ConnectPacket(
                self._client_id,
                clean_start=self.connections == 1,
                session_expiry_interval=_SESSION_EXPIRY_S,
                keep_alive=_KEEP_ALIVE_S,
                max_packet_size=_MAX_PACKET,
                username=where.username,
                password=None if where.password is None else where.password.encode(),
            ).write()
        )

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """What has no PUBACK is sent again on the next connection."""
        self._transport = None
        self._up.clear()
        self._down.set()

    def pause_writing(self) -> None:
        """The socket's buffer is full."""
        self._paused = True

    def resume_writing(self) -> None:
        """It has room again."""
        self._paused = False
        self._stir()

    def data_received(self, data: bytes) -> None:
        """PUBACKs mostly."""
        if self._rest:
            data = self._rest + data
        view = memoryview(data)
        at, end = 0, len(data)
        while at < end:
            # The short PUBACK of success, which nearly every packet is (MQTT 5, 3.4.2.1), needs no codec.
            if data[at] == _PUBACK << 4 and at + 4 <= end and data[at + 1] == 2:
                self._acknowledge(data[at + 2] << 8 | data[at + 3], delivered=True)
                at += 4
                continue
            try:
                packet, size = mqtt5.read(view[at:])
            except IndexError:  # not all of it is there yet
                break
            except ValueError:  # no MQTT: leave, and connect again
                if self._transport is not None:
                    self._transport.abort()
                return
            self._handle(packet)
            at += size
        self._rest = data[at:]
        self._stir()

    def _stir(self) -> None:
        self._moved.set()
        self._moved.clear()

    def _acknowledge(self, packet_id: int, *, delivered: bool) -> None:
        if self._flight.pop(packet_id, None) is None:
            return
        self._free.append(packet_id)
        if delivered:
            self.acknowledged += 1
        else:
            self.refused += 1

    def _handle(self, packet: mqtt5.Packet) -> None:
        match packet:
            case mqtt5.PubAckPacket():
                self._acknowledge(packet.packet_id, delivered=packet.reason_code in _DELIVERED)
            case mqtt5.PublishPacket():
                if self._on_message is not None:
                    self._on_message(packet.topic, packet.payload)
            case mqtt5.ConnAckPacket():
                self._on_connack(packet)
            case mqtt5.SubAckPacket():
                if any(code not in _GRANTED for code in packet.reason_codes):
                    self._refuse("a subscription was refused")
                    return
                self._granted += len(packet.reason_codes)
                if self._granted == len(self._filters):
                    self._up.set()
            case mqtt5.DisconnectPacket():
                if self._transport is not None:
                    self._transport.abort()
            case _:
                return

    def _on_connack(self, packet: mqtt5.ConnAckPacket) -> None:
        if packet.reason_code != mqtt5.ConnAckReasonCode.SUCCESS or self._transport is None:
            self._refuse(f"the connection was refused: {packet.reason_code.name}")
            return
        self._limit = min(self._window, packet.receive_max)
        again = _DUPLICATE if packet.session_present else 0
        held = [bytes([raw[0] | again]) + raw[1:] for raw in self._flight.values()]
        self._transport.write(b"".join(held))
        for number, first in enumerate(range(0, len(self._filters), _FILTERS)):
            some = [
                mqtt5.TopicFilter(one, max_qos=mqtt5.QoS.AT_MOST_ONCE)
                for one in self._filters[first : first + _FILTERS]
            ]
            self._transport.write(mqtt5.SubscribePacket(_SUBSCRIBE_IDS + number, some).write())
        if not self._filters:
            self._up.set()

    def _refuse(self, because: str) -> None:
        self._refused_because = because
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    async def _connect(self) -> None:
        where = self._endpoint
        async with asyncio.timeout(10):
            await asyncio.get_running_loop().create_connection(
                lambda: self,
                where.host,
                where.port,
                ssl=where.tls,
                server_hostname=where.host if where.tls else None,
            )

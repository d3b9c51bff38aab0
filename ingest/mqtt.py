"""The consumer's side of MQTT 5: one persistent session whose messages are acknowledged by hand, in order.

The `mqtt5` codec (sans-io) under a small asyncio Protocol: the acknowledgement leaves when the caller says so, which is
after the commit and never before. QoS 1 only; the session resumes, so messages may come before SUBACK: the handler is
there from the first byte.
"""

import asyncio
import random
import ssl
from collections.abc import Callable, Sequence
from itertools import count
from typing import Final, cast

import mqtt5
import structlog
from msgspec import Struct

from ingest import stats
from ingest.message import Message

_log: Final = structlog.get_logger("ingest.mqtt")

SESSION_EXPIRY_S: Final = 7 * 24 * 3600
"""How long the broker keeps what waits for a partition whose owner is away."""
KEEP_ALIVE_S: Final = 20
MAX_PACKET: Final = 1024 * 1024
"""Bytes of one packet we accept: far above a report's bound, so that an oversize report reaches its dead letter."""
FIRST_RETRY_S: Final = 0.1
MOST_RETRY_S: Final = 5.0
STEADY_S: Final = 5.0
"""A connection that lasted so long begins its attempts anew: one that is granted and cut at once does not."""
TAKEN_OVER_FAILURES: Final = 4
"""Whoever took a session over keeps it for at least 0.8 s: time enough to find out whether it is a new owner."""
_LINKS: Final = count(1)
_PUBLISH: Final = 3
_GRANTED: Final = (mqtt5.SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE, mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE)


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where the broker is. ``tls`` None: plain TCP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    username: str | None = None
    password: str | None = None


class Session(asyncio.Protocol):
    """A persistent session under a stable client id, connected again and again until ``close``.

    ``endpoint`` is asked before each connection, so that renewed certificates count; what it can't read is an OSError.
    ``on_message`` gets every message at once, in order. ``on_taken_over`` is called when the broker says that another
    client took the session; it connects again all the same, after a while in which it can be closed. Whatever ends a
    connection or keeps it from being made, the next attempt waits longer, by a random share: sessions that were cut
    together don't come back together.
    """

    def __init__(
        self,
        *,
        endpoint: Callable[[], Endpoint],
        client_id: str,
        partition: int,
        filters: Sequence[str],
        receive_max: int,
        on_message: Callable[[Message], None],
        on_taken_over: Callable[[], None],
        wall_ms: Callable[[], int],
    ) -> None:
        self._endpoint = endpoint
        self._client_id = client_id
        self._partition = partition
        self._filters = list(filters)
        self._receive_max = receive_max
        self._on_message = on_message
        self._on_taken_over = on_taken_over
        self._wall_ms = wall_ms
        self._login: tuple[str | None, str | None] = (None, None)
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._closing = False
        self._failures = 0
        self._subscribed = False
        self._said: tuple[str, str] | None = None
        self._heard = False
        self.link = 0
        self.malformed = 0

    @property
    def connected(self) -> bool:
        """Subscribed on the present connection."""
        return self._up.is_set()

    async def run(self) -> None:
        """Keep the session connected. Returns after ``close``."""
        loop = asyncio.get_running_loop()
        while not self._closing:
            self._down = asyncio.Event()
            began = loop.time()
            try:
                await self._connect()
                await self._keep_alive()
            except (OSError, TimeoutError) as error:
                self._say("broker_unreachable", str(error) or type(error).__name__)
            except Exception as error:  # noqa: BLE001 - or the partition would be deaf, and its lease renewed for ever
                self._say("session_failed", type(error).__name__)
                self.abort()
            if self._subscribed and loop.time() - began >= STEADY_S:
                self._failures = 0
                self._said = None
            self._failures += 1
            if not self._closing:
                await asyncio.sleep(retry_s(self._failures - 1, random.random()))  # noqa: S311 - no secret

    async def close(self) -> None:
        """Leave without ending the session: what arrives from now on waits at the broker."""
        self._closing = True
        transport = self._transport
        if transport is None:
            return
        transport.write(mqtt5.DisconnectPacket().write())
        transport.close()
        try:
            async with asyncio.timeout(1):
                await self._down.wait()
        except TimeoutError:
            transport.abort()

    def abort(self) -> None:
        """Drop the connection at once and connect again: everything unacknowledged comes back."""
        if self._transport is not None:
            self._transport.abort()

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """PUBACK for messages of this session, in the order given. Those of an earlier connection come again anyway."""
        link = self.link
        transport = self._transport
        if transport is None:
            return
        # The short form of success: type, two bytes to come, packet id (MQTT 5, section 3.4.2.1).
        transport.write(
            b"".join([b"\x40\x02" + m.packet_id.to_bytes(2, "big") for m in messages if m.link == link and m.packet_id])
        )

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish at QoS 0; lost if the connection is down, which the receiver's timers make good."""
        if self._transport is None or not self._up.is_set():
            return
        self._transport.write(
            b"".join(
                [mqtt5.PublishPacket(topic, body, content_type="application/json").write() for topic, body in messages]
            )
        )

    # asyncio.Protocol ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say who we are."""
        # uvloop's transports are no subclasses of asyncio's.
        stream = cast("asyncio.Transport", transport)
        self._transport = stream
        self._rest = b""
        self._subscribed = False
        self.link = next(_LINKS)
        secured: ssl.SSLObject | None = stream.get_extra_info("ssl_object")
        if secured is not None and (shown := secured.getpeercert()):
            stats.CERTIFICATE.labels("broker").set(ssl.cert_time_to_seconds(str(shown["notAfter"])))
        username, password = self._login
        stream.write(
            mqtt5.ConnectPacket(
                self._client_id,
                clean_start=False,
                session_expiry_interval=SESSION_EXPIRY_S,
                keep_alive=KEEP_ALIVE_S,
                receive_max=self._receive_max,
                max_packet_size=MAX_PACKET,
                username=username,
                password=None if password is None else password.encode(),
            ).write()
        )

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Everything unacknowledged comes back on the next connection."""
        self._transport = None
        self._up.clear()
        self._down.set()

    def data_received(self, data: bytes) -> None:
        """Cut packets out of the stream."""
        self._heard = True
        now_ms = self._wall_ms()
        if self._rest:
            data = self._rest + data
        view = memoryview(data)
        at = 0
        end = len(data)
        while at < end:
            size = _packet_size(data, at)
            if size == 0 or at + size > end:
                break
            if size < 0 or size > MAX_PACKET:
                _log.error("broker_broke_protocol", client=self._client_id)
                self.abort()
                return
            try:
                packet, _ = mqtt5.read(view[at : at + size])
            except BaseException as error:
                # The codec panics (not an Exception) on text that isn't UTF-8.
                if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                    raise
                self._malformed(data[at : at + size], now_ms)
            else:
                self._handle(packet, now_ms)
            at += size
        self._rest = data[at:]

    def _malformed(self, raw: bytes, now_ms: int) -> None:
        """A packet that can't be read must not stall the session: a PUBLISH still has its packet id."""
        self.malformed += 1
        if raw[0] >> 4 != _PUBLISH:
            self.abort()
            return
        head = 1
        while raw[head] & 0x80:
            head += 1
        head += 1
        topic_length = int.from_bytes(raw[head : head + 2], "big")
        after = head + 2 + topic_length
        packet_id = int.from_bytes(raw[after : after + 2], "big") if (raw[0] >> 1) & 3 else 0
        self._on_message(
            Message(
                topic=raw[head + 2 : after].decode(errors="replace"),
                body=raw,
                content_type=None,
                properties=None,
                packet_id=packet_id,
                partition=self._partition,
                link=self.link,
                received_ms=now_ms,
            )
        )

    def _handle(self, packet: mqtt5.Packet, now_ms: int) -> None:
        if type(packet) is mqtt5.PublishPacket:
            self._on_message(
                Message(
                    topic=packet.topic,
                    body=packet.payload,
                    content_type=packet.content_type,
                    properties=packet.user_properties,
                    packet_id=packet.packet_id or 0,
                    partition=self._partition,
                    link=self.link,
                    received_ms=now_ms,
                )
            )
        elif type(packet) is mqtt5.ConnAckPacket:
            self._on_connack(packet)
        elif type(packet) is mqtt5.SubAckPacket:
            refused = [str(code) for code in packet.reason_codes if code not in _GRANTED]
            if refused:
                self._say("broker_refused_subscription", ", ".join(sorted(set(refused))))
                self.abort()
            else:
                self._subscribed = True
                self._up.set()
        elif type(packet) is mqtt5.DisconnectPacket:
            self._say("broker_disconnected_us", str(packet.reason_code))
            if packet.reason_code == mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER:
                self._failures = max(self._failures, TAKEN_OVER_FAILURES)
                self._on_taken_over()
            self.abort()

    def _on_connack(self, packet: mqtt5.ConnAckPacket) -> None:
        if packet.reason_code != mqtt5.ConnAckReasonCode.SUCCESS or self._transport is None:
            self._say("broker_refused_us", str(packet.reason_code))
            self.abort()
            return
        # Also when the session is present: subscribing twice is harmless, and the set of filters may have grown.
        filters = [mqtt5.TopicFilter(f, max_qos=mqtt5.QoS.AT_LEAST_ONCE) for f in self._filters]
        self._transport.write(mqtt5.SubscribePacket(1, filters).write())

    def _say(self, event: str, reason: str) -> None:
        """One line when it changes, not one an attempt."""
        if (event, reason) != self._said:
            self._said = (event, reason)
            _log.warning(event, client=self._client_id, reason=reason)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        where = self._endpoint()
        self._login = (where.username, where.password)
        async with asyncio.timeout(10):
            await loop.create_connection(
                lambda: self,
                where.host,
                where.port,
                ssl=where.tls,
                server_hostname=where.host if where.tls else None,
            )

    async def _keep_alive(self) -> None:
        """Ping twice a keep-alive; leave a broker from which nothing at all came in between."""
        while not self._down.is_set():
            self._heard = False
            if self._up.is_set() and self._transport is not None:
                self._transport.write(mqtt5.PingReqPacket().write())
            try:
                async with asyncio.timeout(KEEP_ALIVE_S / 2):
                    await self._down.wait()
            except TimeoutError:
                if not self._heard and self._transport is not None:
                    _log.warning("broker_silent", client=self._client_id)
                    self._transport.abort()


def retry_s(failures: int, share: float) -> float:
    """Seconds before the next attempt to connect, after so many failures in a row; ``share`` is drawn from 0 to 1."""
    return min(FIRST_RETRY_S * 2.0 ** min(failures, 20), MOST_RETRY_S) * (0.5 + share / 2)


def _packet_size(data: bytes, at: int) -> int:
    """Bytes of the packet that begins at ``at``: 0 not enough to tell, -1 no packet (MQTT 5, section 1.5.5)."""
    if at + 2 < len(data) and data[at + 2] < 128 <= data[at + 1]:
        return 3 + (data[at + 1] & 0x7F) + (data[at + 2] << 7)  # most reports have 128 to 16,383 bytes
    size = 0
    for index in range(1, 5):
        if at + index >= len(data):
            return 0
        byte = data[at + index]
        size |= (byte & 0x7F) << (7 * (index - 1))
        if not byte & 0x80:
            return 1 + index + size
    return -1

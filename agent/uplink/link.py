"""One MQTT 5 connection: what the uplink needs of aiomqtt, and what aiomqtt hides.

aiomqtt does the asyncio side of paho-mqtt well, but hides the broker's limits (CONNACK), the reason codes of PUBACK and
of a disconnection. delivery 11 and 12 need them, so paho's own callbacks are wrapped here, and nowhere else.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Self

import aiomqtt
from msgspec import Struct
from paho.mqtt.client import Client as Paho
from paho.mqtt.client import _WebsocketWrapper
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.config.addresses import Proxy
from agent.errors import AgentError
from agent.uplink.proxy import tunnel
from wire.limits import MAX_BODY

FAILURE: Final = 0x80
"""MQTT 5, 2.4: reason codes from here on mean failure."""
PAYLOAD_INVALID: Final = 0x99
PACKET_TOO_LARGE: Final = 0x95
PROTOCOL_ERROR: Final = 0x82
OVERHEAD: Final = 512
"""Bytes of a PUBLISH beside its body, more than any of ours: fixed header, topic and user properties."""
KEEPALIVE_S: Final = 30
TIMEOUT_S: Final = 10.0
KEEPING_S: Final = 5.0
"""Between two looks at whether to ping; mosquitto gives up after one and a half ``KEEPALIVE_S`` (MQTT 5, 3.1.2.10)."""
CONNECT_S: Final = 40.0
"""From the first packet to the broker's answer: proxy, TLS, WebSocket and MQTT may each take ``TIMEOUT_S``."""
RECEIVE_MAXIMUM: Final = 100
_INCOMING: Final = 1_000


class LinkError(AgentError):
    """The connection failed or ended. ``code``: the MQTT 5 reason code, where there is one."""

    def __init__(self, text: str, *, code: int | None = None) -> None:
        super().__init__(text)
        self.code = code


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where a device connects to, and as whom. ``tls``: None for none. ``path``: of the WebSocket, None for plain TCP.
    ``proxy``: the HTTP proxy on the way."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    path: str | None = None
    proxy: Proxy | None = None

    def __str__(self) -> str:
        scheme = ("mqtt" if self.path is None else "ws") + ("" if self.tls is None else "s")
        through = "" if self.proxy is None else f" through {self.proxy}"
        return f"{scheme}://{self.host}:{self.port}{self.path or ''}{through}"


class Message(Struct, frozen=True):
    """What came down."""

    topic: str
    body: bytes
    retained: bool


class Link:
    """A context manager: connected inside. All of it belongs to one event loop."""

    def __init__(
        self, *, endpoint: Endpoint, will_topic: str, will: bytes, on_puback: Callable[[int, int], None]
    ) -> None:
        """``on_puback(message id, reason code)`` is called for each publish that the broker answers."""
        limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own signature has no types
        limits.MaximumPacketSize = MAX_BODY + OVERHEAD
        limits.ReceiveMaximum = RECEIVE_MAXIMUM
        self._client = aiomqtt.Client(
            endpoint.host,
            endpoint.port,
            identifier=endpoint.client_id,
            username=endpoint.username,
            password=endpoint.password,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=True,
            will=aiomqtt.Will(will_topic, will, qos=1),
            keepalive=KEEPALIVE_S,
            timeout=TIMEOUT_S,
            transport="tcp" if endpoint.path is None else "websockets",
            websocket_path=endpoint.path,
            properties=limits,
            tls_context=endpoint.tls,
            max_queued_incoming_messages=_INCOMING,
            max_inflight_messages=0,  # our own window is the limit, and the broker's receive maximum
            # Else a fault waits up to 40 ms for the acknowledgement of the segment before it (RFC 1122, 4.2.3.2).
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )
        paho: Paho = self._client._client  # noqa: SLF001  # see the module
        paho.connect_timeout = TIMEOUT_S
        # paho's own asks PySocks and the environment for a way (see ``proxy``), and leaves failed sockets open.
        paho._create_socket = self._open  # type: ignore[method-assign]  # noqa: SLF001  # see the module
        # aiomqtt's own wakes the process every second, which is most of what an agent at rest does.
        self._client._misc_loop = self._keep  # type: ignore[method-assign]  # noqa: SLF001  # see the module
        self._paho = paho
        self._endpoint = endpoint
        self._line: socket.socket | None = None
        """A second handle of the connection while it is being made."""
        self._given_up = False
        self._on_puback = on_puback
        self._receive_maximum = 65_535  # MQTT 5, 3.2.2.3.3: where the broker names none
        self._unanswered: set[int] = set()
        self._code: int | None = None
        self.packet_limit: int | None = None
        """The largest packet that the broker takes, bytes; None: it names none."""
        self._wrap()

    @property
    def credit(self) -> int:
        """How many more publishes the broker takes before it has answered one (MQTT 5, 4.9)."""
        return self._receive_maximum - len(self._unanswered)

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._client.__aenter__()
        except aiomqtt.MqttError as error:
            raise self._error(error) from error
        except TimeoutError:
            raise LinkError(f"no connection within {CONNECT_S:g} s", code=self._code) from None
        except (ValueError, IndexError) as error:  # of paho, for an answer to the WebSocket's request that is none
            text = "what answers there speaks no MQTT over WebSocket; check the address and its path"
            raise LinkError(text) from error
        finally:
            self._let_go()
        return self

    async def __aexit__(self, *_: object) -> None:
        # Whatever ended the session is what counts; that the broker didn't hear our farewell is not.
        with contextlib.suppress(aiomqtt.MqttError):
            await self._client.__aexit__(None, None, None)
        ended = self._client._disconnected  # noqa: SLF001  # see the module
        if ended.done() and not ended.cancelled():
            ended.exception()  # else asyncio complains that nobody asked

    def _open(self) -> socket.socket | _WebsocketWrapper:
        """In aiomqtt's thread: a connection to the broker, its TLS and its WebSocket."""
        at = self._endpoint
        if at.proxy is None:
            sock = socket.create_connection((at.host, at.port), timeout=TIMEOUT_S)
        else:
            sock = tunnel(at.proxy, at.host, at.port)
        try:
            self._line = sock.dup()
            if self._given_up:
                self._let_go()
            sock.settimeout(TIMEOUT_S)
            if at.tls is not None:
                sock = at.tls.wrap_socket(sock, server_hostname=at.host, do_handshake_on_connect=False)
                sock.do_handshake()
            if at.path is None:
                return sock
            return _WebsocketWrapper(
                socket=sock, host=at.host, port=at.port, is_ssl=at.tls is not None, path=at.path, extra_headers=None
            )
        except BaseException:
            sock.close()
            raise

    async def _keep(self) -> None:
        """Ping in time, and notice who doesn't answer."""
        while self._paho.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS:  # noqa: ASYNC110  # paho has no event for it
            await asyncio.sleep(KEEPING_S)

    def _let_go(self) -> None:
        """After a failure or a cancellation the thread may still wait for the other side; it shall not."""
        connected = self._client._connected.done()  # noqa: SLF001  # see the module
        self._given_up = not connected
        line, self._line = self._line, None
        if line is not None:
            if not connected:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
            line.close()

    async def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1. Raises ``LinkError`` also where the broker refuses it."""
        try:
            codes = await self._client.subscribe(topic_filter, qos=1)
        except aiomqtt.MqttError as error:
            raise self._error(error) from error
        for code in codes:
            value = code.value if isinstance(code, ReasonCode) else code
            if value >= FAILURE:
                raise LinkError(f"the broker refuses the subscription to {topic_filter} ({code})", code=value)

    def publish(self, topic: str, body: bytes, *, user: list[tuple[str, str]], content_type: str) -> int:
        """Hand a QoS 1 publish to the connection and return its message id, answered by ``on_puback``."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # as above
        properties.UserProperty = user
        properties.ContentType = content_type
        info = self._paho.publish(topic, body, qos=1, properties=properties)
        if info.rc:
            raise LinkError(f"the connection takes nothing ({info.rc.name})", code=self._code)
        self._unanswered.add(info.mid)
        return info.mid

    async def messages(self) -> AsyncIterator[Message]:
        """Messages that are received, until the connection ends: then ``LinkError``."""
        try:
            async for message in self._client.messages:
                yield Message(str(message.topic), bytes(message.payload), message.retain)
        except aiomqtt.MqttError as error:
            raise self._error(error) from error

    def _wrap(self) -> None:
        paho = self._paho
        # Of the second callback version, which aiomqtt asks for; paho's types can't say so.
        connected: Any = paho.on_connect
        published: Any = paho.on_publish
        disconnected: Any = paho.on_disconnect

        def on_connect(client: Any, data: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
            self._receive_maximum = getattr(properties, "ReceiveMaximum", self._receive_maximum)
            self.packet_limit = getattr(properties, "MaximumPacketSize", None)
            if code.is_failure:
                self._code = code.value
            connected(client, data, flags, code, properties)

        def on_publish(client: Any, data: Any, mid: int, code: ReasonCode, properties: Any) -> None:
            published(client, data, mid, code, properties)
            if mid in self._unanswered:
                self._unanswered.discard(mid)
                self._on_puback(mid, code.value)

        def on_disconnect(client: Any, data: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
            self._code = code.value
            disconnected(client, data, flags, code, properties)
            answer = self._client._connected  # noqa: SLF001  # see the module
            if not answer.done():  # aiomqtt would wait for its time-out
                answer.set_exception(aiomqtt.MqttError("the broker hung up; does it know our certificate or password?"))
                answer.exception()  # when we are cancelled nobody else asks

        paho.on_connect, paho.on_publish, paho.on_disconnect = on_connect, on_publish, on_disconnect

    def _error(self, error: aiomqtt.MqttError) -> LinkError:
        cause = error.__cause__ if error.__cause__ is not None else error
        return LinkError(str(cause) or str(error), code=self._code)

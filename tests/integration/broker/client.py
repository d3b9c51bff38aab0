"""A client of the deployed broker that says what became of everything it did."""

import queue
import socket
import ssl
import threading
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

PATIENCE_S = 15.0
QUIET_S = 0.4
"""How long nothing must come."""


def context(ca: Path, certificate: Path | None = None) -> ssl.SSLContext:
    """Trusts ``ca``; shows ``certificate`` (its key beside it)."""
    made = ssl.create_default_context(cafile=str(ca))
    if certificate is not None:
        made.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return made


def upgraded(port: int, tls: ssl.SSLContext) -> bool:
    """Whether the listener lets us speak WebSocket. (paho forgets to close its socket where it doesn't.)"""
    request = (
        "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: mqtt\r\n\r\n"
    )
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain,
            tls.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            connection.sendall(request.encode())
            return connection.recv(64).startswith(b"HTTP/1.1 101")
    except (ssl.SSLError, ConnectionError):
        return False


class Client:
    """One MQTT 5 connection to 127.0.0.1; a context manager. ``error``: why there is none, else empty."""

    def __init__(
        self,
        port: int,
        tls: ssl.SSLContext | None,
        *,
        client_id: str = "",
        websocket: bool = False,
        expiry_s: int = 0,
        manual: bool = False,
        will: str | None = None,
    ) -> None:
        self._port = port
        self.client_id = client_id
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            transport="websockets" if websocket else "tcp",
            manual_ack=manual,
            reconnect_on_failure=False,
        )
        if tls is not None:
            self._client.tls_set_context(tls)
        if will is not None:
            self._client.will_set(will, b"gone", qos=1)
        self._expiry_s = expiry_s
        self.error = ""
        self.session_present = False
        self.messages: queue.Queue[mqtt.MQTTMessage] = queue.Queue()
        self.limits: Any = None
        self._answered = threading.Event()
        self.ended = threading.Event()
        self._published: dict[int, Any] = {}
        self._changed = threading.Condition()
        self._subscribed: queue.Queue[Any] = queue.Queue()
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = lambda _c, _u, message: self.messages.put(message)
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = lambda _c, _u, _m, codes, _p: self._subscribed.put(codes)

    def __enter__(self) -> Self:
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own signature has no types
        session.SessionExpiryInterval = self._expiry_s
        try:
            self._client.connect("127.0.0.1", self._port, clean_start=self._expiry_s == 0, properties=session)
        except OSError as error:
            self.error = str(error) or type(error).__name__
            return self
        self._client.loop_start()
        if not self._answered.wait(PATIENCE_S):
            self.error = "no answer"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()  # paho leaves them to its finaliser

    @property
    def connected(self) -> bool:
        return not self.error

    def publish(self, topic: str, body: bytes | str = b"{}", *, retain: bool = False) -> str:
        """Publish at QoS 1: "taken", why it was refused, or "disconnected"."""
        sent = self._client.publish(topic, body, qos=1, retain=retain)
        with self._changed:
            assert self._changed.wait_for(lambda: sent.mid in self._published or self.ended.is_set(), PATIENCE_S), (
                "the broker says nothing of a publish"
            )
        code = self._published.get(sent.mid)
        return "disconnected" if code is None else str(code) if code.is_failure else "taken"

    def subscribe(self, *filters: str) -> list[str]:
        """What SUBACK says of each filter."""
        self._client.subscribe([(each, SubscribeOptions(qos=1)) for each in filters])
        return [str(code) for code in self._subscribed.get(timeout=PATIENCE_S)]

    def acknowledge(self, message: mqtt.MQTTMessage) -> None:
        self._client.ack(message.mid, message.qos)

    def drop(self) -> None:
        """Cut the connection without a word."""
        sock = self._client.socket()
        assert sock is not None
        sock.close()

    def _on_connect(self, _client: Any, _data: Any, flags: Any, code: Any, properties: Any) -> None:
        self.error = str(code) if code.is_failure else ""
        self.session_present = flags.session_present
        self.limits = properties
        self._answered.set()

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if not self._answered.is_set():
            self.error = f"hung up: {code}"
            self._answered.set()
        with self._changed:
            self.ended.set()
            self._changed.notify_all()

    def _on_publish(self, _client: Any, _data: Any, mid: int, code: Any, _properties: Any) -> None:
        with self._changed:
            self._published[mid] = code
            self._changed.notify_all()

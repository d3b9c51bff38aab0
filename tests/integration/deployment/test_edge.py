"""One port for equipment and people (ADR 0037): MQTT goes through to the broker as it is, beside console and API."""

import re
import socket
import ssl
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from agent.config.shapes import Server
from agent.uplink.endpoint import endpoint
from steth.certificates import renew
from tests.fixtures.deployed import FILES, device_certificate
from tests.integration.broker.client import Client, upgraded
from tests.integration.deployment.conftest import CONFIG, PLACES, Door, announcing
from wire.ids import mint_device_id
from wire.topics import Lane, up

SOON_S: Final = 10.0
ELSEWHERE: Final = "127.0.0.8"


@pytest.fixture
def ca(certificates: Path) -> Path:
    return certificates / "broker" / "steth-ca.crt"


def as_configured(door: Door, ca: Path, shown: Path | None, *, websocket: bool) -> ssl.SSLContext:
    """What the agent connects with, told `mqtts://` or `wss://` at the door."""
    key = None if shown is None else str(shown.with_suffix(".key"))
    server = Server(ca=str(ca), cert=None if shown is None else str(shown), key=key)
    address = f"wss://127.0.0.1:{door.port}/mqtt" if websocket else f"mqtts://127.0.0.1:{door.port}"
    made = endpoint(server, address, "x").tls
    assert made is not None
    return made


@pytest.mark.parametrize("websocket", [False, True], ids=["mqtt", "websocket"])
def test_the_broker_sees_the_equipments_own_certificate(
    door: Door, certificates: Path, ca: Path, websocket: bool
) -> None:
    device, other = mint_device_id(), mint_device_id()
    shown = device_certificate(certificates, device) / "device.crt"
    tls = as_configured(door, ca, shown, websocket=websocket)
    with Client(door.port, tls, client_id=other, websocket=websocket) as client:
        assert client.connected, client.error
        assert client.publish(up(device, Lane.LIVE)) == "taken"
        assert client.publish(up(other, Lane.LIVE)) == "Not authorized", "it is who its certificate says"
    for refused in (None, certificates / "ingest" / "client.crt"):
        tls = as_configured(door, ca, refused, websocket=websocket)
        if websocket:
            assert not upgraded(door.port, tls)
        else:
            with Client(door.port, tls, client_id=device) as client:
                assert not client.connected


def test_each_side_shows_its_own_certificate(door: Door, certificates: Path) -> None:
    def shown(*protocols: str) -> str:
        plain = socket.create_connection(("127.0.0.1", door.port), SOON_S)
        with announcing(*protocols).wrap_socket(plain, server_hostname="localhost") as secured:
            return ssl.DER_cert_to_PEM_cert(secured.getpeercert(binary_form=True) or b"")

    broker = (door.broker.directory / "certs" / "server.crt").read_text(encoding="ascii")
    pages = (door.directory / "server.crt").read_text(encoding="ascii")
    assert broker != pages
    assert (shown("mqtt"), shown(), shown("h2", "http/1.1"), shown("http/1.1")) == (broker, broker, pages, pages)


def test_who_announces_something_else_or_speaks_no_tls_is_refused_at_once(door: Door) -> None:
    with (
        socket.create_connection(("127.0.0.1", door.port), SOON_S) as plain,
        pytest.raises(ssl.SSLError, match=r"(?i)no.application.protocol"),
    ):
        announcing("xmpp-client").wrap_socket(plain, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", door.port), SOON_S) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert plain.recv(100).startswith(b"HTTP/1.1 400 ")
    with socket.create_connection(("127.0.0.1", door.port), SOON_S) as silent:
        assert silent.recv(1) == b""


def test_first_bytes_may_come_in_pieces(door: Door) -> None:
    came, gone = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        announcing("http/1.1").wrap_bio(came, gone, server_hostname="localhost").do_handshake()
    hello = gone.read()
    with socket.create_connection(("127.0.0.1", door.port), SOON_S) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(hello), 100):
            plain.sendall(hello[start : start + 100])
        assert plain.recv(1) == b"\x16", "a handshake's answer (RFC 8446, 5.1)"


def test_a_renewed_certificate_is_shown_without_a_restart(door: Door, certificates: Path, ca: Path) -> None:
    device = mint_device_id()
    tls = as_configured(door, ca, device_certificate(certificates, device) / "device.crt", websocket=False)

    def shown() -> bytes | None:
        plain = socket.create_connection(("127.0.0.1", door.port), SOON_S)
        with announcing("http/1.1").wrap_socket(plain, server_hostname="localhost") as secured:
            return secured.getpeercert(binary_form=True)

    with Client(door.port, tls, client_id=device) as client:
        former = shown()
        renew(certificates, "proxy", now=datetime.now(UTC))
        door.show(certificates / "proxy")
        assert shown() != former
        assert client.publish(up(device, Lane.LIVE)) == "taken", "equipment stays connected"
    assert door.ask("/").status == 200


def test_one_address_leaves_places_to_others(door: Door, certificates: Path, ca: Path) -> None:
    tls = as_configured(door, ca, device_certificate(certificates, mint_device_id()) / "device.crt", websocket=False)

    def called(stack: ExitStack) -> None:
        made = socket.create_connection(("127.0.0.1", door.port), SOON_S, source_address=(ELSEWHERE, 0))
        stack.enter_context(tls.wrap_socket(made, server_hostname="localhost"))

    with ExitStack() as stack:
        for _ in range(PLACES):
            called(stack)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            called(stack)
        assert door.ask("/").status == 200


def test_it_waits_longer_than_the_broker_lets_a_device_be_silent() -> None:
    (keep_alive,) = re.findall(r"^max_keepalive (\d+)$", (FILES / "mosquitto.conf").read_text(), re.MULTILINE)
    (minutes,) = re.findall(r"^  proxy_timeout (\d+)m;$", CONFIG.read_text(), re.MULTILINE)
    assert int(minutes) * 60 > 1.5 * int(keep_alive), "MQTT 5, 3.1.2.10"

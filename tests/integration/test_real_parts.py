"""The real parts behave as the rest of the tests rely on."""

import queue
import ssl
import threading

import paho.mqtt.client as mqtt
import psycopg
import pytest
import trustme
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.timescale import Timescale
from tests.fixtures.trixie import Tree

_CONNECTED = 10.0


class Subscriber:
    """A client with a persistent session that acknowledges nothing."""

    def __init__(self, *, port: int, client_id: str, receive_maximum: int = 65535) -> None:
        self.got: queue.Queue[bytes | bytearray] = queue.Queue()
        self._subscribed = threading.Event()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True
        )
        self._client.on_message = lambda _client, _userdata, message: self.got.put(message.payload)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own signature has no types
        session.SessionExpiryInterval = 3600
        session.ReceiveMaximum = receive_maximum
        self._client.connect("127.0.0.1", port, clean_start=False, properties=session)
        self._client.loop_start()
        self._client.subscribe("parts/#", qos=1)
        assert self._subscribed.wait(_CONNECTED)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def publish(port: int, *payloads: str) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for payload in payloads:
        client.publish("parts/x", payload, qos=1).wait_for_publish(_CONNECTED)
    client.disconnect()
    client.loop_stop()


def test_the_broker_keeps_a_session_over_a_stop_and_forgets_it_when_wiped(private_mosquitto: Mosquitto) -> None:
    broker = private_mosquitto
    Subscriber(port=broker.port, client_id="reader").close()
    publish(broker.port, "kept")
    broker.stop()
    broker.start()
    reader = Subscriber(port=broker.port, client_id="reader")
    assert reader.got.get(timeout=_CONNECTED) == b"kept"
    reader.close()

    broker.wipe()
    broker.start()
    reader = Subscriber(port=broker.port, client_id="reader")
    publish(broker.port, "after")
    assert reader.got.get(timeout=_CONNECTED) == b"after"  # and "kept", unacknowledged, never came again
    reader.close()


def test_the_broker_holds_the_subscribers_receive_maximum(mosquitto: Mosquitto) -> None:
    reader = Subscriber(port=mosquitto.port, client_id="slow", receive_maximum=5)
    publish(mosquitto.port, *(str(number) for number in range(20)))
    got = [reader.got.get(timeout=_CONNECTED) for _ in range(5)]
    assert got == [b"0", b"1", b"2", b"3", b"4"]
    with pytest.raises(queue.Empty):
        reader.got.get(timeout=0.2)
    reader.close()


def test_a_suspended_broker_answers_nobody_until_it_is_resumed(private_mosquitto: Mosquitto) -> None:
    private_mosquitto.suspend()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    greeted = threading.Event()
    client.on_connect = lambda *_: greeted.set()
    client.connect("127.0.0.1", private_mosquitto.port)
    client.loop_start()
    assert not greeted.wait(0.2)
    private_mosquitto.resume()
    assert greeted.wait(_CONNECTED)
    client.disconnect()
    client.loop_stop()


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def test_the_tls_listener_wants_a_certificate_of_its_authority(trixie: Tree, authority: trustme.CA) -> None:
    with Mosquitto(tree=trixie, authority=authority) as broker:
        assert broker.tls_port is not None
        for known in (True, False):
            context = ssl.create_default_context()
            authority.configure_trust(context)
            if known:
                authority.issue_cert("device-1", common_name="device-1").configure_cert(context)
            client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
            client.tls_set_context(context)
            greeted = threading.Event()
            client.on_connect = lambda _c, _u, _f, reason, _p, greeted=greeted: reason.is_failure or greeted.set()
            client.connect("127.0.0.1", broker.tls_port)
            client.loop_start()
            assert greeted.wait(_CONNECTED if known else 0.5) is known
            client.disconnect()
            client.loop_stop()


def test_timescale_copies_databases_and_survives_a_kill(trixie: Tree) -> None:
    with Timescale(tree=trixie) as server:
        template = server.create_database()
        with psycopg.connect(server.dsn(template)) as connection:
            connection.execute("CREATE EXTENSION timescaledb")
        database = server.create_database(template=template)
        with psycopg.connect(server.dsn(database)) as connection:
            connection.execute("CREATE TABLE reading (ts timestamptz NOT NULL, value float8)")
            connection.execute("SELECT create_hypertable('reading', by_range('ts'))")
            connection.execute("INSERT INTO reading VALUES (now(), 1)")
        server.kill()
        server.start()
        with psycopg.connect(server.dsn(database)) as connection:
            assert connection.execute("SELECT count(*) FROM reading").fetchone() == (1,)
            assert connection.execute("SHOW timescaledb.license").fetchone() == ("apache",)

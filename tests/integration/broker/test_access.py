"""Who may do what at the deployed broker."""

import queue
import shutil
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steth.certificates import CertificateError, add_device, initialise, renew, revoke_device, revoke_service
from tests.fixtures.deployed import DeployedBroker, device_certificate
from tests.fixtures.trixie import Tree
from tests.integration.broker.client import PATIENCE_S, QUIET_S, Client, context, upgraded
from tests.integration.broker.ground import Ground
from wire.ids import bucket, mint_device_id
from wire.topics import Channel, Down, Lane, down, down_filter, probe, up, up_filter, will

OK = "taken"
REFUSED = "Not authorized"


def nothing_comes(client: Client) -> bool:
    try:
        client.messages.get(timeout=QUIET_S)
    except queue.Empty:
        return True
    return False


@pytest.fixture
def ground(deployed: DeployedBroker) -> Ground:
    return Ground(deployed)


@pytest.mark.parametrize("websocket", [False, True], ids=["tls", "websocket"])
def test_a_device_reports_and_is_answered_on_its_own_topics(ground: Ground, websocket: bool) -> None:
    device = mint_device_id()
    with ground.service("ingest") as ingest, ground.service("jobs") as jobs:
        ingest.subscribe(*(up_filter(bucket(device), channel) for channel in Channel))
        with ground.device(device, websocket=websocket) as client:
            assert client.connected, client.error
            client.subscribe(down_filter(device))
            for lane in Lane:
                assert client.publish(up(device, lane), lane.value) == OK
                assert ingest.messages.get(timeout=PATIENCE_S).payload == lane.value.encode()
            assert ingest.publish(down(device, Down.ACK), b"ack") == OK
            assert client.messages.get(timeout=PATIENCE_S).payload == b"ack"
            assert jobs.publish(down(device, Down.COMMAND), b"command") == OK
            assert client.messages.get(timeout=PATIENCE_S).payload == b"command"


def test_its_will_is_told(ground: Ground) -> None:
    device = mint_device_id()
    with ground.service("ingest") as ingest:
        ingest.subscribe(up_filter(bucket(device), Channel.WILL))
        client = ground.device(device, will=will(device))
        with client:
            assert client.connected
            client.drop()
            assert ingest.messages.get(timeout=PATIENCE_S).topic == will(device)


def test_a_will_in_another_s_name_is_not_told(ground: Ground) -> None:
    device, other = mint_device_id(), mint_device_id()
    with ground.service("ingest") as ingest:
        ingest.subscribe(up_filter(bucket(other), Channel.WILL))
        with ground.device(device, will=will(other)) as client:
            if client.connected:
                client.drop()
            assert nothing_comes(ingest)


def test_a_device_publishes_to_nothing_else(ground: Ground) -> None:
    device, other = mint_device_id(), mint_device_id()
    with ground.service("ingest") as ingest, ground.device(device) as client:
        ingest.subscribe("steth/+/+/+/live", "steth/+/+/+/bulk", "steth/+/+/+/will", probe(0, Lane.LIVE))
        for topic in (
            *(up(other, lane) for lane in Lane),
            will(other),
            *(down(other, what) for what in Down),
            *(down(device, what) for what in Down),
            up(device, Lane.LIVE) + "/x",
            up(device, Lane.LIVE).replace("steth/1", "steth/2"),
            probe(0, Lane.LIVE),
            f"steth/1/{bucket(device)}/{device}/{device}/live",
            "steth/1/aa/steth-ingest/live",
            "$SYS/broker/version",
            "x",
        ):
            assert client.publish(topic) == REFUSED, topic
        assert nothing_comes(ingest)


def test_a_device_hears_nothing_of_others_whatever_it_subscribes_to(ground: Ground) -> None:
    device, other = mint_device_id(), mint_device_id()
    with (
        ground.service("ingest") as ingest,
        ground.service("jobs") as jobs,
        ground.device(other) as neighbour,
        ground.device(device) as client,
    ):
        client.subscribe(
            "#", "steth/#", "steth/1/+/+/down/+", down_filter(other), up(other, Lane.LIVE), "+/+/+/+/+", "$SYS/#"
        )
        neighbour.subscribe(down_filter(other))
        assert neighbour.publish(up(other, Lane.LIVE)) == OK
        assert ingest.publish(down(other, Down.ACK)) == OK
        assert ingest.publish(probe(0, Lane.LIVE)) == OK
        assert jobs.publish(down(other, Down.COMMAND)) == OK
        for _ in range(2):
            neighbour.messages.get(timeout=PATIENCE_S)
        assert client.publish(up(device, Lane.LIVE)) == OK
        assert nothing_comes(client), "not even what it said itself"
        assert ingest.publish(down(device, Down.ACK), b"mine") == OK
        assert client.messages.get(timeout=PATIENCE_S).payload == b"mine"


def test_a_device_can_t_take_the_session_of_another_or_of_a_service(ground: Ground) -> None:
    device, other = mint_device_id(), mint_device_id()
    with ground.device(other) as neighbour, ground.service("ingest", client_id="steth-ingest-00-live") as ingest:
        neighbour.subscribe(down_filter(other))
        for name in (other, "steth-ingest-00-live"):
            with ground.device(device, client_id=name) as client:
                assert client.connected
                assert client.publish(up(device, Lane.LIVE)) == OK
        assert ingest.publish(down(other, Down.ACK)) == OK
        assert neighbour.messages.get(timeout=PATIENCE_S).topic == down(other, Down.ACK)
        assert not neighbour.ended.is_set()
        assert not ingest.ended.is_set()


def test_services_do_their_own_work_only(ground: Ground) -> None:
    device = mint_device_id()
    with ground.service("ingest") as ingest, ground.service("jobs") as jobs, ground.device(device) as client:
        jobs.subscribe("#", up_filter(bucket(device), Channel.LIVE))
        ingest.subscribe(down_filter(device))
        assert client.publish(up(device, Lane.LIVE)) == OK
        assert ingest.publish(down(device, Down.COMMAND)) == REFUSED
        assert jobs.publish(down(device, Down.ACK)) == REFUSED
        for service in (ingest, jobs):
            assert service.publish(up(device, Lane.LIVE)) == REFUSED
        assert jobs.publish(down(device, Down.COMMAND)) == OK
        assert nothing_comes(jobs)
        assert nothing_comes(ingest)


def test_nothing_is_retained_and_a_packet_too_large_ends_the_connection(ground: Ground) -> None:
    device = mint_device_id()
    with ground.device(device) as client:
        assert client.limits.MaximumPacketSize == 266_240
        assert client.limits.RetainAvailable == 0
        assert client.publish(up(device, Lane.LIVE), b"x" * 256 * 1024) == OK
        assert client.publish(up(device, Lane.LIVE), b"x" * 270_000) == "disconnected"
    with ground.device(device) as client:
        assert client.publish(up(device, Lane.LIVE), retain=True) == "disconnected"


@pytest.fixture
def private(trixie: Tree, certificates: Path) -> Iterator[DeployedBroker]:
    with DeployedBroker(tree=trixie, certificates=certificates) as broker:
        yield broker


@pytest.mark.parametrize("listener", ["devices", "websocket", "services"])
def test_without_a_good_certificate_nobody_comes_in(deployed: DeployedBroker, tmp_path: Path, listener: str) -> None:
    certificates, ground = deployed.certificates, Ground(deployed)
    expired = device_certificate(certificates, mint_device_id(), age=timedelta(days=10), days=5)
    early = device_certificate(certificates, mint_device_id(), age=timedelta(days=-10))
    made = tmp_path / "others"
    initialise(made, names=["localhost"], now=datetime.now(UTC))
    stranger = device_certificate(made, mint_device_id())
    server = certificates / "broker" / "server"
    wrong = (
        device_certificate(certificates, mint_device_id()) / "device"
        if listener == "services"
        else certificates / "ingest" / "client"
    )
    good = device_certificate(certificates, mint_device_id()) / "device.crt"
    assert upgraded(deployed.ports["websocket"], context(ground.ca, good))
    for shown in (
        None,
        expired / "device.crt",
        early / "device.crt",
        stranger / "device.crt",
        made / "ingest" / "client.crt",
        server.with_suffix(".crt"),
        wrong.with_suffix(".crt"),
    ):
        tls = context(ground.ca, shown)
        if listener == "websocket":
            assert not upgraded(deployed.ports[listener], tls), shown
        else:
            with Client(deployed.ports[listener], tls) as client:
                assert not client.connected, shown
    with Client(deployed.ports[listener], None) as client:
        assert not client.connected, "without TLS"


def test_a_revoked_device_is_locked_out(private: DeployedBroker) -> None:
    ground = Ground(private)
    device, other = mint_device_id(), mint_device_id()
    with ground.device(device) as client:
        assert client.connected
    device_certificate(private.certificates, device)  # it has two now
    assert revoke_device(private.certificates, device, now=datetime.now(UTC)) == 2
    private.take_certificates()
    private.stop()
    private.start()
    with ground.device(device) as client:
        assert not client.connected
    with ground.service("ingest") as ingest, ground.device(device, websocket=True) as client:
        # mosquitto 2.0 lets it in on this listener; then it can neither say nor hear anything.
        ingest.subscribe(up_filter(bucket(device), Channel.LIVE))
        client.subscribe(down_filter(device))
        assert client.publish(up(device, Lane.LIVE)) == REFUSED
        assert ingest.publish(down(device, Down.ACK)) == OK
        assert nothing_comes(ingest)
        assert nothing_comes(client)
    for websocket in (False, True):
        with ground.device(other, websocket=websocket) as client:
            assert client.publish(up(other, Lane.LIVE)) == OK
    with pytest.raises(CertificateError, match="was revoked"):
        device_certificate(private.certificates, device)


def test_a_revoked_service_is_refused_and_goes_on_with_its_new_certificate(trixie: Tree, tmp_path: Path) -> None:
    made = tmp_path / "made"
    initialise(made, names=["localhost", "127.0.0.1"], now=datetime.now(UTC))
    stolen, former = tmp_path / "stolen", tmp_path / "former"
    shutil.copytree(made / "ingest", stolen)
    with DeployedBroker(tree=trixie, certificates=made) as broker:
        ground = Ground(broker)

        def comes_in(folder: Path) -> bool:
            with Client(broker.ports["services"], context(ground.ca, folder / "client.crt")) as client:
                return client.connected

        renew(made, "ingest", now=datetime.now(UTC))
        shutil.copytree(made / "ingest", former)
        server = made / "broker" / "server.crt"
        old = server.read_bytes()
        renew(made, "broker", now=datetime.now(UTC))
        assert comes_in(stolen)
        assert comes_in(former), "renewed: both are good until they end"
        assert revoke_service(made, "ingest", now=datetime.now(UTC)) == 2
        broker.take_certificates()
        broker.stop()
        broker.start()
        assert not comes_in(stolen)
        assert not comes_in(former)
        assert comes_in(made / "ingest"), "of the same name"
        assert comes_in(made / "jobs")
        for port in broker.ports.values():
            shown = ssl.get_server_certificate(("127.0.0.1", port), timeout=PATIENCE_S)
            assert shown == server.read_text() != old.decode()
        device = mint_device_id()
        with ground.device(device) as client:
            assert client.publish(up(device, Lane.LIVE)) == OK


def test_no_certificate_for_what_is_no_device(certificates: Path) -> None:

    for name in ("steth-ingest", "+", "#", "a/b", "..", "", "d*"):
        with pytest.raises(CertificateError):
            add_device(certificates, name, days=1, now=datetime.now(UTC))

"""What locks out a key and not its device, on the deployed broker (ADR 0037): the list is read anew while it runs, and
a service that takes over the device's client id ends the connection that is there.

What `steth certs` does today is more: a revoked device's id never comes back (`test_access.py`)."""

import os
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from steth.certificates import Authority, _authority, _write_pair, issue, load
from tests.fixtures.deployed import DeployedBroker, device_certificate
from tests.fixtures.ports import wait_until
from tests.fixtures.trixie import Tree
from tests.integration.broker.client import PATIENCE_S, Client, context
from tests.integration.broker.ground import Ground
from wire.ids import mint_device_id
from wire.topics import Lane, up

AT_MOST_S = 5.0


@pytest.fixture
def private(trixie: Tree, certificates: Path) -> Iterator[DeployedBroker]:
    with DeployedBroker(tree=trixie, certificates=certificates) as broker:
        yield broker


def listed(authority: Authority, revoked: Sequence[Path]) -> bytes:
    """Its list of revoked certificates: these."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - timedelta(minutes=1))
        .next_update(now + timedelta(days=1))
    )
    for path in revoked:
        serial = x509.load_pem_x509_certificate(path.read_bytes()).serial_number
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
        builder = builder.add_revoked_certificate(one)
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def put(broker: DeployedBroker, name: str, content: bytes) -> None:
    """In place of what the broker had read, and read anew: it is told by SIGHUP."""
    (broker.directory / "certs" / name).write_bytes(content)  # the file stays its own
    os.kill(broker.pid, signal.SIGHUP)


def agreed(port: int, tls: ssl.SSLContext, session: ssl.SSLSession | None = None) -> tuple[bool, ssl.SSLSession | None]:
    """Whether the broker takes us, and what was agreed on, by which the next time may go without certificates.

    With TLS 1.2, in which the handshake itself says so.
    """
    try:
        plain = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        with plain, tls.wrap_socket(plain, server_hostname="localhost", session=session) as secured:
            assert session is None or secured.session_reused
            return True, secured.session
    except (ssl.SSLError, ConnectionError):
        return False, None


def test_a_stolen_key_is_cut_off_and_stays_out_and_its_device_goes_on(
    private: DeployedBroker, certificates: Path, tmp_path: Path
) -> None:
    ground = Ground(private)
    device, other = mint_device_id(), mint_device_id()
    shutil.copytree(device_certificate(certificates, device), tmp_path / "stolen")
    device_certificate(certificates, device)  # the one that it has now, which `ground` takes
    stolen = tmp_path / "stolen" / "device.crt"
    port, tls = private.ports["devices"], context(ground.ca, stolen)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    taken, session = agreed(port, tls)
    assert taken
    assert agreed(port, tls, session)[0]

    with (
        Client(port, context(ground.ca, stolen), client_id=device) as thief,
        ground.device(other) as neighbour,
        ground.device(mint_device_id(), websocket=True) as distant,
        ground.service("ingest", client_id="steth-ingest-00-live") as ingest,
    ):
        assert thief.publish(up(device, Lane.LIVE)) == "taken"
        put(private, "device-ca.crl", listed(load(certificates, "device-ca"), [stolen]))
        wait_until(lambda: not agreed(port, tls)[0], what="the list to be obeyed", seconds=AT_MOST_S)
        assert not thief.ended.is_set(), "the list alone cuts nobody"
        with ground.service("ingest", client_id=device) as taker:
            assert taker.connected
            assert thief.ended.wait(AT_MOST_S)
        assert not agreed(port, tls, session)[0], "nor by what was agreed on before"
        with ground.device(device) as client:
            assert client.publish(up(device, Lane.LIVE)) == "taken", "the same id, another key"
        for one in (neighbour, distant, ingest):
            assert not one.ended.is_set()
        assert neighbour.publish(up(other, Lane.LIVE)) == "taken"


def test_another_authority_is_taken_while_everybody_stays_connected(
    private: DeployedBroker, certificates: Path, tmp_path: Path
) -> None:
    """Of another name: of two lists of one name one is taken for the other's, and nobody comes in."""
    ground = Ground(private)
    device, other = mint_device_id(), mint_device_id()
    authority = _authority("device-ca-2", datetime.now(UTC))
    key, certificate = issue(authority, name=device, days=1, now=datetime.now(UTC))
    _write_pair(tmp_path / "device", key, certificate)
    fresh = context(ground.ca, tmp_path / "device.crt")
    made = {"crl": listed(authority, []), "crt": authority.certificate.public_bytes(serialization.Encoding.PEM)}
    with ground.device(other) as neighbour:
        assert neighbour.connected
        assert not comes_in(private, fresh, device)
        for kind, content in made.items():
            name = f"device-ca.{kind}"
            put(private, name, (certificates / "broker" / name).read_bytes() + content)
        wait_until(lambda: comes_in(private, fresh, device), what="the new authority", seconds=AT_MOST_S)
        assert not neighbour.ended.is_set()
        assert neighbour.publish(up(other, Lane.LIVE)) == "taken"
    with ground.device(other) as client:
        assert client.publish(up(other, Lane.LIVE)) == "taken", "the former one still counts"


def comes_in(broker: DeployedBroker, tls: ssl.SSLContext, device: str) -> bool:
    with Client(broker.ports["devices"], tls, client_id=device) as client:
        return client.connected

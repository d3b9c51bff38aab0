"""Reports by the deployed broker's TLS listeners into real processes, and what waits for them."""

import asyncio
import json
import os
import queue
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest
from cryptography import x509
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from ingest.mqtt import Session
from remote.commands import PublishError
from steth.certificates import initialise, renew, revoke_service
from steth.doctor.broker import check_broker
from steth.expiry import tell_ends
from steth.run_jobs import MqttPublisher
from steth.settings import load_settings
from store.partitions import ensure_partitions
from tests.fixtures.deployed import DeployedBroker, device_certificate
from tests.fixtures.ports import free_port
from tests.fixtures.postgres import Database
from tests.fixtures.trixie import Tree
from tests.integration.broker.client import PATIENCE_S, Client
from tests.integration.broker.ground import Ground
from wire.ids import DeviceId, bucket, mint_device_id, partition
from wire.topics import Channel, Down, Lane, down, down_filter, probe, up, up_filter

WAIT_S: Final = 90.0
MANY: Final = 1_500


@pytest.fixture
def private(trixie: Tree, certificates: Path) -> Iterator[DeployedBroker]:
    with DeployedBroker(tree=trixie, certificates=certificates) as broker:
        yield broker


def until(look: Callable[[], Any], *processes: subprocess.Popen[bytes]) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not (found := look()):
        for process in processes:
            assert process.poll() is None, f"{process.args!r} ended"
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def settings_file(path: Path, broker: DeployedBroker, service: str, **more: str) -> Path:
    """A service's settings as the deployment has them."""
    place = broker.certificates / service
    values = {
        "mqtt": f"mqtts://localhost:{broker.ports['services']}",
        "mqtt_ca": str(place / "ca.crt"),
        "mqtt_cert": str(place / "client.crt"),
        "mqtt_key": str(place / "client.key"),
        **more,
    }
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()), encoding="utf-8")
    return path


@contextmanager
def process(folder: Path, name: str, arguments: Sequence[str], health: int) -> Iterator[subprocess.Popen[bytes]]:
    log = folder / f"{name}.log"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("STETH_")}
    with log.open("ab") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", "steth", *arguments], stdout=output, stderr=output, env=environment
        )
    try:
        until(lambda: is_ready(health), started)
        yield started
    finally:
        started.terminate()
        try:
            assert started.wait(30) == 0, log.read_text(encoding="utf-8")[-2000:]
        finally:
            started.kill()


def is_ready(health: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{health}/readyz", timeout=5).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


async def device_row(database: Database) -> DeviceId:
    """A minted device in a database with room for readings."""
    device = mint_device_id()
    async with await psycopg.AsyncConnection.connect(database.owner) as connection:
        await ensure_partitions(connection, now=datetime.now(UTC), behind_days=100, ahead_days=40)
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute("INSERT INTO org (name) VALUES ('h')")
        connection.execute("INSERT INTO site (org_id, name) SELECT id, 's' FROM org WHERE kind = 'hospital'")
        connection.execute(
            "INSERT INTO device (uid, org_id, site_id, partition, model, name, enrolled_at)"
            " SELECT %s, org_id, id, %s, 'generic-dr', 'DR', now() FROM site",
            (device, partition(bucket(device))),
        )
    return device


def mark(database: Database, lane: int) -> int:
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        row = connection.execute("SELECT max(seq) FROM mark WHERE lane = %s", (lane,)).fetchone()
    return (row and row[0]) or 0


def life_left(database: Database) -> float:
    """Days of the device's certificate, as it reported them."""
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        row = connection.execute(
            "SELECT value FROM reading JOIN metric ON metric.id = metric_id WHERE metric.name = 'host.certificate'"
        ).fetchone()
    return row[0] if row else 0.0


def ends_told(port: int) -> dict[str, float]:
    """The ends of certificates as a process's metrics have them, by whose they are."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    found = {family.name: family.samples for family in text_string_to_metric_families(text)}
    return {sample.labels["of"]: sample.value for sample in found["steth_certificate_end_timestamp_seconds"]}


def agent_file(path: Path, broker: DeployedBroker, device: str, mqtt: str, health: int) -> Path:
    place = device_certificate(broker.certificates, device)
    path.write_text(
        f"""\
[agent]
state = {json.dumps(str(path.parent / "state"))}
heartbeat_s = 1
health = "127.0.0.1:{health}"
[server]
mqtt = "{mqtt}"
ca = {json.dumps(str(place / "ca.crt"))}
cert = {json.dumps(str(place / "device.crt"))}
key = {json.dumps(str(place / "device.key"))}
[[device]]
name = "dr"
model = "generic-dr"
id = "{device}"
[device.host]
every_s = 1
""",
        encoding="utf-8",
    )
    (path.parent / "state").mkdir()
    return path


async def test_a_real_agent_reports_by_its_certificate_over_tls_and_websocket_into_a_real_ingest(
    private: DeployedBroker, database: Database, tmp_path: Path
) -> None:
    device = await device_row(database)
    ports = free_port(), free_port()
    settings = settings_file(
        tmp_path / "ingest.toml", private, "ingest", dsn_ingest=database.ingest, health=f"127.0.0.1:{ports[0]}"
    )
    tls = f"mqtts://localhost:{private.ports['devices']}"
    websocket = f"wss://localhost:{private.ports['websocket']}/mqtt"
    config = agent_file(tmp_path / "agent.toml", private, device, tls, ports[1])
    with process(tmp_path, "ingest", ["ingest", "--config", str(settings)], ports[0]) as ingest:
        with process(tmp_path, "agent", ["agent", str(config)], ports[1]) as agent:
            until(lambda: mark(database, 0) >= 1 and mark(database, 1) >= 1, ingest, agent)
            until(lambda: 29 < life_left(database) < 30, ingest, agent)
            now = time.time()
            of_agent, of_ingest = (ends_told(port) for port in (ports[1], ports[0]))
            assert 29 < (of_agent["device"] - now) / 86_400 < 30
            assert of_agent["authority"] == of_ingest["authority"] > now + 3_000 * 86_400
            assert of_ingest["service"] == of_ingest["broker"] > now + 390 * 86_400
            private.kill()
            private.start()
            before = mark(database, 0)
            until(lambda: mark(database, 0) > before + 1, ingest, agent)
        config.write_text(config.read_text(encoding="utf-8").replace(tls, websocket), encoding="utf-8")
        with process(tmp_path, "agent", ["agent", str(config)], ports[1]) as agent:
            before = mark(database, 0)
            until(lambda: mark(database, 0) > before + 1, ingest, agent)
    assert f'"to": "{websocket}", "event": "connected"' in (tmp_path / "agent.log").read_text(encoding="utf-8")
    with psycopg.connect(database.superuser) as connection:
        assert connection.execute("SELECT count(*) FROM dead_letter").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM gap").fetchone() == (0,)


def test_what_waits_for_ingest_is_kept_beyond_a_thousand_and_over_a_restart(private: DeployedBroker) -> None:
    ground, device = Ground(private), mint_device_id()
    name = f"steth-ingest-{partition(bucket(device)):02d}-bulk"
    with ground.service("ingest", client_id=name, expiry_s=3600) as ingest:
        ingest.subscribe(up_filter(bucket(device), Channel.BULK))
    with ground.device(device) as client:
        for number in range(MANY):
            assert client.publish(up(device, Lane.BULK), str(number)) == "taken"
    private.stop()
    private.start()
    with ground.service("ingest", client_id=name, expiry_s=3600) as ingest:
        assert ingest.session_present
        got = [ingest.messages.get(timeout=PATIENCE_S).payload for _ in range(MANY)]
    assert got == [str(number).encode() for number in range(MANY)]


def test_what_is_not_acknowledged_comes_again(private: DeployedBroker) -> None:
    ground, device = Ground(private), mint_device_id()
    name = f"steth-ingest-{partition(bucket(device)):02d}-live"
    with ground.service("ingest", client_id=name, expiry_s=3600, manual=True) as ingest:
        ingest.subscribe(up_filter(bucket(device), Channel.LIVE))
        with ground.device(device) as client:
            for number in range(30):
                client.publish(up(device, Lane.LIVE), str(number))
        got = [ingest.messages.get(timeout=PATIENCE_S) for _ in range(30)]
        for message in got[:10]:
            ingest.acknowledge(message)
        marker = ingest.subscribe("steth/+/ff/+/will")  # its answer comes after the acknowledgements were read
        assert marker
    private.stop()
    private.start()
    with ground.service("ingest", client_id=name, expiry_s=3600, manual=True) as ingest:
        again = [ingest.messages.get(timeout=PATIENCE_S).payload for _ in range(20)]
        with pytest.raises(queue.Empty):
            ingest.messages.get(timeout=0.2)
    assert again == [str(number).encode() for number in range(10, 30)]


async def test_commands_go_down_by_the_sender_of_steth_jobs(deployed: DeployedBroker, tmp_path: Path) -> None:
    device = mint_device_id()
    settings = load_settings(settings_file(tmp_path / "jobs.toml", deployed, "jobs"))
    publisher = MqttPublisher(endpoint=settings.endpoint, name="steth-jobs-test")
    with Ground(deployed).device(device) as client:
        assert isinstance(client, Client)
        client.subscribe(down_filter(device))
        await publisher.publish(down(device, Down.COMMAND), b"{}")
        assert client.messages.get(timeout=PATIENCE_S).payload == b"{}"
    await publisher.close()


async def test_what_runs_goes_on_with_renewed_certificates(trixie: Tree, tmp_path: Path) -> None:
    """The old ones are even revoked: nothing is started anew but the broker."""
    made = tmp_path / "made"
    long_ago = datetime.now(UTC) - timedelta(days=300)
    initialise(made, names=["localhost"], now=long_ago)

    def told(of: str) -> float:
        return REGISTRY.get_sample_value("steth_certificate_end_timestamp_seconds", {"of": of}) or 0.0

    def ends(path: str) -> float:
        return x509.load_pem_x509_certificate((made / path).read_bytes()).not_valid_after_utc.timestamp()

    async def soon(look: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not look():  # noqa: ASYNC110 - nothing tells it
                await asyncio.sleep(0.01)

    command = down(mint_device_id(), Down.COMMAND)
    with DeployedBroker(tree=trixie, certificates=made) as broker:
        settings = load_settings(settings_file(tmp_path / "jobs.toml", broker, "jobs"))
        tell_ends(settings)
        session = Session(
            endpoint=settings.endpoint,
            client_id="steth-jobs-renewed",
            partition=0,
            filters=[probe(0, Lane.LIVE)],
            receive_max=1,
            on_message=lambda message: None,
            on_taken_over=lambda: None,
            wall_ms=lambda: 0,
        )
        publisher = MqttPublisher(endpoint=settings.endpoint, name="steth-jobs-test")
        task = asyncio.create_task(session.run())
        await soon(lambda: session.connected)
        await publisher.publish(command, b"{}")
        assert told("broker") == ends("broker/server.crt") < time.time() + 100 * 86_400
        assert told("authority") == ends("ca/steth-ca.crt")
        renew(made, "broker", now=datetime.now(UTC))
        revoke_service(made, "jobs", now=datetime.now(UTC))
        broker.take_certificates()
        await asyncio.to_thread(broker.stop)
        await soon(lambda: not session.connected)
        await asyncio.to_thread(broker.start)
        await soon(lambda: session.connected)
        with suppress(PublishError):  # on the connection that broke: it is made anew for the next one
            await publisher.publish(command, b"{}")
        await publisher.publish(command, b"{}")
        assert told("broker") == ends("broker/server.crt") > time.time() + 300 * 86_400
        assert told("service") == ends("jobs/client.crt") > time.time() + 300 * 86_400
        # A file that can't be read keeps it away, and says so, until it can.
        (key := made / "jobs" / "client.key").rename(tmp_path / "away")
        with capture_logs() as lines:
            session.abort()
            await publisher.close()
            with pytest.raises(PublishError, match="mqtt_key can't be used"):
                await publisher.publish(command, b"{}")
            await soon(lambda: any("mqtt_key can't be used" in line.get("reason", "") for line in lines))
        (tmp_path / "away").rename(key)
        await soon(lambda: session.connected)
        await session.close()
        await publisher.close()
        task.cancel()
        await asyncio.wait([task])


async def test_the_doctor_finds_the_deployed_broker_in_order(deployed: DeployedBroker, tmp_path: Path) -> None:
    settings = load_settings(settings_file(tmp_path / "ingest.toml", deployed, "ingest"))
    found = [finding async for finding in check_broker(settings.endpoint())]
    assert found
    assert [finding for finding in found if finding.level != "ok"] == []

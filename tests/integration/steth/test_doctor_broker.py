"""`steth doctor` at the broker, the certificates and this machine: each part really broken once, and found."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steth.certificates import initialise
from steth.settings import Settings
from store.pool import ROLES
from tests.fixtures.deployed import DeployedBroker, device_certificate
from tests.fixtures.ports import free_port
from tests.fixtures.trixie import Tree
from tests.integration.steth.ward import broken, found, of_broker, peer
from wire.ids import mint_device_id

# the broker -----------------------------------------------------------------------------------------------------------


async def test_no_broker_there() -> None:
    what = await found(Settings(mqtt=f"mqtt://127.0.0.1:{free_port()}"))
    assert (what["broker.connect"].level, "check that the broker runs" in str(what["broker.connect"].todo)) == (
        "fail",
        True,
    )


@pytest.mark.parametrize(
    ("answer", "check", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "broker.protocol", "does not answer MQTT 5"),
        (b"", "broker.protocol", "does not answer MQTT 5"),
        (b"\x20\x7f", "broker.protocol", "does not answer MQTT 5"),
        (b"\x20\xff\xff\xff\x7f", "broker.protocol", "does not answer MQTT 5"),
        (b"\x20\x03\x00\x84\x00", "broker.protocol", "does not speak MQTT 5"),
        (b"\x20\x03\x00\x86\x00", "broker.login", "BAD_USER_NAME_OR_PASSWORD"),
        (b"\x20\x03\x00\x87\x00", "broker.login", "NOT_AUTHORIZED"),
        (b"\x20\x05\x00\x00\x02\x24\x00", "broker.abilities", "QoS 1"),
        (b"\x20\x08\x00\x00\x05\x27\x00\x00\x10\x00", "broker.abilities", "it takes 4096"),
        (b"\x20\x03\x00\x00\x00", "broker.probe", "no probe came back"),
    ],
)
async def test_what_a_broker_must_not_be(answer: bytes, check: str, said: str) -> None:
    async with peer(answer, close=answer != b"" and check == "broker.protocol") as where:
        what = await found(Settings(mqtt=where))
    assert (what[check].level, said in what[check].said.en) == ("fail", True), what[check].said.en


async def test_a_receive_maximum_below_the_agents_window() -> None:
    async with peer(b"\x20\x06\x00\x00\x03\x21\x00\x14") as where:
        what = await found(Settings(mqtt=where))
    assert (what["broker.abilities"].level, "receive-maximum 20" in what["broker.abilities"].said.en) == ("warn", True)


async def test_an_authority_that_did_not_make_the_brokers_certificate(deployed: DeployedBroker, tmp_path: Path) -> None:
    initialise(tmp_path / "other", names=["localhost"], now=datetime.now(UTC))
    other = {"mqtt_ca": str(tmp_path / "other" / "broker" / "steth-ca.crt")}
    what = await found(Settings(**{**of_broker(deployed), **other}))
    assert (what["broker.tls"].level, "mqtt_ca" in str(what["broker.tls"].todo)) == ("fail", True)


async def test_a_certificate_that_the_broker_does_not_take(deployed: DeployedBroker) -> None:
    device = device_certificate(deployed.certificates, mint_device_id())
    own = {"mqtt_cert": str(device / "device.crt"), "mqtt_key": str(device / "device.key")}
    what = await found(Settings(**{**of_broker(deployed), **own}))
    assert (what["broker.tls"].level, "mqtt_cert" in str(what["broker.tls"].todo)) == ("fail", True)


async def test_a_name_that_the_brokers_certificate_has_not(deployed: DeployedBroker) -> None:
    elsewhere = {"mqtt": f"mqtts://localhost.localdomain:{deployed.ports['services']}"}
    what = await found(Settings(**{**of_broker(deployed), **elsewhere}))
    assert broken(what) & {"broker.tls", "broker.connect"}


async def test_a_certificate_of_the_broker_that_has_expired(trixie: Tree, tmp_path: Path) -> None:
    initialise(tmp_path / "made", names=["localhost"], now=datetime.now(UTC) - timedelta(days=6 * 365))
    with DeployedBroker(tree=trixie, certificates=tmp_path / "made") as old:
        what = await found(Settings(**of_broker(old)))
    assert (what["broker.tls"].level, "expired" in what["broker.tls"].said.en) == ("fail", True)
    assert "renew" in str(what["broker.tls"].todo)
    assert (what["certificate.mqtt_cert"].level, "expired" in what["certificate.mqtt_cert"].said.en) == ("fail", True)


async def test_an_identity_that_may_not_send_itself_probes(deployed: DeployedBroker) -> None:
    what = await found(Settings(**of_broker(deployed, "jobs")))
    assert (what["broker.login" if "broker.login" in what else "broker.abilities"].level) == "ok"
    assert (what["broker.probe"].level, "access list" in str(what["broker.probe"].todo)) == ("fail", True)


# the machine ----------------------------------------------------------------------------------------------------------


async def test_a_key_of_another_certificate_and_files_that_are_none(deployed: DeployedBroker, tmp_path: Path) -> None:
    mixed = {**of_broker(deployed), "mqtt_key": str(deployed.certificates / "jobs" / "client.key")}
    assert (await found(Settings(**mixed)))["certificate.mqtt_key"].level == "fail"
    (tmp_path / "none.crt").write_text("no PEM")
    damaged = {**of_broker(deployed), "mqtt_cert": str(tmp_path / "none.crt"), "mqtt_ca": str(tmp_path / "gone.crt")}
    what = await found(Settings(**damaged))
    assert {"certificate.mqtt_cert", "certificate.mqtt_ca", "broker.config"} <= broken(what)


async def test_a_catalog_with_a_mistake_and_a_disk_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "x.yaml").write_text("nonsense: [")
    what = await found(Settings(catalog=str(tmp_path)), folders=(tmp_path / "gone",))
    assert (what["catalog"].level, "steth catalog check" in str(what["catalog"].todo)) == ("fail", True)
    assert what["disk"].level == "fail"


async def test_processes_that_do_not_answer_or_are_not_ready() -> None:
    async with peer(b"HTTP/1.1 503 Not Ready\r\nContent-Length: 10\r\n\r\nnot ready\n") as where:
        addresses = {"api": f"http://127.0.0.1:{free_port()}", "ingest": where.replace("mqtt:", "http:")}
        what = await found(Settings(), processes=addresses)
    assert (what["process.api"].level, "start `steth api`" in str(what["process.api"].todo)) == ("fail", True)
    assert (what["process.ingest"].level, "not ready" in what["process.ingest"].said.en) == ("fail", True)


async def test_without_a_database_and_a_broker_it_says_what_is_not_set() -> None:
    what = await found(Settings(mqtt=f"mqtt://127.0.0.1:{free_port()}"))
    assert {what[f"database.{role}"].level for role in ROLES} == {"warn"}
    assert broken(what) == {"broker.connect"}

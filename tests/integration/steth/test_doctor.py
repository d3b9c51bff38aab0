"""`steth doctor`: each part really broken once, and found. What is whole is said to be whole."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from agent.findings import Finding
from steth.certificates import initialise
from steth.doctor import broker, run
from steth.doctor.database import judge_clock
from steth.doctor.machine import GIB, check_catalog, judge_disk
from steth.doctor.run import Place, examine
from steth.settings import Settings
from store.partitions import Month, ensure_partitions
from tests.fixtures.deployed import DeployedBroker, device_certificate
from tests.fixtures.ports import free_port
from tests.fixtures.postgres import Cluster, Database
from tests.fixtures.trixie import Tree
from wire.ids import mint_device_id

Found = dict[str, Finding]
SHIPPED_CATALOG = check_catalog(Settings())
"""Looked at once: it takes a second."""


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "WATCH_S", 0.3)
    monkeypatch.setattr(broker, "STEP_S", 1.0)
    monkeypatch.setattr(run, "check_catalog", lambda of: SHIPPED_CATALOG if not of.catalog else check_catalog(of))


@pytest.fixture
def whole(plain_cluster: Cluster) -> Iterator[Database]:
    """A database as it is while everything works: room for readings, every partition owned."""
    made = plain_cluster.create()
    asyncio.run(_room(made.owner))
    change(
        made,
        "UPDATE partition_lease SET owner = 'ingest', lease_until = now() + INTERVAL '1 hour'",
        "INSERT INTO org (name) VALUES ('H')",
        "INSERT INTO site (org_id, name) SELECT id, 'S' FROM org",
        "INSERT INTO device (uid, org_id, site_id, partition, model, name) "
        "SELECT 'd1', org_id, id, 0, 'generic-dr', 'DR' FROM site",
        "INSERT INTO mark (device_id, lane, epoch, seq, digest, at) SELECT id, 0, 'e', 1, '', now() FROM device",
        "UPDATE rollup SET watermark = now()",
    )
    yield made
    plain_cluster.drop(made.name)


async def _room(owner: str) -> None:
    async with await psycopg.AsyncConnection.connect(owner) as connection:
        await ensure_partitions(connection, now=datetime.now(UTC), behind_days=1, ahead_days=40)


def change(database: Database, *statements: str) -> None:
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def settings(database: Database, **more: Any) -> Settings:
    dsns = {f"dsn_{role}": getattr(database, role) for role in ("owner", "ingest", "api")}
    return Settings(**{"mqtt": f"mqtt://127.0.0.1:{free_port()}", **dsns, **more})


@asynccontextmanager
async def ticking(database: Database) -> AsyncIterator[None]:
    """The clocks of the partitions advance, as ingest saves them."""

    async def tick() -> None:
        async with await psycopg.AsyncConnection.connect(database.superuser, autocommit=True) as connection:
            while True:
                await connection.execute("UPDATE partition_lease SET clock_ms = clock_ms + 50")
                await asyncio.sleep(0.05)

    ticks = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticks.cancel()
        await asyncio.wait([ticks])


async def found(of: Settings, *, processes: dict[str, str] | None = None, folders: tuple[Path, ...] = ()) -> Found:
    place = Place(settings=of, processes=processes or {}, folders=folders or (Path.cwd(),))
    every = [finding async for finding in examine(place)]
    for finding in every:
        assert (finding.todo is None) == (finding.level == "ok"), finding
        for text in (finding.said, finding.todo):
            assert text is None or (text.zh.strip() and text.en.strip())
    return {finding.check: finding for finding in every}


def broken(what: Found) -> set[str]:
    return {check for check, finding in what.items() if finding.level == "fail"}


# everything whole -----------------------------------------------------------------------------------------------------


def of_broker(at: DeployedBroker, who: str = "ingest") -> dict[str, Any]:
    folder = at.certificates / who
    return {
        "mqtt": f"mqtts://localhost:{at.ports['services']}",
        "mqtt_ca": str(at.certificates / "broker" / "steth-ca.crt"),
        "mqtt_cert": str(folder / "client.crt"),
        "mqtt_key": str(folder / "client.key"),
    }


async def test_what_is_whole_is_said_to_be_whole(whole: Database, deployed: DeployedBroker) -> None:
    async with ticking(whole):
        what = await found(settings(whole, **of_broker(deployed)))
    assert {check: finding.said.en for check, finding in what.items() if finding.level != "ok"} == {}
    assert {"catalog", "disk", "database.schema", "database.room", "broker.tls", "broker.probe"} <= set(what)
    assert {"certificate.mqtt_ca", "certificate.mqtt_cert", "certificate.mqtt_key", "pipeline.clock"} <= set(what)
    assert re.search(r"good until \d{4}-\d\d-\d\d", what["broker.tls"].said.en)


# the database ---------------------------------------------------------------------------------------------------------


async def test_a_wrong_password(whole: Database) -> None:
    wrong = make_conninfo(whole.ingest, password="wrong-hunter2")
    what = await found(settings(whole, dsn_ingest=wrong))
    finding = what["database.ingest"]
    assert (finding.level, "password" in finding.said.en) == ("fail", True)
    assert "hunter2" not in str(what)
    assert what["database.api"].level == "ok"


async def test_no_database_there(whole: Database) -> None:
    away = make_conninfo(whole.api, host="127.0.0.1", port=free_port())
    what = await found(settings(whole, dsn_api=away, dsn_ingest=away.replace("api", "ingest"), dsn_owner=""))
    assert {"database.api", "database.ingest"} <= broken(what)
    assert "check that it runs" in str(what["database.api"].todo)
    assert what["database.owner"].level == "warn"
    assert not any(check.startswith("pipeline") for check in what), "what rests on it is left out"


async def test_a_database_that_was_never_made(whole: Database) -> None:
    what = await found(settings(whole, dsn_ingest=make_conninfo(whole.ingest, dbname="nowhere")))
    assert (what["database.ingest"].level, "steth migrate" in str(what["database.ingest"].todo)) == ("fail", True)


async def test_a_login_of_another_role(whole: Database) -> None:
    what = await found(settings(whole, dsn_api=whole.owner))
    assert (what["database.api"].level, "steth_api" in str(what["database.api"].todo)) == ("fail", True)


async def test_a_schema_older_than_the_code(whole: Database) -> None:
    change(whole, "DELETE FROM schema_version WHERE version = (SELECT max(version) FROM schema_version)")
    what = await found(settings(whole))
    assert (what["database.schema"].level, "steth migrate" in str(what["database.schema"].todo)) == ("fail", True)
    assert "pipeline.marks" not in what


async def test_a_schema_newer_than_the_code(whole: Database) -> None:
    change(
        whole,
        "INSERT INTO schema_version (version, name, checksum, edition) "
        "SELECT version + 1, 'later', 'x', edition FROM schema_version ORDER BY version DESC LIMIT 1",
    )
    what = await found(settings(whole))
    assert (what["database.schema"].level, "upgrade steth" in str(what["database.schema"].todo)) == ("fail", True)


async def test_no_room_for_readings(whole: Database) -> None:
    gone = Month.of(datetime.now(UTC)).of_table("reading")
    change(whole, f"DROP TABLE {gone}")
    what = await found(settings(whole))
    assert (what["database.room"].level, gone in what["database.room"].said.en) == ("fail", True)


# the pipeline ---------------------------------------------------------------------------------------------------------


async def test_ingest_does_not_run(whole: Database) -> None:
    change(whole, "UPDATE partition_lease SET lease_until = now() - INTERVAL '1 minute' WHERE id IN (3, 7)")
    what = await found(settings(whole))
    assert (what["pipeline.partitions"].level, "2 of the 16" in what["pipeline.partitions"].said.en) == ("fail", True)


async def test_ingest_runs_and_its_clocks_stand(whole: Database) -> None:
    what = await found(settings(whole))
    assert (what["pipeline.clock"].level, "broker" in str(what["pipeline.clock"].todo)) == ("fail", True)


@pytest.mark.parametrize(
    ("statement", "check", "level", "said"),
    [
        (
            "UPDATE mark SET at = now() - INTERVAL '6 minutes'",
            "pipeline.marks",
            "warn",
            "the newest report was committed 36",
        ),
        ("DELETE FROM mark", "pipeline.silent", "warn", "1 of 1 devices"),
        (
            (
                "INSERT INTO dead_letter (at, partition, topic, code, place, detail, body) "
                "VALUES (now(), 0, 't', 'schema', '$', 'ZhangSan', '')"
            ),
            "pipeline.dead_letters",
            "warn",
            "1 dead letters within the hour (0 in the one before): schema, growing",
        ),
        (
            "INSERT INTO to_judge (device_id, lane, at, error, facts) VALUES (1, 0, now(), 'ZhangSan', '')",
            "pipeline.to_judge",
            "warn",
            "1 reports wait",
        ),
        (
            (
                "INSERT INTO to_judge (device_id, lane, at, error, facts) "
                "VALUES (1, 0, now() - INTERVAL '2 hours', 'ZhangSan', '')"
            ),
            "pipeline.to_judge",
            "fail",
            "the oldest for 72",
        ),
    ],
)
async def test_what_lies_aside(whole: Database, statement: str, check: str, level: str, said: str) -> None:
    change(whole, statement)
    what = await found(settings(whole))
    assert (what[check].level, said in what[check].said.en) == (level, True), what[check].said.en
    assert "ZhangSan" not in str(what), "what a device sent is never shown"


async def test_people_are_not_told(whole: Database) -> None:
    change(
        whole,
        "INSERT INTO ticket (number, org_id, site_id, device_id, family, severity, occurred_at, detected_at, "
        "evidence_from, evidence_to, message) SELECT 'WX20261122-001', org_id, site_id, id, 'f', 'major', now(), "
        "now(), now(), now(), 'm' FROM device",
        "INSERT INTO recipient (name, address) VALUES ('NOC', 'json://x')",
        "INSERT INTO telling (ticket_id, step, recipient_id, org_id, message, next_at) "
        "SELECT t.id, 'opened', r.id, t.org_id, 'm', now() - INTERVAL '10 minutes' FROM ticket t, recipient r",
    )
    waiting = (await found(settings(whole)))["pipeline.telling"]
    assert (waiting.level, "1 messages to people wait, the oldest overdue for 60" in waiting.said.en) == ("warn", True)
    change(whole, "UPDATE telling SET state = 'given-up'")
    given_up = (await found(settings(whole)))["pipeline.telling"]
    assert (given_up.level, "given up" in given_up.said.en) == ("warn", True)


# the broker -----------------------------------------------------------------------------------------------------------


async def test_no_broker_there() -> None:
    what = await found(Settings(mqtt=f"mqtt://127.0.0.1:{free_port()}"))
    assert (what["broker.connect"].level, "check that the broker runs" in str(what["broker.connect"].todo)) == (
        "fail",
        True,
    )


@asynccontextmanager
async def peer(answer: bytes, *, close: bool = False) -> AsyncIterator[str]:
    """Something that listens where a broker should."""

    over = asyncio.Event()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        if not close:
            await over.wait()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    async with server:
        yield f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        over.set()


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
    assert broken(what) & {"broker.tls", "broker.protocol"}, what


async def test_a_name_that_the_brokers_certificate_has_not(deployed: DeployedBroker) -> None:
    elsewhere = {"mqtt": f"mqtts://localhost.localdomain:{deployed.ports['services']}"}
    what = await found(Settings(**{**of_broker(deployed), **elsewhere}))
    assert broken(what) & {"broker.tls", "broker.connect"}


async def test_a_certificate_of_the_broker_that_has_expired(whole: Database, trixie: Tree, tmp_path: Path) -> None:
    initialise(tmp_path / "made", names=["localhost"], now=datetime.now(UTC) - timedelta(days=6 * 365))
    with DeployedBroker(tree=trixie, certificates=tmp_path / "made") as old:
        what = await found(Settings(**of_broker(old)))
    assert (what["broker.tls"].level, "expired" in what["broker.tls"].said.en) == ("fail", True)
    assert "renew" in str(what["broker.tls"].todo)
    assert (what["certificate.mqtt_cert"].level, "expired" in what["certificate.mqtt_cert"].said.en) == ("fail", True)


async def test_an_identity_that_may_not_send_itself_probes(deployed: DeployedBroker) -> None:
    what = await found(Settings(**of_broker(deployed, "alerts")))
    assert (what["broker.login" if "broker.login" in what else "broker.abilities"].level) == "ok"
    assert (what["broker.probe"].level, "access list" in str(what["broker.probe"].todo)) == ("fail", True)


# the machine ----------------------------------------------------------------------------------------------------------


async def test_a_key_of_another_certificate_and_files_that_are_none(deployed: DeployedBroker, tmp_path: Path) -> None:
    mixed = {**of_broker(deployed), "mqtt_key": str(deployed.certificates / "alerts" / "client.key")}
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
    assert {what[f"database.{role}"].level for role in ("owner", "ingest", "api")} == {"warn"}
    assert broken(what) == {"broker.connect"}


# pure -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("offset_s", "level"), [(0.2, "ok"), (-0.9, "ok"), (1.5, "warn"), (-29, "warn"), (31, "fail")])
def test_clocks_that_differ(offset_s: float, level: str) -> None:
    assert judge_clock(offset_s).level == level


@pytest.mark.parametrize(("free", "level"), [(50 * GIB, "ok"), (9 * GIB, "warn"), (1 * GIB, "fail"), (0, "fail")])
def test_disks_that_fill(free: int, level: str) -> None:
    assert judge_disk(Path("/x"), free=free, total=100 * GIB).level == level


@pytest.mark.parametrize(("days", "level"), [(-1, "fail"), (0, "fail"), (29, "warn"), (31, "ok")])
def test_certificates_that_end(days: int, level: str) -> None:
    now = datetime.now(UTC)
    assert broker.judge_expiry("c", now + timedelta(days=days), now=now).level == level

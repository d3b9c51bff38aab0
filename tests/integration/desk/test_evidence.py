from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from desk.tickets.evidence import Freezer, read_evidence
from desk.tickets.stage import TicketStage
from ingest.ports import Device
from store.pool import EVERY_ORG, Pool, open_pool, scoped
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import CATALOG, NOW, Hospital, batch, connect, episode, rows

FAULT = datetime.fromtimestamp((NOW - 2_000) / 1000, UTC)
FROZEN = "SELECT evidence_frozen_at = to_timestamp(%s / 1000.0) FROM ticket"


async def opened(database: Database) -> Hospital:
    """A ticket for a fault at FAULT, and readings every minute from 20 minutes before it to 2 minutes after it."""
    hospital = Hospital.make(database, devices=2)
    async with await connect(database.ingest) as connection:
        await TicketStage(catalog=CATALOG).run(connection, batch((hospital.devices[0], [episode()])))
    rows(database, "INSERT INTO metric (name, unit) VALUES ('detector.temperature', '')")
    rows(database, "CREATE TABLE IF NOT EXISTS reading_all PARTITION OF reading DEFAULT")
    for device in hospital.devices:
        rows(
            database,
            "INSERT INTO reading (ts, device_id, metric_id, value, quality)"
            " SELECT %s + n * interval '1 min', %s, 1, n, 0 FROM generate_series(-20, 2) n",
            FAULT,
            device.id,
        )
    return hospital


def bulk_has_reached(database: Database, device: Device, moment: datetime) -> None:
    rows(
        database,
        "INSERT INTO mark (device_id, lane, epoch, seq, digest, reached, at) VALUES (%s, 1, 'e', 1, '', %s, now())"
        " ON CONFLICT (device_id, lane) DO UPDATE SET reached = excluded.reached",
        device.id,
        moment,
    )


@asynccontextmanager
async def jobs(database: Database) -> AsyncIterator[Pool]:
    async with open_pool(database.jobs, role="jobs") as pool:
        yield pool


async def test_evidence_is_frozen_once_when_bulk_has_passed_it(database: Database) -> None:
    hospital = await opened(database)
    device = hospital.devices[0]
    async with jobs(database) as pool:
        freezer = Freezer(pool=pool)
        assert await freezer.run_once(NOW) == 0
        bulk_has_reached(database, device, FAULT)
        assert await freezer.run_once(NOW) == 0
        bulk_has_reached(database, device, FAULT + timedelta(milliseconds=1))
        assert await freezer.run_once(NOW + 7_000) == 1
        assert await freezer.run_once(NOW + 8_000) == 0
    assert rows(database, FROZEN, NOW + 7_000) == [(True,)]
    [(message, params)] = rows(database, "SELECT message, params FROM ticket_event WHERE event = 'evidence-frozen'")
    assert message == "ticket.evidence_frozen"
    assert params == {
        "from": (FAULT - timedelta(minutes=15)).isoformat(),
        "to": FAULT.isoformat(),
        "count": 16,
    }


async def test_a_silent_device_is_not_waited_for_beyond_the_patience(database: Database) -> None:
    await opened(database)
    async with jobs(database) as pool:
        freezer = Freezer(pool=pool, patience_ms=60_000)
        assert await freezer.run_once(NOW + 59_999) == 0
        assert await freezer.run_once(NOW + 60_000) == 1
    assert rows(database, "SELECT message FROM ticket_event WHERE event = 'evidence-frozen'") == [
        ("ticket.evidence_frozen_incomplete",)
    ]


async def test_the_version_that_an_operator_edits_stays_when_evidence_freezes(database: Database) -> None:
    await opened(database)
    async with jobs(database) as pool:
        await Freezer(pool=pool, patience_ms=0).run_once(NOW)
    assert rows(database, "SELECT version FROM ticket") == [(1,)]


async def test_two_at_once_freeze_a_ticket_once(database: Database) -> None:
    await opened(database)
    async with jobs(database) as pool, await connect(database.ingest) as other:
        await other.execute("SELECT id FROM ticket FOR NO KEY UPDATE")
        assert await Freezer(pool=pool, patience_ms=0).run_once(NOW) == 0
        await other.rollback()
        assert await Freezer(pool=pool, patience_ms=0).run_once(NOW) == 1


async def test_the_evidence_is_the_readings_of_the_device_in_the_range(database: Database) -> None:
    hospital = await opened(database)
    stranger = Hospital.make(database, name="Stranger")
    [(ticket_id,)] = rows(database, "SELECT id FROM ticket")
    async with open_pool(database.api, role="api") as pool:
        async with scoped(pool, str(hospital.org_id)) as connection:
            evidence = await read_evidence(connection, ticket_id)
            assert evidence is not None
            assert [reading.value for reading in evidence.readings] == list(range(-15, 1))
            assert {reading.metric for reading in evidence.readings} == {"detector.temperature"}
            assert (evidence.begins, evidence.ends) == (FAULT - timedelta(minutes=15), FAULT)
            assert (evidence.frozen_at, evidence.more) == (None, False)
            some = await read_evidence(connection, ticket_id, limit=3)
            assert some is not None
            assert (len(some.readings), some.more) == (3, True)
            assert await read_evidence(connection, ticket_id + 1) is None
        async with scoped(pool, str(stranger.org_id)) as connection:
            assert await read_evidence(connection, ticket_id) is None
        async with scoped(pool, EVERY_ORG) as connection:
            assert await read_evidence(connection, ticket_id) == evidence

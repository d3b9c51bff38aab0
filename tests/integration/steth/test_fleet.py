"""The fleet's numbers against a real database, as the role that looks; the doctor's of devices without marks too."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from steth.doctor.pipeline import look
from steth.jobs.fleet import Fleet
from store.pool import open_pool
from tests.fixtures.postgres import Database


def arrange(database: Database) -> None:
    """Three devices: fresh with a backlog and a ticket, late, never heard; and one retired."""
    now = datetime.now(UTC)
    now = datetime.now(UTC)  # not when this file was read: minutes may have passed since
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute("INSERT INTO org (name) VALUES ('h')")
        connection.execute("INSERT INTO site (org_id, name) SELECT id, 's' FROM org WHERE kind = 'hospital'")
        for number, status in enumerate(("active", "active", "active", "retired"), 1):
            connection.execute(
                "INSERT INTO device (uid, org_id, site_id, partition, model, name, status)"
                " SELECT %s, org_id, id, 0, 'generic-dr', 'DR', %s FROM site",
                (f"device{number}", status),
            )
        for device, age_s, waiting in ((1, 0, 7), (2, 46, 2), (4, 0, 100)):
            connection.execute(
                "INSERT INTO device_state"
                " (device_id, lane, org_id, dealer_id, engine, latest, interval_s, seen_at, heartbeat, as_of)"
                " SELECT id, 0, org_id, dealer_id, '', '', 15, %s,"
                " jsonb_build_object('bulk', %s::int, 'live', 0), now() FROM device WHERE uid = %s",
                (now - timedelta(seconds=age_s), waiting, f"device{device}"),
            )
        connection.execute(
            "INSERT INTO ticket (dealer_id, number, org_id, site_id, device_id, family, severity,"
            " occurred_at, detected_at,"
            " evidence_from, evidence_to, message) SELECT 1, 'WX-1', org_id, site_id, id, 'f', 'major', now(), now(),"
            " now(), now(), 'm' FROM device WHERE uid = 'device1'"
        )


def told(fleet: Fleet) -> dict[tuple[str, Any], float]:
    return {
        (family.name, next(iter(sample.labels.values()))): sample.value
        for family in fleet.collect()
        for sample in family.samples
    }


async def test_the_leader_tells_the_fleet_and_others_nothing(database: Database) -> None:
    arrange(database)
    async with await psycopg.AsyncConnection.connect(database.ingest) as connection:
        assert (await look(connection)).unheard == 1, "the one never heard, though no device has a mark"
    async with open_pool(database.jobs, role="jobs", min_size=1, max_size=1) as pool:
        fleet = Fleet(pool=pool, heartbeat_s=15)
        assert told(fleet) == {}
        await fleet.measure()
    found = told(fleet)
    assert [found["steth_jobs_fleet_devices", state] for state in ("fresh", "late", "never")] == [1, 1, 1]
    assert (found["steth_jobs_fleet_outbox_reports", "bulk"], found["steth_jobs_fleet_outbox_reports", "live"]) == (
        9,
        0,
    )
    assert found["steth_jobs_fleet_open_tickets", "new"] == 1
    assert found["steth_jobs_fleet_open_alerts", "critical"] == 0
    fleet.forget()
    assert told(fleet) == {}


async def test_a_device_last_heard_before_the_clock_was_put_back_is_not_fresh(database: Database) -> None:
    arrange(database)
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute("UPDATE device_state SET seen_at = now() + interval '2 h' WHERE device_id = 1")
    async with open_pool(database.jobs, role="jobs", min_size=1, max_size=1) as pool:
        fleet = Fleet(pool=pool, heartbeat_s=15)
        await fleet.measure()
    assert [told(fleet)["steth_jobs_fleet_devices", state] for state in ("fresh", "late", "never")] == [0, 2, 1]

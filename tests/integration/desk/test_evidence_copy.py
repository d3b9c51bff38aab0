"""The evidence of a ticket is a copy: it outlives the readings, is bounded, and is made once."""

import json
from datetime import timedelta

import pytest

from desk.tickets import evidence
from desk.tickets.evidence import Exhibit, Freezer, read_evidence, read_exhibit
from store.pool import open_pool, scoped
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import NOW, Hospital, batch, episode, rows
from tests.integration.desk.test_evidence import FAULT, bulk_has_reached, jobs, opened
from tests.integration.desk.test_tickets import events, run

BEGINS = FAULT - timedelta(minutes=15)


async def frozen(database: Database, *, now_ms: int = NOW) -> int:
    async with jobs(database) as pool:
        return await Freezer(pool=pool, patience_ms=0).run_once(now_ms)


async def exhibit(database: Database, org_id: int, ticket_id: int = 1) -> Exhibit | None:
    async with open_pool(database.api, role="api") as pool, scoped(pool, str(org_id)) as connection:
        return await read_exhibit(connection, ticket_id)


def tell(database: Database, device_id: int, *, minutes: int, body: object, kind: str = "fault") -> None:
    rows(
        database,
        "INSERT INTO device_event (device_id, org_id, at, learned_at, kind, body)"
        " SELECT id, org_id, %s, now(), %s, %s FROM device WHERE id = %s",
        FAULT + timedelta(minutes=minutes),
        kind,
        json.dumps(body),
        device_id,
    )


async def test_it_is_the_same_before_it_is_copied_after_and_when_the_readings_are_gone(database: Database) -> None:
    hospital = await opened(database)
    device = hospital.devices[0]
    for minutes in (-16, -15, -3, 0, 1):
        tell(database, device.id, minutes=minutes, body={"minute": minutes})
    tell(database, hospital.devices[1].id, minutes=-3, body={})
    rows(database, "UPDATE reading SET value = 1e200 WHERE value = -2")
    before = await exhibit(database, hospital.org_id)
    assert before is not None
    [signal] = before.signals
    assert [(BEGINS + timedelta(minutes=n)) for n in range(16)] == list(signal.at)
    assert list(signal.quality) == [0] * 13 + [2, 0, 0], "what no signal can mean is bad"
    assert [told.body for told in before.events] == [{"minute": -15}, {"minute": -3}, {"minute": 0}]
    async with open_pool(database.api, role="api") as pool, scoped(pool, str(hospital.org_id)) as connection:
        listed = await read_evidence(connection, 1)
    assert await frozen(database, now_ms=NOW + 5_000) == 1
    rows(database, "TRUNCATE reading")
    rows(database, "DELETE FROM device_event")
    after = await exhibit(database, hospital.org_id)
    assert after is not None
    assert (after.frozen_at is not None, after.cut) == (True, False)
    assert (after.signals, after.events) == (before.signals, before.events)
    async with open_pool(database.api, role="api") as pool, scoped(pool, str(hospital.org_id)) as connection:
        again = await read_evidence(connection, 1)
    assert listed is not None
    assert again is not None
    assert again.readings == listed.readings
    assert len(again.readings) == 16


async def test_it_is_copied_once(database: Database) -> None:
    hospital = await opened(database)
    assert await frozen(database) == 1
    rows(database, "UPDATE reading SET value = value + 1000")
    assert await frozen(database, now_ms=NOW + 60_000) == 0
    found = await exhibit(database, hospital.org_id)
    assert found is not None
    assert max(found.signals[0].value) == 0
    assert events(database) == ["opened", "evidence-frozen"]


async def test_another_hospital_sees_nothing_of_the_copy(database: Database) -> None:
    hospital = await opened(database)
    stranger = Hospital.make(database, name="Stranger")
    tell(database, hospital.devices[0].id, minutes=-1, body={})
    assert await frozen(database) == 1
    assert await exhibit(database, stranger.org_id) is None
    async with open_pool(database.api, role="api") as pool, scoped(pool, str(stranger.org_id)) as connection:
        for statement in (b"SELECT count(*) FROM ticket_evidence", b"SELECT count(*) FROM ticket_evidence_event"):
            assert await (await connection.execute(statement)).fetchone() == (0,)


async def test_what_is_too_much_is_cut_far_from_the_fault_and_that_is_said(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital = await opened(database)
    monkeypatch.setattr(evidence, "MOST_READINGS", 5)
    monkeypatch.setattr(evidence, "MOST_EVENT_BYTES", 250)
    for minutes in range(-9, 0):
        tell(database, hospital.devices[0].id, minutes=minutes, body={"text": "x" * 90})
    assert await frozen(database) == 1
    found = await exhibit(database, hospital.org_id)
    assert found is not None
    assert found.cut
    assert list(found.signals[0].value) == [-4, -3, -2, -1, 0]
    assert [told.at for told in found.events] == [FAULT - timedelta(minutes=2), FAULT - timedelta(minutes=1)]
    assert events(database) == ["opened", "evidence-frozen", "evidence-cut"]
    assert rows(database, "SELECT params FROM ticket_event WHERE event = 'evidence-cut'") == [
        ({"readings": 5, "events": 2},)
    ]


async def test_one_that_cannot_be_copied_is_put_off_and_the_others_are_copied(database: Database) -> None:
    hospital = await opened(database)
    await run(database, batch((hospital.devices[1], [episode()])))
    rows(database, "ALTER TABLE ticket_evidence ADD CONSTRAINT poison CHECK (ticket_id <> 1)")
    assert await frozen(database) == 1
    assert rows(database, "SELECT id FROM ticket WHERE evidence_frozen_at IS NOT NULL") == [(2,)]
    rows(database, "ALTER TABLE ticket_evidence DROP CONSTRAINT poison")
    assert await frozen(database, now_ms=NOW + 9 * 60_000) == 0, "not at once"
    assert await frozen(database, now_ms=NOW + 10 * 60_000) == 1
    assert events(database).count("evidence-frozen") == 2


async def test_what_was_put_off_before_the_clock_was_put_back_is_copied_now(database: Database) -> None:
    await opened(database)
    rows(database, "UPDATE ticket SET evidence_next_at = to_timestamp(%s)", NOW / 1000 + 3600)
    assert await frozen(database) == 1


async def test_what_the_former_version_froze_is_copied_of_what_is_still_there(database: Database) -> None:
    """That version wrote down a range; tickets that people read must not wait behind a hundred thousand old ones."""
    hospital = await opened(database)
    await run(database, batch((hospital.devices[1], [episode()])))
    rows(database, "UPDATE ticket SET evidence_frozen_at = now() - interval '1 day' WHERE id = 1")
    rows(
        database,
        "INSERT INTO ticket OVERRIDING SYSTEM VALUE"
        " SELECT (jsonb_populate_record(t, jsonb_build_object('id', 100 + n, 'number', 'n' || n,"
        " 'status', 'closed'))).* FROM ticket t, generate_series(1, 50) n WHERE id = 1",
    )
    bulk_has_reached(database, hospital.devices[1], FAULT + timedelta(hours=1))
    async with jobs(database) as pool:
        freezer = Freezer(pool=pool)
        assert [await freezer.run_once(NOW) for _ in range(4)] == [21, 20, 11, 0]
    rows(database, "TRUNCATE reading")
    found = await exhibit(database, hospital.org_id)
    assert found is not None
    assert len(found.signals[0].value) == 16
    assert rows(database, "SELECT ticket_id FROM ticket_event WHERE event = 'evidence-frozen'") == [(2,)]

"""An older state put back shows by the reports that never come: gaps of several devices at once."""

import time

from desk.tickets.gaps import GapNotes
from store.pool import open_pool
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import rows
from tests.integration.store.copies import restored_by, settled, with_a_past


async def test_devices_whose_live_reports_are_gone_at_once_show_that_an_older_state_was_put_back(
    database: Database,
) -> None:
    hospital = await with_a_past(database)
    async with open_pool(database.jobs, role="jobs") as pool:
        job = GapNotes(pool=pool)
        now_ms = int(time.time() * 1000)
        _gap(database, hospital.devices[0].id)
        _gap(database, hospital.devices[1].id, lane=1)
        _gap(database, hospital.devices[2].id, since="2 days")
        assert await job.run_once(now_ms) == 1, "one of them has an open ticket"
        assert await job.run_once(now_ms) == 0, "once"
        assert restored_by(database) == [(0, None)], "of two of three: their own affair"
        _gap(database, hospital.devices[1].id)
        await job.run_once(now_ms)
        assert restored_by(database) == [(1, "gaps")]
        for device in hospital.devices:
            _gap(database, device.id, since="1 hour")
        await job.run_once(now_ms)
        assert restored_by(database) == [(1, "gaps")], "the restore that is known explains them"
    assert rows(database, "SELECT message, params ->> 'count' FROM ticket_event WHERE event = 'gap'") == [
        ("ticket.gap", "11")
    ], "and a ticket is told once in a while"


async def test_who_is_heard_again_shows_what_may_be_lost(database: Database) -> None:
    """A new epoch, or none: what was acknowledged after the backup has no number that could be missed."""
    hospital = await with_a_past(database)
    same, other, numberless = hospital.devices
    for device in (same, other):
        rows(
            database,
            "INSERT INTO mark (device_id, lane, epoch, seq, digest, at) VALUES (%s, 0, 'e1', 5, '',"
            " now() - interval '2 h')",
            device.id,
        )
    rows(
        database,
        "INSERT INTO device_state (device_id, lane, org_id, dealer_id, engine, latest, seen_at, as_of)"
        " VALUES (%s, 0, 1, 1, '', '', now() - interval '3 h', now())",
        numberless.id,
    )
    rows(database, "UPDATE ticket SET device_id = %s", other.id)
    rows(database, "UPDATE installation SET timeline = 99")
    assert settled(database)
    async with open_pool(database.jobs, role="jobs") as pool:
        job = GapNotes(pool=pool)
        assert await job.run_once(int(time.time() * 1000)) == 0
        assert rows(database, "SELECT count(*) FROM restored_device") == [(3,)]
        rows(database, "UPDATE mark SET at = now()")
        rows(database, "UPDATE mark SET epoch = 'e2' WHERE device_id = %s", other.id)
        rows(database, "UPDATE device_state SET seen_at = now()")
        assert await job.run_once(int(time.time() * 1000)) == 1
    assert rows(database, "SELECT count(*) FROM restored_device") == [(0,)]
    assert rows(
        database,
        "SELECT device_id, last_seq - first_seq + 1, extract(hour FROM at - since)::int FROM gap ORDER BY device_id",
    ) == [(other.id, 0, 2), (numberless.id, 0, 3)], "none that has a number"
    assert rows(database, "SELECT message FROM ticket_event WHERE event = 'gap'") == [("ticket.gap.unknown",)]
    assert restored_by(database) == [(1, "timeline")], "which is no second restore"


async def test_two_gaps_are_enough_where_there_are_two_devices(database: Database) -> None:
    hospital = await with_a_past(database)
    rows(database, "UPDATE device SET status = 'retired' WHERE id = %s", hospital.devices[2].id)
    async with open_pool(database.jobs, role="jobs") as pool:
        for device in hospital.devices[:2]:
            _gap(database, device.id)
        await GapNotes(pool=pool).run_once(int(time.time() * 1000))
    assert restored_by(database) == [(1, "gaps")]


def _gap(database: Database, device_id: int, *, lane: int = 0, since: str = "1 hour") -> None:
    rows(
        database,
        "INSERT INTO gap (device_id, lane, epoch, first_seq, last_seq, at, since)"
        " VALUES (%s, %s, 'e', 10, 20, now(), now() - %s::text::interval)",
        device_id,
        lane,
        since,
    )

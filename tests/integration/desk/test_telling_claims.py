"""Claims that run out, clocks that were wrong, and floods."""

import asyncio
import time

import pytest

from desk.telling.plan import Patience
from desk.telling.teller import SKEW_MS
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import NOW, Hospital, rows
from tests.integration.desk.tellers import CHANNEL, ILL, STATES, Recorder, open_tickets, round_, seconds, teller


async def test_who_dies_between_claim_and_end_leaves_it_to_be_told_when_the_claim_runs_out(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://h")
    await open_tickets(database, hospital)
    patience = Patience()
    dead, alive = Recorder(), Recorder()
    dead.gate.clear()

    async def claim_and_die() -> None:
        async with teller(database, dead, patience=patience) as made:
            await made.run_once(NOW)
            raise ConnectionAbortedError

    with pytest.raises(ExceptionGroup) as killed:
        await claim_and_die()
    assert killed.group_contains(ConnectionAbortedError)
    async with teller(database, alive, patience=patience) as made:
        assert await round_(made, NOW + patience.lease_ms - 1) == 0
        assert await round_(made, NOW + patience.lease_ms) == 1
    assert len(alive.sent) == 1
    assert rows(database, STATES) == [("told", 1, "")]


async def test_leaving_ends_the_message_under_way_and_leaves_the_others(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://slow")
    await open_tickets(database, hospital, count=3)
    channel = Recorder()
    channel.gate.clear()
    async with teller(database, channel) as made:
        assert await made.run_once(NOW) == 1
        asyncio.get_running_loop().call_soon(channel.gate.set)
    assert len(channel.sent) == 1
    assert rows(database, STATES) == [("told", 1, ""), ("waiting", 0, ""), ("waiting", 0, "")]


async def test_a_claim_that_ran_out_does_not_disturb_who_claimed_it_since(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://h")
    await open_tickets(database, hospital)
    patience = Patience()
    late, quick = Recorder(), Recorder()
    late.gate.clear()
    late.failing["json://h"] = ILL
    async with teller(database, late, patience=patience) as one, teller(database, quick, patience=patience) as other:
        await one.run_once(NOW)
        quick.gate.clear()
        await other.run_once(NOW + patience.lease_ms)
        late.gate.set()
        await one.idle()
        assert rows(database, STATES) == [("waiting", 0, "")]
        quick.gate.set()
        await other.idle()
    assert rows(database, STATES) == [("told", 1, "")]
    assert rows(database, CHANNEL) == [(0, False, "")]


@pytest.mark.parametrize("ahead_s", [60, 3600, 72_000])
async def test_a_claim_made_by_a_clock_that_was_ahead_is_void(database: Database, ahead_s: int) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://h")
    await open_tickets(database, hospital, count=2)
    dead, alive = Recorder(), Recorder()
    dead.failing["json://h"] = ILL
    async with teller(database, dead) as made:
        assert await round_(made, NOW + ahead_s * 1000) == 1
    async with teller(database, alive) as made:
        await seconds(made, 70)
    assert len(alive.sent) == 2


async def test_a_message_entered_by_a_clock_that_was_ahead_is_told(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://h")
    await open_tickets(database, hospital)
    channel = Recorder()
    async with teller(database, channel) as made:
        assert await round_(made, NOW - 3_600_000) == 1
    assert len(channel.sent) == 1


async def test_two_clocks_a_little_apart_keep_one_anothers_claims(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://h")
    await open_tickets(database, hospital)
    slow, other = Recorder(), Recorder()
    slow.gate.clear()
    async with teller(database, slow) as one, teller(database, other) as two:
        await one.run_once(NOW)
        assert await round_(two, NOW - SKEW_MS) == 0
        slow.gate.set()
    assert len(slow.sent) == 1


def flood(database: Database, *, tickets: int) -> None:
    """Another so many tickets of the hospitals there are, each told to all who are to be told."""
    rows(
        database,
        "INSERT INTO ticket (dealer_id, number, org_id, site_id, device_id, family, severity, occurred_at, detected_at,"
        " evidence_from, evidence_to, parts, message, params) SELECT 1, 'F' || n, t.org_id, t.site_id, t.device_id,"
        " 'flood' || n, t.severity, t.occurred_at, t.detected_at, t.evidence_from, t.evidence_to, t.parts, t.message,"
        " t.params FROM (SELECT * FROM ticket LIMIT 1) t, generate_series(1, %s) n",
        tickets,
    )
    rows(
        database,
        "INSERT INTO telling (owner_id, ticket_id, step, recipient_id, org_id, message, params, next_at)"
        " SELECT 1, t.id, 'opened',"
        """ r.id, t.org_id, 'notify.ticket', '{"severity": "major"}', to_timestamp(%s / 1000.0)"""
        " FROM ticket t, recipient r WHERE t.number LIKE 'F%%'",
        NOW,
    )
    rows(database, "ANALYZE telling, ticket, recipient")


@pytest.mark.alone
async def test_a_flood_costs_each_claim_little_and_is_a_few_messages_to_each(database: Database) -> None:
    """A claim looked at all that waited: seconds, with a few times as many."""
    hospital = Hospital.make(database)
    for number in range(3):
        hospital.recipient(f"json://h{number}")
    await open_tickets(database, hospital)
    flood(database, tickets=10_000)
    channel = Recorder()
    claims = []
    async with teller(database, channel) as made:
        for minute in range(7):
            began = time.monotonic()
            await made.run_once(NOW + minute * 60_000)
            claims.append(time.monotonic() - began)
            await made.idle()
    assert max(claims) < 0.25
    assert rows(database, "SELECT state, count(*)::int FROM telling GROUP BY 1") == [("told", 30_003)]
    assert len(channel.sent) == 3 * 6

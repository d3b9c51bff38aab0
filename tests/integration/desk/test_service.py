"""A device gets another dealer, with everything open that can be: real rows, real locks, the job that does it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from psycopg import AsyncConnection

from alerts.effects import EpisodeActive, EpisodeOpened
from alerts.episode import OperatorEvent, OperatorState
from alerts.operate import AlertConflictError, Operated, operate
from alerts.recorder import AlertRecorder
from desk.telling.watch import look
from desk.tickets.drift import find_drift
from desk.tickets.service import change_dealer
from desk.tickets.stage import TicketStage
from ingest.memory import SQL
from ingest.ports import Batch, Device, Effect
from remote.prepare import PrepareStage
from steth.jobs.service import ServiceChanges
from store.pool import Pool, open_pool
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import CATALOG, NOW, Hospital, batch, connect, episode, rows
from tests.integration.desk.tellers import Recorder, round_, teller
from tests.integration.desk.test_tickets import _waits_for_a_lock

LATER = NOW + 60_000
STAGES = (AlertRecorder(), TicketStage(catalog=CATALOG), PrepareStage(catalog=CATALOG))
Act = Callable[[AsyncConnection[Any]], Awaitable[object]]
TICKETS = "SELECT number, status, dealer_id, family FROM ticket ORDER BY id"


@dataclass(kw_only=True)
class Change:
    """A device of the first dealer, and a second dealer."""

    database: Database
    pool: Pool
    device: Device
    first: int
    second: int

    def ask(self, dealer: int | None = None, *, due_ms: int = LATER) -> None:
        rows(
            self.database,
            "INSERT INTO service_change (device_id, org_id, dealer_id, due_at, asked_by, asked_at)"
            " VALUES (%s, %s, %s, to_timestamp(%s / 1000.0), 'chief', now())",
            self.device.id,
            self.device.org_id,
            dealer or self.second,
            due_ms,
        )

    async def carry_out(self, now_ms: int = LATER) -> int:
        return await ServiceChanges(pool=self.pool, catalog=CATALOG).run_once(now_ms)

    async def drifted(self) -> list[str]:
        async with self.pool.connection() as connection:
            drift = await find_drift(connection)
        return [*drift.apart, *drift.astray]


def recipient(database: Database, owner: int, address: str) -> None:
    rows(database, "INSERT INTO recipient (owner_id, name, address) VALUES (%s, %s, %s)", owner, address, address)


@pytest_asyncio.fixture
async def change(database: Database) -> AsyncIterator[Change]:
    hospital = Hospital.make(database)
    [(first,)] = rows(database, "SELECT dealer_id FROM device")
    [(second,)] = rows(database, "INSERT INTO org (name, kind, prefix) VALUES ('B', 'dealer', 'BX') RETURNING id")
    for owner, address in ((first, "first"), (second, "second"), (hospital.org_id, "hospital")):
        recipient(database, owner, address)
    async with open_pool(database.jobs, role="jobs", max_size=4) as pool:
        yield Change(database=database, pool=pool, device=hospital.devices[0], first=first, second=second)


def begins(first: EpisodeActive) -> list[Effect]:
    """An alert opens and is active at once."""
    fields = {name: getattr(first, name) for name in first.__struct_fields__}
    return [EpisodeOpened(**fields, event="opened", condition="active", count=1), first]


async def judged(connection: AsyncConnection[Any], work: Batch) -> None:
    """As ingest does it: nothing is judged before the fence."""
    [(generation,)] = await (await connection.execute("SELECT generation FROM partition WHERE id = 0")).fetchall()
    await connection.execute(SQL["fence"], {"ids": [0], "generations": [generation], "since": None})
    for stage in STAGES:
        await stage.run(connection, work)


async def run(change: Change, *works: Batch) -> None:
    async with await connect(change.database.ingest) as connection:
        for work in works:
            async with connection.transaction():
                await judged(connection, work)


async def test_what_is_still_wrong_is_the_new_dealers_under_its_own_number(change: Change) -> None:
    lasting, ended = episode(), episode(subject="DET-TEMP-01", family="detector")
    await run(change, batch((change.device, begins(lasting) + begins(ended))))
    rows(change.database, "UPDATE alert SET condition = 'ok', cleared_at = now() WHERE id = %s", ended.alert_id)
    rows(
        change.database,
        "INSERT INTO alert_operator (alert_id, org_id, dealer_id, state, actor, note, at)"
        " VALUES (%s, %s, %s, 'acknowledged', 'zhang', 'seen', now())",
        lasting.alert_id,
        change.device.org_id,
        change.first,
    )
    [(old,)] = rows(change.database, "SELECT number FROM ticket WHERE family = 'generator.kv'")
    change.ask()
    assert await change.carry_out(LATER - 1) == 0, "not before its day"
    assert await change.carry_out() == 1
    assert await change.carry_out() == 0, "done once"

    assert sorted(rows(change.database, TICKETS)) == sorted(
        [
            ("WX20261122-001", "closed", change.first, "detector"),
            ("WX20261122-002", "closed", change.first, "generator.kv"),
            ("BX20261122-001", "new", change.second, "generator.kv"),
        ]
    )
    assert rows(change.database, "SELECT dealer_id, condition FROM alert ORDER BY condition") == [
        (change.second, "active"),
        (change.first, "ok"),
    ]
    assert rows(change.database, "SELECT dealer_id, state, actor, note FROM alert_operator") == [
        (change.second, "unacknowledged", "", "")
    ]
    history = "SELECT event, dealer_id, params ->> 'number' FROM ticket_event WHERE ticket_id = %s ORDER BY id"
    assert rows(change.database, history, 1)[-1] == ("handed-over", change.first, None)
    assert rows(change.database, history, 3) == [
        ("opened", change.second, old),
        ("session-prepared", change.second, None),
    ]
    assert rows(change.database, "SELECT state, dealer_id FROM remote_session ORDER BY id") == [
        ("withdrawn", change.first),
        ("withdrawn", change.first),
        ("prepared", change.second),
    ]
    assert rows(change.database, "SELECT status, dealer_id, ticket_id FROM command ORDER BY issued_at, ticket_id") == [
        ("expired", change.second, 1),
        ("expired", change.second, 2),
        ("waiting", change.second, 3),
    ]
    assert rows(change.database, "SELECT dealer_id, until IS NULL FROM service ORDER BY id") == [
        (change.first, False),
        (change.second, True),
    ]
    assert await change.drifted() == []


async def test_nothing_that_waits_tells_the_former_dealer_any_more(change: Change) -> None:
    await run(change, batch((change.device, begins(episode()))))
    change.ask()
    await change.carry_out()
    channel = Recorder()
    async with teller(change.database, channel) as telling:
        await round_(telling, LATER)
    assert sorted((address, subject.split()[1]) for address, subject in channel.sent) == [
        ("hospital", "BX20261122-001"),
        ("second", "BX20261122-001"),
    ]
    given_up = "SELECT DISTINCT state, error FROM telling WHERE ticket_id = 1"
    assert rows(change.database, given_up) == [("given-up", "telling.handed_over")]


async def test_a_batch_that_runs_ends_first_and_its_ticket_is_handed_over(change: Change) -> None:
    change.ask()
    async with change.pool.connection() as changing, await connect(change.database.ingest) as ingesting:
        async with ingesting.transaction():
            await judged(ingesting, batch((change.device, begins(episode()))))
            changed = asyncio.create_task(
                _in_transaction(changing, partial(change_dealer, device_id=change.device.id, now_ms=LATER))
            )
            await _waits_for_a_lock(change.database, changing)
        await changed
    assert rows(change.database, TICKETS) == [
        ("WX20261122-001", "closed", change.first, "generator.kv"),
        ("BX20261122-001", "new", change.second, "generator.kv"),
    ]
    assert await change.drifted() == []


async def test_whoever_begins_meanwhile_writes_for_the_new_dealer_alone(change: Change) -> None:
    change.ask()
    async with change.pool.connection() as changing, await connect(change.database.ingest) as ingesting:
        async with changing.transaction():
            await change_dealer(changing, change.device.id, now_ms=LATER)
            work = batch((change.device, begins(episode())))
            batched = asyncio.create_task(_in_transaction(ingesting, partial(judged, work=work)))
            await _waits_for_a_lock(change.database, ingesting)
        await batched
    assert rows(change.database, TICKETS) == [("BX20261122-001", "new", change.second, "generator.kv")]
    stamped = " UNION ALL ".join(
        f"SELECT dealer_id FROM {table}"  # noqa: S608 - of the words below
        for table in ("alert", "alert_event", "ticket_alert", "ticket_event", "remote_session", "command")
    )
    assert set(rows(change.database, stamped)) == {(change.second,)}
    told = {owner for (owner,) in rows(change.database, "SELECT owner_id FROM telling")}
    assert told == {change.second, change.device.org_id}


async def _in_transaction(connection: AsyncConnection[Any], act: Act) -> None:
    async with connection.transaction():
        await act(connection)


async def test_one_change_that_fails_keeps_no_other(change: Change) -> None:
    rows(
        change.database,
        "INSERT INTO device (uid, org_id, site_id, partition, model, name, dealer_id)"
        " SELECT 'dother000001', org_id, site_id, 1, model, name, dealer_id FROM device",
    )
    change.ask()
    rows(
        change.database,
        "INSERT INTO service_change"
        " SELECT d.id, d.org_id, c.dealer_id, c.due_at + interval '1 ms', c.asked_by, c.asked_at"
        " FROM device d, service_change c WHERE d.uid = 'dother000001'",
    )
    with psycopg.connect(change.database.superuser) as holding:
        holding.execute("SELECT FROM partition WHERE id = 0 FOR SHARE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await change.carry_out(LATER + 1)
        assert rows(change.database, "SELECT device_id FROM service_change") == [(change.device.id,)]
    assert await change.carry_out() == 1


async def test_nobody_told_is_said_by_dealer_and_a_hospitals_own_recipients_are_no_help(change: Change) -> None:
    async def untold() -> list[tuple[str, str]]:
        async with change.pool.connection() as connection:
            return [(each.dealer, each.why) for each in (await look(connection, LATER)).untold]

    assert await untold() == []
    rows(change.database, "UPDATE recipient SET active = false WHERE owner_id = %s", change.second)
    change.ask()
    await change.carry_out()
    assert await untold() == [("B", "no-recipient")]


async def acknowledges(change: Change, connection: AsyncConnection[Any], *, alert: UUID) -> None:
    """Somebody of the first dealer's does, as the API does it."""
    await connection.execute("SELECT set_config('steth.org', %s, true)", (str(change.first),))
    seen = Operated(id=alert, state=OperatorState.UNACKNOWLEDGED, version=0)
    await operate(connection, seen, OperatorEvent.ACKNOWLEDGE, actor="zhang", note="", now=datetime.now(UTC))


@pytest.mark.parametrize("first", ["change", "acknowledgement"])
async def test_what_the_former_dealer_takes_note_of_at_that_moment_is_no_note_of_the_new_ones(
    change: Change, first: str
) -> None:
    lasting = episode()
    await run(change, batch((change.device, begins(lasting))))
    change.ask()
    async with (
        change.pool.connection() as changing,
        open_pool(change.database.api, role="api") as pool,
        pool.connection() as noting,
    ):
        turns: list[tuple[AsyncConnection[Any], Act]] = [
            (changing, partial(change_dealer, device_id=change.device.id, now_ms=LATER)),
            (noting, partial(acknowledges, change, alert=lasting.alert_id)),
        ]
        if first == "acknowledgement":
            turns.reverse()
        (connection, act), (other, act_of_other) = turns
        async with connection.transaction():
            await act(connection)
            waiting = asyncio.create_task(_in_transaction(other, act_of_other))
            await _waits_for_a_lock(change.database, other)
        if first == "change":
            with pytest.raises(AlertConflictError):
                await waiting
        await asyncio.wait([waiting])
    assert rows(change.database, "SELECT dealer_id, state, actor FROM alert_operator") == [
        (change.second, "unacknowledged", "")
    ]
    assert await change.drifted() == []


async def test_a_code_that_the_former_dealer_minted_is_good_no_more(change: Change) -> None:
    rows(change.database, "UPDATE device SET code_hash = 'c', code_expires_at = now() + interval '1 day'")
    change.ask()
    await change.carry_out()
    assert rows(change.database, "SELECT code_hash, code_expires_at FROM device") == [(None, None)]


async def test_what_lasts_though_the_former_dealer_closed_its_ticket_is_a_ticket_of_the_new_one(change: Change) -> None:
    dismissed, open_, other = episode(), episode(subject="GEN-KV-02", severity="major"), episode(family="detector")
    await run(change, batch((change.device, begins(dismissed))))
    rows(change.database, "UPDATE ticket SET status = 'closed', closed_at = now()")
    await run(change, batch((change.device, begins(open_))), batch((change.device, begins(other))))
    rows(change.database, "UPDATE ticket SET status = 'closed', closed_at = now() WHERE family = 'detector'")
    change.ask()
    await change.carry_out()
    found = (
        "SELECT number, family, severity, (SELECT count(*) FROM ticket_alert WHERE ticket_id = ticket.id) FROM ticket"
    )
    assert sorted(rows(change.database, f"{found} WHERE status <> 'closed'")) == [
        ("BX20261122-001", "detector", "critical", 1),
        ("BX20261122-002", "generator.kv", "critical", 2),
    ]
    handed = "SELECT ticket_id FROM ticket_event WHERE event = 'handed-over'"
    assert rows(change.database, handed) == [(2,)], "what was closed is closed already"
    assert await change.drifted() == []


async def test_of_a_device_that_is_retired_nothing_opens(change: Change) -> None:
    await run(change, batch((change.device, begins(episode()))))
    rows(change.database, "UPDATE device SET status = 'retired'")
    change.ask()
    await change.carry_out()
    assert rows(change.database, TICKETS) == [("WX20261122-001", "closed", change.first, "generator.kv")]


async def test_what_is_over_is_still_told_to_the_hospitals_own_recipients(change: Change) -> None:
    ended = episode()
    await run(change, batch((change.device, begins(ended))))
    rows(change.database, "UPDATE alert SET condition = 'ok', cleared_at = now() WHERE id = %s", ended.alert_id)
    change.ask()
    await change.carry_out()
    waiting = "SELECT DISTINCT owner_id FROM telling WHERE state = 'waiting'"
    assert rows(change.database, waiting) == [(change.device.org_id,)]


async def test_back_to_the_former_dealer_each_has_its_own_tickets(change: Change) -> None:
    await run(change, batch((change.device, begins(episode()))))
    for nth, dealer in enumerate((change.second, change.first, change.second)):
        change.ask(dealer)
        assert await change.carry_out(LATER + nth) == 1
    assert rows(change.database, TICKETS) == [
        ("WX20261122-001", "closed", change.first, "generator.kv"),
        ("BX20261122-001", "closed", change.second, "generator.kv"),
        ("WX20261122-002", "closed", change.first, "generator.kv"),
        ("BX20261122-002", "new", change.second, "generator.kv"),
    ]
    shown = "SELECT dealer_id, shown, until IS NULL FROM service ORDER BY id"
    assert rows(change.database, shown) == [
        (change.first, False, False),
        (change.second, False, False),
        (change.first, True, False),
        (change.second, True, True),
    ]
    assert await change.drifted() == []

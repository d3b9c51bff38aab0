import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import TupleRow
from typing_extensions import override

from desk.tickets.effects import TicketOpened
from desk.tickets.stage import TicketStage
from ingest.ports import Batch, Device
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import CATALOG, NOW, Hospital, alert, batch, connect, episode, over, rows
from wire.topics import Lane

STAGE = TicketStage(catalog=CATALOG)


async def run(database: Database, *batches: Batch) -> None:
    """Each batch in a transaction of its own."""
    async with await connect(database.ingest) as connection:
        for each in batches:
            async with connection.transaction():
                await STAGE.run(connection, each)


def opened(work: Batch) -> list[TicketOpened]:
    return [effect for each in work.works for effect in each.effects if isinstance(effect, TicketOpened)]


def events(database: Database) -> list[str]:
    return [event for (event,) in rows(database, "SELECT event FROM ticket_event ORDER BY id")]


async def test_an_episode_becomes_a_ticket_with_causes_parts_evidence_and_a_number(database: Database) -> None:
    hospital = Hospital.make(database)
    work = batch((hospital.devices[0], [episode(occurred_ms=NOW - 5_000)]))
    await run(database, work)
    [found] = rows(
        database,
        "SELECT number, severity, status, message, params, causes -> 0 ->> 'zh', parts -> 0 ->> 'key',"
        " (parts -> 0 ->> 'quantity')::int, occurred_at = to_timestamp(%s / 1000.0),"
        " evidence_from = occurred_at - interval '15 min', evidence_to = occurred_at,"
        " opened_at = to_timestamp(%s / 1000.0) FROM ticket",
        NOW - 5_000,
        NOW,
    )
    fault = CATALOG.models["generic-dr"].faults["GEN-KV-01"]
    assert found[:4] == ("WX20261122-001", "critical", "new", "ticket.title")
    assert found[4] == {"family": "generator.kv", "code": "GEN-KV-01"}
    assert found[5:8] == (fault.causes[0].zh, fault.parts[0].key, fault.parts[0].quantity)
    assert found[8:] == (True, True, True, True)
    assert [(o.number, o.runbook, o.severity) for o in opened(work)] == [("WX20261122-001", "host-health", "critical")]
    assert events(database) == ["opened"]


async def test_what_deserves_no_ticket_opens_none(database: Database) -> None:
    hospital = Hospital.make(database)
    work = batch((hospital.devices[0], [episode(ticket=False)]))
    await run(database, work)
    assert opened(work) == []
    assert rows(database, "SELECT * FROM ticket") == []


async def test_a_further_alert_joins_and_the_severity_rises_but_never_falls(database: Database) -> None:
    hospital = Hospital.make(database)
    device = hospital.devices[0]
    await run(database, batch((device, [episode(severity="minor")])))
    worse = batch((device, [episode(severity="critical", subject="GEN-KV-02")]))
    await run(database, worse, batch((device, [episode(severity="warning")])))
    assert rows(database, "SELECT severity, version FROM ticket") == [("critical", 2)]
    assert rows(database, "SELECT count(*) FROM ticket_alert") == [(3,)]
    assert opened(worse) == []
    assert events(database) == ["opened", "alert-joined", "severity-raised", "alert-joined"]


async def test_alerts_of_one_family_in_one_batch_make_one_ticket_of_the_worst_severity(database: Database) -> None:
    hospital = Hospital.make(database)
    first, second = episode(severity="minor", occurred_ms=NOW - 9_000), episode(severity="major")
    await run(database, batch((hospital.devices[0], [first, second, episode(family="link", kind="silence")])))
    assert rows(database, "SELECT family, severity FROM ticket ORDER BY family") == [
        ("generator.kv", "major"),
        ("link", "critical"),
    ]
    assert sorted(events(database)) == ["alert-joined", "opened", "opened"]


async def test_the_same_episode_judged_twice_leaves_one_trace(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://127.0.0.1")
    same = episode()
    await run(database, batch((hospital.devices[0], [same])), batch((hospital.devices[0], [same])))
    assert events(database) == ["opened"]
    assert rows(database, "SELECT count(*) FROM telling") == [(1,)]


async def test_a_late_episode_keeps_when_it_occurred_and_when_we_learned_of_it_apart(database: Database) -> None:
    hospital = Hospital.make(database)
    late = episode(occurred_ms=NOW - 7_200_000, learned_ms=NOW - 500)
    await run(database, batch((hospital.devices[0], [late])))
    assert rows(
        database,
        "SELECT extract(epoch FROM detected_at - occurred_at)::int, extract(epoch FROM opened_at - occurred_at)::int,"
        " number FROM ticket",
    ) == [(7_200, 7_200, "WX20261122-001")]


async def test_an_alert_that_is_over_is_written_into_the_ticket_and_closes_nothing(database: Database) -> None:
    hospital = Hospital.make(database)
    device = hospital.devices[0]
    one, other = episode(), episode(subject="GEN-KV-02")
    await run(database, batch((device, [one, other])))
    alert(database, device, one, condition="ok")
    alert(database, device, other)
    await run(database, batch((device, [over(one.alert_id)])))
    assert events(database) == ["opened", "alert-joined", "alert-over"]
    alert(database, device, other, condition="ok")
    await run(database, batch((device, [over(other.alert_id), over(uuid4())])))
    assert events(database)[3:] == ["alert-over", "condition-over"]
    assert rows(database, "SELECT status, closed_at FROM ticket") == [("new", None)]


async def test_after_closing_the_same_fault_is_a_ticket_of_its_own(database: Database) -> None:
    hospital = Hospital.make(database)
    work = (hospital.devices[0], [episode()])
    await run(database, batch(work))
    rows(database, "UPDATE ticket SET status = 'closed'")
    await run(database, batch((hospital.devices[0], [episode()])))
    assert rows(database, "SELECT number, status FROM ticket ORDER BY id") == [
        ("WX20261122-001", "closed"),
        ("WX20261122-002", "new"),
    ]


async def test_the_number_is_of_the_day_where_the_site_is(database: Database) -> None:
    east = Hospital.make(database, name="East")
    west = Hospital.make(database, name="West", zone="America/Los_Angeles")
    nowhere = Hospital.make(database, name="Nowhere", zone="Not/A zone")
    await run(
        database,
        batch(*((place.devices[0], [episode()]) for place in (east, west, nowhere))),
        batch((west.devices[0], [episode(family="link")])),
    )
    assert rows(database, "SELECT number FROM ticket ORDER BY id") == [
        ("WX20261122-001",),
        ("WX20261121-001",),
        ("WX20261122-002",),
        ("WX20261121-002",),
    ]


async def test_numbers_go_on_beyond_999(database: Database) -> None:
    hospital = Hospital.make(database)
    rows(database, "INSERT INTO ticket_day (dealer_id, day, last) VALUES (1, '2026-11-22', 998)")
    await run(database, batch((hospital.devices[0], [episode(family=f"f{n}") for n in range(3)])))
    assert [number for (number,) in rows(database, "SELECT number FROM ticket ORDER BY id")] == [
        "WX20261122-999",
        "WX20261122-1000",
        "WX20261122-1001",
    ]


async def test_equipment_that_the_catalog_does_not_know_gets_its_ticket_all_the_same(database: Database) -> None:
    hospital = Hospital.make(database)
    strange = hospital.add("dstrange0001", model="nobody-knows")
    await run(database, batch((strange, [episode(runbook=None)])))
    assert rows(database, "SELECT causes, parts FROM ticket") == [([], [])]


async def test_who_is_told_is_every_active_recipient_of_the_hospital_and_of_the_dealer(database: Database) -> None:
    one, other = Hospital.make(database, name="One"), Hospital.make(database, name="Other")
    own = one.recipient("json://127.0.0.1/own")
    dealer = one.recipient("json://127.0.0.1/noc", own=False)
    one.recipient("json://127.0.0.1/gone", active=False)
    other.recipient("json://127.0.0.1/other")
    device = one.devices[0]
    await run(database, batch((device, [episode(severity="minor")])), batch((device, [episode(severity="minor")])))
    assert rows(database, "SELECT recipient_id, step, state, params FROM telling ORDER BY 1") == [
        (own, "opened", "waiting", {"severity": "minor"}),
        (dealer, "opened", "waiting", {"severity": "minor"}),
    ]
    await run(database, batch((device, [episode(severity="critical")])))
    assert rows(database, "SELECT step FROM telling WHERE recipient_id = %s ORDER BY id", own) == [
        ("opened",),
        ("severity-critical",),
    ]


async def test_one_ticket_when_both_lanes_find_the_same_fault_at_once(database: Database) -> None:
    hospital = Hospital.make(database)
    device = hospital.devices[0]
    live, bulk = batch((device, [episode()])), batch((device, [episode()]), lane=Lane.BULK)
    async with await connect(database.ingest) as first, await connect(database.ingest) as second:
        await STAGE.run(first, live)
        waiting = asyncio.create_task(STAGE.run(second, bulk))
        await _waits_for_a_lock(database, second)
        await first.commit()
        await waiting
        await second.commit()
    assert len(opened(live)) == 1
    assert opened(bulk) == []
    assert rows(database, "SELECT count(*) FROM ticket") == [(1,)]
    assert rows(database, "SELECT count(*) FROM ticket_alert") == [(2,)]


async def test_the_other_lane_opens_the_ticket_when_the_first_rolls_back(database: Database) -> None:
    hospital = Hospital.make(database)
    device = hospital.devices[0]
    live, bulk = batch((device, [episode()])), batch((device, [episode()]), lane=Lane.BULK)
    async with await connect(database.ingest) as first, await connect(database.ingest) as second:
        await STAGE.run(first, live)
        waiting = asyncio.create_task(STAGE.run(second, bulk))
        await _waits_for_a_lock(database, second)
        await first.rollback()
        await waiting
        await second.commit()
    assert rows(database, "SELECT number FROM ticket") == [("WX20261122-001",)]


async def test_a_number_is_never_skipped_however_many_open_and_roll_back_at_once(database: Database) -> None:
    hospital = Hospital.make(database, devices=40)

    async def lane(number: int) -> None:
        async with await connect(database.ingest) as connection:
            for turn in range(5):
                work = batch((hospital.devices[number * 5 + turn], [episode(), episode(family="link")]))
                await STAGE.run(connection, work)
                await (connection.rollback() if turn == 2 else connection.commit())

    async with asyncio.TaskGroup() as tasks:
        for number in range(8):
            tasks.create_task(lane(number))
    numbers = [number for (number,) in rows(database, "SELECT number FROM ticket ORDER BY number")]
    assert numbers == [f"WX20261122-{number:03d}" for number in range(1, 8 * 4 * 2 + 1)]


async def test_lanes_that_meet_on_many_devices_never_wait_in_a_circle(database: Database) -> None:
    hospital = Hospital.make(database, devices=60)

    async def lane(which: Lane, devices: list[Device]) -> None:
        async with await connect(database.ingest) as connection:
            for turn in range(3):
                for part in (devices[turn * 20 : turn * 20 + 20], devices[:10]):
                    work = batch(
                        *((d, [episode(), episode(family="a"), episode(family="z")]) for d in part), lane=which
                    )
                    async with connection.transaction():
                        await STAGE.run(connection, work)

    async with asyncio.TaskGroup() as tasks:
        for which in Lane:
            for devices in (hospital.devices, hospital.devices[::-1]):
                tasks.create_task(lane(which, devices))
    assert rows(database, "SELECT count(*), count(DISTINCT number) FROM ticket") == [(180, 180)]


async def test_hundreds_of_tickets_cost_as_many_statements_as_one(database: Database) -> None:
    hospital = Hospital.make(database, devices=400)
    hospital.recipient("json://127.0.0.1")
    counts = []
    async with await Watched.connect(database.ingest) as connection:
        for devices in (hospital.devices[:1], hospital.devices[1:]):
            connection.statements = 0
            await STAGE.run(connection, batch(*((device, [episode()]) for device in devices)))
            counts.append(connection.statements)
            await connection.commit()
    assert counts[0] == counts[1] <= 5
    assert rows(database, "SELECT count(*), max(number) FROM ticket") == [(400, "WX20261122-400")]
    assert rows(database, "SELECT count(*) FROM telling") == [(400,)]


async def test_a_ticket_closed_while_it_is_being_joined_leaves_the_episode_a_ticket_of_its_own(
    database: Database,
) -> None:
    hospital = Hospital.make(database)
    device = hospital.devices[0]
    await run(database, batch((device, [episode()])))

    def close_after_the_first_statement(statements: int) -> None:
        if statements == 1:
            rows(database, "UPDATE ticket SET status = 'closed'")

    async with await Watched.connect(database.ingest) as connection:
        connection.after = close_after_the_first_statement
        await STAGE.run(connection, batch((device, [episode()])))
        await connection.commit()
    assert rows(database, "SELECT number, status FROM ticket ORDER BY id") == [
        ("WX20261122-001", "closed"),
        ("WX20261122-002", "new"),
    ]


class Watched(AsyncConnection[TupleRow]):
    """Counts statements, and does something after each."""

    statements = 0
    after: Callable[[int], None] | None = None

    @override
    async def execute(self, *args: Any, **kwargs: Any) -> AsyncCursor[TupleRow]:
        cursor = await super().execute(*args, **kwargs)
        self.statements += 1
        if self.after is not None:
            self.after(self.statements)
        return cursor


async def _waits_for_a_lock(database: Database, connection: AsyncConnection) -> None:
    for _ in range(500):
        found = rows(
            database, "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", connection.info.backend_pid
        )
        if found == [("Lock",)]:
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("the second transaction never waited for the first")

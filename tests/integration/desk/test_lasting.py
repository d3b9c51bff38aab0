"""What lasts while its ticket is closed, what ends at once, and devices that are watched no longer."""

import asyncio
from uuid import UUID

import msgspec

from alerts.effects import EpisodeActive
from desk.tickets.operate import device_retired, transition
from ingest.ports import Batch
from store.pool import open_pool, scoped
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import CATALOG, NOW, Hospital, again, alert, batch, connect, episode, over, rows
from tests.integration.desk.test_tickets import STAGE, Watched, _waits_for_a_lock, events, opened, run

CLOSE = "UPDATE ticket SET status = 'closed', closed_at = to_timestamp(%s / 1000.0)"


async def with_ticket(database: Database, *effects: EpisodeActive) -> Hospital:
    hospital = Hospital.make(database)
    for each in effects:
        alert(database, hospital.devices[0], each)
    await run(database, batch((hospital.devices[0], list(effects))))
    return hospital


async def test_the_next_occurrence_after_the_ticket_was_closed_opens_exactly_one(database: Database) -> None:
    fault = episode()
    hospital = await with_ticket(database, fault)
    hospital.recipient("json://127.0.0.1")
    rows(database, CLOSE, NOW)
    repeats = [batch((hospital.devices[0], [again(fault, at_ms=NOW + n * 1_000)])) for n in range(1, 6)]
    await run(database, *repeats)
    assert rows(database, "SELECT number, status FROM ticket ORDER BY id") == [
        ("WX20261122-001", "closed"),
        ("WX20261122-002", "new"),
    ]
    assert [len(opened(each)) for each in repeats] == [1, 0, 0, 0, 0]
    assert rows(
        database,
        "SELECT occurred_at = to_timestamp(%s / 1000.0), evidence_to = occurred_at FROM ticket WHERE id = 2",
        NOW + 1_000,
    ) == [(True, True)]
    assert rows(database, "SELECT event, message, params ->> 'number' FROM ticket_event WHERE ticket_id = 2") == [
        ("opened", "ticket.opened_again", "WX20261122-001")
    ]
    assert rows(database, "SELECT step FROM telling") == [("opened",)]


async def test_repeats_while_the_ticket_is_open_take_one_statement_and_no_lock(database: Database) -> None:
    fault = episode()
    hospital = await with_ticket(database, fault)
    async with await connect(database.ingest) as other, await Watched.connect(database.ingest) as connection:
        await other.execute("SELECT id FROM ticket FOR NO KEY UPDATE")
        await STAGE.run(connection, batch((hospital.devices[0], [again(fault, at_ms=NOW)] * 50)))
        assert connection.statements == 1
    assert events(database) == ["opened"]


async def test_a_repeat_joins_the_open_ticket_of_another_alert_of_its_family_once(database: Database) -> None:
    fault, other = episode(severity="critical"), episode(subject="GEN-KV-02", severity="minor")
    hospital = await with_ticket(database, fault)
    rows(database, CLOSE, NOW)
    device = hospital.devices[0]
    await run(database, batch((device, [other])))
    repeat = batch((device, [again(fault, at_ms=NOW + 1_000)]))
    await run(database, repeat, repeat)
    assert rows(database, "SELECT severity FROM ticket WHERE status <> 'closed'") == [("critical",)]
    assert rows(database, "SELECT event FROM ticket_event WHERE ticket_id = 2 ORDER BY id") == [
        ("opened",),
        ("alert-joined",),
        ("severity-raised",),
    ]


async def test_a_repeat_without_the_right_to_a_ticket_opens_none(database: Database) -> None:
    hospital = Hospital.make(database)
    await run(database, batch((hospital.devices[0], [again(episode(ticket=False), at_ms=NOW)])))
    assert rows(database, "SELECT count(*) FROM ticket") == [(0,)]


async def test_of_two_alerts_that_end_at_once_one_says_that_nothing_is_wrong_any_more(database: Database) -> None:
    one, two = episode(), episode(subject="GEN-KV-02")
    hospital = await with_ticket(database, one, two)

    def ends(alert_id: UUID) -> Batch:
        return batch((hospital.devices[0], [over(alert_id)]))

    async with await connect(database.ingest) as first, await connect(database.ingest) as second:
        for connection, each in ((first, one), (second, two)):
            await connection.execute("UPDATE alert SET condition = 'ok' WHERE id = %s", (each.alert_id,))
        await STAGE.run(first, ends(one.alert_id))
        waiting = asyncio.create_task(STAGE.run(second, ends(two.alert_id)))
        await _waits_for_a_lock(database, second)
        await first.commit()
        await waiting
        await second.commit()
    assert events(database) == ["opened", "alert-joined", "alert-over", "alert-over", "condition-over"]


async def test_a_retired_device_gets_no_ticket_though_ingest_has_not_learned_of_it(database: Database) -> None:
    hospital = Hospital.make(database, devices=2)
    rows(database, "UPDATE device SET status = 'retired' WHERE id = %s", hospital.devices[0].id)
    work = batch(*((device, [episode()]) for device in hospital.devices))
    await run(database, work)
    assert rows(database, "SELECT device_id FROM ticket") == [(hospital.devices[1].id,)]
    assert [effect.family for effect in opened(work)] == ["generator.kv"]
    told = msgspec.structs.replace(hospital.devices[1], retired=True)
    await run(database, batch((told, [episode(family="link")])))
    assert rows(database, "SELECT family FROM ticket") == [("generator.kv",)]


async def test_a_device_moved_to_another_hospital_gets_its_ticket_there_at_once(database: Database) -> None:
    hospital, other = Hospital.make(database), Hospital.make(database, name="Other")
    device = hospital.devices[0]
    rows(database, "UPDATE device SET org_id = %s, site_id = %s WHERE id = %s", other.org_id, other.site_id, device.id)
    other.recipient("json://127.0.0.1")
    await run(database, batch((device, [episode()])))
    assert rows(
        database,
        "SELECT t.org_id, e.org_id, a.org_id, w.org_id FROM ticket t JOIN ticket_event e ON e.ticket_id = t.id"
        " JOIN ticket_alert a ON a.ticket_id = t.id JOIN telling w ON w.ticket_id = t.id",
    ) == [(other.org_id,) * 4]


async def test_open_tickets_of_a_retired_device_say_so_and_stay(database: Database) -> None:
    fault = episode()
    hospital = await with_ticket(database, fault)
    device = hospital.devices[0]
    async with open_pool(database.api, role="api") as pool, scoped(pool, str(hospital.org_id)) as connection:
        await device_retired(connection, device_id=device.id, actor="Wang", now_ms=NOW)
    assert events(database) == ["opened", "device-retired"]
    rows(database, "UPDATE alert SET condition = 'ok'")
    await run(database, batch((device, [over(fault.alert_id, event="retired")])))
    assert events(database) == ["opened", "device-retired", "alert-over"], "what nobody watches is not over"
    assert rows(database, "SELECT status FROM ticket") == [("new",)]


async def test_who_closes_while_an_alert_lasts_is_written_down_as_that(database: Database) -> None:
    hospital = await with_ticket(database, episode())
    async with open_pool(database.api, role="api") as pool, scoped(pool, str(hospital.org_id)) as connection:
        await transition(
            connection,
            ticket_id=1,
            action="dismiss",
            actor="Wang",
            note="?",
            expected_version=1,
            now_ms=NOW,
            catalog=CATALOG,
        )
    assert rows(database, "SELECT message, params ->> 'active_alerts' FROM ticket_event ORDER BY id DESC LIMIT 1") == [
        ("ticket.closed_while_wrong", "1")
    ]

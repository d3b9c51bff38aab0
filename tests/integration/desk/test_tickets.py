from desk.effects import TicketOpened
from desk.tickets import TicketStage
from ingest.ports import Batch
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import CATALOG, NOW, Hospital, batch, connect, episode, rows

STAGE = TicketStage(catalog=CATALOG)


async def run(database: Database, *batches: Batch) -> None:
    async with await connect(database.ingest) as connection:
        for each in batches:
            await STAGE.run(connection, each)


async def test_an_episode_becomes_a_ticket_with_causes_parts_evidence_and_a_number(database: Database) -> None:
    hospital = Hospital.make(database)
    work = batch((hospital.devices[0], [episode(occurred_ms=NOW - 5_000)]))
    await run(database, work)
    [found] = rows(
        database,
        "SELECT number, severity, status, message, params, causes -> 0 ->> 'zh', parts -> 0 ->> 'key',"
        " occurred_at = to_timestamp(%s / 1000.0), evidence_from = occurred_at - interval '15 min',"
        " evidence_to = occurred_at, detected_at > occurred_at FROM ticket",
        NOW - 5_000,
    )
    family = CATALOG.models["generic-dr"].families["generator.kv"]
    assert found[:4] == ("WX20261122-001", "critical", "new", "ticket.title")
    assert found[4] == {"family": "generator.kv", "code": "GEN-KV-01"}
    fault = CATALOG.models["generic-dr"].faults["GEN-KV-01"]
    assert found[5:7] == (fault.causes[0].zh, fault.parts[0].key)
    assert found[7:] == (True, True, True, True)
    assert family.key == "generator.kv"
    [opened] = [effect for effect in work.works[0].effects if isinstance(effect, TicketOpened)]
    assert opened.number == "WX20261122-001"
    assert opened.runbook == "host-health"
    assert rows(database, "SELECT event FROM ticket_event ORDER BY id") == [("opened",)]

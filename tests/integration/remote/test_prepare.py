from typing import Any

import msgspec

from desk.tickets.stage import TicketStage
from ingest.ports import Batch
from remote.prepare import EXPIRY_MS, PrepareStage
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import CATALOG, NOW, Hospital, batch, connect, episode, rows
from wire.commands import Command, RunRunbook
from wire.ids import is_command_id


async def run(database: Database, *batches: Batch) -> None:
    async with await connect(database.ingest) as connection:
        for each in batches:
            async with connection.transaction():
                await TicketStage(catalog=CATALOG).run(connection, each)
                await PrepareStage(catalog=CATALOG).run(connection, each)


async def test_a_new_ticket_has_a_prepared_session_and_its_read_only_runbook_on_the_way(database: Database) -> None:
    hospital = Hospital.make(database)
    device = hospital.devices[0]
    await run(database, batch((device, [episode()])))
    [(ticket_id,)] = rows(database, "SELECT id FROM ticket")
    assert rows(
        database,
        "SELECT ticket_id, device_id, org_id, state, scopes, runbook, minutes, at = to_timestamp(%s / 1000.0)"
        " FROM remote_session",
        NOW,
    ) == [(ticket_id, device.id, device.org_id, "prepared", ["diagnose", "logs"], "host-health", 60, True)]
    [(command_id, body, *rest)] = rows(
        database, "SELECT id, body, device_id, ticket_id, status, sent_at, expires_at - issued_at FROM command"
    )
    command = msgspec.convert(body, Command)
    assert is_command_id(command_id)
    assert command == Command(id=command_id, issued=NOW, expires=NOW + EXPIRY_MS, do=RunRunbook(runbook="host-health"))
    assert rest[:4] == [device.id, ticket_id, "waiting", None]
    assert rest[4].total_seconds() * 1000 == EXPIRY_MS
    assert events(database) == [
        ("opened", "ticket.opened", {"family": "generator.kv"}),
        (
            "session-prepared",
            "remote.prepared",
            {"runbook": "host-health", "scopes": ["diagnose", "logs"], "minutes": 60},
        ),
    ]


async def test_an_alert_that_joins_prepares_nothing_more(database: Database) -> None:
    hospital = Hospital.make(database)
    device = hospital.devices[0]
    await run(database, batch((device, [episode()])), batch((device, [episode()])))
    assert rows(database, "SELECT count(*) FROM remote_session") == [(1,)]
    assert rows(database, "SELECT count(*) FROM command") == [(1,)]


async def test_without_a_runbook_only_the_session_is_prepared(database: Database) -> None:
    hospital = Hospital.make(database)
    await run(database, batch((hospital.devices[0], [episode(runbook=None)])))
    assert rows(database, "SELECT runbook FROM remote_session") == [(None,)]
    assert rows(database, "SELECT count(*) FROM command") == [(0,)]
    assert events(database)[1][1] == "remote.prepared.plain"


async def test_hundreds_of_tickets_are_prepared_at_once(database: Database) -> None:
    hospital = Hospital.make(database, devices=300)
    await run(database, batch(*((device, [episode()]) for device in hospital.devices)))
    assert rows(database, "SELECT count(*), count(DISTINCT ticket_id) FROM remote_session") == [(300, 300)]
    assert rows(database, "SELECT count(*), count(DISTINCT id), count(DISTINCT device_id) FROM command") == [
        (300, 300, 300)
    ]


def events(database: Database) -> list[tuple[Any, ...]]:
    return rows(database, "SELECT event, message, params FROM ticket_event ORDER BY id")

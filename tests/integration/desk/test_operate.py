import asyncio
import dataclasses

import msgspec
import pytest

from api.tickets.read import read_case
from catalog.model import PartRef, Text
from desk.errors import TicketConflictError, TicketLacksError, TicketNotFoundError, TicketRefusedError
from desk.tickets.operate import Moved, transition
from desk.tickets.repair import Repair, Used
from desk.tickets.stage import TicketStage
from desk.tickets.status import Action
from store.pool import EVERY_ORG, Connection, open_pool, scoped
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import CATALOG, NOW, Hospital, alert, batch, connect, episode, rows
from wire.times import time_of

NUMBER = "WX20261122-001"
AT = time_of(NOW)


async def opened(database: Database) -> tuple[Hospital, int]:
    hospital = Hospital.make(database)
    hospital.recipient("json://127.0.0.1")
    first = episode()
    alert(database, hospital.devices[0], first)
    async with await connect(database.ingest) as connection:
        await TicketStage(catalog=CATALOG).run(connection, batch((hospital.devices[0], [first])))
    [(ticket_id,)] = rows(database, "SELECT id FROM ticket")
    return hospital, ticket_id


REPAIR = Repair(cause="inverter-board-defective", actions=("replaced",), parts=(Used(part="inverter-board"),))


async def act(
    connection: Connection, ticket_id: int, action: Action, version: int, note: str = "", actor: str = "Wang"
) -> Moved:
    return await transition(
        connection,
        ticket_id=ticket_id,
        action=action,
        actor=actor,
        note=note,
        expected_version=version,
        now_ms=NOW + version,
        catalog=CATALOG,
        repair=REPAIR if action == "mend" else None,
    )


async def test_a_ticket_goes_its_way_and_its_history_says_who_did_what(database: Database) -> None:
    hospital, ticket_id = await opened(database)
    way: list[tuple[Action, str, str]] = [
        ("receive", "", "to-dispatch"),
        ("take", "", "accepted"),
        ("arrive", "", "on-site"),
        ("need-parts", "逆变板", "awaiting-parts"),
        ("parts-here", "", "on-site"),
        ("mend", "", "to-verify"),
        ("verify", "", "closed"),
    ]
    async with open_pool(database.api, role="api") as pool:
        for version, (action, note, status) in enumerate(way, start=1):
            async with scoped(pool, str(hospital.org_id)) as connection:
                actor = "Li" if action == "verify" else "Wang"
                assert await act(connection, ticket_id, action, version, note, actor) == Moved(
                    status=status,  # type: ignore[arg-type]  # a str here, a literal there
                    version=version + 1,
                )
    history = rows(database, "SELECT event, actor, message, params FROM ticket_event ORDER BY id OFFSET 1")
    assert [event for event, *_ in history] == [action for action, _, _ in way]
    assert history[3][1:] == (
        "Wang",
        "ticket.state",
        {"who": "Wang", "old": "on-site", "new": "awaiting-parts", "note": "逆变板", "active_alerts": 1},
    )
    assert rows(database, "SELECT closed_at = to_timestamp(%s / 1000.0) FROM ticket", NOW + len(way)) == [(True,)]


async def test_what_is_refused_changes_nothing(database: Database) -> None:
    hospital, ticket_id = await opened(database)
    before = rows(database, "SELECT * FROM ticket"), rows(database, "SELECT * FROM ticket_event")
    async with open_pool(database.api, role="api") as pool:
        async with scoped(pool, str(hospital.org_id)) as connection:
            with pytest.raises(TicketRefusedError, match="receive, take, dismiss") as refused:
                await act(connection, ticket_id, "verify", 1)
            assert refused.value.code == "wrong_status"
            with pytest.raises(TicketLacksError, match="needs a note") as lacks:
                await act(connection, ticket_id, "dismiss", 1, "  ")
            assert [where for where, _ in lacks.value.lacking] == ["body.note"]
            with pytest.raises(TicketConflictError) as conflict:
                await act(connection, ticket_id, "receive", 7)
            assert conflict.value.version == 1
            with pytest.raises(TicketNotFoundError):
                await act(connection, ticket_id + 1, "receive", 1)
        stranger = Hospital.make(database, name="Stranger")
        async with scoped(pool, str(stranger.org_id)) as connection:
            with pytest.raises(TicketNotFoundError):
                await act(connection, ticket_id, "receive", 1)
    assert (rows(database, "SELECT * FROM ticket"), rows(database, "SELECT * FROM ticket_event")) == before


async def test_of_two_engineers_who_take_a_ticket_at_once_one_has_it(database: Database) -> None:
    hospital, ticket_id = await opened(database)

    async def take() -> str:
        async with open_pool(database.api, role="api") as pool, scoped(pool, str(hospital.org_id)) as connection:
            try:
                return (await act(connection, ticket_id, "take", 1)).status
            except TicketConflictError as error:
                return str(error)

    assert sorted(await asyncio.gather(take(), take())) == [
        "accepted",
        "the ticket was changed meanwhile: it is at version 2 now",
    ]
    assert rows(database, "SELECT count(*) FROM ticket_event WHERE event = 'take'") == [(1,)]


async def test_a_case_is_all_that_belongs_to_a_ticket(database: Database) -> None:
    hospital, _ = await opened(database)
    stranger = Hospital.make(database, name="Stranger")
    async with open_pool(database.api, role="api") as pool:
        async with scoped(pool, EVERY_ORG) as connection:
            case = await read_case(connection, NUMBER, now=AT)
            assert await read_case(connection, "WX20261122-002", now=AT) is None
        async with scoped(pool, str(hospital.org_id)) as connection:
            theirs = await read_case(connection, NUMBER, now=AT)
        async with scoped(pool, str(stranger.org_id)) as connection:
            assert await read_case(connection, NUMBER, now=AT) is None
    assert case is not None
    ticket, fault = case.ticket, CATALOG.models["generic-dr"].faults["GEN-KV-01"]
    assert (ticket["number"], ticket["status"], ticket["severity"]) == (NUMBER, "new", "critical")
    assert (ticket["uid"], ticket["hospital"], ticket["site"]) == (hospital.devices[0].uid, "First", "Main")
    assert msgspec.convert(case.bring["causes"], tuple[Text, ...]) == fault.causes
    assert msgspec.convert(case.bring["parts"], tuple[PartRef, ...]) == fault.parts
    assert [event["event"] for event in case.events] == ["opened"]
    assert [(each["subject"], each["condition"]) for each in case.alerts] == [("GEN-KV-01", "active")]
    assert [(told["recipient"], told["step"], told["state"]) for told in case.tellings] == [
        ("On call", "opened", "waiting")
    ]
    assert (case.sessions, case.commands) == ([], [])
    assert theirs == dataclasses.replace(case, tellings=[]), "whom the provider tells is not the hospital's to know"


async def test_of_a_long_history_the_newest_is_read(database: Database) -> None:
    hospital, ticket_id = await opened(database)
    rows(
        database,
        "INSERT INTO ticket_event (dealer_id, ticket_id, org_id, at, event, message)"
        " SELECT 1, %s, %s, now(), 'alert-over', 'n' || n FROM generate_series(1, 600) n",
        ticket_id,
        hospital.org_id,
    )
    async with open_pool(database.api, role="api") as pool, scoped(pool, str(hospital.org_id)) as connection:
        case = await read_case(connection, NUMBER, now=AT)
    assert case is not None
    assert [event["message"] for event in case.events] == [f"n{n}" for n in range(101, 601)]

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import psycopg
import pytest

from catalog.model import Severity
from desk.channels import AppriseChannel, Channel, TellingError
from desk.telling import Patience, Teller
from desk.tickets import TicketStage
from store.pool import open_pool
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import CATALOG, NOW, Hospital, batch, connect, episode, rows
from tests.integration.desk.listeners import mail_server, webhook

STATES = "SELECT state, attempts, error FROM telling ORDER BY id"


class Recorder:
    """A channel that keeps what it is given; addresses in `failing` refuse, `gate` holds all of them back."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.failing: set[str] = set()
        self.refused: set[str] = set()
        self.tried: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, *, address: str, subject: str, body: str, severity: Severity) -> None:
        assert body
        assert severity
        self.tried.append(address)
        await self.gate.wait()
        if address in self.failing or any(number in subject for number in self.refused):
            raise TellingError("HTTP status 503")
        self.sent.append((address, subject))


@asynccontextmanager
async def teller(database: Database, channel: Channel, *, patience: Patience | None = None) -> AsyncIterator[Teller]:
    async with (
        open_pool(database.ingest, role="ingest", max_size=4) as pool,
        Teller(pool=pool, channel=channel, catalog=CATALOG, patience=patience, random=Random(1)) as made,
    ):
        yield made


async def round_(made: Teller, now_ms: int) -> int:
    claimed = await made.run_once(now_ms)
    await made.idle()
    return claimed


async def open_tickets(database: Database, hospital: Hospital, *, count: int = 1) -> None:
    async with await connect(database.ingest) as connection:
        await TicketStage(catalog=CATALOG).run(
            connection, batch((hospital.devices[0], [episode(family=f"f{n}") for n in range(count)]))
        )


async def test_a_ticket_is_told_by_webhook_and_by_email_each_in_its_language(database: Database) -> None:
    hospital = Hospital.make(database)
    with webhook() as hook, mail_server() as box:
        hospital.recipient(hook.address(), language="en")
        hospital.recipient(box.address(password=box.password), own=False)
        async with await connect(database.ingest) as connection:
            await TicketStage(catalog=CATALOG).run(connection, batch((hospital.devices[0], [episode()])))
        async with teller(database, AppriseChannel()) as made:
            assert await round_(made, NOW) == 2
            assert await round_(made, NOW + 3_600_000) == 0
        [body], [letter] = hook.bodies, box.letters
    fault = CATALOG.models["generic-dr"].faults["GEN-KV-01"]
    assert body["title"].startswith("[critical] WX20261122-001 DR 1")
    assert fault.advice.en in body["message"]
    assert letter["Subject"].startswith("[紧急] WX20261122-001 DR 1")
    plain = letter.get_body(("plain",))
    assert plain is not None
    assert fault.advice.zh in plain.get_content()
    assert rows(database, STATES) == [("told", 1, ""), ("told", 1, "")]


async def test_two_processes_tell_each_message_once(database: Database) -> None:
    """Two replicas notified twice (LESSONS 10)."""
    hospital = Hospital.make(database)
    for number in range(4):
        hospital.recipient(f"json://h{number}")
    await open_tickets(database, hospital, count=25)
    channel = Recorder()
    patience = Patience(each=3)
    async with (
        teller(database, channel, patience=patience) as one,
        teller(database, channel, patience=patience) as other,
    ):
        while sum(await asyncio.gather(round_(one, NOW), round_(other, NOW))):
            pass
    assert len(channel.sent) == len(set(channel.sent)) == 4 * 25
    assert set(rows(database, STATES)) == {("told", 1, "")}


async def test_a_failure_is_tried_again_later_and_later_then_given_up_and_written_into_the_ticket(
    database: Database,
) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://dead")
    await open_tickets(database, hospital)
    channel = Recorder()
    channel.failing.add("json://dead")
    async with teller(database, channel, patience=Patience(attempts=3, first_s=10)) as made:
        assert await round_(made, NOW) == 1
        assert rows(database, STATES) == [("waiting", 1, "HTTP status 503")]
        assert await round_(made, NOW + 4_000) == 0
        assert await round_(made, NOW + 16_000) == 1
        assert await round_(made, NOW + 20_000) == 0
        assert await round_(made, NOW + 60_000) == 1
        assert await round_(made, NOW + 9_999_000) == 0
    assert rows(database, STATES) == [("given-up", 3, "HTTP status 503")]
    assert rows(database, "SELECT message, params FROM ticket_event WHERE event = 'telling-given-up'") == [
        ("ticket.telling_given_up", {"who": "On call", "attempts": 3})
    ]


async def test_a_dead_channel_holds_up_only_itself_and_is_tried_with_one_message_a_round(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://dead")
    hospital.recipient("json://alive")
    await open_tickets(database, hospital, count=4)
    channel = Recorder()
    channel.failing.add("json://dead")
    async with teller(database, channel) as made:
        await round_(made, NOW)
        assert [address for address, _ in channel.sent] == ["json://alive"] * 4
        assert channel.tried.count("json://dead") == 1
        channel.failing.clear()
        await round_(made, NOW + 60_000)
    assert set(rows(database, "SELECT state FROM telling")) == {("told",)}
    assert rows(database, "SELECT attempts, count(*) FROM telling GROUP BY 1 ORDER BY 1") == [(1, 7), (2, 1)]


async def test_one_refused_message_does_not_hold_up_the_next(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://robot")
    await open_tickets(database, hospital, count=3)
    channel = Recorder()
    channel.refused.add("WX20261122-001")
    async with teller(database, channel) as made:
        await round_(made, NOW)
        await round_(made, NOW + 60_000)
    assert [subject.split()[1] for _, subject in channel.sent] == ["WX20261122-002", "WX20261122-003"]


async def test_while_a_recipient_is_being_told_nothing_more_of_theirs_is_claimed(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://slow")
    await open_tickets(database, hospital, count=2)
    channel = Recorder()
    channel.gate.clear()
    async with teller(database, channel, patience=Patience(each=1)) as made:
        assert await made.run_once(NOW) == 1
        assert await made.run_once(NOW) == 0
        channel.gate.set()
        await made.idle()
        assert await round_(made, NOW) == 1


async def test_a_chat_robot_gets_no_more_than_it_takes_a_minute_and_nothing_is_lost(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("dingtalk://secret@token")
    hospital.recipient("json://fast")
    await open_tickets(database, hospital, count=30)
    channel = Recorder()
    sent_at: list[int] = []
    async with teller(database, channel) as made:
        for second in range(100):
            before = len(channel.sent)
            await round_(made, NOW + second * 1000)
            new = [address for address, _ in channel.sent[before:]]
            sent_at += [second] * new.count("dingtalk://secret@token")
    assert len(sent_at) == 30
    assert max(sum(1 for at in sent_at if start <= at < start + 60) for start in range(100)) <= 20
    assert [address for address, _ in channel.sent].count("json://fast") == 30


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
    assert rows(database, STATES) == [("told", 2, "")]


async def test_leaving_ends_the_message_under_way_and_gives_back_the_others(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://slow")
    await open_tickets(database, hospital, count=3)
    channel = Recorder()
    channel.gate.clear()
    async with teller(database, channel) as made:
        assert await made.run_once(NOW) == 3
        asyncio.get_running_loop().call_soon(channel.gate.set)
    assert len(channel.sent) == 1
    assert rows(database, STATES) == [("told", 1, ""), ("waiting", 0, ""), ("waiting", 0, "")]
    async with teller(database, channel) as made:
        assert await round_(made, NOW + 60_000) == 2


async def test_a_claim_that_ran_out_does_not_disturb_who_claimed_it_since(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://h")
    await open_tickets(database, hospital)
    patience = Patience()
    late, quick = Recorder(), Recorder()
    late.gate.clear()
    late.failing.add("json://h")
    async with teller(database, late, patience=patience) as one, teller(database, quick, patience=patience) as other:
        await one.run_once(NOW)
        quick.gate.clear()
        await other.run_once(NOW + patience.lease_ms)
        late.gate.set()
        await one.idle()
        assert rows(database, STATES) == [("waiting", 2, "")]
        quick.gate.set()
        await other.idle()
    assert rows(database, STATES) == [("told", 2, "")]


async def test_who_is_no_longer_active_is_not_told(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://gone")
    await open_tickets(database, hospital)
    rows(database, "UPDATE recipient SET active = false")
    channel = Recorder()
    async with teller(database, channel) as made:
        assert await round_(made, NOW) == 0
    assert rows(database, STATES) == [("given-up", 0, "the recipient is no longer active")]


async def test_a_told_message_that_cannot_be_written_down_is_told_again(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://h")
    await open_tickets(database, hospital)
    channel, patience = Recorder(), Patience()
    async with teller(database, channel, patience=patience) as made:
        rows(database, "REVOKE UPDATE ON telling FROM steth_ingest")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await made.run_once(NOW)
        rows(database, "GRANT UPDATE ON telling TO steth_ingest")
        channel.gate.clear()
        await made.run_once(NOW)
        rows(database, "REVOKE UPDATE ON telling FROM steth_ingest")
        channel.gate.set()
        await made.idle()
        rows(database, "GRANT UPDATE ON telling TO steth_ingest")
        assert await round_(made, NOW + patience.lease_ms) == 1
    assert len(channel.sent) == 2
    assert rows(database, STATES) == [("told", 2, "")]


async def test_no_secret_of_an_address_is_kept_with_the_error(database: Database) -> None:
    hospital = Hospital.make(database)
    with webhook() as hook:
        hook.status = 500
        hospital.recipient(hook.address())
        await open_tickets(database, hospital)
        async with teller(database, AppriseChannel()) as made:
            await round_(made, NOW)
    assert rows(database, STATES) == [("waiting", 1, "HTTP status 500")]

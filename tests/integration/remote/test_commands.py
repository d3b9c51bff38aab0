import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from desk.tickets.stage import TicketStage
from remote.commands import AGAIN_MS, GRACE_MS, MOST, PAUSE_MS, CommandSender, PublishError, Sent
from remote.prepare import EXPIRY_MS, PrepareStage
from store.pool import open_pool
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import CATALOG, NOW, Hospital, batch, connect, episode, rows
from wire.codec import decode_command
from wire.topics import Down, down


class Broker:
    """Keeps what is published; or is away."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes]] = []
        self.away = False
        self.tried = 0

    async def publish(self, topic: str, payload: bytes) -> None:
        self.tried += 1
        if self.away:
            raise PublishError("the broker is away")
        self.published.append((topic, payload))


async def prepared(database: Database, *, devices: int = 1) -> Hospital:
    hospital = Hospital.make(database, devices=devices)
    async with await connect(database.ingest) as connection:
        work = batch(*((device, [episode()]) for device in hospital.devices))
        await TicketStage(catalog=CATALOG).run(connection, work)
        await PrepareStage(catalog=CATALOG).run(connection, work)
    return hospital


@asynccontextmanager
async def sender(database: Database, broker: Broker) -> AsyncIterator[CommandSender]:
    async with open_pool(database.jobs, role="jobs") as pool:
        yield CommandSender(pool=pool, publisher=broker)


async def test_a_command_is_sent_to_its_device_again_and_again_until_its_time_is_up(database: Database) -> None:
    hospital = await prepared(database)
    broker = Broker()
    async with sender(database, broker) as made:
        assert await made.run_once(NOW) == Sent(sent=1, failed=0, expired=0)
        assert await made.run_once(NOW + AGAIN_MS - 1) == Sent(sent=0, failed=0, expired=0)
        assert await made.run_once(NOW + AGAIN_MS) == Sent(sent=1, failed=0, expired=0)
        assert await made.run_once(NOW + EXPIRY_MS) == Sent(sent=0, failed=0, expired=0)
        assert await made.run_once(NOW + EXPIRY_MS + GRACE_MS) == Sent(sent=0, failed=0, expired=1)
        assert await made.run_once(NOW + EXPIRY_MS + GRACE_MS) == Sent(sent=0, failed=0, expired=0)
    [(topic, first), (_, second)] = broker.published
    assert topic == down(hospital.devices[0].uid, Down.COMMAND)
    assert first == second
    [(command_id,)] = rows(database, "SELECT id FROM command")
    assert decode_command(first).id == command_id
    assert rows(database, "SELECT status, replied_at FROM command") == [("expired", None)]
    assert rows(database, "SELECT message, params FROM ticket_event WHERE event = 'command-expired'") == [
        ("remote.runbook.unanswered", {"runbook": "host-health", "command": command_id})
    ]


async def test_an_answered_command_is_not_sent_again(database: Database) -> None:
    await prepared(database)
    rows(database, "UPDATE command SET status = 'done'")
    async with sender(database, Broker()) as made:
        assert await made.run_once(NOW) == Sent(sent=0, failed=0, expired=0)


async def test_a_broker_that_is_away_is_tried_again_soon_with_one_command_a_time(database: Database) -> None:
    await prepared(database, devices=3)
    broker = Broker()
    broker.away = True
    async with sender(database, broker) as made:
        assert await made.run_once(NOW) == Sent(sent=0, failed=3, expired=0)
        assert broker.tried == 1
        assert rows(database, "SELECT DISTINCT sent_at FROM command") == [(None,)]
        assert await made.run_once(NOW + PAUSE_MS - 1) == Sent(sent=0, failed=0, expired=0)
        broker.away = False
        assert await made.run_once(NOW + PAUSE_MS) == Sent(sent=3, failed=0, expired=0)


async def test_two_processes_send_each_command_once(database: Database) -> None:
    hospital = await prepared(database, devices=MOST + 50)
    broker = Broker()
    async with sender(database, broker) as one, sender(database, broker) as other:
        for _ in range(3):
            await asyncio.gather(one.run_once(NOW), other.run_once(NOW))
    assert len(broker.published) == len({topic for topic, _ in broker.published}) == len(hospital.devices)


async def test_a_retired_device_is_not_spoken_to(database: Database) -> None:
    await prepared(database)
    rows(database, "UPDATE device SET status = 'retired'")
    async with sender(database, Broker()) as made:
        assert await made.run_once(NOW) == Sent(sent=0, failed=0, expired=0)


@pytest.mark.parametrize(
    "change",
    [
        """UPDATE command SET body = '{"do": {"t": "dance"}}' WHERE device_id = 1""",  # a later version's
        "UPDATE command SET body = 'null' WHERE device_id = 1",
        "UPDATE command SET body = jsonb_set(body, '{id}', '7') WHERE device_id = 1",
    ],
)
async def test_a_command_that_cannot_be_sent_stops_neither_the_others_nor_its_own_expiry(
    database: Database, change: str
) -> None:
    await prepared(database, devices=2)
    rows(database, change)
    broker = Broker()
    async with sender(database, broker) as made:
        assert await made.run_once(NOW) == Sent(sent=1, failed=1, expired=0)
        assert await made.run_once(NOW + EXPIRY_MS + GRACE_MS) == Sent(sent=0, failed=0, expired=2)


async def test_a_command_sent_before_the_clock_was_put_back_is_sent_again(database: Database) -> None:
    await prepared(database)
    rows(database, "UPDATE command SET sent_at = to_timestamp(%s)", NOW / 1000 + 3600)
    async with sender(database, Broker()) as made:
        assert await made.run_once(NOW) == Sent(sent=1, failed=0, expired=0)


async def test_a_broker_that_was_away_before_the_clock_was_put_back_is_tried_now(database: Database) -> None:
    await prepared(database)
    broker = Broker()
    broker.away = True
    async with sender(database, broker) as made:
        assert await made.run_once(NOW + 1) == Sent(sent=0, failed=1, expired=0)
        broker.away = False
        assert await made.run_once(NOW - PAUSE_MS) == Sent(sent=1, failed=0, expired=0)


async def test_a_command_made_before_the_clock_was_put_back_is_void_and_its_ticket_says_so(database: Database) -> None:
    """Its device would do it up to an hour later, at whatever it is then used for."""
    await prepared(database)
    broker = Broker()
    async with sender(database, broker) as made:
        assert await made.run_once(NOW - 3600_000) == Sent(sent=0, failed=0, expired=1)
        assert await made.run_once(NOW) == Sent(sent=0, failed=0, expired=0)
    assert broker.published == []
    assert rows(database, "SELECT message FROM ticket_event WHERE event = 'command-expired'") == [
        ("remote.runbook.unanswered",)
    ]

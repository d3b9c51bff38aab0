import asyncio

import psycopg
import pytest

from desk.telling.channels import Channels
from desk.telling.plan import MESSAGES, Patience
from desk.telling.reasons import RefusedError, TooFastError
from desk.tickets.stage import TicketStage
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import CATALOG, NOW, Hospital, batch, connect, episode, rows
from tests.integration.desk.listeners import HERE, mail_server, webhook
from tests.integration.desk.receivers import robots
from tests.integration.desk.tellers import CHANNEL, ILL, STATES, Recorder, open_tickets, round_, seconds, teller


async def test_a_ticket_is_told_by_webhook_and_by_email_each_in_its_language(database: Database) -> None:
    hospital = Hospital.make(database)
    with webhook() as hook, mail_server() as box:
        hospital.recipient(hook.address(), language="en")
        hospital.recipient(box.address(password=box.password), own=False)
        async with await connect(database.ingest) as connection:
            await TicketStage(catalog=CATALOG).run(connection, batch((hospital.devices[0], [episode()])))
        async with teller(database, Channels(way=HERE)) as made:
            assert await round_(made, NOW) == 2
            assert await round_(made, NOW + 3_600_000) == 0
        [body], [letter] = hook.bodies, box.letters
    fault = CATALOG.models["generic-dr"].faults["GEN-KV-01"]
    assert body["title"].startswith("[critical] WX20261122-001 DR 1")
    assert fault.advice.en in body["message"]
    for part in fault.parts:
        assert f"{part.name.en} ×{part.quantity} ({part.spec.en})" in body["message"]
    assert letter["Subject"].startswith("[紧急] WX20261122-001 DR 1")
    plain = letter.get_body(("plain",))
    assert plain is not None
    assert fault.advice.zh in plain.get_content()
    assert rows(database, STATES) == [("told", 1, ""), ("told", 1, "")]
    assert rows(database, "SELECT told_at IS NOT NULL, failing_since FROM recipient") == [(True, None)] * 2


async def test_two_processes_tell_each_message_once(database: Database) -> None:
    """Not once by each."""
    hospital = Hospital.make(database)
    for number in range(4):
        hospital.recipient(f"json://h{number}")
    await open_tickets(database, hospital, count=3)
    channel = Recorder()
    async with teller(database, channel) as one, teller(database, channel) as other:
        for second in range(5):
            await asyncio.gather(round_(one, NOW + second * 1000), round_(other, NOW + second * 1000))
    assert len(channel.sent) == len(set(channel.sent)) == 4 * 3
    assert set(rows(database, STATES)) == {("told", 1, "")}


async def test_a_failure_is_tried_again_later_and_later_then_given_up_and_written_into_the_ticket(
    database: Database,
) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://dead")
    await open_tickets(database, hospital)
    channel = Recorder()
    channel.failing["json://dead"] = ILL
    async with teller(database, channel, patience=Patience(attempts=3, first_s=10)) as made:
        assert await round_(made, NOW) == 1
        assert rows(database, STATES) == [("waiting", 1, "telling.status")]
        assert await round_(made, NOW + 4_000) == 0
        assert await round_(made, NOW + 16_000) == 1
        assert await round_(made, NOW + 20_000) == 0
        assert await round_(made, NOW + 60_000) == 1
        assert await round_(made, NOW + 9_999_000) == 0
    assert rows(database, STATES) == [("given-up", 3, "telling.status")]
    assert rows(database, "SELECT error_params FROM telling") == [({"status": 503},)]
    assert rows(database, CHANNEL) == [(3, True, "telling.status")]
    assert rows(database, "SELECT message, params FROM ticket_event WHERE event = 'telling-given-up'") == [
        ("ticket.telling_given_up", {"who": "On call", "attempts": 3})
    ]


async def test_what_a_receiver_refuses_is_given_up_within_a_minute(database: Database) -> None:
    """A bad token never heals."""
    hospital = Hospital.make(database)
    with robots() as state:
        hospital.recipient("dingtalk://gone")
        await open_tickets(database, hospital)
        async with teller(database, Channels(way=HERE, hosts=state.hosts())) as made:
            await seconds(made, 60)
    assert state.asked == 3
    assert rows(database, "SELECT state, attempts, error, error_params FROM telling") == [
        ("given-up", 3, "telling.robot_unknown", {"receiver": "DingTalk", "code": 300001})
    ]
    assert rows(database, CHANNEL) == [(3, True, "telling.robot_unknown")]


async def test_too_fast_is_tried_again_when_the_robot_takes_more_and_counts_as_no_attempt(database: Database) -> None:
    hospital = Hospital.make(database)
    with robots() as state:
        hospital.recipient("dingtalk://good")
        await open_tickets(database, hospital)
        state.per_minute = 0
        async with teller(database, Channels(way=HERE, hosts=state.hosts())) as made:
            await seconds(made, 55)
            assert state.asked == 1
            assert rows(database, STATES) == [("waiting", 0, "")]
            assert rows(database, CHANNEL) == [(1, True, "telling.too_fast")]
            state.per_minute = 20
            await round_(made, NOW + 61_000)
    assert len(state.said) == 1
    assert rows(database, STATES) == [("told", 1, "")]
    assert rows(database, CHANNEL) == [(0, False, "")]


async def test_a_retry_after_of_a_webhook_is_kept(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://h")
    await open_tickets(database, hospital)
    channel = Recorder()
    channel.failing["json://h"] = TooFastError("telling.too_fast", wait_s=300)
    async with teller(database, channel) as made:
        await round_(made, NOW)
        assert await round_(made, NOW + 299_000) == 0
        assert await round_(made, NOW + 301_000) == 1


async def test_a_dead_channel_holds_up_only_itself_and_is_left_alone_between_tries(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://dead")
    hospital.recipient("json://alive")
    await open_tickets(database, hospital, count=3)
    channel = Recorder()
    channel.failing["json://dead"] = ILL
    async with teller(database, channel) as made:
        await seconds(made, 30)
        assert [address for address, _ in channel.sent] == ["json://alive"] * 3
        assert 2 <= channel.tried.count("json://dead") <= 5
        channel.failing.clear()
        await seconds(made, 120, begin_ms=NOW + 30_000)
    assert set(rows(database, "SELECT state FROM telling")) == {("told",)}


@pytest.mark.parametrize("broken", [RuntimeError("s3cret"), KeyError("x"), RecursionError()])
async def test_a_channel_that_breaks_unforeseen_fails_by_itself(database: Database, broken: Exception) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://bad")
    hospital.recipient("json://alive")
    await open_tickets(database, hospital)
    channel = Recorder()
    channel.failing["json://bad"] = broken
    async with teller(database, channel) as made:
        await round_(made, NOW)
    assert channel.sent[0][0] == "json://alive"
    assert rows(database, "SELECT state, error, error_params FROM telling ORDER BY recipient_id") == [
        ("waiting", "telling.broken", {"what": type(broken).__name__}),
        ("told", "", {}),
    ]


async def test_one_refused_message_does_not_hold_up_the_next(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://robot")
    await open_tickets(database, hospital, count=3)
    channel = Recorder()
    channel.refused.add("WX20261122-001")
    async with teller(database, channel) as made:
        await seconds(made, 60)
    assert channel.numbers() == ["WX20261122-002", "WX20261122-003"]
    states = rows(database, "SELECT state, attempts FROM telling ORDER BY id")
    assert states == [("given-up", 3), ("told", 1), ("told", 1)]


SPOILED = [
    "UPDATE telling SET message = 'no.such' WHERE id = 2",
    "UPDATE telling SET message = 'notify.cleared' WHERE id = 2",
    "UPDATE telling SET params = '{}' WHERE id = 2",
    "UPDATE telling SET params = '[1]' WHERE id = 2",
    """UPDATE telling SET params = '{"severity": {"zh": "x"}}' WHERE id = 2""",
    """UPDATE ticket SET parts = '[{"name": "UPS"}]' WHERE id = 2""",
    """UPDATE ticket SET parts = '{"old": 1}' WHERE id = 2""",
    """UPDATE ticket SET parts = jsonb_set(parts, '{0,spec}', '"80 kW"') WHERE id = 2""",
    "UPDATE ticket SET params = '3' WHERE id = 2",
    "UPDATE ticket SET occurred_at = '9999-12-31' WHERE id = 2",
    "UPDATE ticket SET device_id = 999 WHERE id = 2",
    "SET session_replication_role = replica; DELETE FROM ticket WHERE id = 2",
]


@pytest.mark.parametrize("spoil", SPOILED)
@pytest.mark.parametrize("count", [2, 8])
async def test_what_cannot_be_composed_is_given_up_visibly_and_the_others_go_on(
    database: Database, spoil: str, count: int
) -> None:
    """Ended `steth jobs` every two minutes. Alone, and in a message about many."""
    hospital = Hospital.make(database)
    hospital.recipient("json://h")
    await open_tickets(database, hospital, count=count)
    rows(database, spoil)
    channel = Recorder()
    async with teller(database, channel) as made:
        await seconds(made, 40)
    told = rows(database, "SELECT state, count(*)::int FROM telling WHERE id <> 2 GROUP BY 1")
    assert told == [("told", count - 1)]
    [(state, attempts, error, has_ticket)] = rows(
        database,
        "SELECT state, attempts, error, EXISTS (SELECT FROM ticket WHERE id = ticket_id) FROM telling WHERE id = 2",
    )
    if "9999" in spoil:
        assert state == "told"
        return
    assert (state, attempts) == ("given-up", 3)
    assert error in CATALOG.messages
    events = rows(database, "SELECT ticket_id FROM ticket_event WHERE event = 'telling-given-up'")
    assert events == ([(2,)] if has_ticket else [])
    assert rows(database, CHANNEL) == [(0, False, "")]


async def test_while_a_recipient_is_being_told_nothing_more_of_theirs_is_claimed(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://slow")
    await open_tickets(database, hospital, count=2)
    channel = Recorder()
    channel.gate.clear()
    async with teller(database, channel) as made:
        assert await made.run_once(NOW) == 1
        assert await made.run_once(NOW + 600_000) == 0
        channel.gate.set()
        await made.idle()
        assert await round_(made, NOW + 601_000) == 1


async def test_a_chat_robot_gets_no_more_than_it_takes_a_minute_whoever_leads_and_nothing_is_lost(
    database: Database,
) -> None:
    """More arrives each second than a robot takes."""
    hospital = Hospital.make(database)
    hospital.recipient("dingtalk://secret@token")
    await open_tickets(database, hospital)
    channel = Recorder()
    sent_at: list[int] = []
    async with teller(database, channel) as one, teller(database, channel) as other:
        for second in range(90):
            before = len(channel.sent)
            await open_tickets(database, hospital, begin=1 + second)
            await round_(other if second % 2 else one, NOW + second * 1000)
            sent_at += [second] * (len(channel.sent) - before)
        await round_(one, NOW + 95_000)
    assert max(sum(1 for at in sent_at if start <= at < start + 60) for start in range(90)) <= 20
    assert set(rows(database, STATES)) == {("told", 1, "")}


async def test_many_of_a_site_are_one_message_and_another_hospitals_few_are_their_own(database: Database) -> None:
    hospital, other = Hospital.make(database), Hospital.make(database, name="Second")
    hospital.recipient("json://all", own=False)
    await open_tickets(database, hospital, count=40)
    await open_tickets(database, other, count=2)
    channel = Recorder()
    async with teller(database, channel) as made:
        await seconds(made, 10)
    assert channel.sent[0][1] == "[紧急] First Main：40 张工单"
    assert channel.numbers()[1:] == ["WX20261122-041", "WX20261122-042"]
    assert set(rows(database, STATES)) == {("told", 1, "")}


async def test_many_sites_at_once_are_one_message(database: Database) -> None:
    hospitals = [Hospital.make(database, name=f"H{n:02}") for n in range(MESSAGES + 2)]
    hospitals[0].recipient("json://all", own=False)
    for hospital in hospitals:
        await open_tickets(database, hospital)
    channel = Recorder()
    async with teller(database, channel) as made:
        await round_(made, NOW)
    assert [subject for _, subject in channel.sent] == [f"[紧急] {MESSAGES + 2} 个院区：{MESSAGES + 2} 张工单"]
    assert set(rows(database, STATES)) == {("told", 1, "")}


async def test_who_is_no_longer_active_is_not_told(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://gone")
    await open_tickets(database, hospital, count=3)
    rows(database, "UPDATE recipient SET active = false")
    channel = Recorder()
    async with teller(database, channel, patience=Patience(most=2)) as made:
        await seconds(made, 2)
    assert channel.tried == []
    assert rows(database, STATES) == [("given-up", 0, "telling.inactive")] * 3
    said = rows(database, "SELECT DISTINCT message FROM ticket_event WHERE event = 'telling-given-up'")
    assert said == [("ticket.telling_inactive",)], "not that it failed 0 times"


async def test_a_told_message_that_cannot_be_written_down_is_told_again(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://h")
    await open_tickets(database, hospital)
    channel, patience = Recorder(), Patience()
    async with teller(database, channel, patience=patience) as made:
        channel.gate.clear()
        await made.run_once(NOW)
        rows(database, "REVOKE UPDATE ON telling FROM steth_jobs")
        channel.gate.set()
        await made.idle()
        rows(database, "GRANT UPDATE ON telling TO steth_jobs")
        assert await round_(made, NOW + patience.lease_ms) == 1
    assert len(channel.sent) == 2
    assert rows(database, STATES) == [("told", 1, "")]


async def test_the_database_may_be_gone_for_a_round(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://h")
    await open_tickets(database, hospital)
    channel = Recorder()
    async with teller(database, channel) as made:
        rows(database, "REVOKE SELECT ON telling FROM steth_jobs")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await made.run_once(NOW)
        rows(database, "GRANT SELECT ON telling TO steth_jobs")
        assert await round_(made, NOW) == 1


async def test_a_test_message_is_sent_once_and_its_fate_is_kept(database: Database) -> None:
    hospital = Hospital.make(database)
    good, bad = hospital.recipient("json://good"), hospital.recipient("json://bad")
    rows(database, "UPDATE recipient SET test_state = 'waiting'")
    channel = Recorder()
    channel.failing["json://bad"] = RefusedError("telling.page")
    async with teller(database, channel) as made:
        await seconds(made, 60)
    assert channel.tried.count("json://bad") == 1
    assert [address for address, _ in channel.sent] == ["json://good"]
    assert rows(database, "SELECT id, test_state, error FROM recipient ORDER BY id") == [
        (good, "told", ""),
        (bad, "given-up", "telling.page"),
    ]


async def test_a_test_of_the_former_address_says_nothing_of_the_new_one(database: Database) -> None:
    """Corrected and tested anew while the first test still waited for an answer."""
    hospital = Hospital.make(database)
    hospital.recipient("json://typo")
    rows(database, "UPDATE recipient SET test_state = 'waiting'")
    channel = Recorder()
    channel.failing["json://typo"] = RefusedError("telling.page")
    channel.gate.clear()
    async with teller(database, channel) as made:
        await made.run_once(NOW)
        await asyncio.sleep(0)
        rows(
            database,
            "UPDATE recipient SET address = 'json://right', test_state = 'waiting', rest_until = NULL",
        )
        channel.gate.set()
        await made.idle()
        assert rows(database, "SELECT test_state FROM recipient") == [("waiting",)]
        await round_(made, NOW + 1000)
    assert channel.tried == ["json://typo", "json://right"]
    assert rows(database, "SELECT test_state, failing_since FROM recipient") == [("told", None)]


async def test_that_a_recipient_fails_is_not_hidden_by_a_clock_that_was_ahead(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://h")
    await open_tickets(database, hospital)
    channel = Recorder()
    channel.failing["json://h"] = ILL
    async with teller(database, channel) as made:
        await round_(made, NOW + 86_400_000)
        await round_(made, NOW + 1000)
    [(since_ms,)] = rows(database, "SELECT (extract(epoch FROM failing_since) * 1000)::bigint FROM recipient")
    assert since_ms < NOW + 60_000


async def test_a_ticket_closed_before_it_was_told_is_told_as_closed(database: Database) -> None:
    hospital = Hospital.make(database)
    hospital.recipient("json://h", language="en")
    await open_tickets(database, hospital)
    rows(database, "UPDATE ticket SET status = 'closed'")
    channel = Recorder()
    async with teller(database, channel) as made:
        await round_(made, NOW)
    assert channel.sent[0][1].endswith("(closed)")

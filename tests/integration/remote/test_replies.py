from typing import Literal

import pytest
from prometheus_client import REGISTRY

from desk.tickets.service import change_dealer
from desk.tickets.stage import TicketStage
from ingest.ports import Applied, Batch, Device, Now, Work
from remote.commands import GRACE_MS, CommandSender
from remote.prepare import EXPIRY_MS, PrepareStage
from remote.replies import Fate, ReplyStage
from store.pool import open_pool
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import CATALOG, NOW, Hospital, batch, connect, episode, rows
from tests.integration.remote.test_commands import Broker
from wire.items import Reply, StepResult, Verdict
from wire.report import Report
from wire.topics import Lane

STAGE = ReplyStage(catalog=CATALOG)
ANSWER = (
    "SELECT status, reason, verdict ->> 'outcome', replied_at = to_timestamp(%s / 1000.0) FROM command"
    " ORDER BY device_id"
)
LATER = NOW + 3_000


async def asked(database: Database, *, devices: int = 1) -> tuple[list[Device], list[str]]:
    """Devices with a ticket and a command each."""
    hospital = Hospital.make(database, devices=devices)
    async with await connect(database.ingest) as connection:
        work = batch(*((device, [episode()]) for device in hospital.devices))
        await TicketStage(catalog=CATALOG).run(connection, work)
        await PrepareStage(catalog=CATALOG).run(connection, work)
    return hospital.devices, [id_ for (id_,) in rows(database, "SELECT id FROM command ORDER BY device_id")]


def answered(*replies: tuple[Device, Reply], lane: Lane = Lane.LIVE) -> Batch:
    return Batch(
        lane=lane,
        now=Now(wall_ms=LATER + 5, clock_ms=0),
        works=[
            Work(
                device=device,
                lane=lane,
                applied=[
                    Applied(
                        report=Report(at=reply.at, items=[reply]),
                        numbers=None,
                        received_ms=LATER,
                        offset_ms=0,
                        caught_up=True,
                    )
                ],
            )
            for device, reply in replies
        ],
    )


def reply(
    command: str,
    status: Literal["done", "refused", "failed", "expired"] = "done",
    *,
    outcome: Literal["ok", "warn", "fail", "refused"] = "warn",
    reason: str | None = None,
) -> Reply:
    steps = [
        StepResult(id="host", outcome="ok", reason="remote.step.ok"),
        StepResult(id="disk", outcome="warn", reason="remote.step.disk_high", values={"used": 91.5}),
        StepResult(id="patients", outcome="ok", reason="remote.step.ok", values={"name": "Zhang San"}),
    ]
    found = Verdict(runbook="host-health", outcome=outcome, began=NOW, ended=NOW + 1, steps=steps)
    return Reply(at=NOW, command=command, status=status, reason=reason, verdict=found if status == "done" else None)


async def run(database: Database, *batches: Batch) -> None:
    async with await connect(database.ingest) as connection:
        for each in batches:
            async with connection.transaction():
                await STAGE.run(connection, each)


def verdicts(database: Database) -> list[str]:
    found = rows(database, "SELECT message FROM ticket_event WHERE event = 'verdict' ORDER BY id")
    return [message for (message,) in found]


def counted(fate: Fate) -> float:
    return REGISTRY.get_sample_value("steth_remote_replies_total", {"fate": fate}) or 0


async def test_a_verdict_reaches_the_command_and_the_ticket(database: Database) -> None:
    [device], [command] = await asked(database)
    await run(database, answered((device, reply(command))))
    assert rows(database, ANSWER, LATER) == [("done", "", "warn", True)]
    [(params,)] = rows(database, "SELECT params FROM ticket_event WHERE event = 'verdict'")
    assert verdicts(database) == ["remote.runbook.warn.except"]
    assert params == {
        "runbook": "host-health",
        "command": command,
        "outcome": "warn",
        "count": 1,
        "unchecked": "generator",
        "steps": [
            {"id": "host", "outcome": "ok", "message": "remote.step.ok", "params": {}},
            {"id": "disk", "outcome": "warn", "message": "remote.step.disk_high", "params": {"used": 91.5}},
        ],
    }


async def test_what_the_runbook_does_not_have_is_stored_nowhere(database: Database) -> None:
    [device], [command] = await asked(database)
    await run(database, answered((device, reply(command))))
    assert rows(
        database,
        "SELECT count(*) FROM command c, ticket_event e WHERE c::text || e::text LIKE '%%Zhang San%%'",
    ) == [(0,)]


async def test_a_refusal_for_want_of_a_policy_is_on_the_ticket_and_says_so(database: Database) -> None:
    [device], [command] = await asked(database)
    refused = reply(command, "refused", reason="remote.runbook.refused_no_policy")
    await run(database, answered((device, refused)))
    assert rows(database, ANSWER, LATER) == [("refused", "remote.runbook.refused_no_policy", None, True)]
    assert verdicts(database) == ["remote.runbook.refused_no_policy"]


async def test_only_the_first_answer_counts_in_one_batch_and_across(database: Database) -> None:
    [device], [command] = await asked(database)
    before = counted("repeated")
    first, second = reply(command, outcome="fail"), reply(command, outcome="ok")
    await run(database, answered((device, first), (device, second)), answered((device, second)))
    assert rows(database, ANSWER, LATER) == [("done", "", "fail", True)]
    assert verdicts(database) == ["remote.runbook.fail.except"]
    assert counted("repeated") == before + 2


async def test_an_answer_to_another_devices_command_is_refused(database: Database) -> None:
    [device, stranger], [command, _] = await asked(database, devices=2)
    before = counted("foreign")
    await run(database, answered((stranger, reply(command))))
    assert rows(database, "SELECT status FROM command") == [("waiting",), ("waiting",)]
    assert verdicts(database) == []
    assert counted("foreign") == before + 1
    await run(database, answered((device, reply(command))))
    assert verdicts(database) == ["remote.runbook.warn.except"]


async def test_an_answer_to_nothing_we_asked_is_counted_and_forgotten(database: Database) -> None:
    [device], _ = await asked(database)
    before = counted("unknown")
    await run(database, answered((device, reply("cffffffffffffffff"))))
    assert verdicts(database) == []
    assert counted("unknown") == before + 1


async def test_an_answer_that_comes_after_we_gave_up_waiting_still_counts(database: Database) -> None:
    [device], [command] = await asked(database)
    async with open_pool(database.jobs, role="jobs") as pool:
        await CommandSender(pool=pool, publisher=Broker()).run_once(NOW + EXPIRY_MS + GRACE_MS)
    await run(database, answered((device, reply(command))), answered((device, reply(command, outcome="ok"))))
    assert rows(database, ANSWER, LATER) == [("done", "", "warn", True)]
    assert verdicts(database) == ["remote.runbook.warn.except"]


@pytest.mark.parametrize("status", ["failed", "expired"])
async def test_a_runbook_that_did_not_run_is_on_the_ticket(
    database: Database, status: Literal["failed", "expired"]
) -> None:
    [device], [command] = await asked(database)
    await run(database, answered((device, reply(command, status))))
    assert rows(database, ANSWER, LATER) == [(status, "", None, True)]
    assert verdicts(database) == [f"remote.runbook.{status}"]


async def test_the_answers_of_many_devices_in_one_batch(database: Database) -> None:
    devices, commands = await asked(database, devices=100)
    await run(database, answered(*((d, reply(c)) for d, c in zip(devices, commands, strict=True))))
    assert rows(database, "SELECT DISTINCT status FROM command") == [("done",)]
    assert len(verdicts(database)) == 100


async def test_bulk_holds_no_answers(database: Database) -> None:
    [device], [command] = await asked(database)
    await run(database, answered((device, reply(command)), lane=Lane.BULK))
    assert rows(database, "SELECT status FROM command") == [("waiting",)]


async def test_an_answer_that_comes_after_a_change_of_dealer_is_the_new_ones(database: Database) -> None:
    [device], [command] = await asked(database)
    [(second,)] = rows(database, "INSERT INTO org (name, kind, prefix) VALUES ('B', 'dealer', 'BX') RETURNING id")
    rows(
        database,
        "INSERT INTO service_change VALUES (%s, %s, %s, to_timestamp(0), 'chief', now())",
        device.id,
        device.org_id,
        second,
    )
    async with open_pool(database.jobs, role="jobs") as pool, pool.connection() as connection:
        assert await change_dealer(connection, device.id, now_ms=LATER) == [], "nothing lasts"
    await run(database, answered((device, reply(command))))
    assert rows(database, ANSWER, LATER) == [("done", "", "warn", True)]
    [(event, dealer)] = rows(database, "SELECT event, dealer_id FROM ticket_event ORDER BY id DESC LIMIT 1")
    assert (event, dealer) == ("verdict", second)

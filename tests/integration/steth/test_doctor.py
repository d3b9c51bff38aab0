"""`steth doctor`: each part really broken once, and found. What is whole is said to be whole."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from people.audit.heads import make_key
from steth.doctor.run import Place, examine
from store.partitions import Month
from tests.fixtures.deployed import DeployedBroker
from tests.fixtures.ports import free_port
from tests.fixtures.postgres import Database
from tests.integration.steth.ward import broken, change, found, of_broker, settings


@asynccontextmanager
async def ticking(database: Database, *, step_ms: int = 50) -> AsyncIterator[None]:
    """Ingest renews its leases and saves the partitions' clocks, which advance by ``step_ms``."""

    async def tick() -> None:
        async with await psycopg.AsyncConnection.connect(database.superuser, autocommit=True) as connection:
            while True:
                await connection.execute(
                    "UPDATE partition_lease SET clock_ms = clock_ms + %s, lease_until = now() + INTERVAL '5 seconds'"
                    " WHERE lease_until > now()",
                    (step_ms,),
                )
                await asyncio.sleep(0.05)

    ticks = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticks.cancel()
        await asyncio.wait([ticks])


# everything whole -----------------------------------------------------------------------------------------------------


async def test_what_is_whole_is_said_to_be_whole(whole: Database, deployed: DeployedBroker, tmp_path: Path) -> None:
    make_key(tmp_path / "key")
    heads = {"audit_key": str(tmp_path / "key"), "audit_heads": str(tmp_path / "heads")}
    async with ticking(whole):
        what = await found(settings(whole, **of_broker(deployed), **heads))
    assert {check: finding.said.en for check, finding in what.items() if finding.level != "ok"} == {}
    assert {"catalog", "disk", "database.schema", "database.room", "broker.tls", "broker.probe"} <= set(what)
    assert {"certificate.mqtt_ca", "certificate.mqtt_cert", "certificate.mqtt_key", "pipeline.clock"} <= set(what)
    assert re.search(r"good until \d{4}-\d\d-\d\d", what["broker.tls"].said.en)


# the database ---------------------------------------------------------------------------------------------------------


async def test_a_wrong_password(whole: Database) -> None:
    wrong = make_conninfo(whole.ingest, password="wrong-hunter2")
    what = await found(settings(whole, dsn_ingest=wrong))
    finding = what["database.ingest"]
    assert (finding.level, "password" in finding.said.en) == ("fail", True)
    assert "hunter2" not in str(what)
    assert what["database.api"].level == "ok"


async def test_no_database_there(whole: Database) -> None:
    away = make_conninfo(whole.api, host="127.0.0.1", port=free_port())
    what = await found(
        settings(whole, dsn_api=away, dsn_ingest=away.replace("api", "ingest"), dsn_jobs="", dsn_owner="")
    )
    assert {"database.api", "database.ingest"} <= broken(what)
    assert "check that it runs" in str(what["database.api"].todo)
    assert what["database.owner"].level == "warn"
    assert not any(check.startswith("pipeline") for check in what), "what rests on it is left out"


async def test_a_database_that_was_never_made(whole: Database) -> None:
    what = await found(settings(whole, dsn_ingest=make_conninfo(whole.ingest, dbname="nowhere")))
    assert (what["database.ingest"].level, "steth migrate" in str(what["database.ingest"].todo)) == ("fail", True)


async def test_a_login_of_another_role(whole: Database) -> None:
    what = await found(settings(whole, dsn_api=whole.owner))
    assert (what["database.api"].level, "steth_api" in str(what["database.api"].todo)) == ("fail", True)


async def test_other_days_to_keep_than_the_database_was_told(whole: Database) -> None:
    ages = (await found(settings(whole, keep_raw_days=200)))["database.ages"]
    assert (ages.level, "event 366" in ages.said.en, "reading 92 ≠ 200" in ages.said.en) == ("warn", False, True)
    assert "steth migrate" in str(ages.todo)


async def test_the_owners_address_beside_that_of_the_jobs(whole: Database) -> None:
    of = settings(whole, dsn_ingest="", dsn_api="")
    place = Place(settings=of, processes={}, folders=(Path.cwd(),))
    what = {finding.check: finding async for finding in examine(place)}
    assert (what["config.owner"].level, "remove dsn_owner" in str(what["config.owner"].todo)) == ("warn", True)
    assert "config.owner" not in await found(of), "each process has its own, of which these are all"


async def test_a_schema_older_than_the_code(whole: Database) -> None:
    change(whole, "DELETE FROM schema_version WHERE version = (SELECT max(version) FROM schema_version)")
    what = await found(settings(whole))
    assert (what["database.schema"].level, "steth migrate" in str(what["database.schema"].todo)) == ("fail", True)
    assert "pipeline.marks" not in what


async def test_a_schema_newer_than_the_code(whole: Database) -> None:
    change(
        whole,
        "INSERT INTO schema_version (version, name, checksum, edition) "
        "SELECT version + 1, 'later', 'x', edition FROM schema_version ORDER BY version DESC LIMIT 1",
    )
    what = await found(settings(whole))
    assert (what["database.schema"].level, "upgrade steth" in str(what["database.schema"].todo)) == ("fail", True)


async def test_no_room_for_readings(whole: Database) -> None:
    gone = Month.of(datetime.now(UTC)).of_table("reading")
    change(whole, f"DROP TABLE {gone}")
    what = await found(settings(whole))
    assert (what["database.room"].level, gone in what["database.room"].said.en) == ("fail", True)


# the pipeline ---------------------------------------------------------------------------------------------------------


async def test_ingest_does_not_run(whole: Database) -> None:
    change(whole, "UPDATE partition_lease SET lease_until = now() - INTERVAL '1 minute' WHERE id IN (3, 7)")
    async with ticking(whole):
        what = await found(settings(whole))
    assert (what["pipeline.partitions"].level, "2 of the 16" in what["pipeline.partitions"].said.en) == ("fail", True)


async def test_leases_given_before_the_clock_was_put_right(whole: Database) -> None:
    change(whole, "UPDATE partition_lease SET lease_until = now() + INTERVAL '1 hour'")
    what = await found(settings(whole))
    assert (what["pipeline.partitions"].level, "16 of the 16" in what["pipeline.partitions"].said.en) == ("fail", True)


async def test_ingest_runs_and_its_clocks_stand(whole: Database) -> None:
    async with ticking(whole, step_ms=0):
        what = await found(settings(whole))
    assert (what["pipeline.clock"].level, "broker" in str(what["pipeline.clock"].todo)) == ("fail", True)


@pytest.mark.parametrize(
    ("statement", "check", "level", "said"),
    [
        (
            "UPDATE mark SET at = now() - INTERVAL '6 minutes'",
            "pipeline.marks",
            "warn",
            "the newest report was committed 36",
        ),
        ("DELETE FROM mark", "pipeline.silent", "warn", "1 of 1 devices"),
        (
            (
                "INSERT INTO dead_letter (partition, device_id, lane, began, code, place, detail, since, at, count,"
                " content_type, digest, bytes, excerpt)"
                " VALUES (0, 1, 0, now(), 'schema', '$', 'ZhangSan', now(), now(), 7, '', '', 1, 'ZhangSan')"
            ),
            "pipeline.dead_letters",
            "warn",
            "7 dead letters within the hour (0 in the one before): schema, growing",
        ),
        (
            "INSERT INTO to_judge (device_id, lane, at, error, facts) VALUES (1, 0, now(), 'ZhangSan', '')",
            "pipeline.to_judge",
            "warn",
            "1 reports wait",
        ),
        (
            (
                "INSERT INTO to_judge (device_id, lane, at, error, facts) "
                "VALUES (1, 0, now() - INTERVAL '2 hours', 'ZhangSan', '')"
            ),
            "pipeline.to_judge",
            "fail",
            "the oldest for 72",
        ),
    ],
)
async def test_what_lies_aside(whole: Database, statement: str, check: str, level: str, said: str) -> None:
    change(whole, statement)
    what = await found(settings(whole))
    assert (what[check].level, said in what[check].said.en) == (level, True), what[check].said.en
    assert "ZhangSan" not in str(what), "what a device sent is never shown"


def refused(last: str, reason: str, *, kind: str = "refused", form: str = "") -> str:
    told = f"'{kind}', 'astm', '{reason}', 7, '2026-11-22T03:00Z', now() - INTERVAL '{last}', '{form}', now()"
    return f"INSERT INTO device_refusal SELECT id, org_id, {told}, dealer_id FROM device"  # noqa: S608 - words of this module


async def test_that_nobody_is_told(whole: Database) -> None:
    change(
        whole,
        "UPDATE recipient SET failing_since = now() - INTERVAL '6 minutes', error = 'telling.page'",
    )
    what = await found(settings(whole))
    assert (what["telling.nobody"].level, what["telling.failing"].level) == ("fail", "warn")
    assert "NOC (json://…, id 1) can't be told since 6 min" in what["telling.failing"].said.en
    assert "s3cret" not in what["telling.failing"].said.en + what["telling.failing"].said.zh
    change(whole, "UPDATE recipient SET active = false")
    what = await found(settings(whole))
    assert what["telling.nobody"].level == "warn", "nothing is broken: there is nobody to tell"
    assert "no active recipient" in what["telling.nobody"].said.en
    assert "telling.failing" not in what


async def test_what_a_device_said_in_vain(whole: Database) -> None:
    quiet = (
        refused("25 hours", "unknown-code", form="A-9"),
        refused("1 hour", "malformed:time"),
        refused("1 hour", "connection-lost"),
        refused("1 hour", "other-storage", kind="untold"),
    )
    change(whole, *quiet)
    assert (await found(settings(whole)))["pipeline.refused"].level == "ok"
    change(whole, "DELETE FROM device_refusal", refused("23 hours", "unknown-code", form="AAA-AAA-99"))
    said = (await found(settings(whole)))["d1.refused"]
    assert said.level == "warn"
    assert "DR (S): ASTM: refused: a code that the catalog doesn't know (unknown-code)" in said.said.en
    assert "7 × since 2026-11-22 03:00 UTC" in said.said.en
    assert said.said.zh.endswith("，形如 AAA-AAA-99")
    assert "in the catalog" in str(said.todo)


async def test_a_fleet_that_says_much_in_vain_is_a_few_lines(whole: Database) -> None:
    change(whole, *(refused("1 hour", f"malformed:signal-{number}") for number in range(25)))
    assert "and 5 more" in (await found(settings(whole)))["pipeline.refused"].said.en
    change(whole, "UPDATE device SET status = 'retired'")
    assert (await found(settings(whole)))["pipeline.refused"].level == "ok"


@pytest.mark.parametrize(
    ("statement", "check", "level", "said"),
    [
        ("UPDATE job SET due_at = now() - INTERVAL '1 minute'", "jobs", "warn", "`steth jobs` doesn't run"),
        ("UPDATE job SET due_at = now() + INTERVAL '1 day'", "jobs", "warn", "`steth jobs` doesn't run"),
        ("DELETE FROM job", "jobs", "warn", "`steth jobs` doesn't run"),
        (
            (
                "INSERT INTO job (name, ended_at, due_at) "
                "VALUES ('rollup', '2026-11-22T03:00Z', now() + INTERVAL '4 hours')"
            ),
            "jobs.rollup",
            "fail",
            "it doesn't end; last did at 2026-11-22 03:00 UTC",
        ),
        (
            (
                "INSERT INTO job (name, due_at, failing_since, failures, error) "
                "VALUES ('rollup', now() + INTERVAL '1 hour', '2026-11-22T03:00Z', 7, 'KeyError')"
            ),
            "jobs.rollup",
            "fail",
            "it fails since 2026-11-22 03:00 UTC, 7 times in a row: KeyError",
        ),
        (
            (
                "INSERT INTO job (name, ended_at, due_at) "
                "VALUES ('rollup', '2026-11-22T03:00Z', now() - INTERVAL '1 minute')"
            ),
            "jobs.rollup",
            "fail",
            "it doesn't end; last did at 2026-11-22 03:00 UTC",
        ),
        (
            (
                "INSERT INTO rollup_aside (level, device_id, lo, error, since, next_at) "
                "VALUES (0, 1, '2026-11-22T02:00Z', '22003', '2026-11-22T03:00Z', now())"
            ),
            "jobs.rollup_aside",
            "warn",
            "1 roll-ups of 1 devices can't be made, the first since 2026-11-22 03:00 UTC (22003)",
        ),
    ],
)
async def test_jobs_that_fail_or_hang(whole: Database, statement: str, check: str, level: str, said: str) -> None:
    change(whole, statement)
    what = await found(settings(whole))
    assert (what[check].level, said in what[check].said.en) == (level, True), what[check].said.en


async def test_people_are_not_told(whole: Database) -> None:
    change(
        whole,
        "INSERT INTO ticket (dealer_id, number, org_id, site_id, device_id, family, severity, occurred_at,"
        " detected_at, "
        "evidence_from, evidence_to, message) SELECT 1, 'WX20261122-001', org_id, site_id, id, 'f', 'major', now(), "
        "now(), now(), now(), 'm' FROM device",
        "INSERT INTO telling (owner_id, ticket_id, step, recipient_id, org_id, message, at) "
        "SELECT 1, t.id, 'opened', r.id, t.org_id, 'm', now() - INTERVAL '10 minutes' FROM ticket t, recipient r",
    )
    waiting = (await found(settings(whole)))["telling.outbox"]
    assert (waiting.level, "1 messages to people wait, the oldest for 60" in waiting.said.en) == ("warn", True)
    change(whole, "UPDATE telling SET state = 'given-up'")
    given_up = (await found(settings(whole)))["telling.outbox"]
    assert (given_up.level, "given up" in given_up.said.en) == ("warn", True)


async def test_a_restored_database_is_said_with_whom_it_lacks(whole: Database) -> None:
    what = await found(settings(whole))
    assert (what["database.copy"].level, what["pipeline.tickets"].level) == ("ok", "ok")
    change(
        whole,
        "INSERT INTO device (uid, org_id, site_id, partition, model, name) "
        "SELECT 'd2', org_id, site_id, 0, 'generic-dr', 'CT 2' FROM device",
        "INSERT INTO mark (device_id, lane, epoch, seq, digest, at) SELECT 2, 0, 'e', 1, '', now()",
        "SELECT settle_installation()",
        "UPDATE installation SET database = 1",
        "SELECT settle_installation()",
        "DELETE FROM restored_device WHERE device_id = 1",
        "INSERT INTO gap (device_id, lane, epoch, first_seq, last_seq, at) VALUES (1, 0, 'e', 1, 2, now() + '1 s')",
    )
    what = await found(settings(whole))
    assert what["database.copy"].level == what["database.copy.unheard"].level == "warn"
    assert "restored from a dump" in what["database.copy"].said.en
    assert "DR (d1)" in what["database.copy"].said.en
    assert "CT 2 (d2)" in what["database.copy.unheard"].said.zh
    change(whole, "UPDATE installation SET restored_at = now() - INTERVAL '8 days'", "DELETE FROM restored_device")
    assert (await found(settings(whole)))["database.copy"].level == "ok"


async def test_alerts_and_tickets_that_say_different_things(whole: Database) -> None:
    alert = (
        "INSERT INTO alert (dealer_id, id, device_id, org_id, lane, rule, kind, subject, family, severity,"
        " condition, occurred_at,"
        " learned_at, changed_at, message) SELECT 1, '00000000-0000-0000-0000-00000000000{n}', id, org_id, 0, 'r',"
        " 'fault', 's', 'f{n}', '{severity}', '{condition}', now(), now(), now(), 'm' FROM device"
    )
    ticket = (
        "INSERT INTO ticket (dealer_id, number, org_id, site_id, device_id, family, severity, status,"
        " occurred_at, detected_at,"
        " closed_at, evidence_from, evidence_to, message) SELECT 1, 'WX{n}', org_id, site_id, id, 'f{n}', 'major',"
        " '{status}', now(), now(), {closed}, now(), now(), 'm' FROM device"
    )
    cases = [
        ("closed", "active", "major"),
        ("new", "ok", "major"),
        ("new", "active", "critical"),
        ("new", "active", "minor"),
    ]
    for n, (status, condition, severity) in enumerate(cases, start=1):
        change(
            whole,
            alert.format(n=n, condition=condition, severity=severity),
            ticket.format(n=n, status=status, closed="now()" if status == "closed" else "NULL"),
            f"INSERT INTO ticket_alert SELECT {n}, id, org_id, 1 FROM alert WHERE family = 'f{n}'",  # noqa: S608
        )
    what = await found(settings(whole))
    assert (what["pipeline.lasting"].level, what["pipeline.tickets"].level) == ("warn", "fail")
    assert what["pipeline.lasting"].said.en.startswith("1 alerts last")
    assert "WX2, WX3" in what["pipeline.tickets"].said.en
    change(
        whole,
        "UPDATE ticket SET severity = 'critical' WHERE id = 3",
        "INSERT INTO ticket_event (dealer_id, ticket_id, org_id, at, event, message) SELECT 1, 2, 1, now(),"
        " 'alert-over', 'm'",
        "UPDATE alert SET condition = 'ok' WHERE family = 'f1'",
    )
    assert (await found(settings(whole)))["pipeline.tickets"].level == "ok"

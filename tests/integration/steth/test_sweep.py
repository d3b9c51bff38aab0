"""Every table is bounded or kept on purpose; what is too old goes in pieces, and what is still wanted stays."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from steth.jobs.sweep import LETTERS_A_DEVICE, ages, sweep
from store.errors import StoreError
from store.pool import Connection
from store.retention import Keep
from tests.fixtures.postgres import Database

PAGE = Path(__file__).parents[3] / "docs" / "database.md"
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
KEEP = Keep()
OLD, NEW = NOW - timedelta(days=KEEP.event_days + 1), NOW - timedelta(days=1)


@pytest.fixture
def arranged(database: Database) -> Iterator[psycopg.Connection]:
    """A hospital with a device and a ticket."""
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute("INSERT INTO org (name) VALUES ('H')")
        connection.execute("INSERT INTO site (org_id, name) VALUES (1, 'S')")
        connection.execute(
            "INSERT INTO device (uid, org_id, site_id, partition, model, name) VALUES ('d1', 1, 1, 0, 'dr', 'DR')"
        )
        connection.execute("INSERT INTO recipient (name, address) VALUES ('NOC', 'json://x')")
        connection.execute(
            "INSERT INTO account (org_id, org_kind, name, role, password_hash) VALUES (0, 'operator', 'a', 'staff', '')"
        )
        connection.execute(
            "INSERT INTO ticket (dealer_id, number, org_id, site_id, device_id, family, severity,"
            " occurred_at, detected_at,"
            " evidence_from, evidence_to, message)"
            " VALUES (1, 'WX-1', 1, 1, 1, 'f', 'major', now(), now(), now(), now(), 'm')"
        )
        yield connection


@pytest.fixture
async def jobs(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.jobs, autocommit=True) as connection:
        yield connection


def rows(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608 - words of this module
    assert row is not None
    return int(row[0])


def documented() -> dict[str, str]:
    """What the page says of each table."""
    found: dict[str, str] = {}
    text = PAGE.read_text(encoding="utf-8").split("### Every table")[1].split("\n## ")[0]
    for names, goes in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (.+) \|$", text, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", names):
            assert name not in found, f"{name} stands twice"
            found[name] = goes
    return found


def test_every_table_is_bounded_or_kept_on_purpose(database: Database) -> None:
    """A new table needs a row in docs/database.md, and a `sweep_TABLE` unless something else bounds it."""
    with psycopg.connect(database.owner) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition"
        ).fetchall()
    said = documented()
    assert sorted(said) == sorted(name for (name,) in tables)
    by_sweep = {name for name, goes in said.items() if re.match(r"`KEEP_(EVENT|LETTER)_DAYS`|after a day$", goes)}
    assert by_sweep == {*ages(KEEP), "alert_operator"}
    for name, days in ages(KEEP).items():
        words = {KEEP.event_days: "`KEEP_EVENT_DAYS`", KEEP.letter_days: "`KEEP_LETTER_DAYS`", 1: "after a day"}[days]
        assert said[name].startswith(words), name


INSERTS = {
    "dead_letter": (
        "(at, device_id, partition, lane, began, code, place, detail, since, count, content_type, digest, bytes,"
        " excerpt) VALUES (%s, 1, 0, 0, now(), gen_random_uuid()::text, '$', '', now(), 1, '', '', 1, '')"
    ),
    "reading_aside": "(device_id, metric_id, at_ms, value, quality, received_at) VALUES (1, 1, 0, 0, 0, %s)",
    "gap": "(device_id, lane, epoch, first_seq, last_seq, at) VALUES (1, 0, 'e', 1, 2, %s)",
    "device_event": "(device_id, org_id, at, learned_at, kind, body) VALUES (1, 1, now(), %s, 'state', '{}')",
    "telling": (
        "(owner_id, ticket_id, step, recipient_id, org_id, message, state, at, next_at)"
        " SELECT 1, 1, gen_random_uuid()::text, 1, 1, 'm', 'told', at, at FROM (VALUES (%s::timestamptz)) AS told (at)"
    ),
    "command": (
        "(dealer_id, id, device_id, org_id, body, issued_at, expires_at, status)"
        " VALUES (1, gen_random_uuid()::text, 1, 1, '{}', %s, now(), 'done')"
    ),
    "api_token": "(account_id, hash, expires_at) VALUES (1, gen_random_uuid()::text::bytea, %s)",
    "idempotency": ("(account_id, key, status, answer, at) VALUES (1, gen_random_uuid()::text, 200, '{}', %s)"),
    "alert": (
        "(dealer_id, id, device_id, org_id, lane, rule, kind, subject, family, severity, condition, occurred_at,"
        " learned_at, changed_at, cleared_at, message)"
        " VALUES (1, gen_random_uuid(), 1, 1, 0, 'r', 'fault', 's', 'f', 'major', 'ok', now(), now(), now(), %s, 'm')"
    ),
    "alert_event": (
        "(dealer_id, device_id, org_id, at, learned_at, event, from_state, to_state, message)"
        " VALUES (1, 1, 1, now(), %s, 'e', '', '', 'm')"
    ),
    "job": "(name, due_at) VALUES (gen_random_uuid()::text, %s)",
}


async def test_what_is_too_old_goes_in_pieces_and_nothing_else(arranged: psycopg.Connection, jobs: Connection) -> None:
    assert set(INSERTS) == set(ages(KEEP)), "each is tried"
    for table, values in INSERTS.items():
        new = NOW - timedelta(hours=1) if table == "idempotency" else NEW
        with arranged.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} {values}".encode(), [(at,) for at in 7 * [OLD] + 3 * [new]])
    assert await sweep(jobs, now=NOW, keep=KEEP, most=2) == 7 * len(INSERTS)
    assert {table: rows(arranged, table) for table in INSERTS} == dict.fromkeys(INSERTS, 3)
    assert await sweep(jobs, now=NOW, keep=KEEP) == 0


async def test_rows_of_a_time_when_the_clock_was_ahead_do_not_stand_before_the_others(
    arranged: psycopg.Connection, jobs: Connection
) -> None:
    for table in ages(KEEP):
        with arranged.cursor() as cursor:
            values = f"INSERT INTO {table} {INSERTS[table]}".encode()
            cursor.executemany(values, [(at,) for at in 3 * [NOW + timedelta(days=3650)] + 2 * [OLD]])
    assert await sweep(jobs, now=NOW, keep=KEEP, most=2) == 2 * len(INSERTS)
    assert {table: rows(arranged, table) for table in INSERTS} == dict.fromkeys(INSERTS, 3)


async def test_what_has_not_ended_stays_however_old(arranged: psycopg.Connection, jobs: Connection) -> None:
    for table in ("telling", "command", "alert", "api_token"):
        arranged.execute(f"INSERT INTO {table} {INSERTS[table]}".encode(), (OLD,))
    arranged.execute("UPDATE telling SET state = 'waiting'")
    arranged.execute("UPDATE command SET status = 'waiting'")
    arranged.execute("UPDATE alert SET condition = 'active', cleared_at = NULL, occurred_at = %s", (OLD,))
    arranged.execute("UPDATE api_token SET expires_at = NULL, created_at = %s", (OLD,))
    assert await sweep(jobs, now=NOW, keep=KEEP) == 0


async def test_an_alert_goes_with_its_history_and_one_of_a_ticket_stays_with_it(
    arranged: psycopg.Connection, jobs: Connection
) -> None:
    for _ in range(2):
        arranged.execute(f"INSERT INTO alert {INSERTS['alert']}".encode(), (OLD,))
    arranged.execute(
        "INSERT INTO alert_event (dealer_id, alert_id, device_id, org_id, at, learned_at, event, from_state,"
        " to_state, message)"
        " SELECT 1, id, 1, 1, %s, %s, 'e', '', '', 'm' FROM alert, generate_series(1, 3)",
        (OLD, OLD),
    )
    arranged.execute(
        "INSERT INTO alert_operator (dealer_id, alert_id, org_id, state, actor, at)"
        " SELECT 1, id, 1, 'acknowledged', 'a', %s FROM alert",
        (OLD,),
    )
    arranged.execute(
        "INSERT INTO ticket_alert (dealer_id, ticket_id, alert_id, org_id) SELECT 1, 1, id, 1 FROM alert LIMIT 1"
    )
    assert await sweep(jobs, now=NOW, keep=KEEP) == 1
    left = [rows(arranged, table) for table in ("alert", "alert_event", "alert_operator")]
    assert left == [1, 3, 1]
    assert rows(arranged, "alert JOIN ticket_alert ON alert_id = alert.id") == 1


async def test_what_jobs_delete_is_bound_by_age_whatever_they_send(
    arranged: psycopg.Connection, jobs: Connection
) -> None:
    """Under any organisation's setting too."""
    free = {"dead_letter", "idempotency", "job"}  # nothing is lost by them that anybody rests on
    for table, values in INSERTS.items():
        for at in (NEW, OLD):
            arranged.execute(f"INSERT INTO {table} {values}".encode(), (at,))
    arranged.execute(
        "INSERT INTO alert_event (dealer_id, alert_id, device_id, org_id, at, learned_at, event, from_state,"
        " to_state, message)"
        " SELECT 1, id, 1, 1, %s, %s, 'e', '', '', 'm' FROM alert",
        (OLD, OLD),
    )
    arranged.execute(
        "INSERT INTO alert_operator (dealer_id, alert_id, org_id, state, actor, at)"
        " SELECT 1, id, 1, 'acknowledged', 'a', %s FROM alert",
        (OLD,),
    )
    await jobs.execute("SET steth.org = '0'")
    for table in ("alert_operator", "alert_event", *sorted(set(INSERTS) - {"alert_event"})):
        await jobs.execute(f"DELETE FROM {table}".encode())  # noqa: S608 - words of this module
    left = {table: rows(arranged, table) for table in (*INSERTS, "alert_operator")}
    assert left == {**dict.fromkeys(left, 1), **dict.fromkeys(free, 0), "alert_event": 2}


async def test_letters_of_one_device_leave_room_for_those_of_others(
    arranged: psycopg.Connection, jobs: Connection
) -> None:
    arranged.execute(
        "INSERT INTO dead_letter (at, partition, device_id, lane, began, code, place, detail, since, count,"
        " content_type, digest, bytes, excerpt)"
        " SELECT %s::timestamptz - n * INTERVAL '1 ms', 0, 1, 0, now(), 'c', n, '', now(), 1, '', '', 1, ''"
        " FROM generate_series(1, %s) AS n",
        (NEW, LETTERS_A_DEVICE + 25),
    )
    arranged.execute(
        f"INSERT INTO dead_letter {INSERTS['dead_letter']}".encode().replace(b"1, 0, 0", b"2, 0, 0"), (NEW,)
    )
    assert await sweep(jobs, now=NOW, keep=KEEP, most=10) == 25
    assert rows(arranged, "dead_letter WHERE device_id = 2") == 1
    row = arranged.execute("SELECT max(at) FROM dead_letter WHERE device_id = 1").fetchone()
    assert row == (NEW - timedelta(milliseconds=1),), "the newest stay"


async def test_a_table_that_cannot_be_swept_is_named_and_the_others_are(
    arranged: psycopg.Connection, jobs: Connection
) -> None:
    for table in ("gap", "device_event"):
        arranged.execute(f"INSERT INTO {table} {INSERTS[table]}".encode(), (OLD,))
    arranged.execute("ALTER TABLE gap RENAME COLUMN at TO moment")
    with pytest.raises(StoreError, match=r"^gap: UndefinedColumn 42703: the rest is done"):
        await sweep(jobs, now=NOW, keep=KEEP)
    assert rows(arranged, "device_event") == 0

"""What is too old goes, piece by piece, and never before its roll-ups are made; what comes for it later is no use."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors

from store.policies import apply_policies
from store.retention import Keep, drop_old, note_keeping
from tests.fixtures.pglite import Pglite
from tests.fixtures.postgres import Database
from tests.integration.store.ground import BUCKETS, Ground, Reading, ago, expected, on_server, on_wasm

NOW = datetime(2026, 11, 22, 4, 0, 30, tzinfo=UTC)
KEEP = Keep()
AGES = (0, 1, 40, 91, 130, 200)


def of_ages(now: datetime, ages: tuple[int, ...] = AGES) -> list[Reading]:
    return [Reading(ago(now, days=days, hours=1), device, 1, days / 8, 0) for days in ages for device in (1, 2)]


@pytest.fixture
def ground(engine_database: Database) -> Iterator[Ground]:
    made = on_server(engine_database, now=NOW, behind_days=800)
    made.hospitals()
    yield made
    made.close()


def dropped(database: Database, keep: Keep = KEEP, *, noted: Keep | None = None) -> list[str]:
    async def run() -> list[str]:
        async with await psycopg.AsyncConnection.connect(database.owner, autocommit=True) as owner:
            await note_keeping(owner, keep=noted or keep)
        async with await psycopg.AsyncConnection.connect(database.jobs, autocommit=True) as jobs:
            return await drop_old(jobs, now=NOW, keep=keep)

    return asyncio.run(run())


def days_of(ground: Ground, table: str = "reading", column: str = "ts", *, now: datetime = NOW) -> list[int]:
    with ground.connect("") as connection:
        rows = connection.execute(f"SELECT DISTINCT {column} FROM {table} ORDER BY 1 DESC".encode()).fetchall()  # noqa: S608
    return sorted({(now - row[0]).days for row in rows})


def test_old_readings_go_and_their_rollups_stay(ground: Ground, engine_database: Database) -> None:
    written = of_ages(NOW)
    ground.write(written, now=NOW)
    ground.settle(NOW)
    assert dropped(engine_database)
    left = days_of(ground)
    assert set(left) >= {0, 1, 40, 91}  # whole pieces only: a month's may stay a while longer
    assert 200 not in left
    for level, seconds in BUCKETS.items():
        assert ground.ask(level) == expected(written, seconds)
    assert dropped(engine_database) == []


def test_jobs_that_were_told_to_keep_less_than_migrate_keep_what_migrate_was_told(
    ground: Ground, engine_database: Database
) -> None:
    ground.write(of_ages(NOW), now=NOW)
    ground.settle(NOW)
    assert dropped(engine_database, Keep(raw_days=20), noted=KEEP)
    assert set(days_of(ground)) >= {0, 1, 40}
    with ground.connect("") as connection:
        row = connection.execute("SELECT whole_from < %s FROM rollup WHERE level = 0", (NOW - timedelta(days=80),))
        assert row.fetchone() == (True,), "and ingest takes readings as old"


def test_nothing_goes_before_it_is_rolled_up(ground: Ground, engine_database: Database) -> None:
    written = of_ages(NOW)
    ground.write(written, now=NOW)
    assert dropped(engine_database) == []
    ground.settle(NOW - timedelta(days=150))  # a job that is far behind
    dropped(engine_database)
    assert days_of(ground) == list(AGES)[:5] or days_of(ground) == list(AGES)
    ground.settle(NOW)
    assert dropped(engine_database)
    for level, seconds in BUCKETS.items():
        assert ground.ask(level) == expected(written, seconds)


def test_a_reading_for_what_was_dropped_changes_no_rollup(ground: Ground, engine_database: Database) -> None:
    written = of_ages(NOW)
    ground.write(written, now=NOW)
    ground.settle(NOW)
    dropped(engine_database)
    stray = [Reading(ago(NOW, days=200, hours=1), 1, 1, 99.0, 0)]
    try:
        ground.write(stray, now=NOW)
    except errors.CheckViolation:  # plain: there is no partition; ingest sets it aside
        with ground.connect("steth_ingest") as connection, connection.transaction():
            minute = int(stray[0].at) // 60 * 60
            said = ([1], [minute], [minute + 60])
            connection.execute("SELECT readings_written(%s::int[], %s::bigint[], %s::bigint[])", said)
    ground.settle(NOW)
    for level, seconds in BUCKETS.items():
        assert ground.ask(level) == expected(written, seconds)
    with ground.connect("") as connection:
        assert connection.execute(
            "SELECT count(*) FROM rollup_dirty WHERE hi < %s", (NOW - timedelta(days=1),)
        ).fetchone() == (0,)
    dropped(engine_database)
    assert 200 not in days_of(ground)


def test_minutes_and_hours_go_at_their_own_age(ground: Ground, engine_database: Database) -> None:
    written = of_ages(NOW, (0, 91, 300, 500, 700))
    ground.write(written, now=NOW)
    ground.settle(NOW)
    dropped(engine_database, Keep(raw_days=92, minute_days=250, hour_days=600))
    assert set(days_of(ground, "reading_1m", "bucket")) <= {0, 91}
    assert 700 not in days_of(ground, "reading_1h", "bucket")
    assert {300, 500} <= set(days_of(ground, "reading_1h", "bucket"))
    assert ground.ask("1d") == expected(written, 86_400)


# The community edition: its own policies, by the server's own clock ---------------------------------------------------


@pytest.fixture
def wasm(community: Pglite) -> Ground:
    made = on_wasm(community)
    made.clear()
    made.hospitals()
    return made


def run_policies(server: Pglite, process: str) -> None:
    with server.connect() as connection:
        jobs = connection.execute(
            "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = %s AND hypertable_schema = 'public'"
            " ORDER BY job_id",
            (process,),
        ).fetchall()
        for (job,) in jobs:
            connection.execute(b"CALL run_job(%d)" % job)


def compressed(server: Pglite) -> int:
    with server.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = 'reading' AND is_compressed"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_policies_refresh_compress_and_drop(community: Pglite, wasm: Ground) -> None:
    now = datetime.now(UTC)
    written = of_ages(now)
    wasm.write(written, now=now)
    wasm.settle(now)
    apply_policies(community.dsn, keep=KEEP, now=now)
    run_policies(community, "policy_refresh_continuous_aggregate")
    run_policies(community, "policy_compression")
    assert compressed(community) == 4
    # Late, into a compressed chunk: stored, and seen once it is refreshed.
    late = [Reading(ago(now, days=40, hours=2), 1, 1, 7.5, 0), Reading(ago(now, days=40, hours=1), 1, 1, 8.5, 0)]
    wasm.write(late, now=now)
    run_policies(community, "policy_refresh_continuous_aggregate")
    for level, seconds in BUCKETS.items():
        assert wasm.ask(level) == expected(written + late, seconds)
    run_policies(community, "policy_compression")
    run_policies(community, "policy_retention")
    assert days_of(wasm, now=now) == [0, 1, 40, 91]
    # For what was dropped: its chunk comes again and goes again, and the roll-ups stay what they were.
    wasm.write([Reading(ago(now, days=130, hours=1), 1, 1, 99.0, 0)], now=now)
    run_policies(community, "policy_refresh_continuous_aggregate")
    for level, seconds in BUCKETS.items():
        assert wasm.ask(level) == expected(written + late, seconds)
    run_policies(community, "policy_retention")
    assert days_of(wasm, now=now) == [0, 1, 40, 91]

"""Values that nothing can be added to, and buckets that can't be made: they hurt themselves alone, on every edition."""

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from store.migrate import MIGRATIONS, migrate
from store.move import move_to_community
from store.policies import apply_policies
from store.retention import Keep, drop_old
from store.rollup import lags
from tests.fixtures.pglite import Pglite
from tests.fixtures.postgres import Cluster, Database
from tests.integration.store.ground import (
    BUCKETS,
    Ground,
    Reading,
    ago,
    expected,
    make_room_before_version_9,
    on_server,
    on_wasm,
)

NOW = datetime(2026, 11, 22, 4, 0, 30, tzinfo=UTC)
NO_VALUE = 1.7976931348623157e308
GOOD = [
    Reading(ago(NOW, minutes=minutes), device, 1, minutes / 8, 0) for minutes in (1, 7, 77, 2000) for device in (1, 2)
]
ODD = [
    Reading(ago(NOW, minutes=minutes, seconds=second), 1, 1, value, 0)
    for minutes in (1, 7, 30, 77, 2000)
    for second, value in enumerate([NO_VALUE, NO_VALUE, -NO_VALUE, float("inf"), float("nan"), 1e100])
]
AS_BAD = [reading._replace(quality=2) for reading in ODD]


@pytest.fixture(params=["plain", "timescale-apache", "timescale-community"])
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """Each edition in turn, with two hospitals."""
    if request.param == "timescale-community":
        made = on_wasm(request.getfixturevalue("community"))
        made.clear()
        made.hospitals()
        yield made
        made.clear()
        return
    cluster: Cluster = request.getfixturevalue("plain_cluster" if request.param == "plain" else "timescale_cluster")
    database = cluster.create()
    made = on_server(database, now=NOW)
    made.hospitals()
    yield made
    made.close()
    cluster.drop(database.name)


@pytest.fixture
def jobs(engine_database: Database) -> Iterator[Ground]:
    """The editions where our job rolls up."""
    made = on_server(engine_database, now=NOW, behind_days=400)
    made.hospitals()
    yield made
    made.close()


def whole(ground: Ground, written: list[Reading]) -> None:
    for level, seconds in BUCKETS.items():
        assert ground.ask(level) == expected(written, seconds), level


def test_what_nothing_can_be_added_to_counts_as_bad_and_stops_nobody(ground: Ground) -> None:
    ground.write(GOOD + ODD, now=NOW)
    whole(ground, GOOD + AS_BAD)  # made on the spot
    ground.settle(NOW)
    whole(ground, GOOD + AS_BAD)
    ground.settle(NOW + timedelta(days=2))
    whole(ground, GOOD + AS_BAD)


def test_a_reading_that_nothing_can_be_added_to_is_shown_as_bad(ground: Ground) -> None:
    ground.write(GOOD + ODD, now=NOW)
    with ground.connect("steth_api") as connection, connection.transaction():
        connection.execute("SELECT set_config('steth.org', '0', true)")
        rows = connection.execute(
            "SELECT quality, count(*), avg(value) FILTER (WHERE quality < 2) FROM device_reading"
            " WHERE device_id = 1 GROUP BY 1 ORDER BY 1"
        ).fetchall()
    good = [reading.value for reading in GOOD if reading.device == 1]
    assert rows == [(0, len(good), sum(good) / len(good)), (2, len(ODD), None)]


def test_a_policy_of_the_engine_passes_by_what_nothing_can_be_added_to(community: Pglite) -> None:
    made, now = on_wasm(community), datetime.now(UTC)
    made.clear()
    made.hospitals()
    good = [reading._replace(at=reading.at - NOW.timestamp() + now.timestamp()) for reading in GOOD]
    odd = [reading._replace(at=reading.at - NOW.timestamp() + now.timestamp()) for reading in ODD]
    apply_policies(community.dsn, keep=Keep(), now=now)
    made.write(good + odd, now=now)
    with community.connect() as connection:
        jobs = connection.execute(
            "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name LIKE %s ORDER BY job_id",
            ("policy_refresh%",),
        ).fetchall()
        for (job,) in jobs:
            connection.execute(b"CALL run_job(%d)" % job)
        rows = connection.execute("SELECT count(*) FROM reading_1h WHERE device_id = 1").fetchone()
    assert rows is not None
    assert rows[0] > 1
    whole(made, good + [reading._replace(quality=2) for reading in odd])
    made.clear()


# Whatever else a bucket may fail by -----------------------------------------------------------------------------------


def break_device_1(ground: Ground) -> None:
    """Minutes of device 1 with a value above 900 can't be written."""
    with ground.connect("") as connection:
        connection.execute("ALTER TABLE reading_1m ADD CONSTRAINT odd CHECK (device_id <> 1 OR hi < 900)")


def aside(ground: Ground) -> list[tuple[object, ...]]:
    with ground.connect("steth_jobs") as connection:
        return connection.execute(
            "SELECT level, device_id, extract(epoch FROM lo)::int, error, attempts FROM rollup_aside ORDER BY 1, 2, 3"
        ).fetchall()


BREAKS = [Reading(ago(NOW, minutes=minutes), 1, 1, 901.0, 0) for minutes in (33, 500)]


def test_a_bucket_that_cannot_be_made_is_set_aside_and_the_rest_goes_on(
    jobs: Ground, engine_database: Database
) -> None:
    break_device_1(jobs)
    jobs.write(GOOD + BREAKS, now=NOW)
    jobs.settle(NOW)
    failed = sorted(int(reading.at) // 60 * 60 for reading in BREAKS)
    assert aside(jobs) == [(0, 1, minute, "23514", 1) for minute in failed]
    made = [bucket for bucket in expected(GOOD + BREAKS, 60) if int(bucket.bucket.timestamp()) not in failed]
    assert jobs.ask("1m") == made

    async def behind() -> list[float]:
        async with await psycopg.AsyncConnection.connect(engine_database.jobs, autocommit=True) as connection:
            return await lags(connection, now=NOW)

    assert max(asyncio.run(behind())[:1]) < 300, "the watermark went on"


def test_what_was_set_aside_is_tried_again_ever_more_seldom_and_made_once_it_can_be(jobs: Ground) -> None:
    break_device_1(jobs)
    jobs.write(GOOD + BREAKS, now=NOW)
    tried = []
    for minutes in range(10):
        jobs.settle(NOW + timedelta(minutes=minutes))
        tried.append(aside(jobs)[0][-1])
    assert tried == [1, 2, 2, 3, 3, 3, 3, 4, 4, 4]
    with jobs.connect("") as connection:
        connection.execute("ALTER TABLE reading_1m DROP CONSTRAINT odd")
    jobs.settle(NOW + timedelta(minutes=30))
    assert aside(jobs) == []
    whole(jobs, GOOD + BREAKS)


def test_what_was_set_aside_before_the_clock_was_put_back_is_tried_now(jobs: Ground) -> None:
    break_device_1(jobs)
    jobs.write(GOOD + BREAKS, now=NOW)
    jobs.settle(NOW)
    with jobs.connect("") as connection:
        connection.execute("ALTER TABLE reading_1m DROP CONSTRAINT odd")
        connection.execute("UPDATE rollup_aside SET next_at = %s", (NOW + timedelta(days=40),))
    jobs.settle(NOW + timedelta(seconds=10))
    assert aside(jobs) == []


def test_retention_does_not_wait_for_what_was_set_aside(jobs: Ground, engine_database: Database) -> None:
    old = Reading(ago(NOW, days=200), 1, 1, 901.0, 0)
    break_device_1(jobs)
    jobs.write([*GOOD, old], now=NOW)
    jobs.settle(NOW)
    assert len(aside(jobs)) == 1

    async def run() -> list[str]:
        async with await psycopg.AsyncConnection.connect(engine_database.jobs, autocommit=True) as connection:
            return await drop_old(connection, now=NOW, keep=Keep())

    assert asyncio.run(run())
    jobs.settle(NOW + timedelta(hours=1))
    assert aside(jobs) == [], "what it would be made from is gone"


# Databases of the version before --------------------------------------------------------------------------------------


@pytest.fixture
def version_7(tmp_path: Path) -> Path:
    for path in MIGRATIONS.glob("000[1-7]_*.sql"):
        shutil.copy(path, tmp_path / path.name)
    return tmp_path


def spoil(ground: Ground, tables: str = "") -> None:
    """Roll-ups as the version before made them of one such value: of minutes, hours and days."""
    with ground.connect("") as connection:
        for level, seconds in BUCKETS.items():
            begin = int(ODD[0].at) // seconds * seconds
            old = int(ago(NOW, days=200)) // seconds * seconds
            for at in (begin, old):
                connection.execute(
                    f"INSERT INTO {tables or 'reading_' + level} (bucket, device_id, metric_id, n, bad, lo, hi, total)"  # noqa: S608
                    " VALUES (to_timestamp(%s), 2, 2, 1, 0, %s, %s, %s)".encode(),
                    (at, NO_VALUE, NO_VALUE, NO_VALUE),
                )


def test_rollups_of_the_version_before_are_mended(engine: Cluster, version_7: Path) -> None:
    name = engine.create_empty()
    try:
        migrate(engine.dsn(name), folder=version_7)
        make_room_before_version_9(engine.dsn(name), now=NOW, behind_days=400)
        ground = on_server(engine.database(name), now=NOW, behind_days=400)
        ground.hospitals()
        spoil(ground)
        with ground.connect("") as connection:
            connection.execute("UPDATE rollup SET watermark = '2026-11-22T03:00Z', whole_from = '2026-06-01Z'")
        ground.write(GOOD + ODD, now=NOW)
        migrate(engine.dsn(name))
        ground.settle(NOW + timedelta(days=2))
        old = Reading(ago(NOW, days=200), 2, 2, NO_VALUE, 2)
        stale = Reading(ODD[0].at, 2, 2, NO_VALUE, 2)  # nothing of it among the readings: what it says stays, as bad
        whole(ground, [*GOOD, *AS_BAD, old, stale])
        ground.close()
    finally:
        engine.drop(name)


def test_aggregates_of_the_version_before_are_made_anew_and_lose_nothing(
    empty_community: Pglite, version_7: Path
) -> None:
    migrate(empty_community.dsn, folder=version_7)
    ground = on_wasm(empty_community)
    ground.hospitals()
    ground.write(GOOD, now=NOW)
    apply_policies(empty_community.dsn, keep=Keep(), now=NOW)
    ground.settle(NOW)
    carried = [Reading(ago(NOW, days=days), 1, 1, 4.0, 0) for days in (120, 200)]
    with empty_community.connect() as connection:
        for level, table in connection.execute(
            "SELECT view_name::text,"
            " format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)"
            " FROM timescaledb_information.continuous_aggregates"
        ).fetchall():
            seconds = BUCKETS[level.removeprefix("reading_")]
            odd = [
                (*bucket[:2], 2, *bucket[3:5], NO_VALUE, NO_VALUE, NO_VALUE)
                for bucket in expected(carried[:1], seconds)
            ]
            with connection.cursor() as cursor:
                cursor.executemany(
                    f"INSERT INTO {table} (bucket, device_id, metric_id, n, bad, lo, hi, total)"  # noqa: S608
                    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)".encode(),
                    [*expected(carried, seconds), *odd],
                )
    ground.write(ODD, now=NOW)
    migrate(empty_community.dsn)
    assert move_to_community(empty_community.dsn, now=NOW)
    assert not move_to_community(empty_community.dsn, now=NOW)
    apply_policies(empty_community.dsn, keep=Keep(), now=NOW)
    whole(ground, GOOD + AS_BAD + carried + [carried[0]._replace(metric=2, quality=2)])
    with empty_community.connect() as connection:
        left = connection.execute("SELECT count(*) FROM pg_class WHERE relname LIKE %s", ("old_%",)).fetchone()
    assert left == (0,)

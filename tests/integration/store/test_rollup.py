"""The roll-up job on plain PostgreSQL and on TimescaleDB's Apache edition: kills, late commits, bounds, old copies."""

import asyncio
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo

from store.embedded import EmbeddedPostgres
from store.pool import Connection
from store.rollup import Done, lags, roll_up, roll_up_level
from store.rollup_plan import Budget
from tests.fixtures.postgres import Cluster, Database
from tests.integration.store.ground import BUCKETS, Ground, Reading, ago, expected, on_server

NOW = datetime(2026, 11, 22, 4, 0, 30, tzinfo=UTC)
WRITTEN = [
    Reading(ago(NOW, minutes=minutes), device, 1, minutes / 8, 0) for minutes in range(0, 500, 7) for device in (1, 2)
]


@pytest.fixture
def ground(engine_database: Database) -> Iterator[Ground]:
    made = on_server(engine_database, now=NOW)
    made.hospitals()
    yield made
    made.close()


def whole(ground: Ground, written: list[Reading]) -> None:
    for level, seconds in BUCKETS.items():
        assert ground.ask(level) == expected(written, seconds), level


def stored(ground: Ground, table: str) -> int:
    with ground.connect("") as connection:
        row = connection.execute(b"SELECT count(*) FROM " + table.encode()).fetchone()
    assert row is not None
    return int(row[0])


async def connected(dsn: str) -> Connection:
    return await psycopg.AsyncConnection.connect(dsn, autocommit=True)


def test_a_kill_in_the_middle_loses_nothing_and_twice_is_once(ground: Ground, engine_database: Database) -> None:
    ground.write(WRITTEN, now=NOW)
    waiting = stored(ground, "rollup_dirty")

    async def killed() -> None:
        connection = await connected(engine_database.jobs)
        with psycopg.connect(engine_database.superuser, autocommit=True) as superuser:
            pid = connection.info.backend_pid
            with superuser.transaction():
                superuser.execute("LOCK TABLE reading_1m IN SHARE MODE")  # its first bucket waits here
                task = asyncio.create_task(roll_up(connection, now=NOW))
                waits = "SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted"
                while not superuser.execute(waits, (pid,)).fetchone():  # noqa: ASYNC110 - a lock of another process
                    await asyncio.sleep(0.01)
                superuser.execute("SELECT pg_terminate_backend(%s)", (pid,))
                with pytest.raises(psycopg.OperationalError):
                    await task

    asyncio.run(killed())
    assert stored(ground, "rollup_dirty") == waiting
    whole(ground, WRITTEN)  # made on the spot
    ground.settle(NOW)
    assert stored(ground, "reading_1m") > 0
    whole(ground, WRITTEN)
    ground.settle(NOW)
    whole(ground, WRITTEN)


def test_rule_19_what_commits_late_is_not_passed_by(ground: Ground, engine_database: Database) -> None:
    late = Reading(ago(NOW, minutes=30), 1, 1, 4.0, 0)
    ground.write(WRITTEN, now=NOW)
    with psycopg.connect(engine_database.ingest) as ingest:
        ingest.execute("INSERT INTO reading VALUES (to_timestamp(%s), %s, %s, %s, %s)", (late.at, *late[1:]))
        minute = int(late.at) // 60 * 60
        ingest.execute(
            "SELECT readings_written(ARRAY[NULL::int], ARRAY[%s::bigint], ARRAY[%s::bigint])", (minute, minute + 60)
        )
        ground.settle(NOW)  # the watermark passes what isn't committed
        whole(ground, WRITTEN)
        ingest.commit()
    ground.settle(NOW)
    whole(ground, [*WRITTEN, late])


def test_small_budgets_come_to_the_same_end(ground: Ground, engine_database: Database) -> None:
    written = [*WRITTEN, Reading(ago(NOW, days=20), 2, 2, 1.0, 0)]
    ground.write(written, now=NOW)

    async def bit_by_bit() -> None:
        async with await connected(engine_database.jobs) as connection:
            for level, bucket in enumerate(BUCKETS.values()):
                behind, done = await lags(connection, now=NOW), Done(made=0, lost_s=0, more=True)
                rounds = 0
                while done.more:
                    budget = Budget(fleet_s=2 * bucket, device_s=3 * bucket)
                    done = await roll_up_level(connection, level, now=NOW, budget=budget, most=3)
                    before, behind = behind, await lags(connection, now=NOW)
                    assert behind[level] <= before[level]  # a watermark never goes back
                    rounds += 1
                    if rounds % 20 == 1:
                        whole(ground, written)
                assert 1 < rounds < 500

    asyncio.run(bit_by_bit())
    whole(ground, written)


def test_two_jobs_at_once_do_the_work_once(ground: Ground, engine_database: Database) -> None:
    ground.write(WRITTEN, now=NOW)

    async def at_once() -> list[int | BaseException]:
        connections = [await connected(engine_database.jobs) for _ in range(3)]
        try:
            return await asyncio.gather(*(roll_up(one, now=NOW) for one in connections), return_exceptions=True)
        finally:
            for one in connections:
                await one.close()

    done = asyncio.run(at_once())
    assert all(isinstance(found, int | errors.SerializationFailure) for found in done), done
    ground.settle(NOW)
    whole(ground, WRITTEN)


def test_the_work_is_in_the_order_of_what_is_new(ground: Ground, engine_database: Database) -> None:
    """A reading more makes one bucket a level, however much is stored."""
    ground.write(WRITTEN, now=NOW)
    ground.settle(NOW)
    more = Reading(ago(NOW, hours=5), 1, 1, 99.0, 0)
    ground.write([more], now=NOW)

    async def count() -> list[int]:
        async with await connected(engine_database.jobs) as connection:
            return [(await roll_up_level(connection, level, now=NOW)).made for level in range(3)]

    assert asyncio.run(count()) == [1, 1, 1]
    whole(ground, [*WRITTEN, more])


def test_a_restored_copy_goes_on_where_it_stood(
    plain_cluster: Cluster, embedded: EmbeddedPostgres, database: Database
) -> None:
    ground = on_server(database, now=NOW)
    ground.hospitals()
    half = len(WRITTEN) // 2
    ground.write(WRITTEN[:half], now=NOW)
    ground.settle(NOW - timedelta(hours=2))
    ground.write(WRITTEN[half:], now=NOW)  # in the copy as readings that wait to be rolled up
    dump = subprocess.run(
        [embedded.binaries / "pg_dump", f"--dbname={database.superuser}"], capture_output=True, check=True
    )
    ground.close()
    name = plain_cluster.create_empty()
    try:
        restored = make_conninfo(plain_cluster.dsn(name))
        subprocess.run(
            [embedded.binaries / "psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={restored}"],
            input=dump.stdout, capture_output=True, check=True,
        )  # fmt: skip
        copy = on_server(plain_cluster.database(name), now=NOW)
        assert stored(copy, "rollup_dirty") > 0
        copy.settle(NOW)
        whole(copy, WRITTEN)
        copy.close()
    finally:
        plain_cluster.drop(name)

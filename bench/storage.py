"""Bytes a reading takes on each edition: raw, rolled up, compressed; what rolling up costs, and saying what to roll up.

The readings are made by one statement on every engine: devices of a fleet with twenty signals each, every ten seconds;
temperatures and voltages that wander, counters that grow, settings that stay. The community edition is the WebAssembly
build of 32 bits: its ratios count, and it holds fewer.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString

import psycopg
from psycopg.conninfo import make_conninfo

from bench.ground import GroundError
from bench.report import Aim, Result, Table, number
from bench.run import Run
from ingest.memory import SQL
from ingest.rows import ReadingRows
from store.embedded import EmbeddedPostgres
from store.migrate import migrate
from store.partitions import ensure_partitions
from store.policies import SETTLE, refresh
from store.rollup import roll_up
from tests.fixtures.folders import thrown_away
from tests.fixtures.pglite import Pglite, installed
from tests.fixtures.postgres import Cluster
from tests.fixtures.timescale import Timescale
from tests.fixtures.trixie import Tree

METRICS: Final = 20
EVERY_S: Final = 10
DEVICES: Final = 20
BEGIN: Final = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)

# Six in ten wander, two grow, two stay.
_FILL: Final = b"""
INSERT INTO reading (ts, device_id, metric_id, value, quality)
SELECT %(begin)s::timestamptz + s * interval '10 s' + d * interval '37 ms', d, m,
    CASE WHEN m %% 10 < 6 THEN round((20 + m + 5 * sin((s + 40 * d) / 180.0) + random())::numeric, 2)::float8
        WHEN m %% 10 < 8 THEN d * 1000 + s / 6
        ELSE m * 10 END, 0
FROM generate_series(%(first)s, %(last)s - 1) AS s, generate_series(1, %(devices)s) AS d,
    generate_series(1, %(metrics)s) AS m
"""
_DEVICES: Final = (
    b"INSERT INTO org (name) VALUES ('fleet')",
    b"INSERT INTO site (org_id, name) SELECT id, 'main' FROM org WHERE kind = 'hospital'",
    b"""INSERT INTO device (uid, org_id, site_id, partition, model, name)
    SELECT 'd' || n, s.org_id, s.id, n %% 16, 'generic-dr', 'DR' FROM site s, generate_series(1, %(devices)s) AS n""",
    b"INSERT INTO metric (name) SELECT 'signal.' || n FROM generate_series(1, %(metrics)s) AS n",
)
_SIZES: Final[dict[str, LiteralString]] = {
    "plain": "SELECT coalesce(sum(pg_table_size(relid)), 0), coalesce(sum(pg_indexes_size(relid)), 0)"
    " FROM pg_partition_tree(%s::regclass) WHERE isleaf",
    "timescale": "SELECT coalesce(sum(table_bytes + coalesce(toast_bytes, 0)), 0), coalesce(sum(index_bytes), 0)"
    " FROM hypertable_detailed_size(%s::regclass)",
}

Sync = psycopg.Connection[tuple[Any, ...]]


def storage(run: Run) -> Result:
    """All editions in turn, each on a server of its own."""
    samples = 720 if run.quick else 3_600
    data: dict[str, Any] = {"devices": DEVICES, "metrics": METRICS, "every_s": EVERY_S, "samples": samples}
    with _plain() as connection:
        data["plain"] = _kept_by_job(connection, samples, kind="plain")
        data["hook"] = _hook(connection, 7 if run.quick else 25)
    with _apache() as connection:
        data["timescale-apache"] = _kept_by_job(connection, samples, kind="timescale")
    with Pglite(folder=installed()) as server:
        migrate(server.dsn)
        with server.connect() as connection:
            data["timescale-community"] = _community(connection, samples // 2)
    return Result(
        name="storage",
        tables=[_bytes_table(data), _work_table(data)],
        aims=[
            Aim(
                what="compressed against raw, community",
                value=data["timescale-community"]["raw"]["bytes"] / data["timescale-community"]["compressed"]["bytes"],
                target=10,
                unit=" ×",
            ),
            Aim(
                what="saying what a full batch touched, of its COPY and commit",
                value=100 * data["hook"]["touched_ms"] / data["hook"]["batch_ms"],
                target=3,
                at_least=False,
                unit=" %",
            ),
        ],
        notes=["Bytes with indexes, of freshly written tables; a row of a minute stands for six readings here."],
        data=data,
    )


def _fill(connection: Sync, samples: int) -> int:
    """Devices, metrics and readings; returns how many of these."""
    sizes = {"devices": DEVICES, "metrics": METRICS, "begin": BEGIN}
    for statement in _DEVICES:
        connection.execute(statement, sizes if b"%(" in statement else None)
    for first in range(0, samples, 360):  # as they come: in order of time
        connection.execute(_FILL, {**sizes, "first": first, "last": min(first + 360, samples)})
    return samples * DEVICES * METRICS


def _kept_by_job(connection: Sync, samples: int, *, kind: str) -> dict[str, Any]:
    readings = _fill(connection, samples)
    end = BEGIN + timedelta(seconds=samples * EVERY_S)
    said = (int(BEGIN.timestamp()), int(end.timestamp()))
    connection.execute("SELECT readings_written(ARRAY[NULL::int], ARRAY[%s::bigint], ARRAY[%s::bigint])", said)
    connection.execute("VACUUM ANALYZE reading")
    began = time.perf_counter()
    asyncio.run(_roll_up(connection, now=BEGIN + timedelta(days=2)))
    took = time.perf_counter() - began
    return {
        "readings": readings,
        "raw": _size(connection, kind, "reading", readings),
        **{level: _size(connection, kind, f"reading_{level}", readings) for level in ("1m", "1h")},
        "rolled_up_s": took,
        "readings_a_second": readings / took,
    }


def _community(connection: Sync, samples: int) -> dict[str, Any]:
    readings = _fill(connection, samples)
    began = time.perf_counter()
    refresh(connection, since=BEGIN, until=BEGIN + timedelta(days=2) - SETTLE)
    took = time.perf_counter() - began
    found = {
        "readings": readings,
        "raw": _size(connection, "timescale", "reading", readings),
        **{level: _size(connection, "timescale", f"reading_{level}", readings) for level in ("1m", "1h")},
        "rolled_up_s": took,
        "readings_a_second": readings / took,
    }
    for table in ("reading", "reading_1m"):
        connection.execute("SELECT compress_chunk(c) FROM show_chunks(%s::regclass) AS c", (table,))
    found["compressed"] = _size(connection, "timescale", "reading", readings)
    found["1m compressed"] = _size(connection, "timescale", "reading_1m", readings)
    return found


def _size(connection: Sync, kind: str, table: str, readings: int) -> dict[str, float]:
    """Bytes by reading of a table: its rows, its indexes, both."""
    row = connection.execute(_SIZES[kind], (table,)).fetchone()
    assert row is not None
    rows, indexes = float(row[0]), float(row[1])
    return {"bytes": (rows + indexes) / readings, "rows": rows / readings, "indexes": indexes / readings}


def _hook(connection: Sync, rounds: int) -> dict[str, float]:
    """Milliseconds of a full batch's COPY and commit, and of saying which times it touched, both medians."""
    rows = ReadingRows()
    at_ms = int(BEGIN.timestamp() * 1000)
    for device in range(1, DEVICES + 1):
        for second in range(100):
            values = [float(metric) for metric in range(METRICS)]
            rows.add(device, at_ms + second * 1000, None, list(range(1, METRICS + 1)), values, None)
    body, touched, _ = rows.split(now_ms=at_ms, oldest_ms=at_ms)
    batches, said = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        with connection.transaction():
            with connection.cursor() as cursor, cursor.copy(SQL["copy_readings"]) as copy:
                copy.write(body)
            copied = time.perf_counter()
            connection.execute("SELECT readings_written(%s::int[], %s::bigint[], %s::bigint[])", touched)
            said.append(time.perf_counter() - copied)
        batches.append(time.perf_counter() - began)
    return {
        "rows": float(len(rows)),
        "batch_ms": statistics.median(batches) * 1000,
        "touched_ms": statistics.median(said) * 1000,
    }


async def _roll_up(superuser: Sync, *, now: datetime) -> None:
    """On a connection like this one: a superuser may all that steth_owner may."""
    dsn = make_conninfo(superuser.info.dsn, password=superuser.info.password)
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await roll_up(connection, now=now, rounds=10_000)


@contextmanager
def _plain() -> Iterator[Sync]:
    with thrown_away() as folder:
        server = EmbeddedPostgres(folder=folder / "postgres")
        server.start()
        try:
            with _database(Cluster(superuser_dsn=server.dsn)) as connection:
                yield connection
        finally:
            server.stop()


@contextmanager
def _apache() -> Iterator[Sync]:
    tree = Tree.find()
    if tree is None:
        raise GroundError("the Debian tree with TimescaleDB is missing: run `make test-deps` as root")
    with Timescale(tree=tree, durable=True) as server, _database(Cluster(superuser_dsn=server.dsn())) as connection:
        yield connection


@contextmanager
def _database(cluster: Cluster) -> Iterator[Sync]:
    made = cluster.create()

    async def make_room() -> None:
        async with await psycopg.AsyncConnection.connect(made.owner, autocommit=True) as connection:
            await ensure_partitions(connection, now=BEGIN, behind_days=1, ahead_days=1)

    asyncio.run(make_room())
    with psycopg.connect(made.superuser, autocommit=True) as connection:
        yield connection


def _bytes_table(data: dict[str, Any]) -> Table:
    def cell(edition: str, what: str) -> str:
        found = data[edition].get(what)
        return "–" if found is None else f"{number(found['bytes'])} ({number(found['indexes'])})"

    editions = ("plain", "timescale-apache", "timescale-community")
    whats = ("raw", "compressed", "1m", "1m compressed", "1h")
    return Table(
        title="bytes a reading (of these indexes)",
        head=("", *editions),
        rows=[(what, *(cell(edition, what) for edition in editions)) for what in whats],
    )


def _work_table(data: dict[str, Any]) -> Table:
    shown: list[tuple[str, Callable[[dict[str, Any]], str]]] = [
        ("readings", lambda found: number(found["readings"])),
        ("rolled up a second", lambda found: number(found["readings_a_second"])),
    ]
    editions = ("plain", "timescale-apache", "timescale-community")
    return Table(
        title="work",
        head=("", *editions),
        rows=[(what, *(show(data[edition]) for edition in editions)) for what, show in shown],
    )

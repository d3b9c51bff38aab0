"""One way to write, roll up and ask on each edition, and what the answers must be, worked out in Python."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np
import psycopg

from ingest.touched import touched
from store.partitions import TABLES, ensure_partitions, months
from store.policies import SETTLE, oldest, refresh
from store.pool import EVERY_ORG, ROLES, role_name
from store.rollup import roll_up
from tests.fixtures.pglite import Pglite
from tests.fixtures.postgres import Database

Sync = psycopg.Connection[tuple[Any, ...]]
BUCKETS: Final = {"1m": 60, "1h": 3_600, "1d": 86_400}


class Reading(NamedTuple):
    """`at`: seconds since 1970."""

    at: float
    device: int
    metric: int
    value: float
    quality: int


class Bucket(NamedTuple):
    """A row of a roll-up."""

    bucket: datetime
    device: int
    metric: int
    n: int
    bad: int
    lo: float | None
    hi: float | None
    total: float


def expected(readings: Iterable[Reading], seconds: int) -> list[Bucket]:
    """What a roll-up of these readings must hold, in order of its columns."""
    groups: dict[tuple[int, int, int], list[Reading]] = {}
    for reading in readings:
        begin = int(reading.at // seconds * seconds)
        groups.setdefault((begin, reading.device, reading.metric), []).append(reading)
    rows = []
    for (begin, device, metric), group in sorted(groups.items()):
        values = [r.value for r in group if r.quality < 2]
        rows.append(
            Bucket(
                bucket=datetime.fromtimestamp(begin, UTC),
                device=device,
                metric=metric,
                n=len(values),
                bad=len(group) - len(values),
                lo=min(values, default=None),
                hi=max(values, default=None),
                total=sum(values),
            )
        )
    return rows


class Ground:
    """A migrated database of any edition. `connect(role)` gives a connection in autocommit with its rights."""

    def __init__(
        self,
        *,
        connect: Callable[[str], AbstractContextManager[Sync]],
        settle: Callable[[datetime], None],
        clear: Sequence[str],
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.connect = connect
        self.settle = settle
        self.close = close
        self._clear = clear

    def clear(self) -> None:
        """No readings, no roll-ups."""
        with self.connect("") as connection:
            for statement in self._clear:
                connection.execute(statement.encode())

    def write(self, readings: Sequence[Reading], *, now: datetime) -> None:
        """As ingest does: one transaction, and in it what it touched."""
        device = np.array([r.device for r in readings], dtype=np.int32)
        ms = np.array([int(r.at * 1000) for r in readings], dtype=np.int64)
        said = touched(device, ms, now_ms=int(now.timestamp() * 1000))
        with self.connect("steth_ingest") as connection, connection.transaction():
            connection.execute(
                "INSERT INTO reading SELECT to_timestamp(u.at), u.device, u.metric, u.value, u.quality"
                " FROM unnest(%s::float8[], %s::int[], %s::int[], %s::float8[], %s::smallint[])"
                " AS u (at, device, metric, value, quality)",
                list(map(list, zip(*readings, strict=True))),
            )
            connection.execute("SELECT readings_written(%s::int[], %s::bigint[], %s::bigint[])", said)

    def ask(
        self, level: str, *, org: str = EVERY_ORG, where: str = "true", given: Sequence[object] = ()
    ) -> list[Bucket]:
        """What the API's role sees of a roll-up for an organisation."""
        with self.connect("steth_api") as connection, connection.transaction():
            connection.execute("SELECT set_config('steth.org', %s, true)", (org,))
            rows = connection.execute(
                b"SELECT bucket, device_id, metric_id, n, bad, lo, hi, total FROM series_%b WHERE %b ORDER BY 1, 2, 3"
                % (level.encode(), where.encode()),
                list(given),
            ).fetchall()
        return [Bucket(row[0].astimezone(UTC), *row[1:]) for row in rows]

    def hospitals(self) -> None:
        """Hospitals `one` and `two` with devices 1 and 2; metrics 1 and 2. At each version of the schema."""
        with self.connect("") as connection:
            if connection.execute("SELECT count(*) FROM device").fetchone() != (0,):
                return  # a server shared by tests
            connection.execute("INSERT INTO metric (name) VALUES ('tube.temperature'), ('tube.seconds')")
            connection.execute("INSERT INTO org (name) VALUES ('one'), ('two')")
            connection.execute(
                "INSERT INTO site (org_id, name) SELECT id, 'main' FROM org WHERE name IN ('one', 'two')"
            )
            connection.execute(
                "INSERT INTO device (uid, org_id, site_id, partition, model, name)"
                " SELECT 'd00000000000' || row_number() OVER (ORDER BY org_id), org_id, id, 0, 'dr', 'DR' FROM site"
                " ORDER BY org_id"
            )


def on_server(database: Database, *, now: datetime, behind_days: int = 60) -> Ground:
    """Plain PostgreSQL or TimescaleDB's Apache edition. `close` it."""
    dsns = {"": database.superuser, **{role_name(role): getattr(database, role) for role in ROLES}}
    kept: dict[str, Sync] = {}

    @contextmanager
    def connect(role: str) -> Iterator[Sync]:
        if role not in kept:
            kept[role] = psycopg.connect(dsns[role], autocommit=True)
        yield kept[role]

    async def settle(at: datetime) -> None:
        async with await psycopg.AsyncConnection.connect(database.jobs, autocommit=True) as connection:
            await roll_up(connection, now=at)

    async def make_room() -> None:
        async with await psycopg.AsyncConnection.connect(database.jobs, autocommit=True) as connection:
            await ensure_partitions(connection, now=now, behind_days=behind_days, ahead_days=40)

    def close() -> None:
        for connection in kept.values():
            connection.close()

    asyncio.run(make_room())
    return Ground(
        connect=connect,
        close=close,
        settle=lambda at: asyncio.run(settle(at)),
        clear=(
            "DELETE FROM reading",
            "DELETE FROM reading_1m",
            "DELETE FROM reading_1h",
            "DELETE FROM reading_1d",
            "DELETE FROM rollup_dirty",
            "UPDATE rollup SET watermark = 'epoch', whole_from = 'epoch'",
        ),
    )


def make_room_before_version_9(dsn: str, *, now: datetime, behind_days: int) -> None:
    """Partitions, which the schema has functions for since then; on hypertables nothing. `dsn`: the superuser's."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        connection.execute("SET ROLE steth_owner")
        if connection.execute("SELECT relkind FROM pg_class WHERE relname = 'reading'").fetchone() != ("p",):
            return
        for month in months(first=now - timedelta(days=behind_days), last=now + timedelta(days=40)):
            for table in TABLES:
                connection.execute(
                    f"CREATE TABLE {month.of_table(table)} PARTITION OF {table}"
                    f" FOR VALUES FROM ('{month.begin}') TO ('{month.next.begin}')".encode()
                )


def on_wasm(server: Pglite) -> Ground:
    """TimescaleDB's community edition."""

    def settle(at: datetime) -> None:
        with server.connect("steth_owner") as connection:
            refresh(connection, since=oldest(connection), until=at - SETTLE)

    return Ground(
        connect=server.connect,
        settle=settle,
        clear=("TRUNCATE reading", "TRUNCATE reading_1d", "TRUNCATE reading_1h", "TRUNCATE reading_1m"),
    )


def ago(now: datetime, **before: float) -> float:
    """Seconds since 1970 of a time before `now`."""
    return (now - timedelta(**before)).timestamp()

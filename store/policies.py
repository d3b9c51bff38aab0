"""TimescaleDB's community edition: its own workers refresh, compress and drop, by policies made from our settings."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg import sql

from store.editions import Edition, edition_of
from store.errors import StoreError, StoreErrorCode
from store.migrate import applied_migrations, connect, serving
from store.pieces import Pieces
from store.retention import Keep
from store.roles import OWNER
from store.statements import QUERIES

REFRESH: Final = "policy_refresh_continuous_aggregate"
_BUCKETS: Final = {
    "reading_1m": timedelta(minutes=1),
    "reading_1h": timedelta(hours=1),
    "reading_1d": timedelta(days=1),
}
_LOCK: Final = 0x5354_4554_4804  # one process at a time changes policies
_OFFSETS: Final = ("start_offset", "end_offset", "compress_after", "drop_after")

_Sync = psycopg.Connection[tuple[Any, ...]]

SETTLE: Final = timedelta(minutes=3)
"""How long a minute stays open after its end, as in ``store.rollup``."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One background job: `add` and `remove` are TimescaleDB's functions, `offsets` their named intervals, `every` how
    often it runs (None: as the engine thinks best)."""

    table: str
    process: str
    add: str
    remove: str
    offsets: tuple[tuple[str, timedelta], ...]
    every: timedelta | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What names it in the catalog."""
        return self.table, self.process


def policies(keep: Keep) -> list[Policy]:
    """What shall run, in an order in which it can be made.

    Refreshing reaches as far back as ingest takes readings, and never to where they are dropped already: made again
    from nothing, a roll-up would be lost.
    """
    reach = timedelta(days=keep.reach_days)
    every = {"reading_1m": timedelta(minutes=1), "reading_1h": timedelta(minutes=10), "reading_1d": timedelta(hours=1)}
    ends = {"reading_1m": SETTLE, "reading_1h": timedelta(hours=1), "reading_1d": timedelta(days=1)}
    found = [
        Policy(
            table=table,
            process=REFRESH,
            add="add_continuous_aggregate_policy",
            remove="remove_continuous_aggregate_policy",
            offsets=(("start_offset", reach), ("end_offset", ends[table])),
            every=every[table],
        )
        for table in every
    ]
    compressed = timedelta(days=keep.compress_days)
    found += [
        Policy(
            table=table,
            process="policy_compression",
            add="add_compression_policy",
            remove="remove_compression_policy",
            offsets=(("compress_after", compressed),),
        )
        for table in ("reading", "reading_1m")
    ]
    found += [
        Policy(
            table=table,
            process="policy_retention",
            add="add_retention_policy",
            remove="remove_retention_policy",
            offsets=(("drop_after", timedelta(days=days)),),
        )
        for table, days in keep.by_table
    ]
    return found


def apply_policies(dsn: str, *, keep: Keep, now: datetime) -> list[str]:
    """Make the policies what they should be; return those changed, as `table: process`; none on other editions.

    Before the first of them all that is stored is rolled up, however old. `dsn`: steth_owner's or a superuser's. Raises
    StoreError that names those that couldn't be made, when the others are, or psycopg's errors; a second time goes on.
    Nothing is done in the middle of a move (`store.move`), and none of it while another process is at it.
    """
    with closing(connect(dsn)) as connection:
        if serving(edition_of(connection), applied_migrations(connection)) is not Edition.TIMESCALE_COMMUNITY:
            return []
        if is_moving(connection):
            raise StoreError(
                StoreErrorCode.EDITION, "the move to the community edition isn't finished: run `steth migrate`"
            )
        if connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone() != (True,):
            return []  # another process is at it
        there = _there(connection)
        if not any(process == REFRESH for _, process in there):
            refresh(connection, since=oldest(connection), until=now - SETTLE)
        changed = [policy for policy in policies(keep) if there.get(policy.key) != dict(policy.offsets)]
        pieces = Pieces()
        for policy in changed:
            with pieces.of(f"{policy.table}: {policy.process}"):
                _make(connection, policy, replace=policy.key in there)
        pieces.check()
        return [f"{policy.table}: {policy.process}" for policy in changed]


def check_policies(dsn: str, *, keep: Keep) -> None:
    """On the community edition: raises StoreError where a policy isn't what the settings say, or its last run failed,
    which the engine tells nobody. `dsn`: steth_jobs', which can't change them."""
    with closing(connect(dsn)) as connection:
        if serving(edition_of(connection), applied_migrations(connection)) is not Edition.TIMESCALE_COMMUNITY:
            return
        pieces = Pieces()
        there = _there(connection)
        for policy in policies(keep):
            if there.get(policy.key) != dict(policy.offsets):
                pieces.failed(f"{policy.table}: {policy.process}", "not what the settings say: run `steth migrate`")
        for table, process in connection.execute(QUERIES["policies_failing"]).fetchall():
            pieces.failed(f"{table}: {process}", "its last run failed (timescaledb_information.job_errors)")
        pieces.check()


def _there(connection: _Sync) -> dict[tuple[str, str], dict[str, timedelta]]:
    rows = connection.execute(QUERIES["policies"]).fetchall()
    return {(row[0], row[1]): _offsets(row[2:]) for row in rows}


def _offsets(values: tuple[Any, ...]) -> dict[str, timedelta]:
    return {name: value for name, value in zip(_OFFSETS, values, strict=True) if value is not None}


def _make(connection: _Sync, policy: Policy, *, replace: bool) -> None:
    arguments = dict(policy.offsets)
    if policy.every is not None:
        arguments["schedule_interval"] = policy.every
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(OWNER)))
        if replace:
            connection.execute(_call(policy.remove, policy.table, {}))
        connection.execute(_call(policy.add, policy.table, arguments))


def refresh(connection: _Sync, *, since: datetime | None, until: datetime) -> None:
    """Make the roll-ups of readings from `since` (None: there are none) to `until`, the finest first. In autocommit."""
    for table, bucket in _BUCKETS.items():
        if since is not None and since + bucket <= until:
            connection.execute(QUERIES["refresh"], {"table": table, "since": since, "until": until})


def oldest(connection: _Sync) -> datetime | None:
    """Where the oldest chunk of readings begins; before it nothing may be made again. None: there is none."""
    row = connection.execute(QUERIES["oldest_chunk"]).fetchone()
    return None if row is None else row[0]


def is_moving(connection: _Sync) -> bool:
    """Whether a move from the Apache edition isn't finished (`store.move`)."""
    return connection.execute(QUERIES["is_moving"]).fetchone() == (True,)


def _call(function: str, table: str, arguments: dict[str, timedelta]) -> sql.Composed:
    named = [sql.SQL("{} => {}").format(sql.Identifier(n), sql.Literal(value)) for n, value in arguments.items()]
    return sql.SQL("SELECT {}({})").format(
        sql.Identifier(function), sql.SQL(", ").join([sql.SQL("{}::regclass").format(sql.Literal(table)), *named])
    )

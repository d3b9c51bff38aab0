"""From TimescaleDB's Apache edition to its community edition, in place, after the server's licence was changed; and
from continuous aggregates to others, where a migration makes them anew.

The roll-ups that were kept become continuous aggregates. What can be made again from readings is made again; what
is older than the readings kept is carried over into the aggregates. The way back isn't offered: the Apache edition
can't read compressed chunks. Nor is one from plain PostgreSQL, where `reading` is built otherwise: a new database is.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from store.editions import Edition, edition_of
from store.errors import StoreError, StoreErrorCode
from store.migrate import (
    MIGRATIONS,
    Applied,
    applied_migrations,
    connect,
    migrations_for,
    pending,
    run_file,
    serving,
)
from store.policies import SETTLE, is_moving, oldest, refresh
from store.roles import OWNER
from store.statements import QUERIES

_SUFFIX: Final = f".{Edition.TIMESCALE_COMMUNITY}.sql"

_Sync = psycopg.Connection[tuple[Any, ...]]


def move_to_community(dsn: str, *, now: datetime, folder: Path = MIGRATIONS) -> bool:
    """Move a migrated database if its server has the community licence and it doesn't, or end what a migration began;
    whether anything was done.

    What was kept stands aside until all is in the aggregates: cut off at any moment, the next call goes on. Ingest and
    `steth jobs` must be stopped meanwhile. Raises StoreError.
    """
    with closing(connect(dsn)) as connection:
        found = edition_of(connection)
        applied = applied_migrations(connection)
        moves = serving(found, applied) is not found
        if moves:
            _begin(connection, applied, folder)
        if found is not Edition.TIMESCALE_COMMUNITY or not is_moving(connection):
            return False
        row = connection.execute(QUERIES["moved_whole_from"]).fetchone()
        if row is None:
            raise StoreError(StoreErrorCode.EDITION, "the table old_rollup is empty: a move that nobody began")
        whole_from: datetime = row[0]
        refresh(connection, since=oldest(connection), until=now - SETTLE)
        with _as_owner(connection):
            _carry_over(connection, before=whole_from)
            connection.execute(QUERIES["forget_old"])
    return True


def _begin(connection: _Sync, applied: Sequence[Applied], folder: Path) -> None:
    """The new schema, in one transaction, with what was kept beside it."""
    if pending(migrations_for(Edition.TIMESCALE_APACHE, folder=folder), applied, edition=Edition.TIMESCALE_APACHE):
        raise StoreError(StoreErrorCode.MIGRATION, "the database lacks migrations: run `steth migrate` first")
    with _as_owner(connection):
        connection.execute(QUERIES["leave_apache"])
        for migration in migrations_for(Edition.TIMESCALE_COMMUNITY, folder=folder):
            for file in migration.files:
                if file.name.endswith(_SUFFIX):
                    run_file(connection, file)
            noted = {"version": migration.version, "checksum": migration.checksum}
            connection.execute(QUERIES["note_moved"], {**noted, "edition": Edition.TIMESCALE_COMMUNITY.value})


@contextmanager
def _as_owner(connection: _Sync) -> Iterator[None]:
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(OWNER)))
        connection.execute("SET LOCAL search_path = public")
        connection.execute("SET LOCAL client_min_messages = warning")
        yield


def _carry_over(connection: _Sync, *, before: datetime) -> None:
    """Rows older than the readings, straight into what the aggregates are stored in."""
    rows = connection.execute(QUERIES["aggregate_tables"]).fetchall()
    for name, schema, table in rows:
        connection.execute(
            sql.SQL(
                "INSERT INTO {} (bucket, device_id, metric_id, n, bad, lo, hi, total)"
                " SELECT bucket, device_id, metric_id, CASE WHEN whole THEN n ELSE 0 END,"
                " CASE WHEN whole THEN bad ELSE least(n::bigint + bad, 2147483647) END,"
                " CASE WHEN whole THEN lo END, CASE WHEN whole THEN hi END, CASE WHEN whole THEN total ELSE 0 END"
                " FROM (SELECT *, coalesce(adds_up(lo) AND adds_up(hi), true) AS whole FROM {}) AS old"
                " WHERE bucket < {}"
            ).format(sql.Identifier(schema, table), sql.Identifier(f"old_{name}"), sql.Literal(before.isoformat()))
        )

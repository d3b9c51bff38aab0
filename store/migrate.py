"""Numbered migrations: forward only, each in one transaction, each recorded with its checksum.

`migrations/NNNN_name.sql` is common to all editions; `NNNN_name.EDITION.sql` runs after it, in the same transaction,
where EDITION is `plain`, `timescale` (both licences), `timescale-apache`, `timescale-community` or `jobs` (plain and
Apache, whose roll-ups our jobs keep). Statements run as steth_owner, in the schema public.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

import psycopg
from psycopg import sql

from store.editions import Edition, edition_of, timescale_is_loaded
from store.errors import SchemaTooNew, StoreError, StoreErrorCode, one_line
from store.foresee import RATES, about, foresee
from store.roles import OWNER, ensure_roles

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_FILE: Final = re.compile(
    r"(?P<number>\d{4})_(?P<name>[a-z0-9_]+)"
    r"(?:\.(?P<part>plain|jobs|timescale|timescale-apache|timescale-community))?\.sql\Z"
)
_LOCK: Final = 0x5354_4554_4801  # "STETH" 1: one migration at a time in a database

_WAIT_MS: Final = 60_000
"""How long a lock is waited for: of another migration, or of a session that holds what is to be changed."""

_Sync = psycopg.Connection[tuple[Any, ...]]
Tell = Callable[[str], None]
"""Is handed lines for a person, as things begin and end."""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One version for one edition: its files in the order they run."""

    version: int
    name: str
    files: tuple[Path, ...]

    def __str__(self) -> str:
        return f"{self.version:04d} {self.name}"

    @property
    def checksum(self) -> str:
        """SHA-256 over names and texts; the line ends of the checkout don't count."""
        digest = hashlib.sha256()
        for file in self.files:
            text = file.read_bytes().replace(b"\r\n", b"\n")
            digest.update(file.name.encode() + b"\0" + text + b"\0")
        return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A row of schema_version."""

    version: int
    name: str
    checksum: str
    edition: str


def migrations_for(edition: Edition, *, folder: Path = MIGRATIONS) -> list[Migration]:
    """The migrations of an edition, numbered 1, 2, 3, ... Raises StoreError for a gap, a second name or an odd file."""
    names: dict[int, str] = {}
    files: dict[tuple[int, str | None], Path] = {}
    for path in sorted(folder.glob("*.sql")):
        found = _FILE.match(path.name)
        if found is None:
            raise StoreError(StoreErrorCode.MIGRATION, f"{path}: a migration is called NNNN_name[.edition].sql")
        number = int(found["number"])
        if names.setdefault(number, found["name"]) != found["name"]:
            raise StoreError(StoreErrorCode.MIGRATION, f"{path}: number {number} is {names[number]!r} already")
        files[number, found["part"]] = path
    if sorted(names) != list(range(1, len(names) + 1)):
        raise StoreError(StoreErrorCode.MIGRATION, f"{folder}: the numbers must be 1 to {len(names)} without a gap")
    order = (None, *edition.parts)
    return [
        Migration(
            version=number,
            name=name,
            files=tuple(files[number, part] for part in order if (number, part) in files),
        )
        for number, name in sorted(names.items())
    ]


def newest_version() -> int:
    """The version of the schema that this code works with."""
    return max(int(path.name[:4]) for path in MIGRATIONS.glob("*.sql"))


def pending(migrations: Sequence[Migration], applied: Sequence[Applied], *, edition: Edition) -> list[Migration]:
    """What is still to run. Raises SchemaTooNew, or StoreError when history and code disagree."""
    known = {migration.version: migration for migration in migrations}
    for row in applied:
        if row.edition != edition:
            raise StoreError(StoreErrorCode.EDITION, _other_edition(Edition(row.edition), edition))
        if row.version not in known:
            raise SchemaTooNew(database=max(row.version for row in applied), code=len(migrations))
        if known[row.version].checksum != row.checksum:
            raise StoreError(
                StoreErrorCode.SCHEMA_CHANGED,
                f"migration {row.version:04d}_{row.name} was changed after it was applied: add a new one instead",
            )
    done = {row.version for row in applied}
    return [migration for migration in migrations if migration.version not in done]


def serving(found: Edition, applied: Sequence[Applied]) -> Edition:
    """The edition a database goes on as: its own, where the server can do what that needs, else the server's.

    The community licence allows all that the Apache edition uses: after the licence was changed, the services go on as
    before until `steth migrate` moves the database (`store.move`).
    """
    own = {row.edition for row in applied}
    if found is Edition.TIMESCALE_COMMUNITY and own == {Edition.TIMESCALE_APACHE}:
        return Edition.TIMESCALE_APACHE
    return found


def _other_edition(own: Edition, server: Edition) -> str:
    said = f"this database was made for the edition {own} and the server is {server}: "
    if own is Edition.TIMESCALE_COMMUNITY:
        return said + "set timescaledb.license = 'timescale' in the server's configuration and restart it"
    if own is Edition.PLAIN:
        return said + "drop the extension timescaledb; an existing database stays on plain PostgreSQL"
    return said + "give it the TimescaleDB it had, in shared_preload_libraries"


def migrate(
    dsn: str,
    *,
    edition: Edition | None = None,
    folder: Path = MIGRATIONS,
    wait_ms: int = _WAIT_MS,
    tell: Tell = lambda _: None,
) -> list[Migration]:
    """Bring a database up to the code's version and return what was applied, which may be nothing.

    `dsn` logs in as a superuser the first time (roles, extension), later as steth_owner if you like. Without `edition`
    the database's own is kept (a change of licence: `store.move`); an empty database gets TimescaleDB where the server
    has it loaded. Two at once on one database wait for each other, `wait_ms` at most, and so long for whoever holds a
    table. What will be done and how long it may take is told before it begins, and each migration once it is there.
    Broken off at whatever moment, the one that ran leaves nothing, and another call goes on with it. Raises StoreError
    with one line, naming the file and line of a statement that fails.
    """
    with closing(connect(dsn)) as connection:
        with suppress(psycopg.errors.InvalidParameterValue):  # a platform that can't tell
            # Where this process was killed, what it had asked for ends too, and with it the lock of migrations.
            connection.execute("SET client_connection_check_interval = '1s'")
        _wait_for_turn(connection, wait_ms)
        ensure_roles(connection)
        applied = applied_migrations(connection)
        found = edition_of(connection)
        if found is Edition.PLAIN and not applied and edition is not Edition.PLAIN and timescale_is_loaded(connection):
            connection.execute("CREATE EXTENSION timescaledb")
            found = edition_of(connection)
        own = serving(found, applied)
        if not applied and edition is Edition.TIMESCALE_APACHE and found is Edition.TIMESCALE_COMMUNITY:
            own = edition  # the licence allows less than it could
        if edition is not None and edition is not own:
            raise StoreError(StoreErrorCode.EDITION, f"the edition {edition} was asked for and this server is {found}")
        todo = pending(migrations_for(own, folder=folder), applied, edition=own)
        for line in _plan(connection, todo):
            tell(line)
        for migration in todo:
            began = monotonic()
            _apply(connection, migration, edition=own)
            tell(f"applied {migration}, {monotonic() - began:.1f} s")
        return todo


def plan(dsn: str, *, folder: Path = MIGRATIONS) -> list[str]:
    """What `migrate` would do, in lines for a person, without doing it; none where nothing is to be done."""
    with closing(connect(dsn)) as connection:
        applied = applied_migrations(connection)
        own = serving(edition_of(connection), applied)
        return _plan(connection, pending(migrations_for(own, folder=folder), applied, edition=own))


def _plan(connection: _Sync, todo: Sequence[Migration]) -> list[str]:
    if not todo:
        return []
    foreseen = [foresee(connection, str(each), [file.read_text("utf-8") for file in each.files]) for each in todo]
    seconds = sum(each.seconds for each in foreseen)
    lines = [f"to apply: {each}" for each in foreseen]
    if seconds:
        lines.append(
            f"{about(seconds)} in all, by what the planner knows of the tables, where a server indexes"
            f" {RATES['index']:,}, writes {RATES['write']:,} or reads {RATES['read']:,} rows a second"
        )
    return [*lines, "each is one transaction: broken off, it leaves nothing, and `steth migrate` goes on with it"]


def require_current_schema(dsn: str, *, folder: Path = MIGRATIONS) -> Edition:
    """Check, as any steth role, that the database is at the code's version, and return its edition.

    Raises SchemaTooNew, or StoreError that says to run `steth migrate`.
    """
    with closing(connect(dsn)) as connection:
        applied = applied_migrations(connection)
        found = serving(edition_of(connection), applied)
        todo = pending(migrations_for(found, folder=folder), applied, edition=found)
        if todo:
            raise StoreError(
                StoreErrorCode.MIGRATION, f"the database lacks {len(todo)} migration(s): run `steth migrate` first"
            )
        return found


def applied_migrations(connection: _Sync) -> list[Applied]:
    """What schema_version says, in order; nothing where there is no such table yet."""
    if connection.execute("SELECT to_regclass('public.schema_version')").fetchone() == (None,):
        return []
    rows = connection.execute("SELECT version, name, checksum, edition FROM schema_version ORDER BY version").fetchall()
    return [Applied(version=row[0], name=row[1], checksum=row[2], edition=row[3]) for row in rows]


def connect(dsn: str) -> _Sync:
    """A connection in autocommit for work on the schema. Raises StoreError with one line that names no password."""
    try:
        # Nothing is asked so often that preparing it would pay, and a pooler in between may not take it.
        return psycopg.connect(
            dsn, autocommit=True, application_name="steth-migrate", connect_timeout=10, prepare_threshold=None
        )
    except psycopg.OperationalError as error:
        raise StoreError(StoreErrorCode.CONNECTION, f"the database can't be reached: {one_line(error)}") from error


def _wait_for_turn(connection: _Sync, wait_ms: int) -> None:
    connection.execute("SELECT set_config('lock_timeout', %s, false)", (str(wait_ms),))
    try:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    except psycopg.errors.LockNotAvailable as error:
        holder = connection.execute(_HOLDER, (_LOCK >> 32, _LOCK & 0xFFFF_FFFF)).fetchone()
        who = "another session" if holder is None else f"{holder[0]} (pid {holder[1]})"
        raise StoreError(
            StoreErrorCode.MIGRATION, f"{who} holds the lock of migrations: wait for it, or end it, and try again"
        ) from error


def _apply(connection: _Sync, migration: Migration, *, edition: Edition) -> None:
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(OWNER)))
        connection.execute("SET LOCAL search_path = public")
        connection.execute("SET LOCAL client_min_messages = warning")
        if migration.version == 1:
            connection.execute(_HISTORY)
        for file in migration.files:
            run_file(connection, file)
        connection.execute(
            "INSERT INTO schema_version (version, name, checksum, edition) VALUES (%s, %s, %s, %s)",
            (migration.version, migration.name, migration.checksum, edition.value),
        )


def run_file(connection: _Sync, file: Path) -> None:
    """Run a file of statements. Raises StoreError that says in which line the database found what wrong."""
    text = file.read_bytes()
    try:
        connection.execute(text)
    except psycopg.Error as error:
        raise StoreError(StoreErrorCode.MIGRATION, _where(error, file, text)) from error


_HOLDER: Final = """
SELECT a.usename, a.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
    AND (l.classid::bigint, l.objid::bigint) = (%s, %s)
"""
_HISTORY: Final = """
CREATE TABLE schema_version (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    edition text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON schema_version TO steth_ingest, steth_api;
"""


def _where(error: psycopg.Error, file: Path, text: bytes) -> str:
    position = error.diag.statement_position
    line = f":{text.decode()[: int(position)].count(chr(10)) + 1}" if position else ""
    said = f"{file.name}{line}: {error.diag.message_primary or error}"
    if isinstance(error, psycopg.errors.LockNotAvailable):
        said += ": a session holds what is to be changed: stop what uses the database (pg_stat_activity), and try again"
    return said

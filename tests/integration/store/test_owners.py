"""A room's SQL writes only tables it owns, and reads only its own and those of the rooms before it (store/owners.toml).

The database decides: each room has a role with these rights and no other, and plans every statement as that role. To
plan is enough, for PostgreSQL checks all rights of a statement, to the column, before it runs.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import psycopg
import pytest
from psycopg import errors, sql

from store.sql import load_queries
from tests.fixtures.postgres import Cluster
from tests.integration.plans.statements import ENGINES, ROOT, Case, Statement

Sync = psycopg.Connection[tuple[Any, ...]]
_THERE: Final = b"""
SELECT c.relname, c.relkind = 'v' FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
"""
_ACTING: Final = b"""
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef
    AND p.prorettype <> 'trigger'::regtype AND EXISTS (
    SELECT FROM unnest(ARRAY['steth_ingest', 'steth_jobs', 'steth_api']) AS r (role)
    WHERE has_function_privilege(r.role, p.oid, 'EXECUTE'))
"""
"""Those that a process may call and that act as the schema's owner."""


@dataclass(frozen=True, kw_only=True)
class Owners:
    """By room what belongs to it; `rooms` from the first to the last."""

    rooms: Sequence[str]
    tables: dict[str, list[str]]
    views: dict[str, list[str]]
    functions: dict[str, list[str]]
    besides: Sequence[dict[str, Any]]

    @classmethod
    def read(cls) -> Self:
        page = tomllib.loads((ROOT / "store" / "owners.toml").read_text(encoding="utf-8"))
        linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
        besides = page.pop("besides")
        return cls(
            rooms=[room for room in reversed(linter["contracts"][0]["layers"]) if room in page],
            tables={room: of["tables"] for room, of in page.items()},
            views={room: of.get("views", []) for room, of in page.items()},
            functions={room: of.get("functions", []) for room, of in page.items()},
            besides=besides,
        )

    def grants(self) -> Iterator[tuple[str, str, str]]:
        """(what, on what, to which room)."""
        for nth, room in enumerate(self.rooms):
            for table in self.tables[room]:
                yield "INSERT, UPDATE, DELETE", table, room
            for before in self.rooms[: nth + 1]:
                for relation in (*self.tables[before], *self.views[before]):
                    yield "SELECT", relation, room
                for function in self.functions[before]:
                    yield "EXECUTE", function, room


OWNERS: Final = Owners.read()
ALL: Final = [
    Statement(name=f"{path.parent.relative_to(ROOT)}.{name}", text=queries[name].decode(), roles=())
    for path in sorted(ROOT.glob("[a-z]*/**/queries.sql"))
    if path.relative_to(ROOT).parts[0] not in ("console", "tests")
    for queries in [load_queries(path)]
    for name in sorted(queries.names)
]
"""Those of all rooms."""
PLANNED: Final = [one for one in ALL if one.name not in ENGINES]


def room_of(statement: Statement) -> str:
    """Whose it is: the first folder's."""
    return re.split(r"[/.]", statement.name)[0]


def role_of(room: str) -> sql.Identifier:
    """A room's role."""
    return sql.Identifier(f"room_{room}")


@pytest.fixture(scope="module")
def rooms(plain_cluster: Cluster) -> Iterator[Sync]:
    """A database in which each room has a role of its own, as a superuser."""
    made = plain_cluster.create()
    try:
        with psycopg.connect(made.superuser, autocommit=True) as connection:
            connection.prepare_threshold = None  # ours has a name
            for room in OWNERS.rooms:
                connection.execute(sql.SQL("CREATE ROLE {} BYPASSRLS").format(role_of(room)))
                connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role_of(room)))
            acting = connection.execute(_ACTING).fetchall()
            for (function,) in acting:
                connection.execute(
                    sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(sql.Identifier(function))
                )
            there = {name for name, _ in connection.execute(_THERE).fetchall()} | {name for (name,) in acting}
            for what, on, room in OWNERS.grants():
                if on in there:  # what isn't is said by the first test
                    give(connection, what, on, room)
            yield connection
    finally:
        plain_cluster.drop(made.name)
        with psycopg.connect(plain_cluster.dsn("postgres"), autocommit=True) as connection:
            for room in OWNERS.rooms:
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role_of(room)))


def give(connection: Sync, what: str, on: str, room: str) -> None:
    """Let a room's role do something."""
    kind = sql.SQL("FUNCTION " if what == "EXECUTE" else "")
    given = sql.SQL(what)
    connection.execute(sql.SQL("GRANT {} ON {}{} TO {}").format(given, kind, sql.Identifier(on), role_of(room)))


def refused(connection: Sync, statement: Statement, *, besides: bool = True) -> str:
    """What PostgreSQL says against a statement of a room; empty: nothing. `besides`: with what it may do besides."""
    room = room_of(statement)
    try:
        with connection.transaction(force_rollback=True):
            for one in OWNERS.besides if besides else ():
                for table in one["on"] if statement.name in one["statements"] else ():
                    give(connection, one["may"], table, room)
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(role_of(room)))
            if statement.text.startswith("COPY"):
                with connection.cursor() as cursor, cursor.copy(statement.text.encode()):
                    return ""
            for _ in Case(connection, statement).plans():
                pass
    except errors.InsufficientPrivilege as error:
        return str(error).splitlines()[0]
    except errors.BadCopyFileFormat:  # nothing came, which is said after the rights were looked at
        pass
    return ""


def test_what_is_there_belongs_to_one_room(rooms: Sync) -> None:
    relations = rooms.execute(_THERE).fetchall()
    for owned, there in (
        (OWNERS.tables, [name for name, view in relations if not view]),
        (OWNERS.views, [name for name, view in relations if view]),
        (OWNERS.functions, [name for (name,) in rooms.execute(_ACTING).fetchall()]),
    ):
        assert sorted(name for names in owned.values() for name in names) == sorted(there)


def test_a_statement_writes_what_its_room_owns_and_reads_what_lies_before(rooms: Sync) -> None:
    against = {one.name: why for one in PLANNED if (why := refused(rooms, one))}
    assert against == {}


@pytest.mark.parametrize(
    ("room", "text", "table"),
    [
        ("ingest", "SELECT count(*) FROM alert", "alert"),
        ("desk", "UPDATE gap SET said = true", "gap"),
        ("desk", "SELECT FROM alert FOR UPDATE", "alert"),
        ("desk", "INSERT INTO ticket_day (day, block, last) SELECT now()::date, 0, count(*) FROM command", "command"),
        ("remote", "WITH gone AS (DELETE FROM ticket_event RETURNING id) SELECT count(*) FROM gone", "ticket_event"),
        ("ingest", "SELECT tell('[]')", "tell"),
        ("store", "SELECT uid FROM device", "device"),
    ],
)
def test_what_reaches_too_far_is_found(rooms: Sync, room: str, text: str, table: str) -> None:
    assert table in refused(rooms, Statement(name=f"{room}.bad", text=text, roles=()))


def test_every_room_with_statements_owns_tables() -> None:
    assert {room_of(one) for one in ALL} <= set(OWNERS.rooms)


def test_every_exception_has_a_reason_and_is_needed(rooms: Sync) -> None:
    of = [name for one in OWNERS.besides if one["why"] for name in one["statements"]]
    assert sorted(of) == sorted(one.name for one in PLANNED if refused(rooms, one, besides=False))

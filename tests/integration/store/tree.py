"""Two dealers, two hospitals, and a device that changes its dealer: rows in every table that anybody may read, each
text of them saying which table, column and time it is of.

Tables are found in the catalogs and filled by the types of their columns: a new one is in it by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, LiteralString
from uuid import NAMESPACE_URL, uuid5

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.fixtures.postgres import Database

Sync = psycopg.Connection[tuple[Any, ...]]
WHOSE: Final = ("org_id", "dealer_id", "owner_id", "device_id", "ticket_id", "alert_id", "account_id")
"""What makes a row somebody's."""
APART: Final = frozenset({"org", "site", "device", "service", "service_change", "clientele", "idempotency", "contact"})
"""Made by hand here; or sealed: an answer kept for a repeated request takes its token to be opened; or of a hospital,
whenever: its contacts."""
_READABLE: Final = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attgenerated <> '' OR a.attname = 'xid',
    (SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
     WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum] AND a.atttypid = 'text'::regtype
     LIMIT 1)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition AND c.relname !~ '^reading'
    AND EXISTS (SELECT FROM unnest(ARRAY['steth_api', 'steth_view']) AS r
        WHERE has_any_column_privilege(r, c.oid, 'SELECT'))
    AND EXISTS (SELECT FROM pg_attribute w WHERE w.attrelid = c.oid AND w.attname = ANY (%s) AND NOT w.attisdropped)
ORDER BY c.relname, a.attnum
"""
_CALLED: Final = ("name", "department", "serial")
_DEVICE: Final = """
WITH s AS (INSERT INTO site (org_id, name) VALUES (%s, 'site ' || %s) RETURNING id)
INSERT INTO device (uid, org_id, dealer_id, site_id, partition, model, name, department, serial)
SELECT 'd00000000000' || %s, %s, %s, id, 0, 'dr', %s, %s, %s FROM s RETURNING id
"""
"""At a site of its own, with its number."""
_OF_NOW: Final = ("device_state", "device_refusal", "mark")
"""How a device is: one row of it."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A device while a dealer served it."""

    name: str
    number: int
    device: int
    site: int
    org: int
    dealer: int

    def word(self, table: str, column: str) -> str:
        return f"{table}.{column}.{self.name}"


@dataclass(frozen=True, kw_only=True)
class Tree:
    """`before`, `after`: the device that changes, under its first dealer and the second; `kept`: the first dealer's
    other one; `other`: the second dealer's, at another hospital. `third`: a dealer that serves nothing."""

    database: Database
    first: int
    second: int
    third: int
    hospital: int
    elsewhere: int
    before: Span
    after: Span
    kept: Span
    other: Span

    @classmethod
    def plant(cls, database: Database) -> "Tree":
        """The organisations and devices, and what there is before the change."""
        with psycopg.connect(database.superuser, autocommit=True) as connection:
            (first,) = connection.execute("SELECT only_dealer()").fetchone() or (0,)
            connection.execute("UPDATE org SET name = 'org.name.first' WHERE id = %s", (first,))
            second, third, hospital, elsewhere = (
                _one(connection, "INSERT INTO org (name, kind, prefix) VALUES (%s, %s, %s) RETURNING id", *given)
                for given in (
                    ("org.name.second", "dealer", "BB"), ("org.name.third", "dealer", "CC"),
                    ("org.name.hospital", "hospital", None), ("org.name.elsewhere", "hospital", None),
                )
            )  # fmt: skip
            devices = [
                _one(
                    connection, _DEVICE, org, name, number, org, dealer, *(f"device.{what}.{name}" for what in _CALLED)
                )
                for number, name, org, dealer in (
                    (1, "before", hospital, first),
                    (2, "kept", hospital, first),
                    (3, "other", elsewhere, second),
                )
            ]
            spans = [
                Span(name=name, number=number, device=device, site=device, org=org, dealer=dealer)
                for number, (name, device, org, dealer) in enumerate(
                    (
                        ("before", devices[0], hospital, first),
                        ("after", devices[0], hospital, second),
                        ("kept", devices[1], hospital, first),
                        ("other", devices[2], elsewhere, second),
                    ),
                    start=101,  # far from what is numbered by itself
                )
            ]
            made = cls(
                database=database, first=first, second=second, third=third, hospital=hospital, elsewhere=elsewhere,
                **{span.name: span for span in spans},
            )  # fmt: skip
            for span in (made.before, made.kept, made.other):
                fill(connection, span)
        return made

    def change(self) -> None:
        """Its dealer, by the job."""
        with psycopg.connect(self.database.superuser, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO service_change (device_id, org_id, dealer_id, due_at, asked_by, asked_at)"
                " VALUES (%s, %s, %s, now(), 'service_change.asked_by.before', now())",
                (self.before.device, self.hospital, self.second),
            )
        with psycopg.connect(self.database.jobs, autocommit=True) as jobs:
            assert jobs.execute("SELECT * FROM change_dealer(%s, now())", (self.before.device,)).fetchall() == []

    def go_on(self) -> None:
        """What comes after it."""
        with psycopg.connect(self.database.superuser, autocommit=True) as connection:
            fill(connection, self.after)
            connection.execute(
                "UPDATE device SET name = 'device.name.after', department = 'device.department.after',"
                " serial = 'device.serial.after' WHERE id = %s",
                (self.after.device,),
            )


def _one(connection: Sync, statement: LiteralString, *given: object) -> int:
    found = connection.execute(statement, given).fetchone()
    assert found is not None
    return int(found[0])


def readable(connection: Sync) -> dict[str, dict[str, tuple[str, str | None]]]:
    """The tables of which somebody owns rows and of which the API, or a view for it, may read a column; of each its
    columns, with their types and checks."""
    tables: dict[str, dict[str, tuple[str, str | None]]] = {}
    for table, column, of, made, check in connection.execute(_READABLE, ([*WHOSE],)).fetchall():
        if not made:
            tables.setdefault(table, {})[column] = (of, check)
    return tables


def fill(connection: Sync, span: Span) -> None:
    """A row of this time in each of them."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        for table, columns in readable(connection).items():
            if table in APART:
                continue
            if table in _OF_NOW:
                query = sql.SQL("DELETE FROM {} WHERE device_id = %s").format(sql.Identifier(table))
                connection.execute(query, (span.device,))
            row = {column: _value(table, column, of, check, span) for column, (of, check) in columns.items()}
            query = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({}) ON CONFLICT DO NOTHING").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(sql.Placeholder() * len(row)),
            )
            connection.execute(query, list(row.values()))
        connection.execute("UPDATE device SET box_id = %s WHERE id = %s", (span.word("box", "id"), span.device))


def _value(table: str, column: str, of: str, check: str | None, span: Span) -> object:
    # An account, a chain and its entries are a dealer's own here.
    org = span.dealer if table in {"account", "audit", "audit_chain"} else span.org
    named: Mapping[str, object] = {
        "org_id": None if table == "recipient" else org, "dealer_id": span.dealer, "owner_id": span.dealer,
        "device_id": span.device, "site_id": span.site, "alert_id": uuid5(NAMESPACE_URL, span.name),
        "org_kind": "dealer", "lane": 0, "signed": None, "metric_id": 1, "first_seq": 1, "last_seq": 1,
    }  # fmt: skip
    if column in named:
        return named[column]
    if table == "ticket" and column in {"holder", "repaired_by"}:
        return ""  # it is closed
    if table == "account" and column == "role":
        return "noc"
    if check and "ARRAY[" in check:  # one of some words: the last is of what has ended
        return check.rpartition("ARRAY[")[2].split("]")[0].split(", ")[-1].split("::")[0].strip("'")
    word = span.word(table, column)
    values: Mapping[str, object] = {
        "text": word, "jsonb": Jsonb({"who": word, "note": word}), "bytea": word.encode(), "text[]": [word],
        "uuid": uuid5(NAMESPACE_URL, span.name), "boolean": True, "smallint[]": [], "double precision[]": [],
        "timestamp with time zone[]": [],
    }  # fmt: skip
    if of in values:
        return values[of]
    return datetime.now(UTC) if of in {"timestamp with time zone", "date"} else span.number


def seen(database: Database, org: int | None) -> dict[str, list[str]]:
    """All that the API's role can read of each table and view in the eyes of an organisation, a text a row."""
    with psycopg.connect(database.api) as connection:
        connection.execute("SELECT set_config('steth.org', %s, true)", ("" if org is None else str(org),))
        found: dict[str, list[str]] = {}
        for relation, columns in connection.execute(
            "SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')"
            " AND NOT c.relispartition AND has_column_privilege(c.oid, a.attnum, 'SELECT') GROUP BY 1"
        ).fetchall():
            query = sql.SQL("SELECT to_jsonb(r)::text FROM (SELECT {} FROM {}) r ORDER BY 1").format(
                sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(relation)
            )
            found[relation] = [text for (text,) in connection.execute(query).fetchall()]
    return found


def words(found: Mapping[str, list[str]], span: Span, tables: Mapping[str, Mapping[str, object]]) -> set[str]:
    """Which columns' texts of a time are among what is seen, as TABLE.COLUMN."""
    whole = "\n".join(text for texts in found.values() for text in texts)
    return {
        f"{table}.{column}"
        for table, columns in tables.items()
        for column in columns
        if f'"{(word := span.word(table, column))}"' in whole or word.encode().hex() in whole
    }

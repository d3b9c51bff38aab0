"""The schema as it stands, for people to read and for a test to hold against the migrations.

`schema.sql` makes it in an empty database on plain PostgreSQL, `schema.EDITION.diff` says what another edition has
otherwise; `make schema` writes them anew. `describe` is what two databases are compared by: the catalogs, never what a
tool prints of them, which changes with its version (ADR 0018). Policies of the community edition are no part of it:
they follow the settings (store.policies).
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from store.editions import Edition, edition_of
from store.errors import StoreError, StoreErrorCode
from store.sql import load_queries
from store.statements import QUERIES

_HERE: Final = Path(__file__).parent
_PLAIN: Final = _HERE / "schema.sql"
_CATALOGS: Final = load_queries(_HERE / "describe.sql")
_TIMESCALE: Final = load_queries(_HERE / "describe.timescale.sql")
# pg_attver: an option that Debian's PostgreSQL 17 writes to every column; other servers refuse it.
_VOLATILE: Final = re.compile(
    r"^(?:--.*|\\(?:un)?restrict .*|SET .*|COMMENT ON EXTENSION .*|SELECT pg_catalog\.set_config\('search_path'.*"
    r"|ALTER TABLE .* SET \(pg_attver=\d+\);)\n",
    re.MULTILINE,
)
# PostgreSQL 18 names what 17 doesn't know as a constraint.
_NAMED: Final = re.compile(r"CONSTRAINT \w+ (?=NOT NULL)")
# The triggers that TimescaleDB itself makes.
_TRIGGER: Final = re.compile(r"^CREATE TRIGGER ts_\w+ .*\n", re.MULTILINE)
# Internal tables are numbered in the order in which they were made.
_NUMBER: Final = re.compile(r"(_materialized_hypertable_|cagg_watermark\()\d+")
# A continuous aggregate as pg_dump sees it.
_AGGREGATE: Final = r"CREATE VIEW public\.{0} AS\n[^;]+;\n\n+ALTER VIEW public\.{0} OWNER TO \w+;\n"
_HEAD: Final = """\
-- Written by `make schema` from the migrations: don't edit. For an empty database, as a superuser,
-- once the roles exist (store.roles.ensure_roles).
SET check_function_bodies = off;
SET search_path = '';
"""


_HEAD_OF_DIFFERENCES: Final = """\
# Written by `make schema` from the migrations: don't edit. What the edition {} has otherwise than
# schema.sql, by paragraphs: behind the one that begins as @ says those at - are left out, and what is at + comes in.
"""
_KEY: Final = 110
"""So many letters tell paragraphs apart."""


def committed(edition: Edition) -> str:
    """The committed schema of an edition, as statements. Raises StoreError where its file doesn't fit schema.sql."""
    plain = _PLAIN.read_text("utf-8")
    return plain if edition is Edition.PLAIN else changed(plain, _differences_file(edition).read_text("utf-8"))


def commit(edition: Edition, text: str) -> Path:
    """Write the schema of an edition, plain PostgreSQL's first, and return the file."""
    if edition is Edition.PLAIN:
        _PLAIN.write_text(text, "utf-8")
        return _PLAIN
    file = _differences_file(edition)
    said = differences(_PLAIN.read_text("utf-8"), text)
    file.write_text(_HEAD_OF_DIFFERENCES.format(edition) + said, "utf-8")
    return file


def _differences_file(edition: Edition) -> Path:
    return _HERE / f"schema.{edition.value}.diff"


def differences(plain: str, other: str) -> str:
    """What `changed` makes `other` of `plain` by. Raises StoreError where two paragraphs can't be told apart."""
    old, new = plain.rstrip().split("\n\n"), other.rstrip().split("\n\n")
    lines = list[str]()
    for kind, begin, end, new_begin, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            lines.append(f"\n@ {_key(old[begin - 1]) if begin else ''}".rstrip())
            lines += [f"- {_key(paragraph)}" for paragraph in old[begin:end]]
            lines += [f"+ {line}".rstrip() for line in "\n\n".join(new[new_begin:new_end]).splitlines()]
    said = "".join(f"{line}\n" for line in lines)
    if changed(plain, said) != other:
        raise StoreError(StoreErrorCode.MIGRATION, f"two paragraphs of schema.sql begin with the same {_KEY} letters")
    return said


def changed(plain: str, said: str) -> str:
    """`plain` with these differences. Raises StoreError that names a paragraph which isn't there."""
    old, new = iter(plain.rstrip().split("\n\n")), list[str]()
    added = list[str]()
    for line in (*said.splitlines(), ""):
        if added and not line.startswith("+"):
            new += "\n".join(added).split("\n\n")
            added.clear()
        if line.startswith("+"):
            added.append(line[2:])
        elif line.startswith("@ "):
            new += _until(old, line[2:])
        elif line.startswith("-"):
            _until(old, line[2:])
    return "\n\n".join([*new, *old]) + "\n"


def _until(paragraphs: Iterator[str], key: str) -> list[str]:
    passed = list[str]()
    for paragraph in paragraphs:
        passed.append(paragraph)
        if _key(paragraph) == key:
            return passed
    raise StoreError(StoreErrorCode.MIGRATION, f"schema.sql has no {key!r} there: run `make schema`")


def _key(paragraph: str) -> str:
    return " ".join(paragraph.split())[:_KEY].rstrip()


def describe(connection: psycopg.Connection[tuple[Any, ...]]) -> list[str]:
    """Each thing in the schema `public` as a text, sorted: equal lists, equal schemas.

    For databases on one server: another one may print the same expression otherwise.
    """
    catalogs = [_CATALOGS] if edition_of(connection) is Edition.PLAIN else [_CATALOGS, _TIMESCALE]
    with connection.transaction(force_rollback=True):  # of the setting, where the caller is in a transaction
        connection.execute("SET LOCAL search_path = ''")
        return sorted(
            _NUMBER.sub(r"\1", row[0])
            for queries in catalogs
            for name in queries.names
            for row in connection.execute(queries[name]).fetchall()
        )


def dump(dsn: str, *, binaries: Path) -> str:
    """The schema of a migrated database as statements, by the `pg_dump` in `binaries`, without what varies by run."""
    where = conninfo_to_dict(dsn)
    password = str(where.pop("password", ""))
    with closing(psycopg.connect(dsn, autocommit=True)) as connection:
        edition = edition_of(connection)
        made = {} if edition is Edition.PLAIN else _made_by_timescale(connection)
    done = subprocess.run(  # noqa: S603 - our own program and arguments
        [
            binaries / "pg_dump",
            "--schema-only",
            "--exclude-schema=*timescaledb*",
            f"--dbname={make_conninfo('', **where)}",
        ],
        capture_output=True,
        check=False,
        text=True,
        env={"PGPASSWORD": password, "LC_ALL": "C"},  # not on the command line, which everybody can see
    )
    if done.returncode != 0:
        raise StoreError(StoreErrorCode.MIGRATION, f"pg_dump: {done.stderr.strip()}")
    body = _NAMED.sub("", _TRIGGER.sub("", _VOLATILE.sub("", done.stdout)))
    hypertables = made.pop("", "")
    for name, statements in made.items():
        before, found, after = _split(_AGGREGATE.format(name), body)
        body, hypertables = (f"{before}{hypertables}{statements}{after}", "") if found else (body, hypertables)
    return re.sub(r"\n{3,}", "\n\n", f"{_HEAD}\n{body}\n{hypertables}").strip() + "\n"


def _split(pattern: str, text: str) -> tuple[str, bool, str]:
    found = re.search(pattern, text)
    return (text, False, "") if found is None else (text[: found.start()], True, text[found.end() :])


def _made_by_timescale(connection: psycopg.Connection[tuple[Any, ...]]) -> dict[str, str]:
    """Under "" the statements that make hypertables of tables, under the name of each aggregate those that make it, the
    finest first: pg_dump knows nothing of either.
    """
    with connection.transaction():
        connection.execute("SET LOCAL search_path = ''")
        statements = {"": [row[0] for row in connection.execute(QUERIES["make_hypertables"]).fetchall()]}
        for name, statement in connection.execute(QUERIES["make_aggregates"]).fetchall():
            if statement is not None:  # one without compression
                statements.setdefault(name, []).append(statement)
    return {name: "\n".join(texts) + "\n" for name, texts in statements.items()}

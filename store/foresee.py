"""What a migration will do to the tables that are there, and about how long that takes: read from its statements.

Adding a column with a constant, a policy or a function costs nothing, however large a table is. What takes time is to
index a table, or to read or write all of its rows. What stands in a DO block isn't seen: such work belongs in plain
statements.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

import psycopg
from psycopg import sql

Kind = Literal["index", "write", "read"]
RATES: Final[Mapping[Kind, int]] = MappingProxyType({"index": 400_000, "write": 100_000, "read": 1_000_000})
"""Rows a second of a server that is busy or small; one with nothing else to do takes a third."""
_WORDS: Final[Mapping[Kind, str]] = MappingProxyType({"index": "indexes", "write": "writes", "read": "reads"})
FEW: Final = 1_000
"""Rows that nobody waits for."""

_LEFT_OUT: Final = re.compile(r"--[^\n]*|(\$\w*\$).*?\1|'(?:[^']|'')*'", re.DOTALL)
_INDEX: Final = re.compile(
    r"\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?:\w+\s+)?ON\s+(?:ONLY\s+)?(?P<table>\w+)", re.IGNORECASE
)
_ALTER: Final = re.compile(r"\s*ALTER\s+TABLE\s+(?:ONLY\s+)?(?P<table>\w+)\s+(?P<how>.*)", re.IGNORECASE | re.DOTALL)
_KEY: Final = re.compile(r"\bADD\s+(?:CONSTRAINT\s+\w+\s+)?(?:PRIMARY\s+KEY|UNIQUE)\b", re.IGNORECASE)
_CHECK: Final = re.compile(r"\bADD\b.*\b(?:CHECK|REFERENCES)\b|\bSET\s+NOT\s+NULL\b", re.IGNORECASE | re.DOTALL)
_TYPE: Final = re.compile(r"\bALTER\s+(?:COLUMN\s+)?\w+\s+(?:SET\s+DATA\s+)?TYPE\b", re.IGNORECASE)
_WRITE: Final = re.compile(r"(?:\A|\(|\bAS\b)\s*(?:UPDATE|DELETE\s+FROM)\s+(?:ONLY\s+)?(?P<table>\w+)", re.IGNORECASE)
_READ: Final = re.compile(r"\b(?:FROM|JOIN)\s+(?P<table>\w+)", re.IGNORECASE)

_Sync = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True, order=True)
class Work:
    """All rows of a table, once."""

    kind: Kind
    table: str


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """`works`: with the rows of each, those of tables with more than a few."""

    name: str
    works: tuple[tuple[Work, int], ...]

    @property
    def seconds(self) -> float:
        """How long that takes at `RATES`."""
        return sum(rows / RATES[work.kind] for work, rows in self.works)

    def __str__(self) -> str:
        if not self.works:
            return f"{self.name}: at once"
        does = ", ".join(f"{_WORDS[work.kind]} {work.table} ({rows:,} rows)" for work, rows in self.works)
        return f"{self.name}: {does}: {about(self.seconds)}"


def about(seconds: float) -> str:
    """A time as one says it."""
    return f"about {max(1, round(seconds))} s" if seconds < 100 else f"about {round(seconds / 60)} min"


def works(text: str) -> list[Work]:
    """What a file of statements does to whole tables, in its order; tables that it makes itself are among them."""
    statements = _LEFT_OUT.sub(lambda found: "''" if found[0].startswith("'") else " ", text).split(";")
    return [work for statement in statements for work in _of(statement)]


def _of(statement: str) -> Iterator[Work]:
    if found := _INDEX.match(statement):
        yield Work(kind="index", table=found["table"])
    elif found := _ALTER.match(statement):
        if _TYPE.search(found["how"]):
            yield Work(kind="write", table=found["table"])
        if _KEY.search(found["how"]):
            yield Work(kind="index", table=found["table"])
        if _CHECK.search(found["how"]) and "NOT VALID" not in found["how"].upper():
            yield Work(kind="read", table=found["table"])
    elif not re.match(r"\s*(?:CREATE\s+(?!TABLE\b)|(?:ALTER|GRANT|REVOKE|DROP)\b)", statement, re.IGNORECASE):
        written = [found["table"] for found in _WRITE.finditer(statement)]
        yield from (Work(kind="write", table=table) for table in written)
        yield from (
            Work(kind="read", table=found["table"])
            for found in _READ.finditer(statement)
            if found["table"] not in written
        )


def foresee(connection: _Sync, name: str, texts: Sequence[str]) -> Foreseen:
    """What these files will do to this database, by the planner's estimate of its rows. `connection`: the owner's."""
    found = dict.fromkeys(work for text in texts for work in works(text))
    sizes = {table: _rows(connection, table) for table in {work.table for work in found}}
    return Foreseen(name=name, works=tuple((work, sizes[work.table]) for work in found if sizes[work.table] > FEW))


def _rows(connection: _Sync, table: str) -> int:
    """Of the table with its partitions; none where there is no such table yet."""
    kind = connection.execute(
        "SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", (f"public.{table}",)
    ).fetchone()
    if kind is None or kind[0] not in ("r", "p"):
        return 0
    plan = connection.execute(
        sql.SQL("EXPLAIN (FORMAT JSON) SELECT FROM public.{}").format(sql.Identifier(table))
    ).fetchone()
    assert plan is not None  # noqa: S101 - EXPLAIN answers
    return int(plan[0][0]["Plan"]["Plan Rows"])

"""A database that looks as large to the planner as a fleet's, without its rows.

The planner believes the statistics, scaled to what the files really hold. So statistics are set (PostgreSQL 18's
pg_restore_*_stats), and the files are made as long as they would be: holes, which take no room. Only EXPLAIN is run.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg

NOW: Final = datetime.now(UTC)
"""The statements say now() too."""
_PAGE: Final = 8192
_SEGMENT: Final = 1 << 30

Sync = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class Size:
    """A table of sizes.toml."""

    rows: int
    bytes: int
    part: Mapping[str, float]
    columns: Mapping[str, str | Mapping[str, float]]


def _size(given: dict[str, Any]) -> Size:
    rows, row_bytes, part = given.pop("rows"), given.pop("bytes", 120), given.pop("part", {})
    return Size(rows=rows, bytes=row_bytes, part=part, columns=given)


SIZES: Final[Mapping[str, Size]] = {
    table: _size(given) for table, given in tomllib.loads(Path(__file__).with_name("sizes.toml").read_text()).items()
}
SMALL: Final = frozenset(
    [
        "account",
        "audit_chain",
        "box",
        "clientele",
        "device",
        "device_refusal",
        "device_state",
        "ingest_process",
        "installation",
        "job",
        "keeping",
        "mark",
        "metric",
        "org",
        "org_metric",
        "partition",
        "partition_lease",
        "recipient",
        "restored_device",
        "rollup",
        "schema_version",
        "service",
        "service_change",
        "site",
        "ticket_day",
        "to_judge",
    ]
)
"""Bounded by how many devices, people or processes there are, or given up soon: a scan is some milliseconds."""


def grow(connection: Sync, data: Path) -> None:
    """`connection`: a superuser's. `data`: the server's folder, which this process may write to."""
    for table, size in SIZES.items():
        if connection.execute("SELECT to_regclass(%s)", (f"public.{table}",)).fetchone() == (None,):
            continue
        leaves = _rows(connection, _LEAVES, (table,))
        for (leaf,) in leaves:
            _one(connection, data, leaf, size, share=1 / len(leaves))
        if len(leaves) > 1:
            _columns(connection, table, size, inherited=True)


def growing(connection: Sync) -> set[str]:
    """The tables, and their partitions, that grow."""
    found = _rows(connection, _TABLES, ())
    return {name for name, root in found if root not in SMALL}


_LEAVES: Final = b"""
SELECT c.relname FROM pg_class c
WHERE c.relkind = 'r' AND format('public.%%I', %s::text)::regclass IN (c.oid, pg_partition_root(c.oid))
"""
_TABLES: Final = b"""
SELECT c.relname, coalesce(pg_partition_root(c.oid)::regclass::text, c.relname) FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
"""
_INDEXES: Final = b"""
SELECT c.relname, i.indpred IS NOT NULL, pg_relation_filepath(c.oid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = format('public.%%I', %s::text)::regclass
"""
_PATH: Final = b"SELECT pg_relation_filepath(format('public.%%I', %s::text)::regclass)"
_RELATION: Final = b"""
SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', %s::text, 'relpages', %s::integer,
    'reltuples', %s::real, 'relallvisible', %s::integer)
"""
_COLUMN: Final = b"""
SELECT pg_restore_attribute_stats('schemaname', 'public', 'relname', %(table)s::text, 'attname', %(name)s::text,
    'inherited', %(inherited)s::boolean, 'null_frac', %(nulls)s::real, 'avg_width', 8, 'n_distinct', %(distinct)s::real,
    'most_common_vals', %(common)s::text, 'most_common_freqs', %(shares)s::real[], 'histogram_bounds', %(bounds)s::text,
    'correlation', %(correlation)s::real)
"""


def _rows(connection: Sync, statement: bytes, given: Sequence[object]) -> list[tuple[Any, ...]]:
    return connection.execute(statement, given).fetchall()


def _one(connection: Sync, data: Path, table: str, size: Size, *, share: float) -> None:
    rows = round(size.rows * share)
    ((path,),) = _rows(connection, _PATH, (table,))
    _set(connection, table, rows, _lengthen(data / path, rows * size.bytes))
    for index, partial, where in _rows(connection, _INDEXES, (table,)):
        of = round(rows * size.part.get(index, 0.01)) if partial else rows
        _set(connection, index, of, _lengthen(data / where, of * 40))
    _columns(connection, table, size, inherited=False)


def _set(connection: Sync, name: str, rows: int, pages: int) -> None:
    connection.execute(_RELATION, (name, pages, rows, pages))


def _columns(connection: Sync, table: str, size: Size, *, inherited: bool) -> None:
    for name, what in size.columns.items():
        given = {"table": table, "name": name, "inherited": inherited, **_statistics(what, size.rows)}
        assert connection.execute(_COLUMN, given).fetchone() == (True,), f"{table}.{name}"


def _statistics(what: str | Mapping[str, float], rows: int) -> dict[str, object]:
    """What pg_stats would say of a column."""
    found: dict[str, object] = {
        "nulls": 0.0, "distinct": -1.0, "common": None, "shares": None, "bounds": None, "correlation": None,
    }  # fmt: skip
    if not isinstance(what, str):
        shares = list(what.values())
        return {**found, "distinct": len(what) + 2.0, "common": _array(what), "shares": shares}
    what, _, nulls = what.partition(", nulls ")
    found["nulls"] = float(nulls or 0)
    if what == "numbers":
        return {**found, "bounds": _numbers(rows), "correlation": 0.99}
    kind, _, number = what.rpartition(" ")
    if kind == "one of":
        return {**found, "distinct": float(number), "bounds": _numbers(int(number)), "correlation": 0.01}
    if kind == "days":
        steps = (NOW - timedelta(days=int(number)) * (1 - step / 100) for step in range(101))
        return {**found, "bounds": _array(step.isoformat() for step in steps), "correlation": 0.99}
    assert what == "unique", what
    return found


def _numbers(most: int) -> str:
    return _array(str(number) for number in sorted({1 + (most - 1) * step // 100 for step in range(101)}))


def _array(values: Iterable[str]) -> str:
    return "{" + ",".join(f'"{value}"' for value in values) + "}"


def _lengthen(path: Path, size: int) -> int:
    """Make a relation as long; returns its pages."""
    owner = path.stat()
    pages = max(size // _PAGE, owner.st_size // _PAGE, 1)
    left = pages * _PAGE
    for number in range((left - 1) // _SEGMENT + 1):
        segment = path if number == 0 else path.with_name(f"{path.name}.{number}")
        segment.touch()
        os.truncate(segment, min(left, _SEGMENT))
        os.chown(segment, owner.st_uid, owner.st_gid)
        left -= _SEGMENT
    return pages

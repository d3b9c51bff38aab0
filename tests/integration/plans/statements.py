"""Every statement of the rooms' queries.sql files, with values to plan it for.

The database itself says of what type each parameter is; the values are of that type. What may be null in a list's
filter (`%(site)s::integer IS NULL OR ...`) is planned without any filter, and with each one alone.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import errors

from store.pool import Role, role_name
from store.sql import load_queries
from tests.integration.plans.size import NOW, Sync

ROOT: Final = Path(__file__).parents[3]
ROLES_OF: Final[Mapping[str, tuple[Role, ...]]] = {
    "ingest": ("ingest", "jobs"),
    "alerts": ("ingest", "api", "jobs"),
    "desk/tickets": ("ingest", "jobs", "api"),
    "desk/telling": ("jobs", "api"),
    "remote": ("ingest", "jobs", "api"),
    "people": ("api", "ingest", "jobs", "owner"),
    "people/audit": ("api", "jobs"),
    "people/login": ("api",),
    **{
        f"api/{subject}": ("api",)
        for subject in ("alerts", "devices", "feed", "readings", "search", "series", "tickets")
    },
    "api/http": ("api", "jobs"),
    "steth/jobs": ("jobs", "owner"),
    "store": ("jobs", "owner"),
}
"""By room who runs its statements."""
ENGINES: Final = frozenset(
    f"store.{name}"
    for name in (
        "chunks_before",
        "policies",
        "policies_failing",
        "refresh",
        "leave_apache",
        "is_moving",
        "moved_whole_from",
        "forget_old",
        "oldest_chunk",
        "aggregate_tables",
        "make_hypertables",
        "make_aggregates",
        "note_moved",
    )
)
"""Of TimescaleDB's own catalogs, or of a move between editions: plain PostgreSQL can't plan them."""
SELDOM: Final[Mapping[str, str]] = {
    "desk/tickets.astray": "asked by the doctor; it goes through all that waits to be told",
    "ingest.copy_readings": "it reads nothing",
    "ingest.bound_letters": "once an hour; it counts the letters of each device",
    "people.sweep_api_token": "once an hour; as many as people and programs sign in",
    **dict.fromkeys(ENGINES, "when an edition is moved, or an engine's policies are looked at"),
}
"""What may look at much, and why that is no harm."""

_PARAMETER: Final = re.compile(r"%\((\w+)\)s|%s")
_BY_TEXT: Final = re.compile(r"%\((\w+)\)s::text::(\w+)")
_NULLABLE: Final = re.compile(r"%\((\w+)\)s::[\w\[\]]+ IS NULL")
_COLUMNS: Final = re.compile(r"unnest\(((?:[^()]|\([^()]*\))*)\)")
_SCALARS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("first", "last", "since", "at", "now"), "timestamptz"),
    **dict.fromkeys(
        ("now_ms", "since_ms", "grace_ms", "patience_ms", "again_ms", "lease_ms", "skew_ms", "ahead_ms", "next_ms"),
        "bigint",
    ),
}
"""Where the text alone leaves it open; psycopg tells it by the value."""
_ARRAYS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("devices", "orgs"), "integer[]"),
    **dict.fromkeys(("digests", "engines", "latest"), "bytea[]"),
    **dict.fromkeys(("at", "learned", "since", "last", "told", "seen", "reached"), "timestamptz[]"),
    **dict.fromkeys(
        ("kinds", "bodies", "sources", "reasons", "forms", "epochs", "agents", "heartbeats", "previous"), "text[]"
    ),
    **dict.fromkeys(("counts", "boots", "seqs", "clocks", "offsets"), "bigint[]"),
    **dict.fromkeys(("again", "connected"), "boolean[]"),
    "equipment": "smallint[]",
    "intervals": "double precision[]",
}
"""Of columns that ingest writes: it says the types itself (ingest/arrays.py)."""
_UUID: Final = "6f1f0c9e-0000-4000-8000-0000000000%02d"
_MOMENT: Final = (NOW - timedelta(hours=1)).isoformat()
_OF_TYPE: Final[Mapping[str, str]] = {
    "smallint": "0",
    "integer": "17",
    "bigint": "17",
    "real": "1",
    "double precision": "1",
    "numeric": "1",
    "text": "ticket",
    "boolean": "t",
    "bytea": r"\x00",
    "jsonb": "[]",
    "uuid": _UUID % 0,
    "xid8": "3999000",
    "date": NOW.date().isoformat(),
    "timestamp with time zone": _MOMENT,
    "interval": "1 minute",
    "regclass": "ticket",
    "character varying": "x",
}
_OF_NAME: Final[Mapping[str, str]] = {
    "limit": "51",
    "most": "100",
    "each": "5",
    "skip": "0",
    "lane": "0",
    "level": "0",
    "severity": "major",
    "status": "new",
    "from": (NOW - timedelta(days=1)).isoformat(),
    "to": NOW.isoformat(),
    "now": NOW.isoformat(),
    "until": NOW.isoformat(),
    "first": (NOW - timedelta(hours=1)).isoformat(),
    "last": NOW.isoformat(),
    "lost_from": (NOW - timedelta(days=1)).isoformat(),
    "before_at": (NOW - timedelta(days=30)).isoformat(),
    "conditions": "{active,clearing}",
    "open": "t",
    "age": "week",
    "below": "90000",
    "xid": "3999000",
    "boundary": "4000000",
    "row": "999000",
    "watermark": str(int(NOW.timestamp()) - 300),
    "now_ms": str(int(NOW.timestamp() * 1000)),
    "since_ms": str(int(NOW.timestamp() * 1000) - 86_400_000),
    "kind": "fault",
}
"""Where a value of the type alone would say something else than what is usual."""
_TOGETHER: Final[Mapping[str, tuple[str, ...]]] = {
    "before_at": ("before_id",),
    "after_at": ("after_id",),
    "urgency": ("conditions", "open"),
    "rank": ("urgency", "conditions", "open", "after_at", "after_id"),
}
"""What routes never give alone."""


Plan = dict[str, Any]
"""A node of EXPLAIN's JSON."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """`name`: ROOM.NAME; `text` with psycopg's placeholders; `roles`: the first of them that may run it does."""

    name: str
    text: str
    roles: tuple[Role, ...]


def statements() -> Iterator[Statement]:
    """All of them, but what the doctor asks and what is done once."""
    for room, roles in ROLES_OF.items():
        queries = load_queries(ROOT / room / "queries.sql")
        for name in sorted(queries.names):
            yield Statement(name=f"{room}.{name}", text=queries[name].decode(), roles=roles)


class Case:
    """A statement prepared once, planned with values."""

    def __init__(self, connection: Sync, statement: Statement) -> None:
        self._connection = connection
        self._statement = statement
        self.names: list[str] = []
        text = _PARAMETER.sub(self._number, statement.text.rstrip().rstrip(";")).replace("%%", "%")
        try:
            with connection.transaction():
                self._prepare(text, {})
        except psycopg.ProgrammingError:
            columns = set(re.findall(r"%\((\w+)\)s", " ".join(_COLUMNS.findall(statement.text))))
            self._prepare(text, {**_SCALARS, **{name: _ARRAYS.get(name, "text[]") for name in columns}})
        rows = connection.execute(
            "SELECT unnest(parameter_types)::text FROM pg_prepared_statements WHERE name = 'planned'"
        ).fetchall()
        self.types = [row[0] for row in rows]

    def _number(self, found: re.Match[str]) -> str:
        name = found[1] or f"#{len(self.names)}"
        if name not in self.names:
            self.names.append(name)
        return f"${self.names.index(name) + 1}"

    def _prepare(self, text: str, types: Mapping[str, str]) -> None:
        self._connection.execute("DEALLOCATE ALL")
        declared = ", ".join(types.get(name, "unknown") for name in self.names)
        self._connection.execute(f"PREPARE planned{f' ({declared})' if declared else ''} AS {text}".encode())

    def plans(self, always: str = "") -> Iterator[tuple[str, Plan]]:
        """What is given, and the plan for it; a filter that is given `always`, where there is one of this name."""
        filters = sorted(set(_NULLABLE.findall(self._statement.text)))
        first = [always] if always in filters else []
        for given in (first, *([*first, name] for name in filters if name not in first)):
            nulls = {name for name in filters if name not in given}
            nulls -= {name for one in given for name in _TOGETHER.get(one, ())}
            by_text = dict(_BY_TEXT.findall(self._statement.text))
            typed = [(name, by_text.get(name, of)) for name, of in zip(self.names, self.types, strict=True)]
            values = ["NULL" if name in nulls else f"'{self._value(name, of)}'" for name, of in typed]
            execute = f"planned ({', '.join(values)})" if values else "planned"
            row = self._connection.execute(f"EXPLAIN (FORMAT JSON) EXECUTE {execute}".encode()).fetchone()
            assert row is not None
            yield ", ".join(given) or "-", row[0][0]["Plan"]

    @staticmethod
    def _value(name: str, of: str) -> str:
        if of.endswith("[]"):
            if name == "conditions":
                return _OF_NAME[name]
            one = _OF_NAME.get(name, _OF_TYPE[of.removesuffix("[]")])
            some = (
                [_UUID % n for n in range(5)]
                if of == "uuid[]"
                else [str(n) for n in range(5)]
                if one == "17"
                else [one]
            )
            return "{" + ",".join(f'"{value}"' for value in some) + "}"
        return _OF_NAME.get(name, _OF_TYPE[of]) if _fits(name, of) else _OF_TYPE[of]


def _fits(name: str, of: str) -> bool:
    value = _OF_NAME.get(name, "")
    if of in {"smallint", "integer", "bigint", "numeric", "double precision", "xid8"}:
        return value.isdigit()
    return ("T" in value) == of.startswith("timestamp")


def plans(connection: Sync, statement: Statement, *, always: str = "") -> list[tuple[str, Plan]]:
    """What is given, and the plan for it, as who runs it; `always`: see Case.plans."""
    for role in statement.roles:
        connection.execute(f"SET ROLE {role_name(role)}".encode())
        try:
            return list(Case(connection, statement).plans(always))
        except errors.InsufficientPrivilege:
            continue
        finally:
            connection.execute("RESET ROLE")
    raise AssertionError(f"{statement.name}: nobody may run it")

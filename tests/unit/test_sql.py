"""SQL stands in the rooms' queries.sql, and nowhere else."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("store", "people", "ingest", "alerts", "desk", "remote", "api", "steth")
"""Those on the database. The agent's outbox is a file of its own (`agent/outbox`), read by nobody else."""
ELSEWHERE: Final = {
    **dict.fromkeys(
        ("editions", "foresee", "migrate", "move", "policies", "roles", "schema"),
        "makes the schema, or asks what it is",
    ),
    "embedded": "asks whether the server answers",
    "writes": "writes into a temporary table of its own, to see whether it can",
}
"""Modules of `store`, and why."""
_WORDS: Final = (
    r"SELECT|WITH \w+ AS|INSERT INTO|UPDATE (?:\w+ )+SET|DELETE FROM|COPY \w+|LOCK TABLE|TRUNCATE|CREATE|ALTER|DROP"
    r"|GRANT|REVOKE|SET (?:LOCAL |SESSION )?\w+|LISTEN|NOTIFY|EXPLAIN|CALL|DO \$"
)
_SQL: Final = re.compile(rf"\s*(?:--[^\n]*\n\s*)*(?:{_WORDS})\b")


def statements_in(source: str) -> Iterator[tuple[int, str]]:
    """Lines of texts that begin like a statement; docstrings are none."""
    tree = ast.parse(source)
    words = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in words and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode(errors="replace")
            if _SQL.match(text) and " " in text.strip():
                yield node.lineno, text


def test_sql_stands_in_queries_sql() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if not (room == "store" and path.stem in ELSEWHERE)
        for line, _ in statements_in(path.read_text(encoding="utf-8"))
    ]
    assert found == [], "move it to the queries.sql beside it"


def test_what_may_have_it_elsewhere_does() -> None:
    for name in ELSEWHERE:
        assert list(statements_in((ROOT / "store" / f"{name}.py").read_text(encoding="utf-8"))), name


@pytest.mark.parametrize(
    "source",
    [
        'x = "SELECT 1"',
        'x = b"""\n-- Why.\nUPDATE ticket SET a = 1\n"""',
        'run(sql.SQL("DELETE FROM {}").format(x))',
        'f"INSERT INTO {table} VALUES (1)"',
        'x = "SET LOCAL lock_timeout = 1"',
    ],
)
def test_a_statement_is_known(source: str) -> None:
    assert len(list(statements_in(source))) == 1


@pytest.mark.parametrize("source", ['"""SELECT is no word here."""', 'x = "Select a device"', 'x = "SELECT"'])
def test_words_are_none(source: str) -> None:
    assert list(statements_in(source)) == []


def test_every_room_on_the_database_owns_what_it_has_and_no_other_does() -> None:
    owners = tomllib.loads((ROOT / "store" / "owners.toml").read_text(encoding="utf-8"))
    assert set(owners) == {*ROOMS, "besides"}

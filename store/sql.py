"""Named SQL: each room keeps its statements in a `queries.sql` beside its code, each under a line `-- name: foo`."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row

from store.errors import StoreError, StoreErrorCode

_HEADER: Final = re.compile(r"--\s*name:\s*(?P<name>\S*)\s*\Z")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*\Z")
_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class Queries:
    """The statements of one file by name: `queries["open_ticket"]`, as UTF-8 for psycopg's `execute`.

    Bytes, because psycopg's types take a `str` only where it is written in the code itself: these come from files that
    ship with the code, and a statement can't be built from parts by accident.
    """

    def __init__(self, *, path: Path, statements: Mapping[str, bytes]) -> None:
        self._path = path
        self._statements = statements

    def __getitem__(self, name: str) -> bytes:
        """The text of a statement. Raises StoreError, naming the file, if there is none."""
        try:
            return self._statements[name]
        except KeyError:
            raise StoreError(StoreErrorCode.STATEMENTS, f"{self._path}: no statement named {name!r}") from None

    async def many(
        self, connection: AsyncConnection[Any], name: str, params: Mapping[str, Any] = _NONE, *, anew: bool = False
    ) -> list[DictRow]:
        """All rows of a statement, as dicts. `anew`: planned for these values alone, as where they are filters and an
        order: a plan for any values would be one for none of them."""
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(self[name], params, prepare=False if anew else None)
            return await cursor.fetchall()

    async def one(
        self, connection: AsyncConnection[Any], name: str, params: Mapping[str, Any] = _NONE
    ) -> DictRow | None:
        """The first row of a statement, as a dict; None: there is none."""
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(self[name], params)
            return await cursor.fetchone()

    async def run(self, connection: AsyncConnection[Any], name: str, params: Mapping[str, Any] = _NONE) -> int:
        """How many rows a statement changed."""
        return (await connection.execute(self[name], params)).rowcount

    @property
    def names(self) -> frozenset[str]:
        """All names in the file."""
        return frozenset(self._statements)


def as_json(rows: object) -> str:
    """The rows of a statement that takes them as one JSON array."""
    return msgspec.json.encode(rows).decode()


def queries_beside(module: str) -> Queries:
    """The statements of the `queries.sql` in a module's folder. `module`: its `__file__`. Raises StoreError."""
    return load_queries(Path(module).with_name("queries.sql"))


def load_queries(path: Path) -> Queries:
    """Read a `queries.sql`.

    Comments before the first header are the file's own. Raises StoreError `FILE:LINE: what` for a bad or repeated name,
    a header without a statement, or a statement without a header.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    statements: dict[str, bytes] = {}
    name, began, body = "", 0, list[str]()

    def finish() -> None:
        text = "\n".join(body).strip()
        if not name:
            if any(line.strip() and not line.lstrip().startswith("--") for line in body):
                raise _wrong(path, 1, "a statement before the first `-- name:` line")
        elif all(not line.strip() or line.lstrip().startswith("--") for line in body):
            raise _wrong(path, began, f"{name!r} has no statement")
        else:
            statements[name] = text.encode()

    for number, line in enumerate(lines, start=1):
        header = _HEADER.match(line)
        if header is None:
            body.append(line)
            continue
        finish()
        name, began, body = header["name"], number, []
        if not _NAME.match(name):
            raise _wrong(path, number, f"{name!r} is no name of lower-case letters, digits and _")
        if name in statements:
            raise _wrong(path, number, f"a second statement named {name!r}")
    finish()
    return Queries(path=path, statements=statements)


def _wrong(path: Path, line: int, what: str) -> StoreError:
    return StoreError(StoreErrorCode.STATEMENTS, f"{path}:{line}: {what}")

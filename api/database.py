"""The API's named SQL, and rows as dicts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from psycopg.rows import DictRow, dict_row

from store.pool import Connection
from store.sql import load_queries

QUERIES: Final = load_queries(Path(__file__).parent / "queries.sql")
Params = Mapping[str, Any]


async def many(connection: Connection, name: str, params: Params) -> list[DictRow]:
    """All rows of a named statement."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[name], params)
        return await cursor.fetchall()


async def one(connection: Connection, name: str, params: Params) -> DictRow | None:
    """The first row of a named statement, or None."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[name], params)
        return await cursor.fetchone()

"""A device by its id."""

from typing import Final

from psycopg.rows import DictRow

from store.pool import Connection
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)


async def find_device(connection: Connection, uid: str) -> DictRow | None:
    """The device, if the transaction sees it; `key` is its row's id."""
    return await _SQL.one(connection, "device_by_uid", {"uid": uid})

"""A device by its id."""

from typing import Annotated, Final

from fastapi import Path
from psycopg.rows import DictRow

from store.pool import Connection
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)
DeviceUid = Annotated[
    str, Path(pattern=r"^[a-z0-9][a-z0-9\-]{3,39}$", description="The device's id.", examples=["d3k9m2q7x1z5a"])
]


async def find_device(connection: Connection, uid: str) -> DictRow | None:
    """The device, if the transaction sees it; `key` is its row's id."""
    return await _SQL.one(connection, "device_by_uid", {"uid": uid})

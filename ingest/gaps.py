"""Reports that never came, for those who are to be told of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from psycopg import AsyncConnection

from ingest.memory import SQL


class Lost(Struct, frozen=True, kw_only=True):
    """Of one device's live lane. ``since``: when it was heard before; None: never. ``reports`` 0: nobody knows."""

    since: datetime | None
    until: datetime
    reports: int


async def take_gaps(connection: AsyncConnection[Any], *, most: int) -> Mapping[int, Lost]:
    """By device what was lost that nobody was told of yet, of so many gaps; they are told with the transaction."""
    await connection.execute(SQL["heard_again"])
    rows = await connection.execute(SQL["take_gaps"], {"most": most})
    return {device: Lost(since=since, until=until, reports=reports) async for device, since, until, reports in rows}

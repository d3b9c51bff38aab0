"""What the database has open of devices: read by whoever loads their states (``ingest.ports.Opened``)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from psycopg import AsyncConnection

from ingest.ports import OpenAlert
from store.sql import queries_beside
from wire.topics import Lane

_QUERIES: Final = queries_beside(__file__)


class OpenedAlerts:
    """The rows of ``alert`` whose condition isn't over."""

    async def of(self, connection: AsyncConnection[Any], devices: Sequence[int]) -> Mapping[int, Sequence[OpenAlert]]:
        """See ``ingest.ports.Opened``."""
        opened: dict[int, list[OpenAlert]] = {}
        rows = await connection.execute(_QUERIES["opened"], {"devices": list(devices)})
        async for device, id_, lane, rule, condition, occurred_ms, count, value in rows:
            alert = OpenAlert(
                id=id_,
                lane=Lane.BULK if lane else Lane.LIVE,
                rule=rule,
                condition=condition,
                occurred_ms=occurred_ms,
                count=count,
                value=value,
            )
            opened.setdefault(device, []).append(alert)
        return opened

    async def of_retired(self, connection: AsyncConnection[Any], partition: int) -> list[str]:
        """See ``ingest.ports.Opened``."""
        rows = await connection.execute(_QUERIES["opened_of_retired"], {"partition": partition})
        return [uid async for (uid,) in rows]

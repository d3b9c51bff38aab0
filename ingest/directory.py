"""Changes that people make to devices, as ingest reads them: the tail of ``device`` by transaction (delivery 19).

A device retired, enrolled, renamed, moved or of another model bears the number of the transaction that did it. Each
look takes those not below the oldest transaction that still ran at the last one: few, by an index, and none is missed.
"""

from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection

from ingest.arrays import integers
from ingest.memory import SQL, device_of
from ingest.ports import Device


class Tail:
    """How far one reader has looked. What was found counts as known once ``settle`` says so: after the commit."""

    def __init__(self) -> None:
        self.since: str | None = None
        """The oldest transaction that ran at the last look; None: nobody has looked, nothing before now is news."""
        self._next: str | None = None
        self._found: set[str] = set()
        self._known: set[str] = set()

    def look(self, horizon: str, found: Sequence[str]) -> list[int]:
        """Take the answer of a statement that was asked with ``since``; returns the ids of devices that are news."""
        self._next = horizon
        self._found = set(found)
        return [int(one.partition(" ")[0]) for one in self._found - self._known]

    def settle(self) -> None:
        """What was found is dealt with. It may be found again while an older transaction runs, and is no news then."""
        self.since = self._next
        self._known = self._found


async def changed(connection: AsyncConnection[Any], tail: Tail) -> list[int]:
    """Look, outside of a batch; returns the ids of devices that were changed since."""
    row = await (await connection.execute(SQL["changed_devices"], {"since": tail.since})).fetchone()
    assert row is not None  # noqa: S101 - no FROM
    return tail.look(*row)


async def read_devices(connection: AsyncConnection[Any], ids: Sequence[int]) -> list[tuple[Device, bool]]:
    """Devices as they are now, and whether each is enrolled."""
    rows = await connection.execute(SQL["devices_now"], {"ids": integers(ids)})
    return [(device_of(row[:8]), row[8]) async for row in rows]

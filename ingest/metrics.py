"""Ids of metrics. They commit before the batch that uses them, so that no two batches wait for each other's names."""

from collections.abc import Iterable
from sys import intern
from typing import Any, Final

from psycopg import AsyncConnection

from ingest.memory import SQL

Key = tuple[str, str]
"""name, unit ('' = as the catalog says)."""


class MetricIds:
    """Every metric the database knows, by name and unit."""

    def __init__(self) -> None:
        self.by_key: Final[dict[Key, int]] = {}
        self.bare: Final[dict[str, int]] = {}
        """Those without a unit, by name: the quick way of the usual report."""

    async def load(self, connection: AsyncConnection[Any]) -> None:
        """Read all of them, once at the start."""
        self._remember(await (await connection.execute(SQL["metric_ids"])).fetchall())

    async def ensure(self, connection: AsyncConnection[Any], keys: Iterable[Key]) -> None:
        """Make ids for the keys that have none. Not within a transaction: each of the two here commits by itself."""
        missing = sorted(key for key in set(keys) if key not in self.by_key)
        if not missing:
            return
        columns = {"names": [name for name, _ in missing], "units": [unit for _, unit in missing]}
        async with connection.transaction():
            await connection.execute(SQL["add_metrics"], columns)
        async with connection.transaction():  # sees what others committed while this waited for them
            self._remember(await (await connection.execute(SQL["some_metric_ids"], columns)).fetchall())

    def _remember(self, rows: list[tuple[int, str, str]]) -> None:
        for id_, text, unit in rows:
            name = intern(text)
            self.by_key[name, unit] = id_
            if not unit:
                self.bare[name] = id_

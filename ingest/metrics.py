"""Ids of metrics. They commit before the batch that uses them, so that no two batches wait for each other's names."""

from collections.abc import Iterable
from sys import intern
from typing import Final

from ingest.memory import SQL
from store.pool import Pool

Key = tuple[str, str]
"""name, unit ('' = as the catalog says)."""


class MetricIds:
    """Every metric the database knows, by name and unit."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool
        self.by_key: Final[dict[Key, int]] = {}
        self.bare: Final[dict[str, int]] = {}
        """Those without a unit, by name: the quick way of the usual report."""

    async def load(self) -> None:
        """Read all of them, once at the start."""
        async with self._pool.connection() as connection:
            self._remember(await (await connection.execute(SQL["metric_ids"])).fetchall())

    async def ensure(self, keys: Iterable[Key]) -> None:
        """Make ids for the keys that have none, in a transaction of their own."""
        missing = sorted(key for key in set(keys) if key not in self.by_key)
        if not missing:
            return
        columns = {"names": [name for name, _ in missing], "units": [unit for _, unit in missing]}
        async with self._pool.connection() as connection:
            await connection.execute(SQL["add_metrics"], columns)
        async with self._pool.connection() as connection:
            self._remember(await (await connection.execute(SQL["some_metric_ids"], columns)).fetchall())

    def _remember(self, rows: list[tuple[int, str, str]]) -> None:
        for id_, text, unit in rows:
            name = intern(text)
            self.by_key[name, unit] = id_
            if not unit:
                self.bare[name] = id_

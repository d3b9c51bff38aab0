"""Ids of metrics, and of which tenant's devices each is: what the API shows of them is its own tenant's.

Both commit before the batch that uses them, so that no two batches wait for each other's names. Names are the catalog's
(``ingest.ports.Allowed``), so there is an end to them.
"""

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
        self._keys: Final[dict[int, Key]] = {}
        self._orgs: Final[set[tuple[int, int]]] = set()
        """(tenant, metric id) that the database knows."""
        self._unsaved: set[tuple[int, Key]] = set()
        """(tenant, metric) not yet in the database. Whoever stores readings waits until it is empty."""

    async def load(self, connection: AsyncConnection[Any]) -> None:
        """Read all of them, once at the start."""
        self._remember(await (await connection.execute(SQL["metric_ids"])).fetchall())
        self._orgs.update(await (await connection.execute(SQL["org_metrics"])).fetchall())

    def name(self, org_id: int, keys: Iterable[Key]) -> None:
        """A device of this tenant has these metrics."""
        for key in keys:
            id_ = self.by_key.get(key)
            if id_ is None or (org_id, id_) not in self._orgs:
                self._unsaved.add((org_id, key))

    def had(self, org_id: int, ids: Iterable[int]) -> None:
        """A device of this tenant had these metrics when it was heard last."""
        for id_ in ids:
            if (org_id, id_) not in self._orgs and (key := self._keys.get(id_)) is not None:
                self._unsaved.add((org_id, key))

    @property
    def unsaved(self) -> bool:
        """Whether something was named that has no id yet."""
        return bool(self._unsaved)

    async def ensure(self, connection: AsyncConnection[Any]) -> None:
        """Make ids for what was named and has none. Not within a transaction: each of those here commits by itself."""
        while self._unsaved:
            new = sorted(self._unsaved)
            columns = {
                "orgs": [org for org, _ in new],
                "names": [name for _, (name, _) in new],
                "units": [unit for _, (_, unit) in new],
            }
            async with connection.transaction():
                await connection.execute(SQL["add_metrics"], columns)
            async with connection.transaction():  # sees what others committed while this waited for them
                await connection.execute(SQL["add_org_metrics"], columns)
                self._remember(await (await connection.execute(SQL["some_metric_ids"], columns)).fetchall())
            self._orgs.update((org, self.by_key[key]) for org, key in new)
            self._unsaved.difference_update(new)

    def _remember(self, rows: list[tuple[int, str, str]]) -> None:
        for id_, text, unit in rows:
            name = intern(text)
            self._keys[id_] = key = (name, unit)
            self.by_key[key] = id_
            if not unit:
                self.bare[name] = id_

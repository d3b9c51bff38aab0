"""Ids of metrics, and which of them a device may name.

They commit before the batch that uses them, so that no two batches wait for each other's names. A device names its
model's signals as it likes, and ``PER_DEVICE`` names of its own in both lanes together, whatever time they are of:
each costs a row, an id in every process and room in roll-ups for ever.
"""

from collections.abc import Iterable, Mapping
from sys import intern
from typing import Any, Final

from psycopg import AsyncConnection

from ingest.memory import SQL
from ingest.names import Key, Names
from ingest.ports import Device, Expected
from wire.items import Readings

PER_DEVICE: Final = 500
"""Metrics of a device beside its model's signals; the largest model of the catalog has a tenth of that."""
MOST: Final = 100_000
"""Metrics of all devices, beyond which nothing but signals gets an id: a few hostile devices must not fill the memory
of every process."""


class MetricIds:
    """Every metric the database knows, by name and unit. ``signals``: of each model, by name."""

    def __init__(self, *, signals: Mapping[str, Mapping[str, Expected]]) -> None:
        self._signals = signals
        self.by_key: Final[dict[Key, int]] = {}
        self.bare: Final[dict[str, int]] = {}
        """Those without a unit, by name: the quick way of the usual report."""
        self._ready: dict[str, set[str]] = {model: set() for model in signals}
        """The signals of a model that have been named. Devices that name nothing else share the set."""
        self._devices: dict[int, Names] = {}
        self._unsaved: set[tuple[int, Key]] = set()
        """(device id, metric) not yet in the database; device 0: a signal of a model, which nobody has to account for.
        Whoever stores readings waits until it is empty."""

    async def load(self, connection: AsyncConnection[Any]) -> None:
        """Read all of them, once at the start."""
        self._remember(await (await connection.execute(SQL["metric_ids"])).fetchall())

    def of(self, device: Device, made: Iterable[str]) -> Names:
        """What a device has named. ``made``: what the database knows of it, each as "name unit".

        Both lanes of a device have the same object; another owner's additions join it when the device is loaded.
        """
        names = self._devices.get(device.id)
        if names is None or names.model != device.model:
            ready = self._ready.setdefault(device.model, set())
            self._devices[device.id] = names = Names(device_id=device.id, model=device.model, bare=ready)
        for text in made:
            name, _, unit = text.partition(" ")
            key = (intern(name), unit)
            if not self._named(names, key):
                self._take(names, key)
                if key not in self.by_key:  # made by another process since this one began
                    self._unsaved.add((device.id, key))
        return names

    def too_many(self, names: Names, item: Readings) -> list[int]:
        """The rows of ``item`` that make one metric too many; those of the others are the device's from now on."""
        if item.unit is None:
            if names.bare.issuperset(item.metric):
                return []
            keys = [(name, "") for name in item.metric]
        else:
            keys = list(zip(item.metric, item.unit, strict=True))
            if names.keys.issuperset(keys):
                return []
        return [row for row, key in enumerate(keys) if not (self._named(names, key) or self._made(names, key))]

    @property
    def unsaved(self) -> bool:
        """Whether something was named that has no id yet."""
        return bool(self._unsaved)

    async def ensure(self, connection: AsyncConnection[Any]) -> None:
        """Make ids for what was named and has none. Not within a transaction: each of those here commits by itself."""
        while self._unsaved:
            new = sorted(self._unsaved)
            columns = {
                "devices": [device for device, _ in new],
                "names": [name for _, (name, _) in new],
                "units": [unit for _, (_, unit) in new],
            }
            async with connection.transaction():
                await connection.execute(SQL["add_metrics"], columns)
            async with connection.transaction():  # sees what others committed while this waited for them
                await connection.execute(SQL["add_device_metrics"], columns)
                self._remember(await (await connection.execute(SQL["some_metric_ids"], columns)).fetchall())
            self._unsaved.difference_update(new)

    def _named(self, names: Names, key: Key) -> bool:
        """Whether a device has named this before, or need not account for it."""
        name, unit = key
        if key in names.keys:
            return True
        if unit:
            return False
        if name not in names.bare:
            if name not in self._signals.get(names.model, ()):
                return False
            if key not in self.by_key:
                self._unsaved.add((0, key))
            self._ready[names.model].add(name)
            names.bare.add(name)
        names.keys.add(key)
        return True

    def _made(self, names: Names, key: Key) -> bool:
        """Whether a device may name this from now on."""
        if names.made >= PER_DEVICE or (key not in self.by_key and len(self.by_key) + len(self._unsaved) >= MOST):
            return False
        self._take(names, key)
        self._unsaved.add((names.device_id, key))
        return True

    def _take(self, names: Names, key: Key) -> None:
        name, unit = key
        names.made += 1
        names.keys.add(key)
        if not unit:
            if names.bare is self._ready[names.model]:
                names.bare = set(names.bare)
            names.bare.add(name)

    def _remember(self, rows: list[tuple[int, str, str]]) -> None:
        for id_, text, unit in rows:
            name = intern(text)
            self.by_key[name, unit] = id_
            if not unit:
                self.bare[name] = id_

"""From the facts of one image to what is entered into the outbox: each fact in its lane, and only what is news."""

import asyncio
from collections.abc import Mapping, Sequence

from agent.adapter import Entry, Sink, lane_of
from agent.dicom.image import Extracted, Reading, readings_item
from catalog.model import Model
from wire.items import Item
from wire.topics import Lane


class Exposures:
    """Enters the images of one device.

    The readings of every image are entered; a state and the inventory only when they differ from what the newest
    image so far said: one image in a thousand changes them. What is remembered is lost with the process, so that
    each is told once again after a restart. Of an image older than the newest one the readings and states are
    entered, for they are judged at their own time.
    """

    def __init__(self, *, source: str, model: Model, sink: Sink) -> None:
        self._source = source
        self._model = model
        self._sink = sink
        self._lock = asyncio.Lock()
        self._newest = 0
        self._states: dict[str, str] = {}
        self._inventory: dict[str, str] = {}

    async def put(self, image: Extracted, *, positions: Mapping[str, bytes] | None = None) -> bool:
        """As ``Sink.put``: False for a repeat, ``OutboxError`` for what isn't kept. Counts the image's refusals."""
        async with self._lock:
            late = image.at < self._newest
            new = await self._sink.aput(self._entry(image, late, positions or {}))
            if not late:
                self._remember(image)
        if new:
            for reason in image.refused.elements():
                self._sink.refused(self._source, reason)
        return new

    def _entry(self, image: Extracted, late: bool, positions: Mapping[str, bytes]) -> Entry:
        live, bulk = split(image.at, image.readings, self._model)
        live += [state for state in image.states if late or self._states.get(state.name) != state.value]
        if image.inventory is not None and not late and not image.inventory.fields.items() <= self._inventory.items():
            bulk.append(image.inventory)
        return Entry(live=live, bulk=bulk, seen=(image.seen,), positions=positions)

    def _remember(self, image: Extracted) -> None:
        self._newest = image.at
        self._states |= {state.name: state.value for state in image.states}
        self._inventory |= image.inventory.fields if image.inventory is not None else {}


def split(at: int, readings: Sequence[Reading], model: Model) -> tuple[list[Item], list[Item]]:
    """The readings of one exposure as items of the live and of the bulk lane."""
    live = tuple(reading for reading in readings if lane_of(model, reading.metric) is Lane.LIVE)
    bulk = tuple(reading for reading in readings if lane_of(model, reading.metric) is Lane.BULK)
    return [readings_item(at, live)] if live else [], [readings_item(at, bulk)] if bulk else []

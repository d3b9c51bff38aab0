"""From the facts of images and dose reports to what is entered into the outbox: each in its lane, and only news."""

import asyncio
from collections.abc import Sequence

from agent.adapters.dicom.detector import Detector
from agent.adapters.dicom.image import Extracted, Reading, readings_item
from agent.adapters.dicom.told import Told
from agent.adapters.equipment_clock import ClockWatch
from agent.adapters.port import Entry, Sink, lane_of
from catalog.model import Model
from wire.items import Item
from wire.topics import Lane


class Exposures:
    """Enters the images and dose reports of one device.

    The readings of every exposure are entered; what another object told of the same exposure isn't entered again, after
    a restart neither. A state and the inventory are entered only when they differ from what the newest image so far
    said: one image in a thousand changes them. These are lost with the process, so that each is told once again after a
    restart. Of an image older than the newest one the readings and states are entered, for they are judged at their own
    time.
    """

    def __init__(self, *, source: str, model: Model, sink: Sink) -> None:
        self._source = source
        self._model = model
        self._sink = sink
        self._lock = asyncio.Lock()
        self._newest = 0
        self._states: dict[str, str] = {}
        self._inventory: dict[str, str] = {}
        self._told = Told(sink=sink, name=source)
        self._detector = Detector(sink=sink, name=source)
        self._clock = ClockWatch(model=model, sink=sink, source=source, name=f"{source}:clock")

    async def put(self, found: Sequence[Extracted], *, sent: int | None = None) -> None:
        """Enter what one object told. ``sent``: when it was received from the equipment itself, ms since 1970 UTC;
        None: it lay there. Raises ``OutboxError`` for what isn't kept, and is to be sent again. Counts the refusals of
        what is new."""
        async with self._lock:
            if sent is not None:
                said = (each.right for each in reversed(found) if each.right is not None)
                await self._clock.heard(next(said, None), received=sent)
            # Side by side, so that they share a synchronisation of the disk.
            new = await asyncio.gather(*(self._sink.aput(self._entry(each)) for each in found), return_exceptions=True)
            for each, entered in zip(found, new, strict=True):
                if isinstance(entered, BaseException):
                    self._told = Told(sink=self._sink, name=self._source)  # as it is on the disk
                    raise entered
                self._remember(each)
        for each, entered in zip(found, new, strict=True):
            for reason in each.refused.elements() if entered else ():
                self._sink.refused(self._source, reason, form=each.forms.get(reason, ""))

    def _entry(self, image: Extracted) -> Entry:
        late = image.at < self._newest
        told = self._told.of(image.exposure, seen=image.seen)
        readings = [each for each in image.readings if each.metric not in told]
        live, bulk = split(image.at, readings, self._model)
        live += self._detector.faults(image)
        live += [state for state in image.states if late or self._states.get(state.name) != state.value]
        if image.inventory is not None and not late and not image.inventory.fields.items() <= self._inventory.items():
            bulk.append(image.inventory)
        positions = self._told.add(image.exposure, (each.metric for each in image.readings), seen=image.seen)
        positions = {**positions, **self._detector.position(image)}
        return Entry(live=live, bulk=bulk, seen=(image.seen,), positions=positions)

    def _remember(self, image: Extracted) -> None:
        self._detector.remember(image)
        if image.at < self._newest or not (image.states or image.inventory):
            return
        self._newest = image.at
        self._states |= {state.name: state.value for state in image.states}
        self._inventory |= image.inventory.fields if image.inventory is not None else {}


def split(at: int, readings: Sequence[Reading], model: Model) -> tuple[list[Item], list[Item]]:
    """The readings of one exposure as items of the live and of the bulk lane."""
    live = tuple(reading for reading in readings if lane_of(model, reading.metric) is Lane.LIVE)
    bulk = tuple(reading for reading in readings if lane_of(model, reading.metric) is Lane.BULK)
    return [readings_item(at, live)] if live else [], [readings_item(at, bulk)] if bulk else []

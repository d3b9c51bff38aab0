"""From the facts of a message to what is entered into the outbox: each fact in its lane, and only what is news."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import groupby

from agent.adapters.columns import Reading, columns
from agent.adapters.equipment_clock import ClockWatch, uncertain_params
from agent.adapters.hl7.reading import NAME, Extracted
from agent.adapters.hl7.tables import LEVEL_FAULTS, STATE_LEVEL
from agent.adapters.port import Entry, Sink, lane_of
from catalog.model import Model
from wire.items import Fault, Inventory, Item, StateChange
from wire.topics import Lane


class Said:
    """What the equipment said last, so that what it repeats every minute is entered once.

    A state, an alert level and the inventory are entered when they differ from what was heard before, in order of
    arrival: an analyzer whose clock was set back would seem late for ever. What is remembered is lost with the process:
    each is told once again after a restart.
    """

    def __init__(self, *, model: Model) -> None:
        self._model = model
        self._states: dict[str, str] = {}
        self._inventory: dict[str, str] = {}

    def entry(self, facts: Extracted, seen: Sequence[bytes] = ()) -> Entry:
        """What is news of these facts."""
        states = [state for state in facts.states if self._states.get(state.name) != state.value]
        live = self._readings(facts.readings, Lane.LIVE)
        live += [*states, *facts.faults, *_alerts(states, self._model, certain=facts.right is not False)]
        bulk = self._readings(facts.readings, Lane.BULK)
        if not facts.inventory.items() <= self._inventory.items():
            bulk.append(Inventory(at=facts.at, fields=facts.inventory))
        return Entry(live=live, bulk=bulk, seen=seen)

    def remember(self, facts: Extracted) -> None:
        """These facts are entered."""
        self._states |= {state.name: state.value for state in facts.states}
        self._inventory |= facts.inventory

    def _readings(self, readings: Iterable[Reading], lane: Lane) -> list[Item]:
        chosen = [reading for reading in readings if lane_of(self._model, reading.metric) is lane]
        return [columns(list(rows)) for _, rows in groupby(chosen, key=lambda reading: reading.at)]


class Facts:
    """Enters the facts of one device, message after message, whatever connection they came by."""

    def __init__(self, *, model: Model, sink: Sink) -> None:
        self._sink = sink
        self._said = Said(model=model)
        self._clock = ClockWatch(model=model, sink=sink, source=NAME, name=f"{NAME}:clock")
        self._lock = asyncio.Lock()

    async def put(self, facts: Extracted, seen: Sequence[bytes]) -> None:
        """Returns when they are on the disk. Raises ``OutboxError``. Counts what was refused, of a repeat not again."""
        async with self._lock:
            await self._clock.heard(facts.right, received=facts.received)
            entry = self._said.entry(facts, seen)
            new = True
            if entry.live or entry.bulk or facts.refused:
                new = await self._sink.aput(entry)
            if new:  # of a repeat that comes late something else was said since
                self._said.remember(facts)
        if new:
            for reason in facts.refused.elements():
                self._sink.refused(NAME, reason, form=facts.forms.get(reason, ""))


def _alerts(states: Iterable[StateChange], model: Model, *, certain: bool) -> list[Fault]:
    """The faults of an alert level that changed: one is active, the others are over."""
    params = uncertain_params(certain)
    return [
        Fault(at=state.at, code=code, state="active" if level == state.value else "cleared", source=NAME, params=params)
        for state in states
        if state.name == STATE_LEVEL
        for level, code in LEVEL_FAULTS.items()
        if code in model.faults
    ]

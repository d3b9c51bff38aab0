"""The engine: judges what a device reports, and what follows from time alone. Pure (delivery 13).

The verdict is one of the facts in the order of their own time, however they were cut into reports, batches and arrivals
(ADR 0021). A step takes the reports as they came, the facts of each in the order of their time, then the timers that
are due. The time of a fact is corrected by the clock's offset and never after its arrival. It decides:

- not older than the newest judged fact of its rule: judged at once;
- older than ``alerts.draft.LATE_MS`` when it arrives: waits until the agent has caught up (``alerts.late``);
- a reading older than the newest judged one of its metric: ignored, live state never moves backwards; a fault code
  older than the newest of its code is history, and only counted;
- further in the future than a clock may be ahead: a reading is ignored, a fault happens now.

Judged are readings in the catalog's unit that aren't bad, and fault codes. Silence is judged in the live lane, which
has the heartbeats and the ticks, and so are the faults of both: the bulk lane hands over what it hears of them. Of a
device that is retired nothing is judged.
"""

from collections.abc import Mapping, Sequence

from alerts import adopt, clock, status
from alerts.plan import RETIRED, RETIRED_PLAN, SILENCE, Plan, compile_model
from alerts.state import State, fresh, pack, unpack
from alerts.step import Step
from catalog.model import Model
from ingest.ports import Applied, Device, Effect, Now, OpenAlert, Presence
from wire.topics import Lane


class AlertEngine:
    """Implements ``ingest.ports.Engine[State]``. ``models``: of the catalog, by key."""

    def __init__(self, *, models: Mapping[str, Model]) -> None:
        self._plans = {key: compile_model(model) for key, model in models.items()}
        self._unknown = compile_model(None)

    def fresh(self, device: Device, lane: Lane) -> State:
        """The state of a device never seen."""
        return fresh(self._plan(device), lane)

    def unpack(self, device: Device, lane: Lane, packed: bytes) -> State:  # noqa: ARG002 - the port's signature
        """A state from its packed form. Raises ValueError if it is none."""
        return unpack(packed)

    def adopt(self, device: Device, lane: Lane, state: State | None, opened: Sequence[OpenAlert]) -> State:
        """See ``ingest.ports.Engine``."""
        return adopt.reconcile(device, lane, state, opened)

    def pack(self, state: State) -> bytes:
        """The packed form, with the version of its format inside."""
        return pack(state)

    def due(self, state: State, presence: Presence) -> int | None:
        """The partition's clock at which something follows from time alone; None: never."""
        if state.digest == RETIRED:
            return None
        told = status.known(presence, state.known_clock)
        if state.digest == adopt.ANEW or status.news(told, told.clock_offset_ms, state.entries, state.judged):
            return 0
        timer = state.timer or None
        if not state.silence_ms or SILENCE in state.entries:
            return timer
        if not presence.seen_ms and not state.known_clock:
            return 0  # never heard, and not noted yet since when it is known: the next step does
        silence = clock.silence_at(state.silence_ms, state.known_clock, presence)
        return silence if timer is None else min(timer, silence)

    def urgent(self, before: State, after: State) -> bool:
        """See ``ingest.ports.Engine``: all but how far the metrics are judged, which most readings change."""
        return after.entries is not before.entries

    def step(
        self, device: Device, lane: Lane, state: State, presence: Presence, applied: Sequence[Applied], now: Now
    ) -> tuple[State, list[Effect]]:
        """The next state, the very same object if nothing changed, and what follows from it."""
        plan = self._plan(device)
        step = Step(device=device, lane=lane, plan=plan, state=state, now=now)
        if state.digest != plan.digest:
            step.adopt()
        if device.retired:
            return step.finish()
        if applied and state.entries:
            step.hear(presence)
        for one in applied:
            step.apply(one)
        if lane is Lane.LIVE:
            step.presence(presence)
        elif presence.restarted_ms:
            step.pass_on(presence.restarted_ms)
        step.time(presence, heard=bool(applied))
        return step.finish()

    def _plan(self, device: Device) -> Plan:
        if device.retired:
            return RETIRED_PLAN
        return self._plans.get(device.model, self._unknown)

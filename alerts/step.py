"""One step of the engine over the reports of one device: sorts the facts by what their time allows."""

from typing import Final

from alerts import clock, judge, late
from alerts.draft import Draft
from alerts.episode import Condition
from alerts.judge import GRID_MS
from alerts.plan import IDENTITY, SILENCE, Plan
from alerts.state import State, silence_of
from ingest.ports import Applied, Device, Effect, Now, Presence
from wire.items import BAD, Birth, Fault, Readings
from wire.topics import Lane

AHEAD_MS: Final = 300_000
"""How far a clock may be ahead (``latest`` has the same bound, DELIVERY 16)."""
OLDEST_MS: Final = 366 * 86_400_000
"""How long before its arrival a fault can have been: a clock at 1970 tells nothing of when it was."""


class Step:
    """The draft is made only when something has to change: most reports change nothing.

    ``entries`` and ``judged`` are the state's or the draft's, whichever holds now.
    """

    __slots__ = ("_device", "_draft", "_entries", "_judged", "_lane", "_late_ms", "_now", "_plan", "_state")

    def __init__(self, *, device: Device, lane: Lane, plan: Plan, state: State, now: Now, late_ms: int) -> None:
        self._device = device
        self._lane = lane
        self._plan = plan
        self._state = state
        self._now = now
        self._late_ms = late_ms
        self._draft: Draft | None = None
        self._entries = state.entries
        self._judged = state.judged

    def finish(self) -> tuple[State, list[Effect]]:
        """The next state, the very same object if nothing changed, and the effects."""
        if self._draft is None:
            return self._state, []
        silence_ms = silence_of(self._plan, self._lane)
        return self._draft.finish(silence_ms=silence_ms, held_limit_ms=clock.HELD_LIMIT_MS), self._draft.effects

    def adopt(self) -> None:
        """Judge by another catalog than the state knows."""
        clock.adopt(self._change())

    def hear(self, presence: Presence) -> None:
        """Reports came: a silent device is silent no longer."""
        if SILENCE in self._entries or any(e.condition is Condition.NO_DATA for e in self._entries.values()):
            clock.hear(self._change(), presence)

    def conflict(self, at_ms: int) -> None:
        """Another life of the device was heard at ``at_ms``, if it isn't known already."""
        if at_ms > self._judged.get(IDENTITY, 0):
            clock.conflict(self._change(), at_ms)

    def apply(self, one: Applied) -> None:
        """One report."""
        for item in one.report.items:
            if type(item) is Readings:
                if not self._plan.names.isdisjoint(item.metric):
                    self._readings(item, one)
            elif type(item) is Fault:
                self._fault(item, one)
        held = self._state.held if self._draft is None else self._draft.held
        # A birth says nothing of what waits behind it.
        if held and one.caught_up and type(one.report.items[0]) is not Birth:
            late.judge_group(self._change())

    def time(self, presence: Presence, *, heard: bool) -> None:
        """What is due by the partition's clock. ``heard``: reports came with this step, so the device isn't silent."""
        silent_at = None if heard else self._silent_at(presence)
        clock_ms = self._now.clock_ms
        due = 0 < self._state.timer <= clock_ms or (silent_at is not None and silent_at <= clock_ms)
        if due or self._draft is not None:
            clock.tick(self._change(), presence, silent_at)

    def _silent_at(self, presence: Presence) -> int | None:
        """When the device will count as silent; None: never, or it does already."""
        silence_ms = silence_of(self._plan, self._lane)
        if not silence_ms:
            return None
        known_clock = self._state.known_clock
        if not presence.seen_ms and not known_clock:
            draft = self._change()
            draft.known_clock = known_clock = max(1, self._now.clock_ms)
            draft.changed = True
        silent_at = clock.silence_at(silence_ms, known_clock, presence)
        if SILENCE not in self._entries:
            return silent_at
        if silent_at > self._now.clock_ms:
            clock.hear(self._change(), presence)
        return None

    def _change(self) -> Draft:
        if self._draft is None:
            self._draft = Draft(device=self._device, lane=self._lane, plan=self._plan, base=self._state, now=self._now)
            self._entries = self._draft.entries
            self._judged = self._draft.judged
        return self._draft

    def _readings(self, item: Readings, one: Applied) -> None:
        metrics, value, dt, unit, quality = self._plan.metrics, item.value, item.dt, item.unit, item.quality
        base_ms = item.at + one.offset_ms
        received_ms = one.received_ms
        for i, name in enumerate(item.metric):
            metric = metrics.get(name)
            if metric is None:
                continue
            if unit is not None and unit[i] and unit[i] != metric.unit:
                continue
            if quality is not None and quality[i] == BAD:
                continue
            at_ms = base_ms if dt is None else base_ms + dt[i]
            if at_ms > received_ms:
                if at_ms > received_ms + AHEAD_MS:
                    continue
                at_ms = received_ms
            newest = self._judged.get(name, 0)
            if received_ms - at_ms > self._late_ms:
                if received_ms - at_ms <= OLDEST_MS:
                    late.hold_reading(self._change(), metric, at_ms, value[i])
            elif at_ms >= newest and (
                not metric.low <= value[i] <= metric.high
                or at_ms - at_ms % GRID_MS > newest
                or not metric.keys.isdisjoint(self._entries)
            ):
                # else nothing can come of it: no rule is broken, none is open
                judge.reading(self._change(), metric, at_ms, value[i])

    def _fault(self, item: Fault, one: Applied) -> None:
        active = item.state != late.CLEARED
        draft = self._change()
        times = [ms for ms in (item.at, item.first, item.last) if ms is not None]
        last_ms = self._clamp(max(times), one)
        first_ms = self._clamp(min(times), one) if active else last_ms
        rule = judge.rule_of(draft, item.code, active=active)
        if rule is None:
            return
        if one.received_ms - last_ms > self._late_ms or last_ms < self._judged.get(rule.key, 0):
            late.hold_fault(draft, item.code, item.state, first_ms, last_ms, item.count)
            return
        judge.fault(draft, rule, active=active, first_ms=first_ms, last_ms=last_ms, count=item.count)
        if active:
            for code in self._plan.ends.get(item.code, ()):
                ended = self._plan.codes[code]
                if last_ms >= self._judged.get(ended.key, 0):
                    judge.ended_by(draft, ended, last_ms, item.code)

    @staticmethod
    def _clamp(at_ms: int, one: Applied) -> int:
        return min(max(at_ms + one.offset_ms, one.received_ms - OLDEST_MS), one.received_ms)

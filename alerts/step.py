"""One step of the engine over the reports of one device: sorts the facts by what their time allows."""

from collections.abc import Sequence

from msgspec.structs import replace

from alerts import adopt, clock, judge, late, status
from alerts.draft import LATE_MS, Draft
from alerts.episode import Condition, Event
from alerts.order import in_order, span
from alerts.plan import LOST_KINDS, NUMBERS, NUMBERS_RULE, SILENCE, Metric, Plan
from alerts.state import Held, State, silence_of
from ingest.clocks import OLDEST_MS
from ingest.latest import LATEST_AHEAD_MS
from ingest.ports import Applied, Device, Effect, HandOver, Now, Presence
from wire.items import BAD, Birth, Fault, Heartbeat, Readings
from wire.report import Report
from wire.topics import Lane


class Step:
    """The draft is made only when something has to change: most reports change nothing.

    ``entries`` and ``judged`` are the state's or the draft's, whichever holds now.
    """

    __slots__ = ("_device", "_draft", "_entries", "_judged", "_lane", "_noted", "_now", "_offset_ms", "_plan", "_state")

    def __init__(self, *, device: Device, lane: Lane, plan: Plan, state: State, now: Now) -> None:
        self._device = device
        self._lane = lane
        self._plan = plan
        self._state = state
        self._now = now
        self._draft: Draft | None = None
        self._offset_ms: int | None = None
        self._entries = state.entries
        self._judged = state.judged
        self._noted = False

    def finish(self) -> tuple[State, list[Effect]]:
        """The next state, the very same object if nothing changed, and the effects."""
        draft = self._draft
        if draft is None or not draft.changed:
            return replace(self._state, judged=self._judged) if self._noted else self._state, []
        silence_ms = silence_of(self._plan, self._lane)
        return draft.finish(silence_ms=silence_ms, held_limit_ms=clock.HELD_LIMIT_MS), draft.effects

    def adopt(self) -> None:
        """Judge by another plan than the state knows."""
        adopt.adopt(self._change(), self._state.digest)

    def hear(self, presence: Presence) -> None:
        """Reports came: a silent device is silent no longer, unless they came long ago or by the other lane."""
        silence_ms = silence_of(self._plan, self._lane)
        if silence_ms and clock.silence_at(silence_ms, self._state.known_clock, presence) <= self._now.clock_ms:
            return
        if SILENCE in self._entries or any(e.condition is Condition.NO_DATA for e in self._entries.values()):
            clock.hear(self._change(), presence)

    def presence(self, presence: Presence) -> None:
        """What follows from what ingest knows of the device."""
        presence = status.known(presence, self._known_clock)
        offset_ms = presence.clock_offset_ms if self._offset_ms is None else self._offset_ms
        if status.news(presence, offset_ms, self._entries, self._judged):
            status.judge(self._change(), presence, offset_ms)

    def pass_on(self, restarted_ms: int) -> None:
        """Numbers of the bulk lane began again, which is said in the live lane."""
        if restarted_ms > self._judged.get(NUMBERS, 0):
            draft = self._change()
            draft.judged[NUMBERS] = restarted_ms
            draft.changed = True
            # a report isn't empty, and this says nothing
            report = Report(at=restarted_ms, items=[Heartbeat(at=restarted_ms)])
            applied = Applied(
                report=report,
                numbers=None,
                received_ms=self._now.wall_ms,
                offset_ms=0,
                caught_up=False,
                restarted_ms=restarted_ms,
            )
            draft.effects.append(HandOver(applied=applied))

    def apply(self, one: Applied) -> None:
        """One report."""
        if one.gap and self._lane is Lane.LIVE and self._entries:
            self._lose(one)
        if one.restarted_ms:
            status.noticed(self._change(), NUMBERS_RULE, Event.RESTARTED, one.restarted_ms)
        faults: list[Fault] = []
        for item in in_order(one.report.items):
            if type(item) is Readings:
                if not self._plan.names.isdisjoint(item.metric):
                    self._readings(item, one)
            elif type(item) is Fault:
                if self._lane is Lane.LIVE:
                    self._fault(item, one)
                elif not self._hold(item, one):
                    faults.append(item)
        if faults:
            self._hand_over(one, faults)
        if one.numbers is not None and one.caught_up:
            self._offset_ms = one.numbers.offset_ms
        # A birth says nothing of what waits behind it.
        if self._held and one.caught_up and type(one.report.items[0]) is not Birth:
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
        known_clock = self._known_clock
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

    @property
    def _held(self) -> Sequence[Held]:
        return self._state.held if self._draft is None else self._draft.held

    @property
    def _known_clock(self) -> int:
        return self._state.known_clock if self._draft is None else self._draft.known_clock

    def _change(self) -> Draft:
        if self._draft is None:
            self._draft = Draft(device=self._device, lane=self._lane, plan=self._plan, base=self._state, now=self._now)
            self._entries = self._draft.entries
            if self._noted:
                self._draft.judged = self._judged
            self._judged = self._draft.judged
        return self._draft

    def _readings(self, item: Readings, one: Applied) -> None:
        metrics, value, dt, unit, quality = self._plan.metrics, item.value, item.dt, item.unit, item.quality
        base_ms = item.at + one.offset_ms
        received_ms = one.received_ms
        waiting, entries, judged = bool(self._held), self._entries, self._judged
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
                if at_ms > received_ms + LATEST_AHEAD_MS:
                    continue
                at_ms = received_ms
            newest = judged.get(name, 0)
            if (waiting or received_ms - at_ms > LATE_MS) and self._waits(metric, at_ms, value[i], received_ms):
                waiting, entries, judged = True, self._entries, self._judged
            elif at_ms >= newest:
                if not metric.low <= value[i] <= metric.high or (entries and not metric.keys.isdisjoint(entries)):
                    judge.reading(self._change(), metric, at_ms, value[i])
                    entries, judged = self._entries, self._judged
                elif not self._noted and self._draft is None:
                    judged = self._judged = {**judged, name: at_ms}
                else:
                    judged[name] = at_ms
                self._noted = True

    def _waits(self, metric: Metric, at_ms: int, value: float, received_ms: int) -> bool:
        """Keep a late reading, or judge one in time together with the late ones of its metric. False: neither."""
        if received_ms - at_ms > LATE_MS:
            if received_ms - at_ms <= OLDEST_MS:
                late.hold_reading(self._change(), metric, at_ms, value)
            return True
        if not late.waits(self._held, (metric.name,)):
            return False
        late.hold_reading(self._change(), metric, at_ms, value)
        late.judge_group(self._change(), (metric.name,))
        return True

    def _fault(self, item: Fault, one: Applied) -> None:
        active = item.state != late.CLEARED
        draft = self._change()
        first_ms, last_ms = self._span(item, one)
        rule = judge.rule_of(draft, item.code, active=active)
        if rule is None:
            return
        kin = self._plan.kin.get(item.code, (item.code,))
        joins = late.waits(draft.held, kin)
        is_late = one.received_ms - last_ms > LATE_MS
        if is_late or joins or last_ms < self._judged.get(rule.key, 0):
            late.hold_fault(draft, item.code, item.state, first_ms, last_ms, item.count)
            if joins and not is_late:
                late.judge_group(draft, kin)
            return
        judge.fault(draft, rule, active=active, first_ms=first_ms, last_ms=last_ms, count=item.count)
        if active:
            for code in self._plan.ends.get(item.code, ()):
                ended = self._plan.codes[code]
                if last_ms >= self._judged.get(ended.key, 0):
                    judge.ended_by(draft, ended, first_ms, last_ms, item.code)

    def _hold(self, item: Fault, one: Applied) -> bool:
        """Keep a late fault of the bulk lane until the lane has caught up, and what follows it. False: neither."""
        first_ms, last_ms = self._span(item, one)
        if one.received_ms - last_ms <= LATE_MS and not late.waits(
            self._held, self._plan.kin.get(item.code, (item.code,))
        ):
            return False
        late.hold_fault(self._change(), item.code, item.state, first_ms, last_ms, item.count)
        return True

    def _hand_over(self, one: Applied, faults: list[Fault]) -> None:
        """Faults are the device's, whatever lane brings them: the live lane judges them.

        They don't say that the live lane has caught up.
        """
        draft = self._change()
        report = replace(one.report, items=faults)
        draft.effects.append(HandOver(applied=replace(one, report=report, caught_up=False, gap=0)))
        draft.changed = True

    def _lose(self, one: Applied) -> None:
        """Reports were lost on the way, though this lane drops none: a restored database, a wiped outbox."""
        for key in list(self._entries):
            rule = self._plan.rule(key)
            if rule.kind in LOST_KINDS:
                self._change().interrupt(rule, Event.LOST, self._now.wall_ms, extra={"lost": one.gap})

    @staticmethod
    def _span(item: Fault, one: Applied) -> tuple[int, int]:
        """When a fault came first and last, corrected. If only the first tells nothing, the clock was set since."""
        first_ms, last_ms = (min(ms + one.offset_ms, one.received_ms) for ms in span(item))
        oldest_ms = one.received_ms - OLDEST_MS
        return (first_ms if first_ms >= oldest_ms else max(last_ms, oldest_ms)), max(last_ms, oldest_ms)

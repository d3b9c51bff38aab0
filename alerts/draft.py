"""The working copy of a state during one step: the one place where conditions change and effects are made.

A draft never touches the state it began with; ``finish`` gives that very state back if nothing changed.
"""

from typing import Final
from uuid import UUID, uuid5

from msgspec.structs import replace

from alerts import words
from alerts.effects import Param
from alerts.episode import TABLE, Condition, Event, Ignored, Reason
from alerts.plan import LOST_KINDS, UNKNOWN_FAMILY, Plan, Rule, gone_rule
from alerts.reasons import LATE, MESSAGES
from alerts.state import Entry, Held, State
from alerts.words import QUIET_MS, Cause
from ingest.ports import Device, Effect, Now
from wire.topics import Lane

NAMESPACE: Final = UUID("6d1b3c0e-6f5b-5d0a-9a55-3f1f5d0f7e11")
"""Of episodes' ids: a judgement repeated after a rollback gives the same id."""
UNTOLD: Final = UUID(int=0)
"""The id of an episode among late facts, as long as it isn't known whether it outlives them."""
CHATTER_CYCLES: Final = 3
CHATTER_MS: Final = 60_000
"""Chattering: three or more cycles a minute (ANSI/ISA-18.2; EEMUA 191)."""
LATE_MS: Final = 300_000
"""A fact older than this when it arrives is late (delivery 17). What is younger is judged as if it had come at once: a
timer rings only when all that may still come is of a time after its end."""
COUNT_MOST: Final = 2**53
"""How often something occurred is counted up to here, which is what one fault may claim; the database holds more."""
FORGET_MS: Final = 2 * LATE_MS
"""Activations of closed rules are kept so long: facts of the present are younger."""


class Draft:
    """``entries``, ``judged``, ``opens`` and ``held`` as in ``State``; ``effects`` in the order of what happened.

    While late facts are judged (``group``) what opens is ``staged``: it has no identity yet, and if it ends it is only
    counted in ``over``, as (began, ended).
    """

    __slots__ = (
        "_base",
        "_told_again",
        "changed",
        "counter",
        "device",
        "effects",
        "entries",
        "group",
        "held",
        "held_clock",
        "judged",
        "known_clock",
        "lane",
        "now",
        "opens",
        "over",
        "plan",
        "staged",
    )

    def __init__(self, *, device: Device, lane: Lane, plan: Plan, base: State, now: Now) -> None:
        self._base = base
        self.device = device
        self.lane = lane
        self.plan = plan
        self.now = now
        self.counter = base.counter
        self.known_clock = base.known_clock
        self.entries = dict(base.entries)
        self.judged = dict(base.judged)
        self.opens = base.opens
        self.held: list[Held] = list(base.held)
        self.held_clock = base.held_clock
        self.effects: list[Effect] = []
        self._told_again: dict[UUID, int] = {}
        self.changed = False
        self.group = False
        self.staged: set[str] = set()
        self.over: list[tuple[int, int]] = []

    def finish(self, *, silence_ms: int, held_limit_ms: int) -> State:
        """The next state. ``silence_ms`` as in ``State``; ``held_limit_ms``: how long late facts may wait."""
        timers = [entry.due_clock for entry in self.entries.values() if self.rings(entry)]
        if self.held:
            timers.append(self.held_clock + held_limit_ms)
        return State(
            counter=self.counter,
            digest=self.plan.digest,
            silence_ms=silence_ms,
            known_clock=self.known_clock,
            entries=self.entries,
            judged=self.judged,
            opens=self.opens,
            held=tuple(self.held),
            held_clock=self.held_clock,
            timer=min(timers, default=0),
        )

    def rings(self, entry: Entry) -> bool:
        """Whether an entry has a timer that time alone may end: not while late facts wait that may put it off."""
        return entry.due_clock > 0 and not self.held and entry.condition is not Condition.NO_DATA

    def raise_(
        self,
        rule: Rule,
        event: Event,
        at_ms: int,
        *,
        occurred_ms: int,
        value: float = 0.0,
        count: int = 1,
        extra: dict[str, Param] | None = None,
    ) -> None:
        """Something is wrong: opens an episode that began at ``occurred_ms``, or takes one further, or counts a repeat.

        The timer of what follows runs from ``at_ms``, the time of the fact.
        """
        before = self.entries.get(rule.key)
        outcome = TABLE[before.condition if before is not None else Condition.OK, event]
        if isinstance(outcome, Ignored):
            if outcome is Ignored.COUNTED and before is not None:
                self.count(rule, before, event, at_ms, count)
            return
        if outcome.to is None:
            raise ValueError(f"{event} raises nothing")
        due_ms, due_clock = self._timer(rule, outcome.to, at_ms)
        cause = Cause(event, at_ms, MESSAGES[outcome.reason, rule.said], extra or {})
        if before is None:
            after = Entry(
                id=UNTOLD,
                condition=outcome.to,
                before=outcome.to,
                occurred_ms=occurred_ms,
                due_ms=due_ms,
                due_clock=due_clock,
                count=count,
                value=value,
                late=self.group and self.now.wall_ms - occurred_ms > LATE_MS,
                chatters=False,
                unknown=rule.family == UNKNOWN_FAMILY,
            )
            if self.group:
                self._put(rule, after)
                self.staged.add(rule.key)
            else:
                self._open(rule, after, cause)
            return
        after = replace(
            before,
            condition=outcome.to,
            before=outcome.to,
            due_ms=due_ms,
            due_clock=due_clock,
            value=value,
            count=_sum(before.count, count if outcome.reason is Reason.AGAIN or event is Event.FAULT_ACTIVE else 0),
        )
        self._put(rule, after)
        if rule.key not in self.staged:
            if before.condition is not Condition.UNCONFIRMED:
                self._note_activation(rule, at_ms)
            self.effects.append(words.changed(rule, before, after, cause, self.now.wall_ms))
            if before.condition is Condition.PENDING:
                self.effects.append(words.active(rule, after, cause, self.now.wall_ms))
            else:
                self._again(rule, after, cause)

    def end(
        self,
        rule: Rule,
        event: Event,
        at_ms: int,
        *,
        value: float | None = None,
        extra: dict[str, Param] | None = None,
    ) -> None:
        """What was wrong is over at ``at_ms``. If the rule chatters, its episode waits whether it stays over."""
        before = self.entries.get(rule.key)
        if before is None:
            return
        staged = rule.key in self.staged
        if not staged and before.condition is Condition.ACTIVE and self._chatters(rule, before, at_ms):
            event = Event.LULL
        outcome = TABLE[before.condition, event]
        if isinstance(outcome, Ignored):
            return
        if outcome.to is None:
            raise ValueError(f"{event} ends nothing")
        due_ms, due_clock = self._timer(rule, outcome.to, at_ms)
        after = replace(
            before,
            condition=outcome.to,
            before=outcome.to,
            due_ms=due_ms,
            due_clock=due_clock,
            value=before.value if value is None else value,
            chatters=before.chatters or outcome.to is Condition.CLEARING,
        )
        self._put(rule, after)
        if after.condition is Condition.OK:
            del self.entries[rule.key]
            self.staged.discard(rule.key)
        if not staged:
            cause = Cause(event, at_ms, MESSAGES[outcome.reason, rule.said], extra or {})
            self.effects.append(words.changed(rule, before, after, cause, self.now.wall_ms))
        elif before.condition is Condition.ACTIVE:
            self.over.append((before.occurred_ms, at_ms))

    def interrupt(self, rule: Rule, event: Event, at_ms: int, *, extra: dict[str, Param] | None = None) -> None:
        """The device fell silent (SILENT) or is heard again (BACK), or reports of it were lost (LOST).

        Silent, nothing is known of the condition and its timer doesn't ring. Back, the condition is what it was, and
        what the device kept meanwhile may still come; but a value stands no longer, and what ingest sees of a device
        begins anew. With reports lost, what pends ends, and the timer of what is active goes on.
        """
        before = self.entries[rule.key]
        outcome = TABLE[before.condition, event]
        if isinstance(outcome, Ignored):
            return
        if outcome.to is None:
            if rule.kind not in LOST_KINDS:
                due_ms, due_clock = self._timer(rule, before.before, at_ms)
            elif before.due_ms and before.before is not Condition.PENDING:
                due_ms, due_clock = before.due_ms, self._certain(rule, before.due_ms)
            else:
                due_ms = due_clock = 0
            after = replace(before, condition=before.before, due_ms=due_ms, due_clock=due_clock)
        else:
            after = replace(before, condition=outcome.to, before=before.condition)
        self._put(rule, after)
        if after.condition is Condition.OK:
            del self.entries[rule.key]
        cause = Cause(event, at_ms, MESSAGES[outcome.reason, rule.said], extra or {})
        self.effects.append(words.changed(rule, before, after, cause, self.now.wall_ms))

    def wait(self, rule: Rule) -> None:
        """Start the timer of an open episode that has none and should have one; stop one that it shouldn't have."""
        before = self.entries[rule.key]
        due_ms, due_clock = self._timer(rule, before.condition, self.now.wall_ms)
        if before.condition is not Condition.NO_DATA and bool(before.due_clock) != bool(due_clock):
            self._put(rule, replace(before, due_ms=due_ms, due_clock=due_clock))

    def retire(self, key: str, event: Event) -> None:
        """An open episode ends for a reason that has nothing to do with its rule."""
        before = self.entries[key]
        outcome = TABLE[before.condition, event]
        if isinstance(outcome, Ignored) or outcome.to is None:
            raise ValueError(f"{event} doesn't end what is {before.condition}")
        rule = gone_rule(key)
        after = replace(before, condition=outcome.to)
        del self.entries[key]
        self.changed = True
        cause = Cause(event, self.now.wall_ms, MESSAGES[outcome.reason, rule.said], {"rule": rule.key})
        self.effects.append(words.changed(rule, before, after, cause, self.now.wall_ms))

    def tell_staged(self, rule: Rule) -> None:
        """An episode that late facts opened has outlived them: it gets its identity."""
        entry = self.entries[rule.key]
        self.staged.discard(rule.key)
        if entry.condition is Condition.PENDING:
            event, reason = Event.BREACH, Reason.BEYOND
        elif rule.kind == "limit":
            event, reason = Event.HELD, Reason.HELD
        else:
            event, reason = Event.FAULT_ACTIVE, Reason.REPORTED
        message = MESSAGES[reason, rule.said]
        extra: dict[str, Param] = {}
        if entry.late and reason is not Reason.BEYOND:
            message = LATE[rule.said]
            extra = {"occurred": words.iso(entry.occurred_ms), "learned": words.iso(self.now.wall_ms)}
        self._open(rule, entry, Cause(event, entry.occurred_ms, message, extra))

    def _open(self, rule: Rule, entry: Entry, cause: Cause) -> None:
        self.counter += 1
        name = f"{self.device.uid}|{self.lane.value}|{rule.key}|{entry.occurred_ms}|{self.counter}"
        entry = replace(entry, id=uuid5(NAMESPACE, name))
        self._put(rule, entry)
        self.effects.append(words.opened(rule, entry, cause, self.now.wall_ms))
        if entry.condition is Condition.ACTIVE:
            self._note_activation(rule, cause.at_ms)
            self.effects.append(words.active(rule, entry, cause, self.now.wall_ms))

    def count(self, rule: Rule, before: Entry, event: Event, at_ms: int, count: int) -> None:
        """What is active came again."""
        due_ms, due_clock = self._timer(rule, before.condition, at_ms)
        after = replace(
            before,
            count=_sum(before.count, count),
            due_ms=max(due_ms, before.due_ms),
            due_clock=max(due_clock, before.due_clock),
        )
        self._put(rule, after)
        if rule.key not in self.staged:
            self._again(rule, after, Cause(event, at_ms, MESSAGES[Reason.AGAIN, rule.said], {}))

    def worsen(self, rule: Rule, before: Entry, at_ms: int, value: float) -> None:
        """A value beyond its limit is beyond the worst so far."""
        after = replace(before, value=value)
        self._put(rule, after)
        if after.condition is Condition.ACTIVE and rule.key not in self.staged:
            self._again(rule, after, Cause(Event.HELD, at_ms, MESSAGES[Reason.AGAIN, rule.said], {}))

    def _again(self, rule: Rule, entry: Entry, cause: Cause) -> None:
        """Tell it once in a step, with the last word: a flood of repeats is one effect."""
        told = words.again(rule, entry, cause, self.now.wall_ms)
        at = self._told_again.setdefault(entry.id, len(self.effects))
        self.effects[at : at + 1] = [told]

    def _put(self, rule: Rule, entry: Entry) -> None:
        self.entries[rule.key] = entry
        self.changed = True

    def _timer(self, rule: Rule, condition: Condition, at_ms: int) -> tuple[int, int]:
        """When the timer of a condition since ``at_ms`` ends, and when that rings on the partition's clock; (0, 0): it
        has none."""
        hold_ms = self._hold(rule, condition)
        return (at_ms + hold_ms, self._certain(rule, at_ms + hold_ms)) if hold_ms else (0, 0)

    def _certain(self, rule: Rule, due_ms: int) -> int:
        """The partition's clock at which all facts of a rule up to ``due_ms`` have come, but for late ones."""
        left_ms = min(max(due_ms - self.now.wall_ms, 0), max(rule.hold_ms, QUIET_MS))
        return self.now.clock_ms + left_ms + (LATE_MS if rule.kind in LOST_KINDS else 0)

    @staticmethod
    def _hold(rule: Rule, condition: Condition) -> int:
        """How long the timer of a condition runs, in ms; 0: it has none."""
        if condition is Condition.PENDING:
            return rule.hold_ms if rule.stands else 0
        if condition in (Condition.ACTIVE, Condition.UNCONFIRMED):
            return 0 if rule.kind in ("limit", "connection") else rule.hold_ms
        return QUIET_MS if condition is Condition.CLEARING else 0

    def _note_activation(self, rule: Rule, at_ms: int) -> None:
        """For the detection of chattering, which is of the present: history neither chatters nor counts for it."""
        if self.group or self.entries[rule.key].late:
            return
        gone_ms = at_ms - FORGET_MS
        kept = {key: times for key, times in self.opens.items() if key in self.entries or times[-1] >= gone_ms}
        kept[rule.key] = (*kept.get(rule.key, ()), at_ms)[-CHATTER_CYCLES:]
        self.opens = kept

    def _chatters(self, rule: Rule, entry: Entry, at_ms: int) -> bool:
        if self.group or rule.kind not in ("fault", "limit"):
            return entry.chatters
        times = self.opens.get(rule.key, ())
        return entry.chatters or (len(times) == CHATTER_CYCLES and at_ms - times[0] <= CHATTER_MS)


def _sum(count: int, more: int) -> int:
    return min(count + more, COUNT_MOST)

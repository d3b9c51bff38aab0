"""Judges one fact on a draft: a reading against its limits, a fault code against what is open.

Facts of one rule come in the order of their time; whoever calls has put aside what is older (``State.judged``).
"""

import math
from typing import Final

from alerts.draft import Draft
from alerts.episode import Condition, Event
from alerts.plan import FAULT, MAX_UNKNOWN, MORE, Metric, Rule, fault_key, unknown_rule
from alerts.state import Entry

MAX_UNKNOWN_JUDGED: Final = 64
"""Unknown codes that are over and remembered by their newest judged time: a hostile device can't fill the state."""


def reading(draft: Draft, metric: Metric, at_ms: int, value: float) -> None:
    """One reading, in the catalog's unit, not bad, not older than the newest judged. NaN says nothing."""
    if math.isnan(value):
        return
    for rule in metric.rules:
        elapse(draft, rule, at_ms)
        entry = draft.entries.get(rule.key)
        if entry is not None and entry.condition is Condition.UNCONFIRMED and not rule.cleared(value):
            draft.raise_(rule, Event.CONFIRMED, at_ms, occurred_ms=at_ms, value=value)
        elif rule.beyond(value):
            _beyond(draft, rule, entry, at_ms, value)
        elif entry is not None and (entry.condition is Condition.PENDING or rule.cleared(value)):
            draft.end(rule, Event.WITHIN, at_ms, value=value)
    draft.judged[metric.name] = max(at_ms, draft.judged.get(metric.name, 0))


def _beyond(draft: Draft, rule: Rule, entry: Entry | None, at_ms: int, value: float) -> None:
    if entry is None or entry.condition is Condition.CLEARING:
        event = Event.BREACH if rule.hold_ms else Event.HELD
        draft.raise_(rule, event, at_ms, occurred_ms=at_ms, value=value)
    elif entry.condition is Condition.PENDING and (held_ms := entry.occurred_ms + rule.hold_ms) <= at_ms:
        draft.raise_(rule, Event.HELD, held_ms, occurred_ms=entry.occurred_ms, value=rule.worst(entry.value, value))
    elif rule.worse(value, entry.value):
        draft.worsen(rule, entry, at_ms, value)


def elapse(draft: Draft, rule: Rule, before_ms: int) -> None:
    """Let the rule's timers end that were over before a fact of ``before_ms``: a code that chatters is over, and then
    quiet for long enough. Of a device that is silent, but of which a fact is judged all the same, as another lane
    brought it, this much is known again."""
    entry = draft.entries.get(rule.key)
    if entry is not None and entry.condition is Condition.NO_DATA:
        draft.interrupt(rule, Event.BACK, draft.now.wall_ms)
        entry = draft.entries[rule.key]
    for _ in range(2):
        if entry is None or not 0 < entry.due_ms < before_ms:
            return
        ring(draft, rule, entry)
        entry = draft.entries.get(rule.key)


def ring(draft: Draft, rule: Rule, entry: Entry) -> None:
    """What the end of a timer means depends on what it waited for."""
    match entry.condition:
        case Condition.PENDING:
            draft.raise_(rule, Event.HELD, entry.due_ms, occurred_ms=entry.occurred_ms, value=entry.value)
        case Condition.CLEARING:
            draft.end(rule, Event.QUIET, entry.due_ms)
        case Condition.ACTIVE | Condition.UNCONFIRMED:
            draft.end(rule, Event.HOLD_ELAPSED, entry.due_ms)
        case Condition.OK | Condition.NO_DATA:
            raise ValueError(f"{rule.key} has no timer in {entry.condition}")


def fault(draft: Draft, rule: Rule, *, active: bool, first_ms: int, last_ms: int, count: int) -> None:
    """One fault code, that came ``count`` times from ``first_ms`` to ``last_ms``, or that the equipment cleared."""
    elapse(draft, rule, first_ms)
    if active:
        began_ms = max(first_ms, draft.judged.get(rule.key, 0))
        draft.raise_(rule, Event.FAULT_ACTIVE, last_ms, occurred_ms=began_ms, count=count)
    else:
        draft.end(rule, Event.FAULT_CLEARED, first_ms)
    note(draft, rule, last_ms)


def ended_by(draft: Draft, rule: Rule, first_ms: int, last_ms: int, by: str) -> None:
    """Another code was seen that ends this one."""
    elapse(draft, rule, first_ms)
    draft.end(rule, Event.CLEARED_BY, first_ms, extra={"by": by})
    note(draft, rule, last_ms)


def note(draft: Draft, rule: Rule, at_ms: int) -> None:
    """Remember that a fault code was judged at a time; of codes the catalog doesn't hold only some."""
    if draft.judged.get(rule.key, -1) >= at_ms:
        return
    draft.judged[rule.key] = at_ms
    draft.changed = True
    if rule.subject in draft.plan.codes:
        return
    closed = [
        key
        for key in draft.judged
        if key.startswith(FAULT) and key not in draft.plan.rules and key not in draft.entries
    ]
    if len(closed) > MAX_UNKNOWN_JUDGED:
        oldest = min(closed, key=draft.judged.__getitem__)
        del draft.judged[oldest]
        draft.opens = {key: times for key, times in draft.opens.items() if key != oldest}


def rule_of(draft: Draft, code: str, *, active: bool) -> Rule | None:
    """The rule of a code. None: a code that the catalog doesn't hold was cleared, and it isn't open."""
    rule = draft.plan.codes.get(code)
    if rule is not None:
        return rule
    if fault_key(code) in draft.entries:
        return unknown_rule(code)
    if not active:
        return None
    unknown = sum(1 for key in draft.entries if key.startswith(FAULT) and key not in draft.plan.rules)
    return unknown_rule(code if unknown < MAX_UNKNOWN else MORE)

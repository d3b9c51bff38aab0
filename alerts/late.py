"""Late facts (delivery 17): held until the agent has caught up, then judged in the order of their own time.

What is still active opens with *occurred* and *learned* apart. What came and went makes one summary. A fact that comes
in time while late ones of its rule wait is judged with them: the order within a rule is kept (ADR 0021). A fault older
than the newest judged one of its code is history: it can't move the present condition, only be counted.
"""

import math
from collections.abc import Container, Mapping, Sequence
from typing import Final, Literal, cast

from msgspec.structs import replace

from alerts import judge, words
from alerts.draft import Draft
from alerts.effects import LateSummary
from alerts.episode import Condition, Event
from alerts.plan import Metric
from alerts.reasons import LATE_SUMMARY
from alerts.state import Held, State
from ingest.ports import Applied, HandOver
from wire.items import Fault, Item
from wire.report import Report
from wire.topics import Lane

MAX_HELD: Final = 512
"""Late facts that wait at a time. Beyond that they are judged before the agent has caught up."""
READING: Final = ""
CLEARED: Final = "cleared"
_FaultState = Literal["active", "cleared", "event"]


def hold_reading(draft: Draft, metric: Metric, at_ms: int, value: float) -> None:
    """Keep a late reading, unless a newer one of its metric is held or judged already.

    As long as its rules grade a metric's readings alike, only the first and the last of them say something.
    """
    if math.isnan(value) or at_ms < draft.judged.get(metric.name, 0):
        return
    for i in range(len(draft.held) - 1, -1, -1):
        held = draft.held[i]
        if held.name == metric.name and held.state == READING:
            if at_ms < held.at_ms:
                return
            if metric.grade(held.value) == metric.grade(value):
                draft.held[i] = replace(held, at_ms=at_ms)
                draft.changed = True
                return
            break
    _hold(draft, Held(name=metric.name, state=READING, at_ms=at_ms, first_ms=at_ms, value=value, count=1))


def hold_fault(draft: Draft, code: str, state: str, first_ms: int, last_ms: int, count: int) -> None:
    """Keep a late fault code."""
    _hold(draft, Held(name=code, state=state, at_ms=last_ms, first_ms=first_ms, value=0.0, count=count))


def _hold(draft: Draft, fact: Held) -> None:
    if not draft.held:
        draft.held_clock = draft.now.clock_ms
    draft.held.append(fact)
    draft.changed = True
    if len(draft.held) >= MAX_HELD:
        judge_group(draft)


def waits(held: Sequence[Held], names: Container[str]) -> bool:
    """Whether facts of these metrics or codes are held."""
    return any(fact.name in names for fact in held)


def judge_group(draft: Draft, only: Container[str] | None = None) -> None:
    """Judge the late facts that are held, as one group; ``only``: those of these metrics or codes."""
    chosen = [fact for fact in draft.held if only is None or fact.name in only]
    facts = sorted(chosen, key=lambda fact: fact.first_ms)
    horizon, open_before = dict(draft.judged), frozenset(draft.entries)
    draft.held = [fact for fact in draft.held if only is not None and fact.name not in only]
    draft.changed = True
    if draft.lane is Lane.BULK:
        facts = _hand_over(draft, facts)
    draft.group = True
    past = Draft(device=draft.device, lane=draft.lane, plan=draft.plan, base=State(), now=draft.now)
    past.group = True
    for fact in facts:
        if fact.state == READING:
            _reading(draft, fact)
        else:
            _fault(draft, past, fact)
    _close_past(past, horizon, open_before)
    draft.group = False
    for key in sorted(draft.staged, key=lambda key: draft.entries[key].occurred_ms):
        rule = draft.plan.rule(key)
        judge.elapse(draft, rule, draft.now.wall_ms + 1)
        if key in draft.entries:
            draft.tell_staged(rule)
    over = draft.over + past.over
    draft.over = []
    if over:
        first_ms, last_ms = min(began for began, _ in over), max(ended for _, ended in over)
        draft.effects.append(
            LateSummary(
                count=len(over),
                first_ms=first_ms,
                last_ms=last_ms,
                learned_ms=draft.now.wall_ms,
                message=LATE_SUMMARY,
                params={"count": len(over), "first": words.iso(first_ms), "last": words.iso(last_ms)},
            )
        )


def _hand_over(draft: Draft, facts: list[Held]) -> list[Held]:
    """Give the faults among ``facts`` to the live lane, as one report; returns the others."""
    items: list[Item] = [
        Fault(
            at=each.at_ms,
            code=each.name,
            state=cast("_FaultState", each.state),
            count=each.count,
            first=each.first_ms,
            last=each.at_ms,
        )
        for each in facts
        if each.state != READING
    ]
    if items:
        now_ms = draft.now.wall_ms
        report = Report(at=now_ms, items=items)
        applied = Applied(report=report, numbers=None, received_ms=now_ms, offset_ms=0, caught_up=False)
        draft.effects.append(HandOver(applied=applied))
    return [each for each in facts if each.state == READING]


def _reading(draft: Draft, fact: Held) -> None:
    metric = draft.plan.metrics.get(fact.name)
    if metric is not None:
        for at_ms in sorted({fact.first_ms, fact.at_ms}):
            judge.reading(draft, metric, at_ms, fact.value)


def _fault(draft: Draft, past: Draft, fact: Held) -> None:
    active = fact.state != CLEARED
    rule = judge.rule_of(draft, fact.name, active=active)
    if rule is None:
        return
    entry = draft.entries.get(rule.key)
    if fact.at_ms >= draft.judged.get(rule.key, 0):
        judge.fault(draft, rule, active=active, first_ms=fact.first_ms, last_ms=fact.at_ms, count=fact.count)
    elif not active or entry is None or fact.at_ms < entry.occurred_ms:
        judge.fault(past, rule, active=active, first_ms=fact.first_ms, last_ms=fact.at_ms, count=fact.count)
    else:
        draft.count(rule, entry, Event.FAULT_ACTIVE, fact.at_ms, fact.count)
    if active:
        for code in draft.plan.ends.get(fact.name, ()):
            ended = draft.plan.codes[code]
            forward = fact.at_ms >= draft.judged.get(ended.key, 0)
            judge.ended_by(draft if forward else past, ended, fact.first_ms, fact.at_ms, fact.name)


def _close_past(past: Draft, horizon: Mapping[str, int], open_before: frozenset[str]) -> None:
    """What was wrong in the past, and wasn't when the present was judged, was over by then."""
    for key, entry in list(past.entries.items()):
        newest = horizon.get(key, 0)
        judge.elapse(past, past.plan.rule(key), newest)
        still = past.entries.get(key)
        if still is not None and still.condition is Condition.ACTIVE and key not in open_before:
            past.over.append((entry.occurred_ms, newest))

"""Conditions of a device that follow from what ingest knows of it, rather than from a fact that it reports.

Two kinds. Something was noticed at a moment: a second life under its identity, numbers that began again, a report that
can't be judged; the episode lasts until a day passed without another. Or something is so or isn't: the clock is wrong,
the equipment is out of its agent's reach; the episode lasts as long. The live lane judges them, which has the births,
the heartbeats and the ticks.
"""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from alerts.draft import Draft
from alerts.episode import Condition, Event
from alerts.plan import (
    CLOCK,
    CLOCK_RIGHT_MS,
    CLOCK_RULE,
    CLOCK_WRONG_MS,
    CONNECTION,
    IDENTITY,
    IDENTITY_RULE,
    NUMBERS,
    NUMBERS_RULE,
    SILENCE,
    UNJUDGED,
    UNJUDGED_RULE,
    Rule,
)
from alerts.reasons import Variant
from alerts.state import Entry
from ingest.ports import Presence

MOMENTS: Final = (IDENTITY_RULE, NUMBERS_RULE, UNJUDGED_RULE)
"""The rules of what is noticed at a moment; ``State.judged`` has the newest of each."""


def known(presence: Presence, known_clock: int) -> Presence:
    """Without what was said before the device came to be watched (again), at ``known_clock`` (``State``)."""
    if presence.seen_clock_ms >= known_clock:
        return presence
    return replace(presence, equipment_connected=None, clock_offset_ms=None)


def news(presence: Presence, offset_ms: int | None, entries: Mapping[str, Entry], judged: Mapping[str, int]) -> bool:
    """Whether ``judge`` would change something. A few comparisons, made with every step.

    ``offset_ms``: of the device's clock, to be added to its times; None: not known, or not heard now. ``presence``: as
    ``known`` gives it.
    """
    if (
        (presence.conflict_ms and presence.conflict_ms > judged.get(IDENTITY, 0))
        or (presence.restarted_ms and presence.restarted_ms > judged.get(NUMBERS, 0))
        or (presence.unjudged_ms and presence.unjudged_ms > judged.get(UNJUDGED, 0))
    ):
        return True
    if not entries:
        wrong = offset_ms is not None and not -CLOCK_WRONG_MS <= offset_ms <= CLOCK_WRONG_MS
        return wrong or presence.equipment_connected is False
    return _clock_turned(offset_ms, entries.get(CLOCK)) or _reach_turned(presence, entries)


def judge(draft: Draft, presence: Presence, offset_ms: int | None) -> None:
    """Open and end what follows from ``presence`` as it is now."""
    noticed(draft, IDENTITY_RULE, Event.RIVAL, presence.conflict_ms)
    noticed(draft, NUMBERS_RULE, Event.RESTARTED, presence.restarted_ms)
    noticed(draft, UNJUDGED_RULE, Event.GIVEN_UP, presence.unjudged_ms)
    if offset_ms is not None and _clock_turned(offset_ms, draft.entries.get(CLOCK)):
        _clock(draft, offset_ms)
    if _reach_turned(presence, draft.entries):
        _reach(draft, presence)


def noticed(draft: Draft, rule: Rule, event: Event, at_ms: int) -> None:
    """Something was noticed at a moment, 0: never; if it isn't known already."""
    if at_ms > draft.judged.get(rule.key, 0):
        draft.raise_(rule, event, at_ms, occurred_ms=at_ms)
        draft.judged[rule.key] = at_ms
        draft.changed = True


def _clock_turned(offset_ms: int | None, entry: Entry | None) -> bool:
    """Whether a clock that was right is wrong, or the other way round, or wrong in the other direction."""
    if offset_ms is None:
        return False
    if entry is None:
        return abs(offset_ms) > CLOCK_WRONG_MS
    return abs(offset_ms) <= CLOCK_RIGHT_MS or entry.value * offset_ms < 0


def _clock(draft: Draft, offset_ms: int) -> None:
    now_ms = draft.now.wall_ms
    draft.end(CLOCK_RULE, Event.WITHIN, now_ms)
    if abs(offset_ms) > CLOCK_WRONG_MS:
        rule = replace(CLOCK_RULE, variant=Variant.BEHIND if offset_ms > 0 else Variant.AHEAD)
        offset_s = offset_ms / 1000
        draft.raise_(
            rule, Event.HELD, now_ms, occurred_ms=now_ms, value=offset_s, extra={"offset_s": abs(round(offset_s))}
        )


def _reach_turned(presence: Presence, entries: Mapping[str, Entry]) -> bool:
    """Whether the equipment came out of its agent's reach, or within; of a silent device neither is known."""
    entry = entries.get(CONNECTION)
    if entry is None:
        return presence.equipment_connected is False and SILENCE not in entries
    return presence.equipment_connected is not False and entry.condition is not Condition.NO_DATA


def _reach(draft: Draft, presence: Presence) -> None:
    now_ms = draft.now.wall_ms
    rule = draft.plan.rules[CONNECTION]
    if presence.equipment_connected is False:
        draft.raise_(rule, Event.BREACH, now_ms, occurred_ms=now_ms)
        return
    if presence.equipment_connected is None:
        rule = replace(rule, variant=Variant.UNTOLD)
    draft.end(rule, Event.WITHIN, now_ms)

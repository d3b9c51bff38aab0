"""Builds the effects of an episode, with the message and the parameters that a person will read."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeVar

from alerts.effects import Episode, EpisodeActive, EpisodeAgain, EpisodeChanged, EpisodeOpened, Param
from alerts.episode import Condition, Event
from alerts.plan import Rule
from alerts.state import Entry
from wire.times import time_of

E = TypeVar("E", bound=Episode)
QUIET_MS: Final = 300_000
"""A chattering rule's episode ends when it stayed away for so long."""


class Cause(NamedTuple):
    """Why a condition changes: the event, its time, the message, and what it shows beyond the rule's own."""

    event: Event
    at_ms: int
    message: str
    extra: dict[str, Param]


def opened(rule: Rule, entry: Entry, cause: Cause, learned_ms: int) -> EpisodeOpened:
    """A new episode, pending or active."""
    condition = "pending" if entry.condition is Condition.PENDING else "active"
    own = {"event": cause.event.value, "condition": condition, "count": entry.count}
    return _episode(EpisodeOpened, rule, entry, cause, learned_ms, own)


def active(rule: Rule, entry: Entry, cause: Cause, learned_ms: int) -> EpisodeActive:
    """The episode is active for the first time."""
    return _episode(EpisodeActive, rule, entry, cause, learned_ms, {})


def again(rule: Rule, entry: Entry, cause: Cause, learned_ms: int) -> EpisodeAgain:
    """What an active episode is about happened again."""
    return _episode(EpisodeAgain, rule, entry, cause, learned_ms, {"at_ms": cause.at_ms, "count": entry.count})


def _episode(kind: type[E], rule: Rule, entry: Entry, cause: Cause, learned_ms: int, own: Mapping[str, Any]) -> E:
    return kind(
        alert_id=entry.id,
        rule=rule.key,
        kind=rule.kind,
        subject=rule.subject,
        family=rule.family,
        severity=rule.severity,
        occurred_ms=entry.occurred_ms,
        learned_ms=learned_ms,
        late=entry.late,
        ticket=rule.ticket,
        runbook=rule.runbook,
        message=cause.message,
        params=params(rule, entry, cause.extra),
        **own,
    )


def changed(rule: Rule, before: Entry, after: Entry, cause: Cause, learned_ms: int) -> EpisodeChanged:
    """The condition of an open episode changed."""
    return EpisodeChanged(
        alert_id=after.id,
        event=cause.event.value,
        from_state=before.condition.value,
        to_state=after.condition.value,
        at_ms=cause.at_ms,
        learned_ms=learned_ms,
        count=after.count,
        message=cause.message,
        params=params(rule, after, cause.extra),
    )


def params(rule: Rule, entry: Entry, extra: dict[str, Param]) -> dict[str, Param]:
    """What the messages of a rule's kind may show: units as the catalog has them, durations in seconds."""
    own: dict[str, Param] = {}
    if rule.kind == "limit":
        own = {
            "rule": rule.key,
            "signal": rule.subject,
            "value": entry.value,
            "unit": rule.unit,
            "limit": rule.raise_at,
            "clear": rule.clear,
            "for_s": rule.hold_ms / 1000,
            "count": entry.count,
            "quiet_s": QUIET_MS / 1000,
        }
    elif rule.kind == "fault":
        own = {
            "code": rule.subject,
            "after_s": rule.hold_ms / 1000,
            "count": entry.count,
            "quiet_s": QUIET_MS / 1000,
        }
    elif rule.kind in ("identity", "unjudged"):
        own = {"after_s": rule.hold_ms / 1000}
    elif rule.kind == "connection":
        own = {"for_s": rule.hold_ms / 1000}
    return {**own, **extra}


def iso(ms: int) -> str:
    """A time as messages carry it: ISO 8601 in UTC, whole seconds."""
    return time_of(ms // 1000 * 1000).isoformat()

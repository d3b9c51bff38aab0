"""Reconciles a loaded state with what has changed: another catalog, a device that is watched no longer or again, a
database whose open alerts are not the state's."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from alerts.draft import Draft
from alerts.episode import Condition, Event
from alerts.plan import CONNECTION, FAULT, LIMIT, RETIRED, RETIRED_PLAN, SILENCE, Rule, fault_key
from alerts.state import Entry, State
from alerts.status import MOMENTS
from catalog.model import UNKNOWN_CODE
from ingest.ports import Device, OpenAlert
from wire.topics import Lane

ANEW: Final = ""
"""The digest of a state that begins anew: what it remembers beside its entries is gone."""
TWIN: Final = "twin:"
"""Before the id of an alert whose rule is open under another id: the key of an entry that ends with the next step."""


def adopt(draft: Draft, digest: str) -> None:
    """Judge by another plan than that of ``digest``: episodes of rules that are gone end, and what was kept for them
    goes. Of a device that is retired all of them are.

    The episode of a code that is unknown, or no longer known, stays as long as it has a timer that will end it.
    """
    plan = draft.plan
    if digest in (ANEW, RETIRED):
        _begin_anew(draft)
    for key, entry in list(draft.entries.items()):
        if key.startswith(TWIN):
            draft.retire(key, Event.MERGED)
        elif plan is RETIRED_PLAN:
            draft.retire(key, Event.DEVICE_RETIRED)
        elif key in plan.rules and entry.unknown:
            _learn(draft, plan.rules[key], entry)
        elif key in plan.rules:
            draft.wait(plan.rules[key])
        elif not (key.startswith(FAULT) and entry.due_ms):
            draft.retire(key, Event.RETIRED)
    own = {rule.key for rule in MOMENTS}
    for name in [key for key in draft.judged if ":" not in key and key not in plan.names and key not in own]:
        del draft.judged[name]
    # Codes that the catalog doesn't hold came by name from a former version; nothing comes of them any more.
    kept = {*plan.rules, *draft.entries, fault_key(UNKNOWN_CODE)}
    for name in [key for key in draft.judged if key.startswith(FAULT) and key not in kept]:
        del draft.judged[name]
        draft.opens = {key: times for key, times in draft.opens.items() if key != name}
    if plan is RETIRED_PLAN:
        draft.judged, draft.opens, draft.held, draft.known_clock = {}, {}, [], 0
    draft.changed = True


def _learn(draft: Draft, rule: Rule, entry: Entry) -> None:
    """A code that was unknown is known now, of another model or a newer catalog: what it means, how severe it is and
    whether it opens a ticket. It goes on as an episode of its own rule."""
    draft.retire(rule.key, Event.MERGED)
    if entry.condition is Condition.CLEARING:
        return
    last_ms = max(draft.judged.get(rule.key, 0), entry.occurred_ms)
    draft.raise_(rule, Event.FAULT_ACTIVE, last_ms, occurred_ms=entry.occurred_ms, count=entry.count)
    if entry.condition is Condition.NO_DATA:
        draft.interrupt(rule, Event.SILENT, draft.now.wall_ms)


def _begin_anew(draft: Draft) -> None:
    """A device that comes back is not silent for what it didn't say meanwhile, nor is what was noticed then news. Its
    episodes must not get the ids of former ones, and those it has wait as if they began now."""
    now = draft.now
    draft.counter = max(draft.counter, now.wall_ms)
    if SILENCE not in draft.entries:
        draft.known_clock = max(1, now.clock_ms)
    for rule in MOMENTS:
        draft.judged[rule.key] = now.wall_ms
    for key in list(draft.entries):
        if key.startswith(FAULT):
            draft.wait(draft.plan.rule(key))


def reconcile(device: Device, lane: Lane, state: State | None, alerts: Sequence[OpenAlert]) -> State:
    """The state with exactly the episodes that are open in the database, which is what people see; the very same object
    if it has them already. ``state`` None: it is lost. ``alerts``: of the device in both lanes.

    A fault is the device's, whatever lane brought it: its alert belongs to the live lane's state. A device that was
    retired and is watched again begins anew.
    """
    if state is not None and state.digest == RETIRED and not device.retired:
        state = replace(state, digest=ANEW)
    own = {a.id: a for a in alerts if lane is (Lane.LIVE if a.rule.startswith(FAULT) else a.lane)}
    kept = {} if state is None else {key: e for key, e in state.entries.items() if e.id in own}
    known = {entry.id for entry in kept.values()}
    if state is not None and len(kept) == len(state.entries) and known == own.keys():
        return state
    judged = {} if state is None else dict(state.judged)
    for alert in sorted(own.values(), key=lambda alert: (alert.occurred_ms, alert.id)):
        if alert.id not in known:
            key = alert.rule if alert.rule not in kept else f"{TWIN}{alert.id}"
            kept[key] = _entry(alert)
            if key.startswith(FAULT):
                judged[key] = max(judged.get(key, 0), alert.occurred_ms)
    return replace(state or State(), digest=ANEW, entries=kept, judged=judged)


def _entry(alert: OpenAlert) -> Entry:
    """An episode of which only the alert is known. Its timer begins with the next step."""
    return Entry(
        id=alert.id,
        # what doesn't depend on the device's word is known all the time
        condition=Condition(alert.condition) if alert.rule.startswith((FAULT, LIMIT, CONNECTION)) else Condition.ACTIVE,
        before=Condition.ACTIVE,
        occurred_ms=alert.occurred_ms,
        due_ms=0,
        due_clock=0,
        count=alert.count,
        value=alert.value,
        late=False,
        chatters=False,
    )

"""The whole matrix of the episode's two axes."""

from itertools import product
from uuid import uuid4

import pytest

from alerts.effects import Kind
from alerts.episode import (
    OPERATOR_TABLE,
    TABLE,
    Condition,
    Event,
    Ignored,
    Move,
    OperatorEvent,
    OperatorMove,
    OperatorState,
    Reason,
)
from alerts.plan import MORE, compile_model, gone_rule, unknown_rule
from alerts.reasons import LATE, LATE_SUMMARY, MESSAGES, Variant
from alerts.state import Entry
from alerts.tell import params
from catalog.load import load
from catalog.messages import placeholders
from tests.unit.alerts.device import MODEL

CELLS = list(product(Condition, Event))


@pytest.mark.parametrize(("condition", "event"), CELLS, ids=[f"{c}-{e}" for c, e in CELLS])
def test_every_event_in_every_condition_has_an_outcome(condition: Condition, event: Event) -> None:
    outcome = TABLE[condition, event]
    match outcome:
        case Ignored():
            assert outcome.value
        case Move(to=None):
            assert (condition, event) == (Condition.NO_DATA, Event.BACK), "only a return from silence goes back"
        case Move():
            assert outcome.to is not condition, "a move to where one is, is no move"


def test_the_table_holds_nothing_else() -> None:
    assert TABLE.keys() == set(CELLS)


@pytest.mark.parametrize("condition", [c for c in Condition if c is not Condition.OK])
def test_whatever_is_open_can_end(condition: Condition) -> None:
    reached, left = {condition}, [condition]
    while left:
        at = left.pop()
        for event in Event:
            outcome = TABLE[at, event]
            if isinstance(outcome, Move) and outcome.to is not None and outcome.to not in reached:
                reached.add(outcome.to)
                left.append(outcome.to)
    assert Condition.OK in reached


def test_nothing_but_something_wrong_opens_an_episode() -> None:
    openers = {event for event in Event if isinstance(TABLE[Condition.OK, event], Move)}
    assert openers == {Event.BREACH, Event.HELD, Event.FAULT_ACTIVE, Event.UNHEARD, Event.RIVAL}


def test_silence_ends_no_episode_and_activates_none() -> None:
    """LESSONS 11: "no data" ignores the pending period and flips state."""
    for condition in (Condition.PENDING, Condition.ACTIVE, Condition.CLEARING):
        assert TABLE[condition, Event.SILENT] == Move(Condition.NO_DATA, Reason.DATA_LOST)
    for event in set(Event) - {Event.BACK, Event.RETIRED}:
        assert isinstance(TABLE[Condition.NO_DATA, event], Ignored)


@pytest.mark.parametrize(("state", "event"), list(product(OperatorState, OperatorEvent)))
def test_every_act_of_an_operator_has_an_outcome(state: OperatorState, event: OperatorEvent) -> None:
    outcome = OPERATOR_TABLE[state, event]
    if isinstance(outcome, OperatorMove):
        assert outcome.to is not state
        assert placeholders(load().messages[outcome.message].zh) == {("who", "")}


def test_every_reason_that_a_kind_of_rule_can_have_is_a_message_in_both_languages() -> None:
    """A message shows only what the effects of its kind of rule carry."""
    catalog = load()
    entry = Entry(
        id=uuid4(),
        condition=Condition.ACTIVE,
        before=Condition.ACTIVE,
        occurred_ms=0,
        due_ms=0,
        due_clock=0,
        count=1,
        value=1.0,
        late=False,
        chatters=False,
    )
    plan = compile_model(MODEL)
    rules = {
        Variant.ABOVE: plan.rules["limit:hot"],
        Variant.BELOW: plan.rules["limit:low"],
        Variant.CODE: plan.rules["fault:E1"],
        Variant.UNKNOWN: unknown_rule("X"),
        Variant.MORE: unknown_rule(MORE),
        Variant.SILENCE: plan.rules["silence"],
        Variant.NEVER: plan.rules["silence"],
        Variant.IDENTITY: plan.rules["identity"],
    }
    extra = {
        Reason.CLEARED_BY: {"by"},
        Reason.UNHEARD: {"silent_s", "last"},
        Reason.HEARD: {"silent_s"},
        Reason.RETIRED: {"rule"},
    }
    for (reason, variant), message in MESSAGES.items():
        has = params(rules[variant], entry, {}).keys() | extra.get(reason, set())
        for template in (catalog.messages[message].zh, catalog.messages[message].en):
            assert {name for name, _ in placeholders(template)} <= has, message
    for variant, message in LATE.items():
        has = params(rules[variant], entry, {}).keys() | {"occurred", "learned"}
        assert {name for name, _ in placeholders(catalog.messages[message].en)} <= has, message
    assert {name for name, _ in placeholders(catalog.messages[LATE_SUMMARY].en)} == {"count", "first", "last"}


def test_every_move_that_a_kind_of_rule_can_make_has_a_message() -> None:
    possible: dict[Kind, set[Event]] = {
        "limit": {Event.BREACH, Event.HELD, Event.WITHIN, Event.LULL, Event.QUIET, Event.SILENT, Event.BACK},
        "fault": {
            Event.FAULT_ACTIVE,
            Event.FAULT_CLEARED,
            Event.CLEARED_BY,
            Event.HOLD_ELAPSED,
            Event.LULL,
            Event.QUIET,
            Event.SILENT,
            Event.BACK,
        },
        "silence": {Event.UNHEARD, Event.HEARD},
        "identity": {Event.RIVAL, Event.HOLD_ELAPSED},
    }
    variants: dict[Kind, tuple[Variant, ...]] = {
        "limit": (Variant.ABOVE, Variant.BELOW),
        "fault": (Variant.CODE, Variant.UNKNOWN, Variant.MORE),
        "silence": (Variant.SILENCE, Variant.NEVER),
        "identity": (Variant.IDENTITY,),
    }
    for kind, events in possible.items():
        for (_, event), outcome in TABLE.items():
            if event in events and isinstance(outcome, Move):
                for variant in variants[kind]:
                    assert (outcome.reason, variant) in MESSAGES, (kind, event, outcome)
    assert MESSAGES[Reason.RETIRED, gone_rule("limit:x").variant]

"""The whole matrix of the episode's two axes."""

from itertools import product
from uuid import UUID

import pytest
from msgspec.structs import replace

from alerts.effects import Kind, Param
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
from alerts.words import params
from catalog.load import load
from catalog.messages import placeholders, render
from catalog.model import Lang
from tests.unit.alerts.device import MODEL

UNASKED = (Event.RETIRED, Event.DEVICE_RETIRED, Event.MERGED)
"""What ends an episode whatever its rule."""
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
    assert openers == {
        Event.BREACH,
        Event.HELD,
        Event.FAULT_ACTIVE,
        Event.UNHEARD,
        Event.RIVAL,
        Event.RESTARTED,
        Event.GIVEN_UP,
    }


def test_silence_ends_no_episode_and_activates_none() -> None:
    """Elsewhere "no data" ignores the pending period and flips the state."""
    for condition in (Condition.PENDING, Condition.ACTIVE, Condition.CLEARING):
        assert TABLE[condition, Event.SILENT] == Move(Condition.NO_DATA, Reason.DATA_LOST)
    for event in set(Event) - {Event.BACK, *UNASKED}:
        assert isinstance(TABLE[Condition.NO_DATA, event], Ignored)


@pytest.mark.parametrize("event", UNASKED)
def test_whatever_is_open_ends_when_nobody_judges_it_any_more(event: Event) -> None:
    for condition in Condition:
        outcome = TABLE[condition, event]
        if condition is Condition.OK:
            assert isinstance(outcome, Ignored)
        else:
            assert isinstance(outcome, Move)
            assert outcome.to is Condition.OK


def test_lost_reports_end_no_alert_and_activate_none() -> None:
    """What was active is unconfirmed until it is heard of again or its time is over, and silence hides none of that."""
    for condition in Condition:
        outcome = TABLE[condition, Event.LOST]
        if condition is Condition.ACTIVE:
            assert outcome == Move(Condition.UNCONFIRMED, Reason.UNCONFIRMED)
        elif condition is Condition.PENDING:
            assert outcome == Move(Condition.OK, Reason.UNSEEN)
        else:
            assert isinstance(outcome, Ignored)
    assert TABLE[Condition.UNCONFIRMED, Event.SILENT] == Move(Condition.NO_DATA, Reason.DATA_LOST)
    out = {event: outcome.to for event in Event if isinstance(outcome := TABLE[Condition.UNCONFIRMED, event], Move)}
    assert {event for event, to in out.items() if to is Condition.ACTIVE} == {Event.FAULT_ACTIVE, Event.CONFIRMED}


@pytest.mark.parametrize(("state", "event"), list(product(OperatorState, OperatorEvent)))
def test_every_act_of_an_operator_has_an_outcome(state: OperatorState, event: OperatorEvent) -> None:
    outcome = OPERATOR_TABLE[state, event]
    if isinstance(outcome, OperatorMove):
        assert outcome.to is not state
        assert placeholders(load().messages[outcome.message].zh) == {("who", "")}


PLAN = compile_model(MODEL)
RULES = {
    Variant.ABOVE: PLAN.rules["limit:hot"],
    Variant.BELOW: PLAN.rules["limit:low"],
    Variant.STATE: replace(PLAN.rules["limit:low"], states=True),
    Variant.CODE: PLAN.rules["fault:E1"],
    Variant.UNKNOWN: unknown_rule("X"),
    Variant.MORE: unknown_rule(MORE),
    Variant.SILENCE: PLAN.rules["silence"],
    Variant.NEVER: PLAN.rules["silence"],
    Variant.IDENTITY: PLAN.rules["identity"],
    Variant.NUMBERS: PLAN.rules["identity:numbers"],
    Variant.UNJUDGED: PLAN.rules["unjudged"],
    Variant.BEHIND: PLAN.rules["clock"],
    Variant.AHEAD: PLAN.rules["clock"],
    Variant.CONNECTION: PLAN.rules["connection"],
    Variant.UNTOLD: PLAN.rules["connection"],
    Variant.GONE: gone_rule("fault:E1"),
}
EXTRA: dict[Reason, dict[str, Param]] = {
    Reason.CLEARED_BY: {"by": "OK2"},
    Reason.UNHEARD: {"last": "2026-11-22T02:00:00+00:00"},
    Reason.HEARD: {"silent_s": 180.0},
    Reason.RETIRED: {"rule": "fault:E1"},
    Reason.UNCONFIRMED: {"lost": 12},
    Reason.UNSEEN: {"lost": 12},
}
"""What only a reason's messages show; the clock's carry its offset (``alerts.status``)."""
ENTRY = Entry(
    id=UUID(int=1),
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


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("reason", "variant"), MESSAGES, ids=[f"{v}-{r}" for r, v in MESSAGES])
def test_every_reason_that_a_kind_of_rule_can_have_is_said_in_both_languages(
    reason: Reason, variant: Variant, lang: Lang
) -> None:
    extra = EXTRA.get(reason, {})
    if variant in (Variant.BEHIND, Variant.AHEAD) and reason is Reason.HELD:
        extra = {"offset_s": 7380}
    said = render(MESSAGES[reason, variant], params(RULES[variant], ENTRY, extra), lang, load())
    assert said
    assert not set("‹›{}") & set(said)


def test_late_messages_show_only_what_there_is() -> None:
    catalog = load()
    for variant, message in LATE.items():
        has = params(RULES[variant], ENTRY, {}).keys() | {"occurred", "learned"}
        assert {name for name, _ in placeholders(catalog.messages[message].en)} <= has, message
    assert {name for name, _ in placeholders(catalog.messages[LATE_SUMMARY].en)} == {"count", "first", "last"}


def test_the_offset_of_a_clock_is_said_in_words() -> None:
    said = {lang: render("alert.clock.behind", {"offset_s": 7380}, lang, load()) for lang in ("zh", "en")}
    assert said == {
        "zh": "设备时钟慢 2 小时 3 分钟，请校时",
        "en": "The equipment's clock is 2 h 3 min behind; set it right",
    }


def test_every_move_that_a_kind_of_rule_can_make_has_a_message() -> None:
    possible: dict[Kind, set[Event]] = {
        "limit": {
            Event.BREACH,
            Event.HELD,
            Event.WITHIN,
            Event.LULL,
            Event.QUIET,
            Event.SILENT,
            Event.BACK,
            Event.LOST,
            Event.CONFIRMED,
        },
        "fault": {
            Event.FAULT_ACTIVE,
            Event.FAULT_CLEARED,
            Event.CLEARED_BY,
            Event.HOLD_ELAPSED,
            Event.LULL,
            Event.QUIET,
            Event.SILENT,
            Event.BACK,
            Event.LOST,
        },
        "silence": {Event.UNHEARD, Event.HEARD},
        "identity": {Event.HOLD_ELAPSED},
        "unjudged": {Event.GIVEN_UP, Event.HOLD_ELAPSED},
        "clock": {Event.HELD, Event.WITHIN},
        "connection": {Event.BREACH, Event.HELD, Event.WITHIN, Event.SILENT, Event.BACK},
    }
    never: set[tuple[Condition, Event]] = {
        (Condition.PENDING, Event.LOST),  # of a fault: it never pends
        (Condition.PENDING, Event.WITHIN),  # of the clock: nor does it
        (Condition.CLEARING, Event.HELD),  # only limits and faults chatter
        (Condition.CLEARING, Event.BREACH),
    }
    variants: dict[Kind, tuple[Variant, ...]] = {
        "limit": (Variant.ABOVE, Variant.BELOW),
        "fault": (Variant.CODE, Variant.UNKNOWN, Variant.MORE),
        "silence": (Variant.SILENCE, Variant.NEVER),
        "identity": (Variant.IDENTITY, Variant.NUMBERS),
        "unjudged": (Variant.UNJUDGED,),
        "clock": (Variant.BEHIND, Variant.AHEAD),
        "connection": (Variant.CONNECTION,),
    }
    for kind, events in possible.items():
        for (condition, event), outcome in TABLE.items():
            if kind != "limit" and (condition, event) in never and not (kind == "connection" and event is Event.WITHIN):
                continue
            if event in events and isinstance(outcome, Move):
                for variant in variants[kind]:
                    assert (outcome.reason, variant) in MESSAGES, (kind, event, outcome)
    for kind in ("fault", "identity", "unjudged"):  # the kinds whose repeats are counted and told
        assert all((Reason.AGAIN, variant) in MESSAGES for variant in variants[kind])
    for event in UNASKED:
        outcome = TABLE[Condition.ACTIVE, event]
        assert isinstance(outcome, Move)
        assert MESSAGES[outcome.reason, gone_rule("limit:x").variant]

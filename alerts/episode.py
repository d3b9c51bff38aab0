"""The life of an episode: two axes, each a table of (state, event) that says what happens and why.

The condition is the engine's alone; the operator's side is the API's (delivery 15). Every pair has an outcome: a state
to go to, or a reason for which nothing happens. A condition that ends is the end of its episode: the next occurrence is
another one with another identity.
"""

from enum import StrEnum
from typing import Final, NamedTuple


class Condition(StrEnum):
    """What is known of the equipment (IEC 62682 calls the alarm states; ``no-data``: it isn't known any more)."""

    OK = "ok"
    PENDING = "pending"
    ACTIVE = "active"
    CLEARING = "clearing"
    NO_DATA = "no-data"
    UNCONFIRMED = "unconfirmed"
    """It was active, and what came since is lost (a restored database): nobody knows until it is heard of again."""


class Event(StrEnum):
    """What can happen to a condition."""

    BREACH = "breach"
    """A value beyond its limit, or a device not as it should be, that has to stay so for a while."""
    HELD = "held"
    """So for as long as the rule asks; at once where it asks for no time."""
    WITHIN = "within"
    """While pending: no longer beyond the limit. Else: at or back beyond the limit of clearing; as it should be."""
    FAULT_ACTIVE = "fault-active"
    FAULT_CLEARED = "fault-cleared"
    CLEARED_BY = "cleared-by"
    """Another code was seen, that ends this one."""
    HOLD_ELAPSED = "hold-elapsed"
    """No repeat for as long as the rule counts an occurrence as active."""
    LULL = "lull"
    """The condition ended, of a rule that chatters: wait whether it stays away."""
    QUIET = "quiet"
    """A chattering rule stayed away long enough."""
    SILENT = "silent"
    """The device isn't heard: nothing is known of its conditions any more."""
    BACK = "back"
    UNHEARD = "unheard"
    """The silence rule itself: nothing heard for too long."""
    HEARD = "heard"
    RIVAL = "rival"
    """A second device reports under the identity."""
    RESTARTED = "restarted"
    """Its numbers began again under the same epoch."""
    GIVEN_UP = "given-up"
    """A report of it can't be judged, and was given up."""
    LOST = "lost"
    """Reports of its lane, which drops none by itself, can never come any more."""
    CONFIRMED = "confirmed"
    """A value says that it is still so, after reports were lost."""
    RETIRED = "retired"
    """The catalog has the rule no longer."""
    DEVICE_RETIRED = "device-retired"
    """The device is watched no longer."""
    MERGED = "merged"
    """Another episode of the same rule is open, and goes on."""


class Reason(StrEnum):
    """Why a condition changed; with the kind of rule it names a message (``alerts.reasons``)."""

    BEYOND = "beyond"
    HELD = "held"
    NOT_HELD = "not-held"
    CLEARED = "cleared"
    REPORTED = "reported"
    AGAIN = "again"
    CLEARED_BY = "cleared-by"
    EXPIRED = "expired"
    CHATTERS = "chatters"
    QUIET = "quiet"
    DATA_LOST = "data-lost"
    DATA_BACK = "data-back"
    UNHEARD = "unheard"
    HEARD = "heard"
    RIVAL = "rival"
    RESTARTED = "restarted"
    GIVEN_UP = "given-up"
    UNCONFIRMED = "unconfirmed"
    UNSEEN = "unseen"
    CONFIRMED = "confirmed"
    RETIRED = "retired"
    DEVICE_RETIRED = "device-retired"
    MERGED = "merged"


class Ignored(StrEnum):
    """Why nothing happens."""

    NOTHING_OPEN = "nothing is open"
    ALREADY = "it is so already"
    COUNTED = "a repeat: counted only"
    NOT_CLEARING = "it isn't clearing"
    NOT_SILENT = "the device was heard"
    NEVER_PENDS = "this kind of rule never pends"
    NEVER_CLEARS = "this kind of rule never clears step by step"
    BACK_FIRST = "the device is heard again before its facts are judged"
    STAYS = "this kind of rule doesn't depend on data"
    NOT_LOST = "nothing was lost that it depends on"
    OVER_BEFORE = "it was over before, and only waits whether it stays so"


class Move(NamedTuple):
    """Go to a state. ``to`` None: back to the state before the device fell silent."""

    to: Condition | None
    reason: Reason


Outcome = Move | Ignored

_TO = Condition
_OK: Final[dict[Event, Outcome]] = {
    Event.BREACH: Move(_TO.PENDING, Reason.BEYOND),
    Event.HELD: Move(_TO.ACTIVE, Reason.HELD),
    Event.WITHIN: Ignored.NOTHING_OPEN,
    Event.FAULT_ACTIVE: Move(_TO.ACTIVE, Reason.REPORTED),
    Event.FAULT_CLEARED: Ignored.NOTHING_OPEN,
    Event.CLEARED_BY: Ignored.NOTHING_OPEN,
    Event.HOLD_ELAPSED: Ignored.NOTHING_OPEN,
    Event.LULL: Ignored.NOTHING_OPEN,
    Event.QUIET: Ignored.NOTHING_OPEN,
    Event.SILENT: Ignored.NOTHING_OPEN,
    Event.BACK: Ignored.NOTHING_OPEN,
    Event.UNHEARD: Move(_TO.ACTIVE, Reason.UNHEARD),
    Event.HEARD: Ignored.NOTHING_OPEN,
    Event.RIVAL: Move(_TO.ACTIVE, Reason.RIVAL),
    Event.RESTARTED: Move(_TO.ACTIVE, Reason.RESTARTED),
    Event.GIVEN_UP: Move(_TO.ACTIVE, Reason.GIVEN_UP),
    Event.LOST: Ignored.NOTHING_OPEN,
    Event.CONFIRMED: Ignored.NOTHING_OPEN,
    Event.RETIRED: Ignored.NOTHING_OPEN,
    Event.DEVICE_RETIRED: Ignored.NOTHING_OPEN,
    Event.MERGED: Ignored.NOTHING_OPEN,
}
_PENDING: Final[dict[Event, Outcome]] = {
    Event.BREACH: Ignored.ALREADY,
    Event.HELD: Move(_TO.ACTIVE, Reason.HELD),
    Event.WITHIN: Move(_TO.OK, Reason.NOT_HELD),
    Event.FAULT_ACTIVE: Ignored.NEVER_PENDS,
    Event.FAULT_CLEARED: Ignored.NEVER_PENDS,
    Event.CLEARED_BY: Ignored.NEVER_PENDS,
    Event.HOLD_ELAPSED: Ignored.NEVER_PENDS,
    Event.LULL: Ignored.NOTHING_OPEN,
    Event.QUIET: Ignored.NOT_CLEARING,
    Event.SILENT: Move(_TO.NO_DATA, Reason.DATA_LOST),
    Event.BACK: Ignored.NOT_SILENT,
    Event.UNHEARD: Ignored.NEVER_PENDS,
    Event.HEARD: Ignored.NEVER_PENDS,
    Event.RIVAL: Ignored.NEVER_PENDS,
    Event.RESTARTED: Ignored.NEVER_PENDS,
    Event.GIVEN_UP: Ignored.NEVER_PENDS,
    Event.LOST: Move(_TO.OK, Reason.UNSEEN),
    Event.CONFIRMED: Ignored.NOT_LOST,
    Event.RETIRED: Move(_TO.OK, Reason.RETIRED),
    Event.DEVICE_RETIRED: Move(_TO.OK, Reason.DEVICE_RETIRED),
    Event.MERGED: Move(_TO.OK, Reason.MERGED),
}
_ACTIVE: Final[dict[Event, Outcome]] = {
    Event.BREACH: Ignored.ALREADY,
    Event.HELD: Ignored.ALREADY,
    Event.WITHIN: Move(_TO.OK, Reason.CLEARED),
    Event.FAULT_ACTIVE: Ignored.COUNTED,
    Event.FAULT_CLEARED: Move(_TO.OK, Reason.CLEARED),
    Event.CLEARED_BY: Move(_TO.OK, Reason.CLEARED_BY),
    Event.HOLD_ELAPSED: Move(_TO.OK, Reason.EXPIRED),
    Event.LULL: Move(_TO.CLEARING, Reason.CHATTERS),
    Event.QUIET: Ignored.NOT_CLEARING,
    Event.SILENT: Move(_TO.NO_DATA, Reason.DATA_LOST),
    Event.BACK: Ignored.NOT_SILENT,
    Event.UNHEARD: Ignored.ALREADY,
    Event.HEARD: Move(_TO.OK, Reason.HEARD),
    Event.RIVAL: Ignored.COUNTED,
    Event.RESTARTED: Ignored.COUNTED,
    Event.GIVEN_UP: Ignored.COUNTED,
    Event.LOST: Move(_TO.UNCONFIRMED, Reason.UNCONFIRMED),
    Event.CONFIRMED: Ignored.ALREADY,
    Event.RETIRED: Move(_TO.OK, Reason.RETIRED),
    Event.DEVICE_RETIRED: Move(_TO.OK, Reason.DEVICE_RETIRED),
    Event.MERGED: Move(_TO.OK, Reason.MERGED),
}
_CLEARING: Final[dict[Event, Outcome]] = {
    Event.BREACH: Move(_TO.ACTIVE, Reason.AGAIN),
    Event.HELD: Move(_TO.ACTIVE, Reason.AGAIN),
    Event.WITHIN: Ignored.ALREADY,
    Event.FAULT_ACTIVE: Move(_TO.ACTIVE, Reason.AGAIN),
    Event.FAULT_CLEARED: Ignored.ALREADY,
    Event.CLEARED_BY: Ignored.ALREADY,
    Event.HOLD_ELAPSED: Ignored.ALREADY,
    Event.LULL: Ignored.ALREADY,
    Event.QUIET: Move(_TO.OK, Reason.QUIET),
    Event.SILENT: Move(_TO.NO_DATA, Reason.DATA_LOST),
    Event.BACK: Ignored.NOT_SILENT,
    Event.UNHEARD: Ignored.NEVER_CLEARS,
    Event.HEARD: Ignored.NEVER_CLEARS,
    Event.RIVAL: Ignored.NEVER_CLEARS,
    Event.RESTARTED: Ignored.NEVER_CLEARS,
    Event.GIVEN_UP: Ignored.NEVER_CLEARS,
    Event.LOST: Ignored.OVER_BEFORE,
    Event.CONFIRMED: Ignored.NOT_LOST,
    Event.RETIRED: Move(_TO.OK, Reason.RETIRED),
    Event.DEVICE_RETIRED: Move(_TO.OK, Reason.DEVICE_RETIRED),
    Event.MERGED: Move(_TO.OK, Reason.MERGED),
}
_NO_DATA: Final[dict[Event, Outcome]] = {
    Event.BREACH: Ignored.BACK_FIRST,
    Event.HELD: Ignored.BACK_FIRST,
    Event.WITHIN: Ignored.BACK_FIRST,
    Event.FAULT_ACTIVE: Ignored.BACK_FIRST,
    Event.FAULT_CLEARED: Ignored.BACK_FIRST,
    Event.CLEARED_BY: Ignored.BACK_FIRST,
    Event.HOLD_ELAPSED: Ignored.BACK_FIRST,
    Event.LULL: Ignored.BACK_FIRST,
    Event.QUIET: Ignored.BACK_FIRST,
    Event.SILENT: Ignored.ALREADY,
    Event.BACK: Move(None, Reason.DATA_BACK),
    Event.UNHEARD: Ignored.STAYS,
    Event.HEARD: Ignored.STAYS,
    Event.RIVAL: Ignored.STAYS,
    Event.RESTARTED: Ignored.STAYS,
    Event.GIVEN_UP: Ignored.STAYS,
    Event.LOST: Ignored.BACK_FIRST,
    Event.CONFIRMED: Ignored.BACK_FIRST,
    Event.RETIRED: Move(_TO.OK, Reason.RETIRED),
    Event.DEVICE_RETIRED: Move(_TO.OK, Reason.DEVICE_RETIRED),
    Event.MERGED: Move(_TO.OK, Reason.MERGED),
}
_UNCONFIRMED: Final[dict[Event, Outcome]] = {
    Event.BREACH: Ignored.ALREADY,
    Event.HELD: Ignored.ALREADY,
    Event.WITHIN: Move(_TO.OK, Reason.CLEARED),
    Event.FAULT_ACTIVE: Move(_TO.ACTIVE, Reason.CONFIRMED),
    Event.FAULT_CLEARED: Move(_TO.OK, Reason.CLEARED),
    Event.CLEARED_BY: Move(_TO.OK, Reason.CLEARED_BY),
    Event.HOLD_ELAPSED: Move(_TO.OK, Reason.EXPIRED),
    Event.LULL: Ignored.NOT_CLEARING,
    Event.QUIET: Ignored.NOT_CLEARING,
    Event.SILENT: Move(_TO.NO_DATA, Reason.DATA_LOST),
    Event.BACK: Ignored.NOT_SILENT,
    Event.UNHEARD: Ignored.STAYS,
    Event.HEARD: Ignored.STAYS,
    Event.RIVAL: Ignored.STAYS,
    Event.RESTARTED: Ignored.STAYS,
    Event.GIVEN_UP: Ignored.STAYS,
    Event.LOST: Ignored.ALREADY,
    Event.CONFIRMED: Move(_TO.ACTIVE, Reason.CONFIRMED),
    Event.RETIRED: Move(_TO.OK, Reason.RETIRED),
    Event.DEVICE_RETIRED: Move(_TO.OK, Reason.DEVICE_RETIRED),
    Event.MERGED: Move(_TO.OK, Reason.MERGED),
}

TABLE: Final[dict[tuple[Condition, Event], Outcome]] = {
    (condition, event): outcome
    for condition, row in (
        (Condition.OK, _OK),
        (Condition.PENDING, _PENDING),
        (Condition.ACTIVE, _ACTIVE),
        (Condition.CLEARING, _CLEARING),
        (Condition.NO_DATA, _NO_DATA),
        (Condition.UNCONFIRMED, _UNCONFIRMED),
    )
    for event, outcome in row.items()
}


class OperatorState(StrEnum):
    """Whether a person has taken note of an episode. A new one is unacknowledged, whatever its rule's last one was."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"


class OperatorEvent(StrEnum):
    """What a person does."""

    ACKNOWLEDGE = "acknowledge"
    UNACKNOWLEDGE = "unacknowledge"


class OperatorMove(NamedTuple):
    """Go to a state; ``message``: the id that is stored with it, with the parameter ``who``."""

    to: OperatorState
    message: str


OPERATOR_TABLE: Final[dict[tuple[OperatorState, OperatorEvent], OperatorMove | Ignored]] = {
    (OperatorState.UNACKNOWLEDGED, OperatorEvent.ACKNOWLEDGE): OperatorMove(
        OperatorState.ACKNOWLEDGED, "episode.acknowledged"
    ),
    (OperatorState.UNACKNOWLEDGED, OperatorEvent.UNACKNOWLEDGE): Ignored.ALREADY,
    (OperatorState.ACKNOWLEDGED, OperatorEvent.ACKNOWLEDGE): Ignored.ALREADY,
    (OperatorState.ACKNOWLEDGED, OperatorEvent.UNACKNOWLEDGE): OperatorMove(
        OperatorState.UNACKNOWLEDGED, "episode.unacknowledged"
    ),
}

"""From the reason of a transition to the message that a person reads (``catalog/data/messages.yaml``)."""

from enum import StrEnum
from typing import Final

from alerts.episode import Reason


class Variant(StrEnum):
    """The kinds of rule whose messages differ."""

    ABOVE = "above"
    BELOW = "below"
    STATE = "state"
    """A limit on a signal that says one of several things: its message says which, and no number."""
    CODE = "code"
    UNKNOWN = "unknown"
    """A code that the catalog doesn't hold."""
    MORE = "more"
    """All further unknown codes of a device that has too many of them."""
    SILENCE = "silence"
    NEVER = "never"
    """Silence of a device that was never heard."""
    IDENTITY = "identity"
    NUMBERS = "numbers"
    """The numbers of a device began again."""
    UNJUDGED = "unjudged"
    BEHIND = "behind"
    """The clock of a device is behind."""
    AHEAD = "ahead"
    CONNECTION = "connection"
    UNTOLD = "untold"
    """The agent doesn't tell any more whether it reaches the equipment."""
    GONE = "gone"
    """Ended for a reason that has nothing to do with its rule."""


LATE_SUMMARY: Final = "alert.late.summary"

_LIMIT: Final[dict[Reason, str]] = {
    Reason.NOT_HELD: "alert.limit.not_held",
    Reason.CLEARED: "alert.limit.cleared",
    Reason.CHATTERS: "alert.limit.chatters",
    Reason.QUIET: "alert.limit.quiet",
    Reason.DATA_LOST: "alert.no_data",
    Reason.DATA_BACK: "alert.data_back",
    Reason.UNCONFIRMED: "alert.unconfirmed",
    Reason.UNSEEN: "alert.limit.unseen",
    Reason.CONFIRMED: "alert.confirmed",
}
_STATE: Final[dict[Reason, str]] = {
    **_LIMIT,
    Reason.BEYOND: "alert.state.pending",
    Reason.HELD: "alert.state.held",
    Reason.AGAIN: "alert.state.held",
    Reason.NOT_HELD: "alert.state.not_held",
    Reason.CLEARED: "alert.state.cleared",
    Reason.CONFIRMED: "alert.state.confirmed",
}
_CODE: Final[dict[Reason, str]] = {
    Reason.REPORTED: "alert.code.active",
    Reason.AGAIN: "alert.code.repeated",
    Reason.CLEARED: "alert.code.cleared",
    Reason.CLEARED_BY: "alert.code.cleared_by",
    Reason.EXPIRED: "alert.code.expired",
    Reason.CHATTERS: "alert.code.chatters",
    Reason.QUIET: "alert.code.quiet",
    Reason.DATA_LOST: "alert.no_data.code",
    Reason.DATA_BACK: "alert.data_back.code",
    Reason.UNCONFIRMED: "alert.unconfirmed.code",
    Reason.CONFIRMED: "alert.confirmed.code",
}
_SILENCE: Final[dict[Reason, str]] = {
    Reason.UNHEARD: "alert.silence.begun",
    Reason.HEARD: "alert.silence.ended",
}
_CONNECTION: Final[dict[Reason, str]] = {
    Reason.BEYOND: "alert.connection.pending",
    Reason.HELD: "alert.connection.lost",
    Reason.NOT_HELD: "alert.connection.brief",
    Reason.CLEARED: "alert.connection.back",
    Reason.DATA_LOST: "alert.connection.no_data",
    Reason.DATA_BACK: "alert.connection.data_back",
}

MESSAGES: Final[dict[tuple[Reason, Variant], str]] = {
    (reason, variant): message
    for variant, row in (
        (
            Variant.ABOVE,
            {
                Reason.BEYOND: "alert.limit.pending_above",
                Reason.HELD: "alert.limit.above",
                Reason.AGAIN: "alert.limit.above",
                **_LIMIT,
            },
        ),
        (
            Variant.BELOW,
            {
                Reason.BEYOND: "alert.limit.pending_below",
                Reason.HELD: "alert.limit.below",
                Reason.AGAIN: "alert.limit.below",
                **_LIMIT,
            },
        ),
        (Variant.STATE, _STATE),
        (Variant.CODE, _CODE),
        (Variant.UNKNOWN, {**_CODE, Reason.REPORTED: "alert.code.unknown"}),
        (
            Variant.MORE,
            {
                **_CODE,
                Reason.REPORTED: "alert.code.unknown_more",
                Reason.AGAIN: "alert.code.unknown_more",
                Reason.EXPIRED: "alert.code.unknown_over",
            },
        ),
        (Variant.SILENCE, _SILENCE),
        (Variant.NEVER, {**_SILENCE, Reason.UNHEARD: "alert.silence.never"}),
        (
            Variant.IDENTITY,
            {
                Reason.RIVAL: "device.identity_duplicate",
                Reason.AGAIN: "device.identity_duplicate",
                Reason.EXPIRED: "alert.identity.settled",
            },
        ),
        (
            Variant.NUMBERS,
            {
                Reason.RESTARTED: "device.numbers_restarted",
                Reason.AGAIN: "device.numbers_restarted",
                Reason.EXPIRED: "alert.numbers.settled",
            },
        ),
        (
            Variant.UNJUDGED,
            {
                Reason.GIVEN_UP: "alert.unjudged.begun",
                Reason.AGAIN: "alert.unjudged.begun",
                Reason.EXPIRED: "alert.unjudged.over",
            },
        ),
        (Variant.BEHIND, {Reason.HELD: "alert.clock.behind", Reason.CLEARED: "alert.clock.right"}),
        (Variant.AHEAD, {Reason.HELD: "alert.clock.ahead", Reason.CLEARED: "alert.clock.right"}),
        (Variant.CONNECTION, _CONNECTION),
        (
            Variant.UNTOLD,
            {Reason.NOT_HELD: "alert.connection.untold", Reason.CLEARED: "alert.connection.untold"},
        ),
        (
            Variant.GONE,
            {
                Reason.RETIRED: "alert.retired",
                Reason.DEVICE_RETIRED: "alert.device_retired",
                Reason.MERGED: "alert.merged",
            },
        ),
    )
    for reason, message in row.items()
}

LATE: Final[dict[Variant, str]] = {
    Variant.ABOVE: "alert.late.limit",
    Variant.BELOW: "alert.late.limit",
    Variant.STATE: "alert.late.state",
    Variant.CODE: "alert.late.active",
    Variant.UNKNOWN: "alert.late.unknown",
    Variant.MORE: "alert.code.unknown_more",
}
"""The message of an episode that late facts opened and that is active: when it occurred, and when we learned of it."""

WATCHED: Final = frozenset(message for (reason, _), message in MESSAGES.items() if reason is Reason.BEYOND)
"""The message of an episode that is still watched. One that is over keeps it if it never held: nobody was alarmed, and
it is in no list of alerts."""

"""Which way a ticket goes: a table of (status, action), and what an action makes of a ticket. Pure.

The statuses in people's words: new 待受理, to-dispatch 待派单, accepted 已接单, on-site 已到场, awaiting-parts 待备件,
to-verify 待验收, closed 已关闭. A closed ticket stays closed: the same fault again is a ticket of its own.
"""

from collections.abc import Container, Mapping
from types import MappingProxyType
from typing import Final, Literal

from msgspec import Struct

Status = Literal["new", "to-dispatch", "accepted", "on-site", "awaiting-parts", "to-verify", "closed"]
Work = Literal[
    "receive",
    "take",
    "take-over",
    "hand-back",
    "arrive",
    "need-parts",
    "parts-here",
    "mend",
    "verify",
    "reject",
    "dismiss",
]
"""What a dealer's people do."""
Action = Work | Literal["confirm", "decline", "release"]
"""And the hospital: confirm and decline; and who answers for a dealer: release."""

TRANSITIONS: Final[Mapping[tuple[Status, Action], Status]] = MappingProxyType(
    {
        ("new", "receive"): "to-dispatch",  # 受理: the NOC has seen it and wants somebody for it
        ("new", "take"): "accepted",  # an engineer is quicker than the NOC
        ("to-dispatch", "take"): "accepted",
        ("accepted", "take-over"): "accepted",  # from whoever has it
        ("on-site", "take-over"): "accepted",
        ("awaiting-parts", "take-over"): "awaiting-parts",
        ("accepted", "hand-back"): "to-dispatch",
        ("awaiting-parts", "hand-back"): "to-dispatch",
        ("accepted", "arrive"): "on-site",
        ("awaiting-parts", "arrive"): "on-site",
        ("accepted", "need-parts"): "awaiting-parts",  # parts first, then the visit
        ("on-site", "need-parts"): "awaiting-parts",
        ("awaiting-parts", "parts-here"): "accepted",  # on-site, where the engineer is there: `after`
        ("accepted", "mend"): "to-verify",  # from afar, without a visit
        ("on-site", "mend"): "to-verify",
        ("to-verify", "verify"): "closed",
        ("to-verify", "reject"): "accepted",
        ("to-verify", "confirm"): "closed",
        ("to-verify", "decline"): "accepted",
        ("to-verify", "release"): "closed",
        ("new", "dismiss"): "closed",  # once somebody has it, it ends by a repair: there is "no fault found"
        ("to-dispatch", "dismiss"): "closed",
    }
)
"""What isn't here is refused."""

NEEDS_NOTE: Final[frozenset[Action]] = frozenset({"hand-back", "reject", "dismiss", "decline", "release"})
"""Actions whose reason the next person must be able to read."""

RIGHTS: Final[Mapping[Action, str]] = MappingProxyType(
    {"confirm": "tickets.confirm", "decline": "tickets.confirm", "release": "tickets.release"}
)
"""Who may (people/rights.toml); what isn't here: `tickets.handle`."""


class Standing(Struct, frozen=True, kw_only=True):
    """How a ticket is. `holder`: who has it; `repaired_by`: who says that it is mended, until somebody else does;
    "" of either: nobody. `arrived_ms`: since when the holder is there (ms since 1970 UTC)."""

    status: Status
    holder: str = ""
    repaired_by: str = ""
    arrived_ms: int | None = None

    def own(self, actor: str) -> bool:
        """Whether a repair is this person's: who had the ticket, or who wrote the repair down."""
        return actor in (self.holder, self.repaired_by)


def after(at: Standing, action: Action, *, actor: str, now_ms: int) -> Standing | None:
    """The ticket after an action; None: its status doesn't allow that. Whether `actor` may is `refused`'s."""
    status = TRANSITIONS.get((at.status, action))
    if status is None:
        return None
    match action:
        case "take" | "take-over":
            return Standing(status=status, holder=actor)
        case "arrive":
            return Standing(status=status, holder=at.holder, arrived_ms=now_ms)
        case "need-parts":
            return Standing(status=status, holder=at.holder, arrived_ms=at.arrived_ms)
        case "parts-here":
            back: Status = status if at.arrived_ms is None else "on-site"
            return Standing(status=back, holder=at.holder, arrived_ms=at.arrived_ms)
        case "mend":
            return Standing(status=status, holder=at.holder, repaired_by=actor)
        case "reject" | "decline":
            return Standing(status=status, holder=at.holder)
        case _:
            return Standing(status=status)


def refused(at: Standing, action: Action, *, actor: str) -> bool:
    """Whether it isn't for this person: nobody verifies his own repair or takes over from himself."""
    return (action == "verify" and at.own(actor)) or (action == "take-over" and at.holder == actor)


def actions(at: Standing, *, actor: str, rights: Container[str]) -> list[Action]:
    """What a person with these rights can do with a ticket, in the order of the table."""
    return [
        action
        for status, action in TRANSITIONS
        if status == at.status
        and RIGHTS.get(action, "tickets.handle") in rights
        and not refused(at, action, actor=actor)
    ]

"""Which way a ticket goes: a table of (status, action). Pure.

The statuses in people's words: new 待受理, to-dispatch 待派单, accepted 已接单, on-site 已到场, awaiting-parts 待备件,
to-verify 待验收, closed 已关闭. A closed ticket stays closed: the same fault again is a ticket of its own.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

Status = Literal["new", "to-dispatch", "accepted", "on-site", "awaiting-parts", "to-verify", "closed"]
Action = Literal[
    "receive", "take", "hand-back", "arrive", "need-parts", "parts-here", "mend", "verify", "reject", "dismiss"
]

TRANSITIONS: Final[Mapping[tuple[Status, Action], Status]] = MappingProxyType(
    {
        ("new", "receive"): "to-dispatch",  # 受理: the NOC has seen it and wants somebody for it
        ("new", "take"): "accepted",  # an engineer is quicker than the NOC
        ("to-dispatch", "take"): "accepted",
        ("accepted", "hand-back"): "to-dispatch",
        ("awaiting-parts", "hand-back"): "to-dispatch",
        ("accepted", "arrive"): "on-site",
        ("awaiting-parts", "arrive"): "on-site",
        ("accepted", "need-parts"): "awaiting-parts",  # parts first, then the visit
        ("on-site", "need-parts"): "awaiting-parts",
        ("awaiting-parts", "parts-here"): "accepted",
        ("accepted", "mend"): "to-verify",  # from afar, without a visit
        ("on-site", "mend"): "to-verify",
        ("to-verify", "verify"): "closed",
        ("to-verify", "reject"): "accepted",
        ("new", "dismiss"): "closed",
        ("to-dispatch", "dismiss"): "closed",
        ("accepted", "dismiss"): "closed",
    }
)
"""What isn't here is refused."""

NEEDS_NOTE: Final[frozenset[Action]] = frozenset({"hand-back", "reject", "dismiss"})
"""Actions whose reason the next person must be able to read."""


def actions(status: Status) -> list[Action]:
    """What can be done with a ticket in a status, in the order of the table."""
    return [action for at, action in TRANSITIONS if at == status]

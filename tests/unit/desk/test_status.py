from itertools import product
from typing import get_args

import pytest
from msgspec.structs import replace

from catalog.load import load
from desk.tickets.status import NEEDS_NOTE, TRANSITIONS, Action, Standing, Status, Work, actions, after
from people.roles import Role, rights_of

STATUSES: tuple[Status, ...] = get_args(Status)
ACTIONS: tuple[Action, ...] = (*get_args(Work), "confirm", "decline", "release")
NOW = 1_795_320_000_000

# Where each action leads from each status; what is not here is refused.
WALKED: dict[Status, dict[Action, Status]] = {
    "new": {"receive": "to-dispatch", "take": "accepted", "dismiss": "closed"},
    "to-dispatch": {"take": "accepted", "dismiss": "closed"},
    "accepted": {
        "take-over": "accepted",
        "hand-back": "to-dispatch",
        "arrive": "on-site",
        "need-parts": "awaiting-parts",
        "mend": "to-verify",
    },
    "on-site": {"take-over": "accepted", "need-parts": "awaiting-parts", "mend": "to-verify"},
    "awaiting-parts": {
        "take-over": "awaiting-parts",
        "hand-back": "to-dispatch",
        "arrive": "on-site",
        "parts-here": "accepted",
    },
    "to-verify": {
        "verify": "closed",
        "reject": "accepted",
        "confirm": "closed",
        "decline": "accepted",
        "release": "closed",
    },
    "closed": {},
}
# What Li's action makes of a ticket that Wang has, who is there and says that he repaired it: who has it then, who
# repaired it, since when he is there.
NOBODY = Standing(status="new")
KEPT: dict[Action, tuple[str, str, int | None]] = {
    "receive": ("", "", None),
    "take": ("Li", "", None),
    "take-over": ("Li", "", None),
    "hand-back": ("", "", None),
    "arrive": ("Wang", "", NOW),
    "need-parts": ("Wang", "", NOW - 1),
    "parts-here": ("Wang", "", NOW - 1),
    "mend": ("Wang", "Li", None),
    "verify": ("", "", None),
    "reject": ("Wang", "", None),
    "confirm": ("", "", None),
    "decline": ("Wang", "", None),
    "release": ("", "", None),
    "dismiss": ("", "", None),
}


def wangs(status: Status) -> Standing:
    return Standing(status=status, holder="Wang", repaired_by="Wang", arrived_ms=NOW - 1)


@pytest.mark.parametrize(("status", "action"), list(product(STATUSES, ACTIONS)))
@pytest.mark.parametrize("there", [False, True], ids=["away", "there"])
def test_the_whole_matrix(status: Status, action: Action, there: bool) -> None:
    leads = WALKED[status].get(action)
    at = wangs(status) if there else replace(wangs(status), arrived_ms=None)
    new = after(at, action, actor="Li", now_ms=NOW)
    if leads is None:
        assert new is None
        return
    if action == "parts-here" and there:
        leads = "on-site"  # parts that came don't undo an arrival
    holder, repaired_by, arrived_ms = KEPT[action]
    if not there and action in {"need-parts", "parts-here"}:
        arrived_ms = None
    assert new == Standing(status=leads, holder=holder, repaired_by=repaired_by, arrived_ms=arrived_ms)


def may(status: Status, role: Role, *, actor: str = "Li", at: Standing = NOBODY) -> list[Action]:
    return actions(replace(at, status=status), actor=actor, rights=rights_of(role))


def test_what_is_possible_is_by_status_and_role() -> None:
    for status in STATUSES:
        ways = list(WALKED[status])
        inside = [way for way in ways if way not in {"confirm", "decline", "release"}]
        assert may(status, Role.ENGINEER) == may(status, Role.NOC) == inside
        assert may(status, Role.MANAGER) == [way for way in ways if way not in {"confirm", "decline"}]
        theirs = [way for way in ways if way in {"confirm", "decline"}]
        assert may(status, Role.EQUIPMENT) == may(status, Role.DEPARTMENT) == theirs
        assert may(status, Role.IT) == []


@pytest.mark.parametrize("who", ["Wang", "Zhao"])
def test_nobody_verifies_his_own_repair(who: str) -> None:
    at = Standing(status="to-verify", holder="Wang", repaired_by="Zhao")
    assert may("to-verify", Role.ENGINEER, actor=who, at=at) == ["reject"]
    assert may("to-verify", Role.MANAGER, actor=who, at=at) == ["reject", "release"], "a dealer of one person"
    assert may("to-verify", Role.ENGINEER, actor="Li", at=at) == ["verify", "reject"]


def test_nobody_takes_over_from_himself() -> None:
    at = Standing(status="on-site", holder="Li")
    assert "take-over" not in may("on-site", Role.ENGINEER, at=at)
    assert "take-over" in may("on-site", Role.ENGINEER, actor="Wang", at=at)


def test_every_ticket_can_be_closed_and_none_can_come_back() -> None:
    for start in STATUSES:
        reached: set[Status] = {start}
        while more := {TRANSITIONS[at, by] for at, by in TRANSITIONS if at in reached} - reached:
            reached |= more
        assert "closed" in reached
    assert WALKED["closed"] == {}


def test_whoever_sends_a_ticket_back_or_away_says_why() -> None:
    assert {"hand-back", "reject", "dismiss", "decline", "release"} == NEEDS_NOTE


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_words_in_both_languages(status: Status) -> None:
    assert f"word.state.{status}" in load().messages

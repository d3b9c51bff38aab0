from itertools import product
from typing import get_args

import pytest

from catalog.load import load
from desk.tickets.status import NEEDS_NOTE, TRANSITIONS, Action, Status, actions

STATUSES: tuple[Status, ...] = get_args(Status)
ACTIONS: tuple[Action, ...] = get_args(Action)

# Where each action leads from each status; what is not here is refused.
WALKED: dict[Status, dict[Action, Status]] = {
    "new": {"receive": "to-dispatch", "take": "accepted", "dismiss": "closed"},
    "to-dispatch": {"take": "accepted", "dismiss": "closed"},
    "accepted": {
        "hand-back": "to-dispatch",
        "arrive": "on-site",
        "need-parts": "awaiting-parts",
        "mend": "to-verify",
        "dismiss": "closed",
    },
    "on-site": {"need-parts": "awaiting-parts", "mend": "to-verify"},
    "awaiting-parts": {"hand-back": "to-dispatch", "arrive": "on-site", "parts-here": "accepted"},
    "to-verify": {"verify": "closed", "reject": "accepted"},
    "closed": {},
}


@pytest.mark.parametrize(("status", "action"), list(product(STATUSES, ACTIONS)))
def test_the_whole_matrix(status: Status, action: Action) -> None:
    assert TRANSITIONS.get((status, action)) == WALKED[status].get(action)


@pytest.mark.parametrize("status", STATUSES)
def test_what_is_possible_in_a_status(status: Status) -> None:
    assert actions(status) == list(WALKED[status])


def test_every_ticket_can_be_closed_and_none_can_come_back() -> None:
    for start in STATUSES:
        reached: set[Status] = {start}
        while more := {TRANSITIONS[at, by] for at, by in TRANSITIONS if at in reached} - reached:
            reached |= more
        assert "closed" in reached
    assert actions("closed") == []


def test_whoever_sends_a_ticket_back_or_away_says_why() -> None:
    assert {"hand-back", "reject", "dismiss"} == NEEDS_NOTE


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_words_in_both_languages(status: Status) -> None:
    assert f"word.state.{status}" in load().messages

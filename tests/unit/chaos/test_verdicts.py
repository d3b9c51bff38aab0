"""What a restored copy may say of a fault, and what must be told as wrong."""

import pytest

from tests.chaos.ledger import FaultLine
from tests.chaos.verdicts import Moments, Restored, wrong_verdicts

MOMENTS = Moments(copied=1_000, restored=2_000)
KEPT, LOST, HEARD = 500, 1_500, 2_500
FAMILIES = {"C": "family"}


def wrong(*said: tuple[str, int], condition: str = "ok", gapped: bool = True, tickets: int = 1) -> list[str]:
    lines = [FaultLine("d", "C", state, at) for state, at in said]
    stored = Restored(
        conditions={("d", "C"): condition},
        gapped={"d"} if gapped else set(),
        open=[(f"WX{number}", "d", "family") for number in range(tickets)],
        fresh={},
    )
    return wrong_verdicts(lines, families=FAMILIES, moments=MOMENTS, given={}, stored=stored)


@pytest.mark.parametrize(
    ("said", "condition", "gapped"),
    [
        ([("active", KEPT)], "unconfirmed", True),
        ([("active", KEPT)], "active", False),
        ([("active", KEPT), ("cleared", KEPT + 1)], "ok", True),
        ([("active", LOST)], "ok", True),
        ([("active", KEPT), ("cleared", LOST)], "unconfirmed", True),
        ([("active", KEPT), ("active", HEARD)], "active", True),
        ([("active", KEPT), ("cleared", HEARD)], "ok", True),
        ([("active", LOST), ("cleared", HEARD)], "clearing", True),
        ([("active", KEPT), ("cleared", KEPT + 1)], "clearing", True),
    ],
)
def test_right(said: list[tuple[str, int]], condition: str, gapped: bool) -> None:
    assert wrong(*said, condition=condition, gapped=gapped) == []


@pytest.mark.parametrize(
    ("said", "condition", "gapped"),
    [
        ([("active", KEPT)], "active", True),  # as if nothing were lost
        ([("active", KEPT)], "ok", True),  # forgotten
        ([("active", KEPT)], "ok", False),
        ([("active", KEPT)], "unconfirmed", False),
        ([("cleared", KEPT)], "unconfirmed", True),
        ([("active", LOST)], "ok", False),  # lost, and nothing says so
        ([("active", KEPT), ("cleared", LOST)], "active", True),
        ([("active", KEPT), ("active", HEARD)], "unconfirmed", True),
        ([("active", HEARD)], "ok", True),
        ([("active", HEARD)], "clearing", True),
        ([("cleared", HEARD)], "active", True),
    ],
)
def test_wrong(said: list[tuple[str, int]], condition: str, gapped: bool) -> None:
    assert len(wrong(*said, condition=condition, gapped=gapped)) == 1


def test_what_was_heard_has_one_open_ticket() -> None:
    assert wrong(("active", HEARD), condition="active", tickets=0) == [
        "no open ticket for ('d', 'C'), which was heard after the restore"
    ]
    assert wrong(("active", HEARD), condition="active", tickets=2) == ["two open tickets for ('d', 'family')"]


def test_a_number_that_was_given_out_is_not_given_again() -> None:
    stored = Restored(conditions={}, gapped=set(), open=[], fresh={"WX1": ("d", "family"), "WX3": ("d", "family")})
    given = {"WX1": ("e", "other"), "WX2": ("e", "family")}
    found = wrong_verdicts([], families={}, moments=MOMENTS, given=given, stored=stored)
    assert found == ["number WX1 was ('e', 'other') before the restore and is ('d', 'family') now"]

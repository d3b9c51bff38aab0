"""docs/telling.md gives addresses: each is one, of the kind that its line says."""

import json
import re
from pathlib import Path

import pytest

from desk.telling.addresses import Mail, Webhook, parse
from desk.telling.plan import MESSAGES, SINGLY, Patience
from desk.telling.robots import Robot

PAGE = (Path(__file__).parents[3] / "docs" / "telling.md").read_text(encoding="utf-8")
TABLE = PAGE.split("## Addresses")[1].split("These are all the kinds")[0]
ROWS = [line.split(" | ") for line in TABLE.splitlines() if "://" in line]
KINDS: dict[str, type[Robot | Webhook | Mail]] = {
    "DingTalk": Robot,
    "WeCom": Robot,
    "Feishu": Robot,
    "Lark": Robot,
    "a program": Webhook,
    "mail": Mail,
}


@pytest.mark.parametrize("row", [row for row in ROWS if row[0].startswith("| ")], ids=lambda row: row[0][2:])
def test_each_address_is_of_its_kind(row: list[str]) -> None:
    kind = next(kind for name, kind in KINDS.items() if row[0][2:].startswith(name))
    addresses = re.findall(r"`([^`]+://[^`]+)`", row[1])
    assert addresses
    for address in addresses:
        known = parse(address)
        assert isinstance(known, kind)
        if isinstance(known, Robot):
            assert bool(known.secret) == ("00ff" in address)


def test_the_request_that_adds_one_is_whole() -> None:
    found = re.search(r"-d '(\{.*?\})'", PAGE, re.DOTALL)
    assert found is not None
    assert isinstance(parse(json.loads(found[1])["address"]), Robot)


def test_its_figures_are_those_of_the_code() -> None:
    patience = Patience()
    assert (patience.attempts, patience.refusals, patience.age_s, patience.most_s) == (14, 3, 86_400, 1800)
    assert (SINGLY, MESSAGES, patience.first_s, patience.limit_s) == (3, 10, 5, 20)

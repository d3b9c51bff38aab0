"""What the audit log can say was done: one list, which the console's words are compared with as well."""

import re
from itertools import chain
from pathlib import Path
from typing import Any, Final, cast, get_args

import pytest

from alerts.episode import OperatorState
from desk.tickets.status import Action
from people.audit.chain import ACTIONS, Entry, append
from tests.unit.people.test_walk import NOW

ROOT: Final = Path(__file__).parents[3]


def test_what_is_done_with_alerts_and_tickets_is_in_it() -> None:
    work, others = get_args(Action)
    done = {f"ticket-{action}" for action in chain(get_args(work), get_args(others))}
    done |= {f"alert-{state.value}" for state in OperatorState}
    assert done == {action for action in ACTIONS if action.startswith(("ticket-", "alert-"))}


def test_nothing_else_is_in_it_than_what_the_code_writes() -> None:
    code = "\n".join(path.read_text("utf-8") for room in ("people", "api") for path in (ROOT / room).rglob("*.py"))
    assert set(re.findall(r'\baction="([^"]+)"', code)) <= ACTIONS
    assert [
        action for action in ACTIONS if not action.startswith(("ticket-", "alert-")) and f'"{action}"' not in code
    ] == []


async def test_another_is_not_written() -> None:
    entry = Entry(org=1, at=NOW, actor="wang.li", action="looked-away", subject="account:wang.li", detail={})
    with pytest.raises(ValueError, match="looked-away"):
        await append(cast("Any", None), entry)

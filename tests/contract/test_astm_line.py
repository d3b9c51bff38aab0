"""`agent.adapters.astm.line.Line`: however its bytes are cut, the same message, and nothing that isn't whole."""

from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.astm.line import Line, Plain
from agent.adapters.astm.link import Deliver, Link
from tests.fixtures.astm import ENQ, EOT, FLAGGED, by_records

PORT: Final = "agent.adapters.astm.line.Line"
BEHIND: Final[dict[str, Callable[[], Line]]] = {
    "agent.adapters.astm.line.Plain": Plain,
    "agent.adapters.astm.link.Link": Link,
}
SAID: Final = ENQ + b"".join(by_records(FLAGGED)) + EOT


def delivered(line: Line, pieces: list[bytes]) -> bytes:
    """The text of a message that came in pieces, each kept at once."""
    text, now = b"", 0
    for piece in pieces:
        now += 10
        waiting = line.feed(piece, now)
        while waiting:
            command, *waiting = waiting
            if isinstance(command, Deliver):
                text += command.text
                waiting += line.accept(now)
    return text


@pytest.mark.parametrize("name", list(BEHIND))
@given(cuts=st.lists(st.integers(0, len(SAID)), max_size=20).map(sorted))
def test_however_it_is_cut_the_same_text_is_delivered(name: str, cuts: list[int]) -> None:
    pieces = [SAID[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(SAID)], strict=True)]
    assert delivered(BEHIND[name](), pieces) == FLAGGED


@pytest.mark.parametrize("name", list(BEHIND))
def test_it_waits_for_nothing_at_first_and_no_tick_before_its_time_says_anything(name: str) -> None:
    assert BEHIND[name]().deadline is None
    line = BEHIND[name]()
    line.feed(SAID[:20], 1_000)
    due = line.deadline
    assert due is not None
    assert due > 1_000
    assert line.tick(due - 1) == []
    line.tick(due)
    assert line.deadline != due


@pytest.mark.parametrize("name", list(BEHIND))
@pytest.mark.parametrize("heard", [b"", SAID[:20], SAID], ids=["nothing", "a part", "all"])
def test_what_is_cut_off_by_the_end_is_not_delivered(name: str, heard: bytes) -> None:
    line = BEHIND[name]()
    assert (delivered(line, [heard]) == FLAGGED) == (heard == SAID)
    assert [command for command in line.end(20) if isinstance(command, Deliver)] == []

"""Records that a sender cut into frames of one size, wherever that is, and ended with CR."""

import pytest

from agent.adapters.astm.assembler import Assembler
from tests.fixtures.astm import CONTROL, message

TOLD = message(CONTROL, *(f"R|{at}|^^^GLU|{at}|mmol/L||N||F|||\rC|1|I|72|I" for at in range(1, 25)))
"""Full of what begins like a record where it is cut: ``U|5|``, ``I|72|``, ``L||N``."""
RECORDS = TOLD.split(b"\r")[:-1]


def frames(size: int, *, by_record: bool) -> list[bytes]:
    whole = [record + b"\r" for record in RECORDS] if by_record else [TOLD]
    return [each[at : at + size] for each in whole for at in range(0, len(each), size)]


@pytest.mark.parametrize("always", [False, True], ids=["ETB", "ETX for each"])
@pytest.mark.parametrize("by_record", [False, True], ids=["the message", "each record"])
def test_they_are_the_same_records(always: bool, by_record: bool) -> None:
    """From the second message on; at the first frame of the first one nothing tells how long frames are."""
    for size in range(20 if always else 1, 300):
        texts = frames(size, by_record=by_record)
        assembler = Assembler()
        first, second = (
            [m for at, text in enumerate(texts, 1) for m in assembler.offer(text, last=always or at == len(texts))]
            for _ in range(2)
        )
        assert first
        assert [list(each.records) for each in second] == [RECORDS], size
        assert assembler.refused in ({}, {"record-unclear": 1}), size

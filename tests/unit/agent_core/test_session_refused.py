"""What a session does with what the broker refuses: split, replaced by a note, or sent again after a pause."""

import pytest

from agent.outbox.outbox import Outbox
from agent.uplink.link import PACKET_TOO_LARGE, PAYLOAD_INVALID
from agent.uplink.session import SMALLEST
from agent.uplink.window import RESEND_S
from tests.fixtures.hand import by_hand, pass_s, until
from tests.unit.agent_core.talk import Talk, fault, reading
from wire.items import Skipped
from wire.topics import Lane


@pytest.mark.parametrize(
    ("code", "rows", "stands_in"),
    [(PAYLOAD_INVALID, 200, True), (PACKET_TOO_LARGE, 1, True), (PACKET_TOO_LARGE, 200, False)],
)
@by_hand
async def test_what_the_broker_refuses_is_split_or_replaced(
    outbox: Outbox, code: int, rows: int, stands_in: bool
) -> None:
    async with Talk.over(outbox) as talk:
        await talk.greet()
        talk.put(reading(1.0, rows), lane=Lane.BULK)
        await until(lambda: talk.wire.numbers(Lane.BULK) == [1])
        sent = talk.wire.sent[-1]
        assert (len(sent.body) > SMALLEST) == (rows > 1)
        talk.answer(sent, code)
        await until(lambda: len(talk.wire.numbers(Lane.BULK)) > 1)
        await talk.settled()
        again = [each for each in talk.wire.sent if each.mid > sent.mid]
        assert talk.counters.refused == 1
        assert again[0].numbers.seq == 1
        if stands_in:
            (item,) = again[0].items
            assert isinstance(item, Skipped)
            assert (item.items, item.bytes) == (1, len(sent.body))
        else:
            assert sum(each.rows for each in again) == rows
            assert max(len(each.body) for each in again) <= len(sent.body) // 2
            talk.put(reading(2.0, rows), lane=Lane.BULK)
            await talk.settled()
            assert max(len(each.body) for each in talk.wire.sent[1:]) == len(sent.body), "formed smaller from now on"
            assert max(len(each.body) for each in talk.wire.sent[2:]) <= len(sent.body) // 2


@by_hand
async def test_any_other_refusal_is_no_delivery_and_all_comes_again_after_a_pause(outbox: Outbox) -> None:
    async with Talk.over(outbox) as talk:
        await talk.greet()
        talk.put(fault("A"), fault("B"))
        await until(lambda: talk.wire.numbers() == [1, 2])
        talk.answer(talk.wire.sent[-2], 0x80)  # unspecified error
        talk.session.on_puback(4711, 0x97)
        await talk.settled()
        pass_s(RESEND_S - 0.01)
        await talk.settled()
        assert talk.wire.numbers() == [1, 2]
        pass_s(0.02)
        await until(lambda: talk.wire.numbers() == [1, 2, 1, 2])
        assert talk.counters.refused == 2


@by_hand
async def test_what_was_split_is_none_of_an_earlier_refusal(outbox: Outbox) -> None:
    async with Talk.over(outbox) as talk:
        await talk.greet()
        talk.put(reading(1.0, 200), reading(2.0, 200), lane=Lane.BULK)
        await until(lambda: talk.wire.numbers(Lane.BULK) == [1, 2])
        first, second = talk.wire.sent[-2:]
        for sent in (first, second):
            talk.answer(sent, PAYLOAD_INVALID)
        await until(lambda: len(talk.wire.numbers(Lane.BULK)) == 4)
        await talk.settled()
        kinds = [[type(item).__name__ for item in sent.items] for sent in talk.wire.sent[-2:]]
        assert kinds == [["Skipped"], ["Readings"]], "the second was renumbered: it is asked anew"

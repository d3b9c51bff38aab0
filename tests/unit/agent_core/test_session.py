"""A session's states, from the birth to its end, over a link and a clock that the test has in its hands."""

import sqlite3
from typing import Any, cast

import pytest

from agent.errors import DamagedReport, OutboxError
from agent.outbox.marks import Reason
from agent.outbox.outbox import Outbox
from agent.uplink.link import OVERHEAD, LinkError, Message
from agent.uplink.session import AGENT, BULK_AT_ONCE, SMALLEST, STUCK, Renewed, _worst
from agent.uplink.window import RESEND_S
from tests.fixtures.hand import by_hand, pass_s, turns, until
from tests.unit.agent_core.talk import AHEAD, DEVICE, WALL, Talk, fault, reading
from wire.codec import encode
from wire.commands import Announce, Command
from wire.items import Birth
from wire.limits import WINDOW_REPORTS
from wire.topics import Down, Lane, down, down_filter

OTHER = "other0000000"


@by_hand
async def test_a_birth_comes_first_and_nothing_numbered_before_it_is_answered_for_both_lanes(outbox: Outbox) -> None:
    async with Talk.over(outbox) as talk:
        talk.put(fault("A"))
        talk.put(reading(1.0), lane=Lane.BULK)
        await talk.settled()
        (birth,) = talk.wire.sent
        assert talk.wire.filters == [down_filter(DEVICE)]
        assert birth.items == [Birth(at=WALL, boot=outbox.state.boot, agent=AGENT, model="dr", interval_s=20.0)]
        numbers = birth.numbers
        assert (birth.lane, numbers.epoch, numbers.seq, numbers.floor, numbers.head) == (
            Lane.LIVE, outbox.state.epoch, 0, 1, 0,
        )  # fmt: skip
        assert (numbers.sent_ms, numbers.offset_ms) == (WALL, None)
        for lane, ready in ((Lane.LIVE, False), (Lane.LIVE, False), (Lane.BULK, True)):
            talk.ack(lane, epoch="", hello=True)
            await talk.settled()
            assert (talk.session.ready, talk.session.answered) == (ready, ready)
        assert (talk.wire.numbers(Lane.LIVE), talk.wire.numbers(Lane.BULK)) == ([1], [1])
        assert talk.session.idle
        talk.put(fault("B"))
        assert not talk.session.idle


@by_hand
async def test_a_lane_that_is_answered_sends_while_the_other_waits(outbox: Outbox) -> None:
    async with Talk.over(outbox) as talk:
        talk.put(fault("A"))
        talk.ack(Lane.LIVE, epoch="", hello=True)
        await until(lambda: talk.wire.numbers() == [1])
        assert not talk.session.ready


@by_hand
async def test_a_birth_that_nobody_answers_comes_again_ever_more_seldom(outbox: Outbox) -> None:
    async with Talk.over(outbox) as talk:
        for nth, pause in enumerate([1, 2, 4, 8, 16, 32, 60, 60, 60], start=1):
            assert len(talk.wire.births) == nth
            pass_s(pause * 0.74)
            await turns()
            assert len(talk.wire.births) == nth, "a quarter earlier at most"
            pass_s(pause * 0.52)
            await turns()
        await talk.greet()
        pass_s(600)
        await talk.settled()
        assert len(talk.wire.births) == 10
        assert not talk.ended


ANSWERS: list[tuple[str, dict[str, Any], str]] = [
    ("no mark", {"epoch": "", "hello": True}, "open"),
    ("ours", {"seq": 0, "hello": True}, "open"),
    ("ours, without the answer", {"seq": 0}, "ignored"),
    ("another, ours is young", {"epoch": OTHER, "seq": 7, "hello": True}, "open"),
    ("another, without the answer", {"epoch": OTHER, "seq": 7}, "ignored"),
    ("beyond ours", {"seq": 4, "hello": True}, Reason.BEYOND),
]


@pytest.mark.parametrize(("answer", "outcome"), [each[1:] for each in ANSWERS], ids=[each[0] for each in ANSWERS])
@by_hand
async def test_what_an_answer_to_the_birth_does(outbox: Outbox, answer: dict[str, Any], outcome: str) -> None:
    async with Talk.over(outbox) as talk:
        talk.put(fault("A"))
        epoch = outbox.state.epoch
        talk.ack(Lane.LIVE, **answer)
        await until(lambda: talk.counters.acknowledgements == 1)
        await talk.settled()
        assert talk.wire.numbers() == [1] * (outcome == "open")
        assert talk.counters.ignored == (outcome == "ignored")
        if outcome in ("open", "ignored"):
            assert (outbox.state.epoch, talk.ended) == (epoch, False)
        else:
            assert isinstance(await talk.error(), Renewed)
            assert outbox.state.epoch != epoch
            assert talk.counters.epochs == 1


@by_hand
async def test_a_mark_in_the_answer_deletes_what_is_known(outbox: Outbox) -> None:
    async with Talk.over(outbox) as talk:
        talk.put(fault("A"), fault("B"), fault("C"))
        await talk.greet()
        await until(lambda: talk.wire.numbers() == [1, 2, 3])
        digest = talk.digest_of(2)
    async with Talk.over(outbox) as talk:
        talk.ack(Lane.LIVE, 2, digest=digest, hello=True)
        await until(lambda: talk.wire.numbers() == [3])
        assert outbox.state.live.lowest == 3


# What an acknowledgement in an open session does, three reports being under way: what is deleted, and sent again.
OPEN: list[tuple[str, dict[str, Any], int, list[int] | None]] = [
    ("nothing yet", {"seq": 0}, 1, []),
    ("the first", {"seq": 1, "digest": 1}, 2, []),
    ("all", {"seq": 3, "digest": 3}, 4, []),
    ("back to the second", {"seq": 1, "digest": 1, "back": 2}, 2, [2, 3]),
    ("back to the first", {"seq": 0, "back": 1}, 1, [1, 2, 3]),
    ("back beyond", {"seq": 3, "digest": 3, "back": 4}, 4, []),
    ("no mark any more", {"epoch": ""}, 1, []),
    ("another's", {"epoch": OTHER, "seq": 1}, 1, []),
    ("another report", {"seq": 2, "digest": 1}, 1, None),
    ("beyond", {"seq": 4}, 1, None),
]


@pytest.mark.parametrize(("said", "lowest", "again"), [each[1:] for each in OPEN], ids=[each[0] for each in OPEN])
@by_hand
async def test_what_an_acknowledgement_does(
    outbox: Outbox, said: dict[str, Any], lowest: int, again: list[int] | None
) -> None:
    async with Talk.over(outbox) as talk:
        await talk.greet()
        talk.put(fault("A"), fault("B"), fault("C"))
        await until(lambda: talk.wire.numbers() == [1, 2, 3])
        talk.ack(Lane.LIVE, **{**said, "digest": talk.digest_of(said["digest"]) if "digest" in said else ""})
        await until(lambda: talk.counters.acknowledgements == 3)
        if again is None:
            assert isinstance(await talk.error(), Renewed)
            return
        await talk.settled()
        assert outbox.state.live.lowest == lowest
        assert talk.wire.numbers() == [1, 2, 3, *again]
        assert talk.counters.ignored == ("epoch" in said)
        if "back" in said:  # once a mark
            talk.ack(Lane.LIVE, **{**said, "digest": talk.digest_of(said["digest"]) if "digest" in said else ""})
            await talk.settled()
            assert talk.wire.numbers() == [1, 2, 3, *again]


@by_hand
async def test_what_is_acknowledged_is_sent_no_more_and_leaves_its_room_to_others(outbox: Outbox) -> None:
    async with Talk.over(outbox) as talk:
        await talk.greet()
        talk.put(*(fault(f"E{nth}") for nth in range(WINDOW_REPORTS + 1)))
        await until(lambda: len(talk.wire.numbers()) == WINDOW_REPORTS)
        await talk.settled()
        talk.ack(Lane.LIVE, WINDOW_REPORTS, digest=talk.digest_of(WINDOW_REPORTS))
        await until(lambda: len(talk.wire.numbers()) == WINDOW_REPORTS + 1)
        talk.ack(Lane.LIVE, WINDOW_REPORTS + 1, digest=talk.digest_of(WINDOW_REPORTS + 1))
        await talk.settled()
        pass_s(60)
        await talk.settled()
        assert talk.wire.numbers() == list(range(1, WINDOW_REPORTS + 2))


@by_hand
async def test_without_an_acknowledgement_it_sends_again_and_then_asks_by_a_birth(outbox: Outbox) -> None:
    async with Talk.over(outbox) as talk:
        await talk.greet()
        talk.put(fault("A"))
        await until(lambda: talk.wire.numbers() == [1])
        pass_s(RESEND_S - 0.01)
        await talk.settled()
        assert talk.wire.numbers() == [1]
        pass_s(0.02)
        await until(lambda: talk.wire.numbers() == [1, 1])
        for nth in range(3, STUCK + 1):
            assert len(talk.wire.births) == 1
            pass_s(60)
            await until(lambda sent=nth: len(talk.wire.numbers()) == sent)  # type: ignore[misc]
        pass_s(60)
        await until(lambda: len(talk.wire.births) == 2)
        await talk.settled()
        assert talk.counters.resends == STUCK
        assert not talk.session.ready, "closed until it is answered"
        await talk.greet()
        await talk.settled()
        assert len(talk.wire.births) == 2, "answered, it is stuck no more"
        for _ in range(STUCK):
            pass_s(60)
            await talk.settled()
        await until(lambda: len(talk.wire.births) == 3)
        # The server holds our epoch for a past one: only a new one helps, though ours was never confirmed.
        talk.ack(Lane.LIVE, 7, epoch=OTHER, hello=True)
        assert str(await talk.error()) == Reason.FOREIGN_STUCK


@by_hand
async def test_live_goes_first_and_again_after_a_few_of_bulk(outbox: Outbox) -> None:
    async with Talk.over(outbox) as talk:
        talk.put(*(reading(float(nth)) for nth in range(2 * BULK_AT_ONCE)), lane=Lane.BULK)
        talk.put(fault("A"))
        for lane in (Lane.BULK, Lane.LIVE):
            talk.ack(lane, epoch="", hello=True)
        first = talk.wire.publish

        def publish(*args: Any, **kwargs: Any) -> int:
            if len(talk.wire.numbers(Lane.BULK)) == 3:
                talk.put(fault("B"))
            return first(*args, **kwargs)

        talk.wire.publish = publish  # type: ignore[method-assign]
        await until(lambda: len(talk.wire.numbers(Lane.BULK)) == 2 * BULK_AT_ONCE)
        order = [(sent.lane, sent.numbers.seq) for sent in talk.wire.sent if sent.numbers.seq]
        before = order[: order.index((Lane.LIVE, 2))]
        assert [lane for lane, _ in before].count(Lane.BULK) == BULK_AT_ONCE


@by_hand
async def test_no_more_is_sent_than_the_broker_takes(outbox: Outbox) -> None:
    async with Talk.over(outbox, takes=2) as talk:
        talk.put(fault("A"), fault("B"), fault("C"))
        await talk.greet()
        await until(lambda: talk.wire.numbers() == [1])
        await talk.settled()
        assert talk.wire.numbers() == [1]
        talk.answer(talk.wire.births[0])
        await until(lambda: talk.wire.numbers() == [1, 2])
        await talk.settled()
        assert talk.wire.numbers() == [1, 2]
        talk.answer(talk.wire.sent[-1])
        await until(lambda: talk.wire.numbers() == [1, 2, 3])
        assert talk.counters.refused == 0


LIMITS = [
    (None, None, None),
    (300 + OVERHEAD, None, 300),
    (None, 300, 300),
    (900 + OVERHEAD, 300, 300),
    (300 + OVERHEAD, 900, 300),
]


@pytest.mark.parametrize(("packet", "learned", "most"), LIMITS)
@by_hand
async def test_no_body_is_larger_than_what_the_broker_takes(
    outbox: Outbox, packet: int | None, learned: int | None, most: int | None
) -> None:
    talk = Talk(outbox, None)  # type: ignore[arg-type]  # entered before there is a connection
    talk.put(reading(1.0, 300), lane=Lane.BULK)
    async with Talk.over(outbox, packet_limit=packet, limit=learned) as talk:
        await talk.greet()
        await until(lambda: sum(sent.rows for sent in talk.wire.sent) == 300)
        await talk.settled()
        sizes = [len(sent.body) for sent in talk.wire.sent[1:]]
        assert (len(sizes) > 1, max(sizes) <= (most or 10**6)) == (most is not None, True)
        assert talk.session.largest == max(sizes)


@by_hand
async def test_a_broker_that_takes_no_report_at_all_is_no_broker(outbox: Outbox) -> None:
    async with Talk.over(outbox, packet_limit=SMALLEST + OVERHEAD - 1) as talk:
        assert "too few" in str(await talk.error())
        assert talk.wire.sent == []
    async with Talk.over(outbox, packet_limit=SMALLEST + OVERHEAD) as talk:
        assert len(talk.wire.births) == 1


@by_hand
async def test_what_is_not_for_it_or_makes_no_sense_is_counted_and_nothing_else(outbox: Outbox) -> None:
    command = encode(Command(id="c0000001", issued=WALL, expires=WALL, do=Announce()))
    async with Talk.over(outbox) as talk:
        for topic, body, retained in (
            (down(DEVICE, Down.COMMAND), command, True),
            (down(DEVICE, Down.ACK), b"{}", False),
            (down(DEVICE, Down.COMMAND), b"\xff", False),
            (down(DEVICE, Down.CONFIG), b"{}", False),
            ("steth/1/elsewhere", command, False),
        ):
            talk.wire.say(Message(topic, body, retained))
        await until(lambda: talk.counters.ignored == 5)
        assert (talk.commands, talk.counters.acknowledgements, talk.ended) == ([], 0, False)
        talk.wire.say(Message(down(DEVICE, Down.COMMAND), command, False))
        await until(lambda: len(talk.commands) == 1)
        assert talk.commands[0].id == "c0000001"


@by_hand
async def test_another_birth_on_request_closes_nothing(outbox: Outbox) -> None:
    async with Talk.over(outbox) as talk:
        link: Any = talk.wire
        talk.session.announce(link)
        assert len(talk.wire.births) == 1, "one is under way"
        await talk.greet()
        talk.session.announce(link)
        assert len(talk.wire.births) == 2
        assert talk.session.ready


@by_hand
async def test_what_is_echoed_measures_the_clock_and_travels_with_what_follows(outbox: Outbox) -> None:
    async with Talk.over(outbox) as talk:
        for echo, offset in ((WALL - 1, None), (WALL, AHEAD)):
            talk.ack(Lane.LIVE, epoch="", hello=True, echo=echo)
            await talk.settled()
            assert talk.clock.correction(0) == offset
        talk.put(fault("A"))
        await until(lambda: talk.wire.numbers() == [1])
        assert talk.wire.sent[-1].numbers.offset_ms == AHEAD


@by_hand
async def test_an_echo_of_long_ago_measures_nothing(outbox: Outbox) -> None:
    async with Talk.over(outbox) as talk:
        await talk.greet()
        for _ in range(512):
            pass_s(0.001)
            talk.session.announce(cast("Any", talk.wire))
        for echo, offset in ((WALL, None), (WALL + 1, AHEAD)):
            talk.ack(Lane.LIVE, 0, echo=echo)
            await talk.settled()
            assert (talk.clock.correction(0) is not None) == (offset is not None)


@by_hand
async def test_a_report_damaged_on_the_disk_is_replaced_by_a_note(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Talk.over(outbox) as talk:
        talk.put(fault("A"), fault("B"))
        fetch = outbox.fetch

        async def damaged(lane: Lane, *, seq: int, **want: Any) -> Any:
            monkeypatch.setattr(outbox, "fetch", fetch)
            raise DamagedReport(seq)

        monkeypatch.setattr(outbox, "fetch", damaged)
        await talk.greet()
        await until(lambda: talk.wire.numbers() == [1, 2])
        kinds = [type(sent.items[0]).__name__ for sent in talk.wire.sent[1:]]
        assert kinds == ["Skipped", "Fault"]


@by_hand
async def test_an_acknowledgement_that_the_disk_does_not_take_is_as_if_it_never_came(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Talk.over(outbox) as talk:
        with monkeypatch.context() as patch:

            async def full(*_: Any) -> Any:
                raise OutboxError("full") from sqlite3.OperationalError()

            patch.setattr(outbox, "acknowledge", full)
            talk.ack(Lane.LIVE, epoch="", hello=True)
            await until(lambda: talk.counters.acknowledgements == 1)
            await talk.settled()
            assert (talk.session.ready, talk.ended, talk.counters.ignored) == (False, False, 0)
        await talk.greet()
        assert talk.session.ready


@by_hand
async def test_it_ends_with_its_connection(outbox: Outbox) -> None:
    async with Talk.over(outbox) as talk:
        talk.wire.say(None)
        assert isinstance(await talk.error(), LinkError)


def test_a_new_epoch_says_more_than_a_lost_connection() -> None:
    renewed, lost = Renewed("another epoch"), LinkError("gone")
    for errors in ([renewed, lost], [lost, renewed]):
        assert _worst(BaseExceptionGroup("", errors)) is renewed
    assert _worst(BaseExceptionGroup("", [lost])) is lost

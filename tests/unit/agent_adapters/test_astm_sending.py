"""The E1381 link where it is we who send."""

from agent.adapters.astm.link import (
    BUSY_MS,
    CONTENTION_MS,
    INTERRUPTED_MS,
    TRIES,
    Deliver,
    Ended,
    Link,
    Refused,
    Sent,
    Write,
)
from agent.adapters.astm.states import State
from tests.fixtures.astm import ACK, ENQ, EOT, NAK, framed
from tests.fixtures.astm_link import AGAIN, ANSWER, FRAMES, NOW, at


def test_a_message_from_enq_to_eot() -> None:
    link = Link()
    assert link.send(ANSWER, NOW) == [Write(ENQ)]
    assert link.feed(ACK, NOW) == [Write(FRAMES[0])]
    assert link.feed(ACK, NOW) == [Write(FRAMES[1])]
    assert link.feed(ACK, NOW) == [Write(EOT), Sent()]
    assert (link.state, link.deadline) == (State.IDLE, None)


def test_it_waits_until_the_line_is_free() -> None:
    link = at(State.RECEIVING)
    assert link.send(ANSWER, NOW) == []
    assert link.feed(EOT, NOW) == [Ended()]
    assert link.deadline == NOW
    assert link.tick(NOW) == [Write(ENQ)]


def test_the_instrument_goes_first_when_both_ask() -> None:
    link = at(State.ASKING)
    assert link.feed(ENQ, NOW) == [Refused("contention")]
    assert link.deadline == NOW + CONTENTION_MS
    assert link.feed(ENQ, NOW + 1000) == [Write(ACK)]
    assert link.feed(framed(1, b"x") + EOT, NOW + 1000) == [Deliver(b"x", last=True)]
    assert link.accept(NOW + 1000) == [Write(ACK), Ended()]
    assert link.tick(NOW + CONTENTION_MS) == [Write(ENQ)]


def test_a_busy_instrument_is_asked_again_and_not_for_ever() -> None:
    link, now = at(State.ASKING), NOW
    for _ in range(TRIES - 1):
        assert link.feed(NAK, now) == []
        assert link.deadline == now + BUSY_MS
        now += BUSY_MS
        assert link.tick(now) == [Write(ENQ)]
    link.feed(NAK, now)
    assert link.tick(now + BUSY_MS) == [Refused("answer-unwanted")]
    assert (link.state, link.deadline) == (State.IDLE, None)


def test_a_frame_is_sent_six_times_and_then_given_up() -> None:
    link = at(State.SENDING)
    for _ in range(TRIES - 1):
        assert link.feed(NAK, NOW) == AGAIN
    assert link.feed(NAK, NOW) == [Refused("answer-unwanted"), Write(EOT)]
    assert (link.state, link.deadline) == (State.IDLE, None)


def test_each_frame_has_its_own_tries() -> None:
    link = at(State.SENDING)
    for _ in range(TRIES - 1):
        link.feed(NAK, NOW)
    assert link.feed(ACK, NOW) == [Write(FRAMES[1])]
    assert link.feed(NAK, NOW) == [Write(FRAMES[1])]


def test_an_interrupt_is_obeyed_and_the_whole_message_sent_later() -> None:
    link = at(State.SENDING)
    assert link.feed(EOT, NOW) == [Refused("answer-interrupted"), Write(EOT)]
    assert link.deadline == NOW + INTERRUPTED_MS
    assert link.tick(NOW + INTERRUPTED_MS) == [Write(ENQ)]
    assert link.feed(ACK, NOW + INTERRUPTED_MS) == [Write(FRAMES[0])]


def test_an_interrupt_after_the_last_frame_only_ends_it() -> None:
    link = at(State.SENDING)
    link.feed(ACK, NOW)
    assert link.feed(EOT, NOW) == [Write(EOT), Sent()]


def test_what_is_to_be_sent_while_something_is_sent_is_dropped() -> None:
    link = at(State.SENDING)
    assert link.send(b"other\r", NOW) == []
    link.feed(ACK, NOW)
    assert link.feed(ACK, NOW) == [Write(EOT), Sent()]
    assert link.deadline is None

"""The E1381 link: every state with everything that can arrive, and the conversations that they make."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.astm.link import (
    BARREN,
    FRAME_MS,
    REPLY_MS,
    TRIES,
    UNENDED_MS,
    Command,
    Deliver,
    Dropped,
    Ended,
    HangUp,
    Link,
    Refused,
    Write,
)
from agent.adapters.astm.states import TABLE, WORDS, Event, State
from tests.fixtures.astm import ACK, ENQ, EOT, FLAGGED, NAK, by_records, framed
from tests.fixtures.astm_link import AGAIN, FRAMES, NOW, at


def bare(number: int, text: bytes) -> bytes:
    """A frame whose number may be 8 or 9."""
    body = b"%d" % number + text + b"\3"
    return b"\2" + body + b"%02X\r\n" % (sum(body) % 256)


NEXT, SAME, BAD, JUMP = (
    framed(2, b"two\r"),
    framed(1, b"one\r"),
    framed(2, b"C|1|I|75", checksum=b"00"),
    framed(5, b"x"),
)
TWO: Final = Deliver(b"two\r", last=True)
I, R, H, A, S = State.IDLE, State.RECEIVING, State.HOLDING, State.ASKING, State.SENDING  # noqa: E741  # a matrix
EARLY: Final[list[Command]] = [Refused("frame-without-enq")]

ARRIVALS: Final[dict[tuple[State, bytes], tuple[list[Command], State]]] = {
    (I, ENQ): ([Write(ACK)], R),
    (I, EOT): ([], I),
    (I, ACK): ([], I),
    (I, NAK): ([], I),
    (I, NEXT): (EARLY, I),
    (I, SAME): (EARLY, I),
    (I, BAD): (EARLY, I),
    (I, JUMP): (EARLY, I),
    (R, ENQ): ([Refused("transfer-restarted"), Dropped(), Write(ACK)], R),
    (R, EOT): ([Ended()], I),
    (R, ACK): ([], R),
    (R, NAK): ([], R),
    (R, NEXT): ([TWO], H),
    (R, SAME): ([Refused("frame-repeated"), Write(ACK)], R),
    (R, BAD): ([Refused("bad-checksum"), Write(NAK)], R),
    (R, JUMP): ([Refused("frame-number-jumped"), Deliver(b"x", last=True)], H),
    # Nothing is taken from the line while the host decides.
    **{(H, sent): ([], H) for sent in (ENQ, EOT, ACK, NAK, NEXT, SAME, BAD, JUMP)},
    (A, ENQ): ([Refused("contention")], I),
    (A, EOT): ([], A),
    (A, ACK): ([Write(FRAMES[0])], S),
    (A, NAK): ([], I),
    (A, NEXT): (EARLY, A),
    (A, SAME): (EARLY, A),
    (A, BAD): (EARLY, A),
    (A, JUMP): (EARLY, A),
    (S, ENQ): (AGAIN, S),
    (S, EOT): ([Refused("answer-interrupted"), Write(EOT)], I),
    (S, ACK): ([Write(FRAMES[1])], S),
    (S, NAK): (AGAIN, S),
    (S, NEXT): (AGAIN, S),
    (S, SAME): (AGAIN, S),
    (S, BAD): (AGAIN, S),
    (S, JUMP): (AGAIN, S),
}
WAITED: Final[dict[State, tuple[int | None, list[Command], State]]] = {
    I: (None, [], I),
    R: (FRAME_MS, [Refused("silent"), Dropped()], I),
    H: (REPLY_MS, [], H),
    A: (REPLY_MS, [Refused("answer-unheard"), Write(EOT)], I),
    S: (REPLY_MS, [Refused("answer-unheard"), Write(EOT)], I),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("sent", [ENQ, EOT, ACK, NAK, NEXT, SAME, BAD, JUMP])
def test_every_arrival_in_every_state(state: State, sent: bytes) -> None:
    link = at(state)
    assert (link.feed(sent, NOW), link.state) == ARRIVALS[state, sent]


@pytest.mark.parametrize("state", State)
def test_every_wait_in_every_state(state: State) -> None:
    wait, commands, after = WAITED[state]
    link = at(state)
    assert link.deadline == (None if wait is None else NOW + wait)
    if wait is not None:
        assert link.tick(NOW + wait - 1) == []
        assert link.state is state
    assert (link.tick(NOW + (wait or 10**9)), link.state) == (commands, after)


@pytest.mark.parametrize("state", State)
def test_noise_and_cut_frames_in_every_state_are_counted_and_change_nothing(state: State) -> None:
    link = at(state)
    said = [] if state is State.HOLDING else [Refused("noise"), Refused("frame-cut")]
    assert link.feed(b"garbage\x021x\x021y", NOW) == said
    assert link.state is state


def test_the_table_has_all_that_can_happen_and_nothing_else() -> None:
    line = {Event.ENQ, Event.EOT, Event.ACK, Event.NAK, Event.NEXT, Event.BAD, Event.TIMEOUT}
    receiving = {Event.ABANDONED, Event.JUMP, Event.SAME, Event.HOPELESS}
    # A sender takes everything but ACK and EOT for a NAK.
    sending = {Event.ACK, Event.EOT, Event.NAK, Event.LAST_ACK, Event.LAST_EOT, Event.LAST_NAK, Event.TIMEOUT}
    host = {Event.ACCEPT, Event.LATE, Event.REJECT}
    possible = {I: line | {Event.TIRED}, R: line | receiving, H: host, A: line, S: sending}
    assert set(TABLE) == {(state, event) for state, events in possible.items() for event in events}
    assert set(WORDS) <= set(TABLE)


class TestReceiving:
    def test_frames_are_numbered_from_1_and_after_7_comes_0(self) -> None:
        link = Link()
        link.feed(ENQ, NOW)
        for number in range(1, 20):
            assert link.feed(framed(number, b"x"), NOW) == [Deliver(b"x", last=True)]
            assert link.accept(NOW) == [Write(ACK)]
        assert link.feed(EOT, NOW) == [Ended()]

    @pytest.mark.parametrize("number", range(10))
    def test_a_transfer_begins_with_any_number_and_nothing_is_a_repeat_in_it_yet(self, number: int) -> None:
        link = at(H)
        link.accept(NOW)  # frame 2
        link.feed(EOT, NOW)
        link.feed(ENQ, NOW)
        assert link.feed(bare(number, b"two\r"), NOW) == [TWO]

    @pytest.mark.parametrize(
        "numbers",
        [
            "12345670123",  # LIS01-A2 8.3.2.1
            "01234567012",
            "12345671234",
            "1234567890123",
            "1234567891234",
            "1111",
            "0000",
            "3333",
            "5670123",
            "123123412",  # from the beginning for each message
            "012012301",
            "567556",
        ],
    )
    def test_every_habit_of_counting_is_taken_without_a_word(self, numbers: str) -> None:
        link = Link()
        for _ in range(2):
            assert link.feed(ENQ, NOW) == [Write(ACK)]
            for nth, number in enumerate(numbers):
                text = b"C|%d|I|72|I\r" % nth
                assert link.feed(bare(int(number), text), NOW) == [Deliver(text, last=True)]
                assert link.accept(NOW) == [Write(ACK)]
                assert link.feed(bare(int(number), text), NOW) == [Refused("frame-repeated"), Write(ACK)]
            assert link.feed(EOT, NOW) == [Ended()]

    def test_the_same_number_and_text_that_ends_otherwise_is_no_repeat(self) -> None:
        link = at(R)
        assert link.feed(framed(1, b"one\r", last=False), NOW) == [Deliver(b"one\r", last=False)]

    def test_frames_without_numbers_are_taken_whole_even_where_one_begins_with_a_digit(self) -> None:
        link = Link()
        link.feed(ENQ, NOW)
        for text in (b"H|\\^&|||x", b"5|y\r", b"C|1|I|72|I\r"):
            body = text + b"\3"
            frame = b"\2" + body + b"%02X\r\n" % (sum(body) % 256)
            assert link.feed(frame, NOW) == [Deliver(text, last=True)]
            assert link.accept(NOW) == [Write(ACK)]
            assert link.feed(frame, NOW) == [Refused("frame-repeated"), Write(ACK)]

    def test_a_repeated_frame_is_acknowledged_and_not_delivered_twice(self) -> None:
        link = at(R)
        for _ in range(3):
            assert link.feed(SAME, NOW) == [Refused("frame-repeated"), Write(ACK)]
        assert link.feed(NEXT, NOW) == [TWO]

    def test_what_the_host_does_not_keep_is_answered_nak_and_taken_again(self) -> None:
        link = at(H)
        assert link.reject(NOW) == [Write(NAK)]
        assert link.feed(NEXT, NOW) == [TWO]
        assert link.accept(NOW) == [Write(ACK)]

    def test_what_arrives_while_the_host_decides_waits(self) -> None:
        link = at(H)
        assert link.feed(EOT + ENQ, NOW) == []
        assert link.accept(NOW) == [Write(ACK), Ended(), Write(ACK)]

    def test_a_commit_that_took_longer_than_the_sender_waits_is_not_acknowledged(self) -> None:
        link = at(H)
        link.feed(EOT, NOW)
        assert link.accept(NOW + REPLY_MS) == [Refused("late-commit"), Ended()]

    def test_half_a_frame_and_silence(self) -> None:
        link = at(R)
        assert link.feed(NEXT[:3], NOW) == []
        assert link.tick(NOW + FRAME_MS) == [Refused("silent"), Dropped()]
        assert link.feed(ENQ, NOW + FRAME_MS) == [Write(ACK)]

    def test_a_frame_without_its_line_end_is_taken_after_a_second(self) -> None:
        link = at(R)
        assert link.feed(NEXT[:-2], NOW) == []
        assert link.deadline == NOW + UNENDED_MS
        assert link.tick(NOW + UNENDED_MS) == [TWO]
        assert link.accept(NOW + UNENDED_MS) == [Write(ACK)]
        assert link.feed(b"\r\n", NOW + UNENDED_MS) == []
        assert link.deadline == NOW + UNENDED_MS + FRAME_MS

    @pytest.mark.parametrize(("wrong", "reason"), [(BAD, "bad-checksum"), (b"\x022C|1|I|75\3\r\n", "no-checksum")])
    def test_the_sixth_wrong_checksum_in_a_row_says_that_none_may_ever_be_right(
        self, wrong: bytes, reason: str
    ) -> None:
        link = at(R)
        for _ in range(2):
            for _ in range(TRIES - 1):
                assert link.feed(wrong, NOW) == [Refused(reason), Write(NAK)]
            assert link.feed(wrong, NOW) == [Refused("checksum-never-right"), Write(NAK)]
        link.feed(wrong, NOW)
        assert link.feed(NEXT, NOW) == [TWO]
        link.accept(NOW)
        for _ in range(TRIES - 1):
            assert link.feed(wrong, NOW) == [Refused(reason), Write(NAK)]

    def test_senders_that_try_less_often_are_counted_over_their_transfers(self) -> None:
        link = Link()
        counted: list[Command] = []
        for _ in range(TRIES // 3):
            counted += link.feed(ENQ + BAD * 3 + EOT, NOW)
        assert Refused("checksum-never-right") in counted

    @pytest.mark.parametrize("refused", [BAD, framed(5, b"two\r")])
    def test_an_eot_behind_a_nak_is_no_end(self, refused: bytes) -> None:
        link = at(R)
        if refused is not BAD:
            link.feed(refused, NOW)
            assert link.reject(NOW) == [Write(NAK)]
        else:
            link.feed(refused, NOW)
        assert link.feed(EOT, NOW) == [Refused("transfer-abandoned"), Dropped()]

    def test_an_eot_after_the_refused_frame_was_taken_is_one(self) -> None:
        link = at(R)
        link.feed(BAD + NEXT, NOW)
        assert link.accept(NOW) == [Write(ACK)]
        assert link.feed(EOT, NOW) == [Ended()]

    @pytest.mark.parametrize("rest", [b"", b"\x023half", NEXT[:-2]])
    def test_the_line_s_end_breaks_a_transfer_off(self, rest: bytes) -> None:
        link = at(R)
        link.feed(rest, NOW)
        commands = link.end(NOW)
        if commands == [TWO]:
            commands = link.accept(NOW)[1:]
        assert commands == [Dropped()]
        assert (link.state, link.deadline) == (I, None)

    @pytest.mark.parametrize("state", [I, A, S])
    def test_the_line_s_end_beside_a_transfer_says_nothing(self, state: State) -> None:
        assert at(state).end(NOW) == []

    @pytest.mark.parametrize("flood", [b"x" * 4096, ENQ * 4096, b"\2" * 4096, EOT * 4096, framed(1, b"x" * 4000)])
    def test_a_flood_without_a_good_frame_is_hung_up_on(self, flood: bytes) -> None:
        link = Link()
        link.feed(ENQ + framed(1, b"x"), NOW)
        link.accept(NOW)
        sent = 0
        while True:
            sent += len(flood)
            commands = link.feed(flood, NOW)
            if HangUp() in commands:
                assert commands[-1] == HangUp()
                break
        assert BARREN / 300 < sent < BARREN + 2 * 4096

    def test_good_frames_may_come_for_ever(self) -> None:
        link = Link()
        link.feed(ENQ, NOW)
        for number in range(1, 400):
            assert link.feed(framed(number, b"x" * 4000), NOW) == [Deliver(b"x" * 4000, last=True)]
            link.accept(NOW)


@given(st.lists(st.sampled_from([ENQ, EOT, ACK, NAK, NEXT, SAME, BAD, b"x", b"\2", *by_records(FLAGGED)]), max_size=40))
def test_nothing_that_arrives_raises_and_it_always_recovers(arrivals: list[bytes]) -> None:
    link, now = Link(), NOW
    for data in arrivals:
        link.feed(data, now)
        if link.state is H:
            link.accept(now)
        now += 500
    link.tick(now + FRAME_MS)
    link.feed(EOT, now + FRAME_MS)
    assert link.feed(ENQ, now + FRAME_MS)[-1:] == [Write(ACK)]
    assert link.feed(framed(1, b"x"), now + FRAME_MS) == [Deliver(b"x", last=True)]

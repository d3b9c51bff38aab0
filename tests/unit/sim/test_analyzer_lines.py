"""The sending sides of E1381 and MLLP, against scripted peers; what they send is what the agent's readers take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.astm.frames import Frame, Scanner
from agent.adapters.hl7.mllp import Deframer
from sim.analyzer.dialogue import Outcome, Step
from sim.analyzer.e1381 import ACK, BUSY_S, CONTENTION_S, ENQ, EOT, INTERRUPT_S, MAX_TEXT, NAK, TRIES, Transfer, frames
from sim.analyzer.mllp import PAUSE_S, Exchange

MESSAGE = b"H|\\^&|||SIM\rM|1|SIG|bath.temperature|37.01|Cel|20261123060000\rL|1|N\r"
HL7 = b"MSH|^~\\&|SIM|SC-400|||20261123060000||ESU^U01|A-1|P|2.5.1\rEQU|X\r"


def answer(code: bytes, control_id: bytes = b"A-1") -> bytes:
    return b"\x0bMSH|^~\\&|STETH||||||ACK|1|P|2.5.1\rMSA|" + code + b"|" + control_id + b"\r\x1c\r"


def test_frames_are_what_the_agent_takes_them_for() -> None:
    long = b"R|1|" + b"x" * 600
    made = frames(b"H|\\^&\r" + long + b"\rL|1|N\r")
    scanner = Scanner()
    scanner.push(b"".join(made))
    found: list[Frame] = []
    while isinstance(token := scanner.next(ended=True), Frame):
        found.append(token)
    assert [one.number for one in found] == [1, 2, 3, 4, 5]
    assert [one.last for one in found] == [True, False, False, True, True]
    assert b"".join(one.text for one in found) == b"H|\\^&\r" + long + b"\rL|1|N\r"
    assert max(len(one.text) for one in found) == MAX_TEXT


def test_numbers_of_frames_go_round() -> None:
    assert [one[1:2] for one in frames(b"M\r" * 10)] == [b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"0", b"1", b"2"]


@given(st.lists(st.binary(min_size=1, max_size=600).filter(lambda text: b"\r" not in text), min_size=1, max_size=12))
def test_any_records_come_back_together(records: list[bytes]) -> None:
    text = b"".join(frame[2:-5] for frame in frames(b"\r".join(records) + b"\r"))
    assert text == b"\r".join(records) + b"\r"


def test_a_transfer_that_is_taken() -> None:
    one = Transfer(MESSAGE)
    assert one.start() == ENQ
    written = []
    while (step := one.heard(ACK)).outcome is None:
        written.append(step.write)
    assert written == frames(MESSAGE)
    assert step == Step(EOT, Outcome.TAKEN)


def test_a_refused_frame_is_sent_again_and_the_next_ones_follow() -> None:
    one = Transfer(MESSAGE)
    first = one.heard(ACK).write
    assert [one.heard(NAK).write for _ in range(TRIES - 1)] == [first] * (TRIES - 1)
    assert one.heard(ACK).write == frames(MESSAGE)[1]


def test_a_frame_that_is_refused_too_often_ends_the_attempt() -> None:
    one = Transfer(MESSAGE)
    one.heard(ACK)
    for _ in range(TRIES - 1):
        assert one.heard(b"?").outcome is None, "what is neither ACK nor EOT counts as NAK"
    assert one.heard(NAK) == Step(EOT, Outcome.LATER, BUSY_S)


@pytest.mark.parametrize(("said", "pause"), [(NAK, BUSY_S), (ENQ, CONTENTION_S)])
def test_a_line_that_is_not_given_is_asked_for_later(said: bytes, pause: float) -> None:
    assert Transfer(MESSAGE).heard(said) == Step(outcome=Outcome.LATER, pause=pause)


def test_other_bytes_before_the_line_is_given_are_nothing() -> None:
    one = Transfer(MESSAGE)
    assert one.heard(b"?") == Step()
    assert one.heard(ACK).write == frames(MESSAGE)[0]


def test_silence_ends_a_transfer() -> None:
    one = Transfer(MESSAGE)
    one.heard(ACK)
    assert one.silent() == Step(EOT, Outcome.LATER, BUSY_S)


def test_a_receiver_that_wants_the_line_gets_it() -> None:
    one = Transfer(MESSAGE)
    one.heard(ACK)
    assert one.heard(EOT) == Step(EOT, Outcome.LATER, INTERRUPT_S), "the rest goes again, with all of it"
    one = Transfer(b"H|\\^&\r")
    one.heard(ACK)
    assert one.heard(EOT) == Step(EOT, Outcome.TAKEN), "that was all"


def test_a_message_is_a_block_that_the_agent_takes() -> None:
    (frame,) = Deframer(limit=4096).feed(Exchange(HL7).start())
    assert frame.data == HL7


@pytest.mark.parametrize(
    ("code", "step"),
    [
        (b"AA", Step(outcome=Outcome.TAKEN)),
        (b"CA", Step(outcome=Outcome.TAKEN)),
        (b"AE", Step(outcome=Outcome.LATER, pause=PAUSE_S)),
        (b"AR", Step(outcome=Outcome.REFUSED)),
        (b"", Step(outcome=Outcome.LATER, pause=PAUSE_S)),
    ],
)
def test_an_acknowledgement_means_what_it_says(code: bytes, step: Step) -> None:
    assert Exchange(HL7).heard(answer(code)) == step


def test_an_acknowledgement_in_pieces_and_behind_anothers() -> None:
    one = Exchange(HL7)
    data = answer(b"AR", b"A-0") + answer(b"AA")
    for at in range(len(data) - 2):
        assert one.heard(data[at : at + 1]) == Step(), "the id must be its own"
    assert one.heard(data[-2:]) == Step(outcome=Outcome.TAKEN)


def test_no_answer_and_an_endless_one_end_the_connection() -> None:
    silent = Step(outcome=Outcome.LATER, pause=PAUSE_S, broken=True)
    assert Exchange(HL7).silent() == silent
    assert Exchange(HL7).heard(b"x" * 100_000) == silent

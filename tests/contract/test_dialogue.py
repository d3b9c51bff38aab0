"""`sim.analyzer.dialogue.Dialogue`: every attempt begins with bytes and ends with one outcome."""

from collections.abc import Callable
from typing import Final

import pytest

from sim.analyzer.dialogue import Dialogue, Outcome
from sim.analyzer.e1381 import ACK, EOT, NAK, Transfer
from sim.analyzer.mllp import FS, VT, Exchange

PORT: Final = "sim.analyzer.dialogue.Dialogue"
MESSAGE: Final = b"MSH|^~\\&|A|H|||20261122||ORU^R01|7|P|2.5.1\rP|1\rL|1|N\r"


def answer(code: bytes) -> bytes:
    return VT + b"MSH|^~\\&\rMSA|" + code + b"|7\r" + FS + b"\r"


# By name: how an attempt begins; what takes a step of it, what puts it off, and what is no answer.
BEHIND: Final[dict[str, tuple[Callable[[], Dialogue], bytes, bytes, bytes]]] = {
    "sim.analyzer.e1381.Transfer": (lambda: Transfer(MESSAGE), ACK, NAK, b"?"),
    "sim.analyzer.mllp.Exchange": (lambda: Exchange(MESSAGE), answer(b"AA"), answer(b"AE"), b"?"),
}


@pytest.fixture(params=list(BEHIND))
def name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_answered_well_it_is_taken_and_that_ends_it(name: str) -> None:
    make, good, _, _ = BEHIND[name]
    dialogue = make()
    sent = [dialogue.start()]
    while (step := dialogue.heard(good)).outcome is None:
        sent.append(step.write)
        assert len(sent) < 50
    sent.append(step.write)
    assert (step.outcome, step.pause, step.broken) == (Outcome.TAKEN, 0, False)
    assert sent[0]
    assert all(record in b"".join(sent) for record in (b"P|1", b"L|1|N")), "all of it was sent"


def test_put_off_it_is_later_after_a_pause(name: str) -> None:
    make, _, bad, _ = BEHIND[name]
    dialogue = make()
    dialogue.start()
    step = dialogue.heard(bad)
    assert step.outcome is Outcome.LATER
    assert step.pause > 0


@pytest.mark.parametrize("heard", [0, 1])
def test_silence_ends_it_and_never_takes_it(name: str, heard: int) -> None:
    make, _, _, none = BEHIND[name]
    dialogue = make()
    dialogue.start()
    for _ in range(heard):
        assert dialogue.heard(none).outcome is None
    step = dialogue.silent()
    assert dialogue.patience > 0
    assert (step.outcome, step.pause > 0) == (Outcome.LATER, True)
    assert step.write in (b"", EOT)

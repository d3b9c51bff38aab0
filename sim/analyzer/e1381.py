"""The sending side of an E1381 line: one message in frames, acknowledged one by one. Sans-io.

CLSI LIS01-A2 (ASTM E1381-02): establishment 8.2, transfer 8.3, termination 8.4, recovery 8.5.
"""

from typing import Final

from sim.analyzer.dialogue import Outcome, Step

STX, ETX, EOT, ENQ, ACK, NAK, ETB = (bytes([code]) for code in (0x02, 0x03, 0x04, 0x05, 0x06, 0x15, 0x17))
MAX_TEXT: Final = 240
"""Characters of a frame's text (ASTM E1381-95 6.3.1.1)."""
TRIES: Final = 6
"""Times that a frame is sent (8.5.1.3)."""
REPLY_S: Final = 15.0
"""Patience for an answer (8.5.2.1, 8.5.2.2)."""
BUSY_S: Final = 10.0
"""Pause after a NAK to ENQ (8.2.6)."""
CONTENTION_S: Final = 1.0
"""Pause of an instrument after both sides asked (8.2.7.1)."""
INTERRUPT_S: Final = 15.0
"""Pause after the receiver asked for the line (8.3.5)."""


def frames(message: bytes) -> list[bytes]:
    """A message's records, each in frames of its own: STX, number, text, ETB or ETX, checksum, CR LF (8.3.1)."""
    made: list[bytes] = []
    for record in message.split(b"\r"):
        if not record:
            continue
        text = record + b"\r"
        for start in range(0, len(text), MAX_TEXT):
            end = ETX if start + MAX_TEXT >= len(text) else ETB
            body = b"%d" % ((len(made) + 1) % 8) + text[start : start + MAX_TEXT] + end
            made.append(STX + body + b"%02X\r\n" % (sum(body) % 256))
    return made


class Transfer:
    """One message from ENQ to EOT. A new one is made for each attempt."""

    patience = REPLY_S

    def __init__(self, message: bytes) -> None:
        self._frames = frames(message)
        self._at = -1
        """The frame that waits for its answer; -1: the line was asked for."""
        self._tries = 0

    def start(self) -> bytes:
        """Ask for the line."""
        return ENQ

    def heard(self, data: bytes) -> Step:
        """The receiver's answers. It sends one byte and waits; of more, all but the last are out of date."""
        answer = data[-1:]
        if self._at < 0:
            return self._asked(answer)
        if answer == ACK:
            return self._next()
        if answer == EOT:
            # Taken, but the receiver has something to say: leave it the line, begin anew unless that was all.
            last = self._at + 1 == len(self._frames)
            return Step(EOT, Outcome.TAKEN if last else Outcome.LATER, 0.0 if last else INTERRUPT_S)
        # Whatever is neither counts as NAK (8.3.4.2).
        return self._again()

    def silent(self) -> Step:
        """No answer: end the transfer, begin anew later."""
        return Step(EOT, Outcome.LATER, BUSY_S)

    def _asked(self, answer: bytes) -> Step:
        if answer == ACK:
            return self._next()
        if answer == NAK:
            return Step(outcome=Outcome.LATER, pause=BUSY_S)
        if answer == ENQ:
            return Step(outcome=Outcome.LATER, pause=CONTENTION_S)
        return Step()

    def _next(self) -> Step:
        self._at += 1
        self._tries = 1
        if self._at == len(self._frames):
            return Step(EOT, Outcome.TAKEN)
        return Step(self._frames[self._at])

    def _again(self) -> Step:
        if self._tries >= TRIES:
            return Step(EOT, Outcome.LATER, BUSY_S)
        self._tries += 1
        return Step(self._frames[self._at])

"""The two kinds of line that analyzers have: with the E1381 link, and without it. Pure."""

from typing import Literal, Protocol

from agent.adapters.astm.frames import EOT, Control, Cut, Damaged, Frame, Noise, Scanner
from agent.adapters.astm.link import FRAME_MS, Command, Deliver, Dropped, Ended, Link, Paused, Refused

Framing = Literal["e1381", "none"]


class Line(Protocol):
    """What bytes come in by; every ``now`` is milliseconds of a clock that only goes forward."""

    @property
    def deadline(self) -> int | None:
        """When ``tick`` is to be called; None: not before something arrives."""
        ...

    def feed(self, data: bytes, now: int) -> list[Command]:
        """Bytes arrived."""
        ...

    def tick(self, now: int) -> list[Command]:
        """Time has passed."""
        ...

    def accept(self, now: int) -> list[Command]:
        """The host keeps what was delivered."""
        ...

    def reject(self, now: int) -> list[Command]:
        """The host couldn't keep it."""
        ...

    def send(self, message: bytes, now: int) -> list[Command]:
        """Send a message as soon as that is possible."""
        ...

    def end(self, now: int) -> list[Command]:
        """Nothing more will come."""
        ...


class Plain:
    """Records without the link layer. Frames are taken out of their wrapping if there are any, nothing is answered, and
    a damaged one breaks its message off: nobody would send it again."""

    def __init__(self, *, checksum: bool = True) -> None:
        self.deadline: int | None = None
        self._scanner = Scanner(checksum=checksum)
        self._framed = False

    def feed(self, data: bytes, now: int) -> list[Command]:
        """See ``Line``."""
        self.deadline = now + FRAME_MS
        self._scanner.push(data)
        return self._commands(ended=False)

    def tick(self, now: int) -> list[Command]:
        """See ``Line``."""
        if self.deadline is None or now < self.deadline:
            return []
        self.deadline = None
        return [Paused()]

    def accept(self, now: int) -> list[Command]:  # noqa: ARG002  # nothing here depends on time
        """See ``Line``."""
        return []

    def reject(self, now: int) -> list[Command]:  # noqa: ARG002  # as above
        """See ``Line``: the same text is offered again by whoever couldn't keep it."""
        return []

    def send(self, message: bytes, now: int) -> list[Command]:  # noqa: ARG002  # as above
        """Nothing can be sent: there is no moment at which the analyzer would listen."""
        return []

    def end(self, now: int) -> list[Command]:  # noqa: ARG002  # as above
        """See ``Line``."""
        return [*self._commands(ended=True), Ended()]

    def _commands(self, *, ended: bool) -> list[Command]:
        found: list[Command] = []
        while (token := self._scanner.next(ended=ended)) is not None:
            match token:
                case Noise(data) if self._framed:
                    if data.strip(b"\r\n"):
                        found.append(Refused("noise"))
                case Noise(data):
                    found.append(Deliver(data, last=None))
                case Frame(_, text, last):
                    self._framed = True
                    found.append(Deliver(text, last=last))
                case Damaged(reason):
                    found += (Refused(reason), Refused("frame-lost"), Dropped())
                case Cut():
                    found += (Refused("frame-cut"), Refused("frame-lost"), Dropped())
                case Control(byte) if byte == EOT:
                    found.append(Ended())
                case Control():
                    pass  # asks for an answer that this line doesn't have
        return found


def line_of(framing: Framing, *, checksum: bool = True) -> Line:
    """A new line of this kind. ``checksum``: False: its frames bear none, or none that is right."""
    return Link(checksum=checksum) if framing == "e1381" else Plain(checksum=checksum)

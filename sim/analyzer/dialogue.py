"""How one message is sent, whatever the protocol: bytes in, bytes and an outcome out. No I/O."""

from enum import Enum
from typing import NamedTuple, Protocol


class Outcome(Enum):
    """How an attempt ended."""

    TAKEN = "taken"
    """Acknowledged: it may be forgotten."""
    LATER = "later"
    """Not acknowledged: the same again, after a pause."""
    REFUSED = "refused"
    """Never to be taken: sending it again would not help."""


class Step(NamedTuple):
    """What to do next. `write`: bytes to send; `outcome`: the attempt is over, and `pause` seconds pass before the
    next; `broken`: the connection is good for nothing more."""

    write: bytes = b""
    outcome: Outcome | None = None
    pause: float = 0.0
    broken: bool = False


class Dialogue(Protocol):
    """The attempt to hand over one message."""

    patience: float
    """Seconds to wait for an answer before `silent` is called."""

    def start(self) -> bytes:
        """The first bytes to send."""
        ...

    def heard(self, data: bytes) -> Step:
        """The peer sent something."""
        ...

    def silent(self) -> Step:
        """The peer sent nothing for `patience`."""
        ...

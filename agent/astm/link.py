"""The E1381 data link: a table of (state, event), the receiver's and the sender's side of one half-duplex line. Pure.

CLSI LIS01-A2 chapter 8 (ASTM E1381-02 chapter 6): establishment 8.2, transfer 8.3, termination 8.4, recovery 8.5.
Bytes and time go in, commands come out; whoever obeys them writes, and commits what is handed up. While that is being
done the link takes nothing more: what arrives waits, and the sender with it.

Decided where the standard leaves it open, or real lines differ:

- A frame is acknowledged when the host accepted it. What the host couldn't keep is answered NAK and sent again.
- The host took longer than the sender waits (15 s): nothing is said any more, a late ACK would answer something else.
- A frame in which another begins, an ENQ or an EOT stands, is dropped without an answer: nobody waits for one.
- A frame that lacks only its CR LF is taken when nothing more came for a second.
- Bytes beside frames are counted. After ``BARREN`` bytes without one good frame the connection is given up.
"""

from collections import deque
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from msgspec import Struct

from agent.astm import frames
from agent.astm.frames import ACK, ENQ, EOT, NAK, Control, Cut, Damaged, Frame, Noise, Scanner, Token

REPLY_MS: Final = 15_000
"""How long a sender waits for an answer (8.5.2.1, 8.5.2.2)."""
FRAME_MS: Final = 30_000
"""How long a receiver waits for a frame or an EOT (8.5.2.3)."""
BUSY_MS: Final = 10_000
"""Between a NAK to our ENQ and the next ENQ (8.2.6)."""
CONTENTION_MS: Final = 20_000
"""How long a computer leaves the line to an instrument that asked at the same time (8.2.7.1)."""
INTERRUPTED_MS: Final = 15_000
"""How long a sender that was asked to stop leaves the line (8.3.5)."""
TRIES: Final = 6
"""Times that a frame is sent before its message is given up (8.5.1.3); as often we ask for the line."""
UNENDED_MS: Final = 1_000
"""What a frame's CR LF may take; a serial line of 1200 baud takes 20 ms."""
BARREN: Final = 500_000
"""Bytes without a good frame: more than a frame of the largest size sent wrong ``TRIES`` times."""
_WEIGHT: Final = 200
"""What a control character or a cut frame counts for in them, as each costs as much as so many other bytes."""


class State(Enum):
    """Of the line, as we see it."""

    IDLE = auto()
    """Neutral."""
    RECEIVING = auto()
    HOLDING = auto()
    """A frame was handed up and the host hasn't said whether it keeps it."""
    ASKING = auto()
    """We sent ENQ."""
    SENDING = auto()
    """We sent a frame."""


class Event(Enum):
    """What can happen. Frames and answers are told apart by what they mean at that moment."""

    ENQ = auto()
    EOT = auto()
    ACK = auto()
    NAK = auto()
    NEXT = auto()
    """The frame that is expected."""
    SAME = auto()
    """The frame that was accepted last, once more: its sender didn't hear our ACK."""
    BAD = auto()
    """A frame with a wrong checksum or number, or too long."""
    TIMEOUT = auto()
    ACCEPT = auto()
    """The host keeps the frame handed up."""
    LATE = auto()
    """It does, after the sender gave up waiting."""
    REJECT = auto()
    """It doesn't."""
    LAST_ACK = auto()
    """An ACK, and nothing is left to send."""
    LAST_EOT = auto()
    LAST_NAK = auto()
    """A NAK, and the frame was sent often enough."""
    TIRED = auto()
    """It is time to ask for the line, and that was done often enough."""


class Do(Enum):
    """What a transition does, in order."""

    SAY_ACK = auto()
    SAY_NAK = auto()
    SAY_ENQ = auto()
    SAY_EOT = auto()
    BEGIN = auto()
    """Expect frame 1 of a new transfer."""
    HAND_UP = auto()
    KEEP = auto()
    """Expect the frame after this one."""
    END = auto()
    DROP = auto()
    """What was received of this transfer is worth nothing."""
    SEND_FIRST = auto()
    SEND_NEXT = auto()
    SEND_AGAIN = auto()
    SENT = auto()
    WAIT_BUSY = auto()
    WAIT_CONTENTION = auto()
    WAIT_INTERRUPTED = auto()
    GIVE_UP = auto()
    COUNT = auto()
    """Count this event under the word that ``_WORDS`` or the token has for it."""


class Write(Struct, frozen=True):
    """Send these bytes."""

    data: bytes


class Deliver(Struct, frozen=True):
    """A frame's text: keep it, then call ``accept`` or ``reject``. ``last``: its frame ended with ETX."""

    text: bytes
    last: bool


class Ended(Struct, frozen=True):
    """The sender ended the transfer."""


class Dropped(Struct, frozen=True):
    """The transfer broke off: forget what was delivered and is no whole message. The sender will begin anew."""


class Sent(Struct, frozen=True):
    """Our message was taken."""


class Refused(Struct, frozen=True):
    """Count something that went wrong, by a stable word."""

    reason: str


class HangUp(Struct, frozen=True):
    """The peer doesn't speak this protocol: end the connection, if that is possible."""


Command = Write | Deliver | Ended | Dropped | Sent | Refused | HangUp
Rule = tuple[tuple[Do, ...], State]

_S, _E, _D = State, Event, Do

TABLE: Final[Mapping[tuple[State, Event], Rule]] = {
    (_S.IDLE, _E.ENQ): ((_D.BEGIN, _D.SAY_ACK), _S.RECEIVING),
    (_S.IDLE, _E.EOT): ((), _S.IDLE),
    (_S.IDLE, _E.ACK): ((), _S.IDLE),
    (_S.IDLE, _E.NAK): ((), _S.IDLE),
    (_S.IDLE, _E.NEXT): ((_D.COUNT,), _S.IDLE),
    (_S.IDLE, _E.SAME): ((_D.COUNT,), _S.IDLE),
    (_S.IDLE, _E.BAD): ((_D.COUNT,), _S.IDLE),
    (_S.IDLE, _E.TIMEOUT): ((_D.SAY_ENQ,), _S.ASKING),
    (_S.IDLE, _E.TIRED): ((_D.COUNT, _D.GIVE_UP), _S.IDLE),
    (_S.RECEIVING, _E.ENQ): ((_D.COUNT, _D.DROP, _D.BEGIN, _D.SAY_ACK), _S.RECEIVING),
    (_S.RECEIVING, _E.EOT): ((_D.END,), _S.IDLE),
    (_S.RECEIVING, _E.ACK): ((), _S.RECEIVING),
    (_S.RECEIVING, _E.NAK): ((), _S.RECEIVING),
    (_S.RECEIVING, _E.NEXT): ((_D.HAND_UP,), _S.HOLDING),
    (_S.RECEIVING, _E.SAME): ((_D.COUNT, _D.SAY_ACK), _S.RECEIVING),
    (_S.RECEIVING, _E.BAD): ((_D.COUNT, _D.SAY_NAK), _S.RECEIVING),
    (_S.RECEIVING, _E.TIMEOUT): ((_D.COUNT, _D.DROP), _S.IDLE),
    (_S.HOLDING, _E.ACCEPT): ((_D.KEEP, _D.SAY_ACK), _S.RECEIVING),
    (_S.HOLDING, _E.LATE): ((_D.COUNT, _D.KEEP), _S.RECEIVING),
    (_S.HOLDING, _E.REJECT): ((_D.SAY_NAK,), _S.RECEIVING),
    (_S.ASKING, _E.ENQ): ((_D.COUNT, _D.WAIT_CONTENTION), _S.IDLE),
    (_S.ASKING, _E.EOT): ((), _S.ASKING),
    (_S.ASKING, _E.ACK): ((_D.SEND_FIRST,), _S.SENDING),
    (_S.ASKING, _E.NAK): ((_D.WAIT_BUSY,), _S.IDLE),
    (_S.ASKING, _E.NEXT): ((_D.COUNT,), _S.ASKING),
    (_S.ASKING, _E.SAME): ((_D.COUNT,), _S.ASKING),
    (_S.ASKING, _E.BAD): ((_D.COUNT,), _S.ASKING),
    (_S.ASKING, _E.TIMEOUT): ((_D.COUNT, _D.SAY_EOT, _D.GIVE_UP), _S.IDLE),
    (_S.SENDING, _E.ACK): ((_D.SEND_NEXT,), _S.SENDING),
    (_S.SENDING, _E.LAST_ACK): ((_D.SAY_EOT, _D.SENT), _S.IDLE),
    (_S.SENDING, _E.EOT): ((_D.COUNT, _D.SAY_EOT, _D.WAIT_INTERRUPTED), _S.IDLE),
    (_S.SENDING, _E.LAST_EOT): ((_D.SAY_EOT, _D.SENT), _S.IDLE),
    (_S.SENDING, _E.NAK): ((_D.SEND_AGAIN,), _S.SENDING),
    (_S.SENDING, _E.LAST_NAK): ((_D.COUNT, _D.SAY_EOT, _D.GIVE_UP), _S.IDLE),
    (_S.SENDING, _E.TIMEOUT): ((_D.COUNT, _D.SAY_EOT, _D.GIVE_UP), _S.IDLE),
}
"""All that can happen. In HOLDING nothing is taken from the line. A sender takes whatever is neither ACK nor EOT for a
NAK (8.3.4.2). ``LAST_…`` are a sender's."""

_WORDS: Final[Mapping[tuple[State, Event], str]] = {
    (_S.IDLE, _E.NEXT): "frame-without-enq",
    (_S.IDLE, _E.SAME): "frame-without-enq",
    (_S.IDLE, _E.BAD): "frame-without-enq",
    (_S.IDLE, _E.TIRED): "answer-unwanted",
    (_S.RECEIVING, _E.ENQ): "transfer-restarted",
    (_S.RECEIVING, _E.SAME): "frame-repeated",
    (_S.RECEIVING, _E.TIMEOUT): "silent",
    (_S.HOLDING, _E.LATE): "late-commit",
    (_S.ASKING, _E.ENQ): "contention",
    (_S.ASKING, _E.NEXT): "frame-without-enq",
    (_S.ASKING, _E.SAME): "frame-without-enq",
    (_S.ASKING, _E.BAD): "frame-without-enq",
    (_S.ASKING, _E.TIMEOUT): "answer-unheard",
    (_S.SENDING, _E.EOT): "answer-interrupted",
    (_S.SENDING, _E.LAST_NAK): "answer-unwanted",
    (_S.SENDING, _E.TIMEOUT): "answer-unheard",
}
_SAID: Final[Mapping[Do, Command]] = {
    _D.SAY_ACK: Write(ACK),
    _D.SAY_NAK: Write(NAK),
    _D.SAY_ENQ: Write(ENQ),
    _D.SAY_EOT: Write(EOT),
    _D.END: Ended(),
    _D.DROP: Dropped(),
    _D.SENT: Sent(),
}
_WAITED: Final = {
    _D.WAIT_BUSY: BUSY_MS,
    _D.WAIT_CONTENTION: CONTENTION_MS,
    _D.WAIT_INTERRUPTED: INTERRUPTED_MS,
}
_PATIENCE: Final = {_S.RECEIVING: FRAME_MS, _S.HOLDING: REPLY_MS, _S.ASKING: REPLY_MS, _S.SENDING: REPLY_MS}
_CONTROLS: Final = {ENQ: _E.ENQ, EOT: _E.EOT, ACK: _E.ACK, NAK: _E.NAK}


class Link:
    """One line. Every ``now`` is milliseconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self.state = State.IDLE
        self._scanner = Scanner()
        self._commands: deque[Command] = deque()
        self._expected = 1
        self._accepted: int | None = None
        """The number accepted last in this transfer."""
        self._held: Frame | None = None
        self._until: int | None = None
        """When the state's patience ends."""
        self._unended_until: int | None = None
        self._barren = 0
        self._outgoing: list[bytes] = []
        self._at = 0
        self._tries = 0
        self._asked = 0
        self._ask_at = 0

    @property
    def deadline(self) -> int | None:
        """When ``tick`` is to be called; None: not before something arrives."""
        times = [self._unended_until, self._until, self._ask_at if self._asks else None]
        return min((time for time in times if time is not None), default=None)

    def feed(self, data: bytes, now: int) -> list[Command]:
        """Bytes arrived."""
        self._barren += len(data)
        self._scanner.push(data)
        self._pump(now)
        if self._barren > BARREN:
            self._barren = 0
            self._commands.append(HangUp())
        return self._done()

    def tick(self, now: int) -> list[Command]:
        """Time has passed."""
        if self._unended_until is not None and now >= self._unended_until:
            self._pump(now, ended=True)
        if self._asks and now >= self._ask_at:
            self._asked += 1
            self._step(Event.TIMEOUT if self._asked <= TRIES else Event.TIRED, now)
        elif self._until is not None and now >= self._until and self.state is not State.HOLDING:
            self._scanner.reset()
            self._step(Event.TIMEOUT, now)
        return self._done()

    def accept(self, now: int) -> list[Command]:
        """The host keeps what was delivered."""
        late = self._until is not None and now >= self._until
        self._barren = 0
        self._step(Event.LATE if late else Event.ACCEPT, now)
        self._pump(now)
        return self._done()

    def reject(self, now: int) -> list[Command]:
        """The host couldn't keep it; it is to be sent again."""
        self._step(Event.REJECT, now)
        self._pump(now)
        return self._done()

    def send(self, message: bytes, now: int) -> list[Command]:
        """Send a message as soon as the line is free. It replaces one that still waits; while one is on its way it is
        dropped."""
        if self.state not in (State.ASKING, State.SENDING):
            self._outgoing = frames.frames(message)
            self._asked, self._ask_at = 0, now
        return self.tick(now)

    def end(self, now: int) -> list[Command]:
        """Nothing more will come: a frame that lacks only its CR LF is taken."""
        self._pump(now, ended=True)
        return self._done()

    @property
    def _asks(self) -> bool:
        return self.state is State.IDLE and bool(self._outgoing)

    def _done(self) -> list[Command]:
        commands = list(self._commands)
        self._commands.clear()
        return commands

    def _pump(self, now: int, *, ended: bool = False) -> None:
        while self.state is not State.HOLDING:
            token = self._scanner.next(ended=ended)
            if token is None:
                break
            self._take(token, now)
        if not self._scanner.unended or self.state is State.HOLDING:
            self._unended_until = None
        elif self._unended_until is None:
            self._unended_until = now + UNENDED_MS

    def _take(self, token: Token, now: int) -> None:
        if isinstance(token, Control | Cut):
            self._barren += _WEIGHT
        match token:
            case Control(byte):
                self._step(self._meant(_CONTROLS[byte]), now)
            case Frame():
                self._held = token
                event = self._placed(token)
                self._step(self._meant(event), now, "wrong-frame-number" if event is Event.BAD else None)
            case Damaged(reason):
                self._step(self._meant(Event.BAD), now, reason)
            case Cut():
                self._commands.append(Refused("frame-cut"))
            case Noise(data):
                if data.strip(b"\r\n"):
                    self._commands.append(Refused("noise"))

    def _placed(self, frame: Frame) -> Event:
        if frame.number == self._expected:
            return Event.NEXT
        return Event.SAME if frame.number == self._accepted else Event.BAD

    def _meant(self, event: Event) -> Event:
        """What an event means to a sender."""
        last = self._at + 1 >= len(self._outgoing)
        if self.state is not State.SENDING:
            return event
        if event is Event.ACK:
            return Event.LAST_ACK if last else event
        if event is Event.EOT:
            return Event.LAST_EOT if last else event
        return Event.LAST_NAK if self._tries >= TRIES else Event.NAK

    def _step(self, event: Event, now: int, reason: str | None = None) -> None:
        came_from = self.state
        actions, self.state = TABLE[came_from, event]
        word = _WORDS.get((came_from, event)) or reason or event.name.lower()
        for action in actions:
            self._act(action, now, word)
        patience = _PATIENCE.get(self.state)
        self._until = None if patience is None else now + patience

    def _act(self, action: Do, now: int, word: str) -> None:
        said = _SAID.get(action)
        if said is not None:
            self._commands.append(said)
        match action:
            case Do.COUNT:
                self._commands.append(Refused(word))
            case Do.BEGIN:
                self._expected, self._accepted = 1, None
            case Do.HAND_UP if self._held is not None:
                self._commands.append(Deliver(self._held.text, self._held.last))
            case Do.KEEP:
                self._accepted, self._expected = self._expected, (self._expected + 1) % 8
            case Do.SEND_FIRST | Do.SEND_NEXT | Do.SEND_AGAIN:
                self._send(action)
            case Do.WAIT_BUSY | Do.WAIT_CONTENTION | Do.WAIT_INTERRUPTED:
                self._ask_at = now + _WAITED[action]
            case Do.SENT | Do.GIVE_UP:
                self._outgoing = []
            case _:
                pass  # all of it was said

    def _send(self, action: Do) -> None:
        if action is Do.SEND_AGAIN:
            self._tries += 1
        else:
            self._at, self._tries = (0 if action is Do.SEND_FIRST else self._at + 1), 1
        self._commands.append(Write(self._outgoing[self._at]))

"""The E1381 data link: a table of (state, event), the receiver's and the sender's side of one half-duplex line. Pure.

CLSI LIS01-A2 chapter 8 (ASTM E1381-02 chapter 6): establishment 8.2, transfer 8.3, termination 8.4, recovery 8.5.
Bytes and time go in, commands come out; whoever obeys them writes, and commits what is handed up. While that is being
done the link takes nothing more: what arrives waits, and the sender with it.

Decided where the standard leaves it open, or real lines differ:

- A frame is acknowledged when the host accepted it. What the host couldn't keep, or make use of, is answered NAK.
- A frame's number tells a repeat from what is new, and nothing else, as its sender waits for our ACK to each: a repeat
  has the number and the text of the frame accepted last. Whatever else is numbered is taken: from any number on, the
  same number for all, from the beginning for each record or message, 9 after 8, none at all. What no such habit
  explains is taken too, and counted.
- A transfer that broke off (an ENQ, silence, the line's end, an EOT behind a NAK) is told to the host, which keeps what
  was acknowledged of it.
- Six frames in a row with a wrong checksum are counted as such: their sender may send none that is right.
- The host took longer than the sender waits (15 s): nothing is said any more, a late ACK would answer something else.
- A frame in which another begins, an ENQ or an EOT stands, is dropped without an answer: nobody waits for one.
- A frame that lacks only its CR LF is taken when nothing more came for a second.
- Bytes beside frames are counted. After ``BARREN`` bytes without one good frame the connection is given up.
"""

from collections import deque
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from agent.adapters.astm import frames
from agent.adapters.astm.frames import ACK, ENQ, EOT, NAK, Control, Cut, Damaged, Frame, Noise, Scanner, Token
from agent.adapters.astm.states import TABLE, WORDS, Do, Event, State

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


class Write(Struct, frozen=True):
    """Send these bytes."""

    data: bytes


class Deliver(Struct, frozen=True):
    """A frame's text: keep it, then call ``accept`` or ``reject``. ``last``: its frame ended with ETX; None: it is no
    frame but a piece of a stream."""

    text: bytes
    last: bool | None


class Ended(Struct, frozen=True):
    """The sender ended the transfer."""


class Paused(Struct, frozen=True):
    """Nothing has come for long, on a line where nothing ends a transfer."""


class Dropped(Struct, frozen=True):
    """The transfer broke off, and what is missing may have been lost. The sender may begin anew."""


class Sent(Struct, frozen=True):
    """Our message was taken."""


class Refused(Struct, frozen=True):
    """Count something that went wrong, by a stable word."""

    reason: str


class HangUp(Struct, frozen=True):
    """The peer doesn't speak this protocol: end the connection, if that is possible."""


Command = Write | Deliver | Ended | Paused | Dropped | Sent | Refused | HangUp
_S, _E, _D = State, Event, Do

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
    """One line. Every ``now`` is milliseconds of a clock that only goes forward. ``checksum``: False: it isn't looked
    at, nor missed."""

    def __init__(self, *, checksum: bool = True) -> None:
        self.state = State.IDLE
        self._scanner = Scanner(checksum=checksum)
        self._commands: deque[Command] = deque()
        self._first: Frame | None = None
        """Of this transfer."""
        self._accepted: Frame | None = None
        """The frame accepted last in this transfer."""
        self._refused = False
        """The last frame was answered NAK."""
        self._wrong = 0
        """Frames with a wrong checksum in a row."""
        self._over = False
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
        """Nothing more will come: a frame that lacks only its CR LF is taken, and the transfer breaks off behind it."""
        self._over = True
        self._pump(now)
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
            token = self._scanner.next(ended=ended or self._over)
            if token is None:
                break
            self._take(token, now)
        if self._over and self.state is State.RECEIVING:
            self._commands.append(Dropped())
            self.state, self._until = State.IDLE, None
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
            case Frame(number, text, last):
                if number is not None and self._first is not None and self._first.number is None:
                    token = Frame(None, b"%d" % number + text, last)  # a text that goes on with a digit
                self._held, self._wrong = token, 0
                self._step(self._meant(self._placed(token)), now)
            case Damaged(_, False) if self.state is State.IDLE:
                self._commands.append(Refused("noise"))  # what looks like STX and ETX in a stranger's bytes
            case Damaged(reason, text):
                self._step(self._meant(self._judged(reason, text=text)), now, reason)
            case Cut():
                self._commands.append(Refused("frame-cut"))
            case Noise(data):
                if data.strip(b"\r\n"):
                    self._commands.append(Refused("noise"))

    def _placed(self, frame: Frame) -> Event:
        before = self._accepted
        if self.state is not State.RECEIVING or before is None or self._first is None:
            return Event.NEXT
        if frame == before:
            return Event.SAME
        if frame.number is None or before.number is None:
            return Event.NEXT
        follows = (before.number + 1, (before.number + 1) % 8, before.number, self._first.number, 0, 1)
        return Event.NEXT if frame.number in follows else Event.JUMP

    def _judged(self, reason: str, *, text: bool) -> Event:
        if self.state is not State.RECEIVING or not text or not reason.endswith("checksum"):
            return Event.BAD
        self._wrong += 1
        return Event.BAD if self._wrong % TRIES else Event.HOPELESS

    def _meant(self, event: Event) -> Event:
        """What an event means at this moment."""
        last = self._at + 1 >= len(self._outgoing)
        if event is Event.EOT and self.state is State.RECEIVING and self._refused:
            return Event.ABANDONED
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
        word = WORDS.get((came_from, event)) or reason or event.name.lower()
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
                self._first, self._accepted, self._refused = None, None, False
            case Do.HAND_UP if self._held is not None:
                self._commands.append(Deliver(self._held.text, self._held.last))
            case Do.KEEP:
                self._first, self._accepted, self._refused = self._first or self._held, self._held, False
            case Do.SAY_NAK:
                self._refused = True
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

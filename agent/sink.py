"""Puts entries into the outbox: filters them (``agent.privacy``), stamps them by the device's clock, and counts what
is refused or yields nothing (``agent.tally``)."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
import structlog

from agent.adapters.port import Entry
from agent.clock import Clock, Moment, Now
from agent.errors import OutboxError, OutboxFull
from agent.outbox.outbox import Entered, Outbox
from agent.privacy import admit
from agent.tally import Kind, Line, Tally
from catalog.model import Model
from wire.items import Refusal, Reply

_log: Final = structlog.get_logger(part="sink")
POSITION: Final = "sink.tally"
"""Where the outbox keeps what was counted."""


class DeviceSink:
    """``agent.adapters.port.Sink`` of one device, and the same for what the agent itself has to say."""

    def __init__(self, *, device: str, model: Model, outbox: Outbox, clock: Clock, now: Callable[[], Now]) -> None:
        self._log = _log.bind(device=device)
        self._model = model
        self._outbox = outbox
        self._clock = clock
        self._now = now
        self._lock = threading.Lock()
        self._kept = outbox.position(POSITION)
        self._tally = Tally(_unpacked(self._kept))
        self._refused = 0
        self._failing = False

    @property
    def key(self) -> bytes:
        """32 secret bytes of this device."""
        return self._outbox.key

    def put(self, entry: Entry) -> bool:
        """See ``agent.adapters.port.Sink``."""
        admitted, stopped = self._admit(entry)
        moment = self._clock.moment(self._now())
        try:
            entered = self._outbox.put(admitted, moment)
        except OutboxError as error:
            self._kept_not(moment, error)
            raise
        return self._entered(entered, stopped)

    async def aput(self, entry: Entry) -> bool:
        """See ``agent.adapters.port.Sink``."""
        admitted, stopped = self._admit(entry)
        moment = self._clock.moment(self._now())
        try:
            entered = await self._outbox.aput(admitted, moment)
        except OutboxError as error:
            self._kept_not(moment, error)
            raise
        return self._entered(entered, stopped)

    def position(self, name: str) -> bytes | None:
        """See ``agent.adapters.port.Sink``."""
        return self._outbox.position(name)

    def refused(self, source: str, reason: str, *, form: str = "") -> None:
        """See ``agent.adapters.port.Sink``."""
        self._note("refused", source, reason, form)

    def untold(self, source: str, reason: str) -> None:
        """See ``agent.adapters.port.Sink``."""
        self._note("untold", source, reason, "")

    def refusals(self) -> list[Refusal]:
        """What was refused and what told nothing, since the outbox was made."""
        with self._lock:
            return self._tally.all()

    def tell_again(self) -> None:
        """The next heartbeat is to tell all of the tally: the server may have lost it."""
        with self._lock:
            self._tally.tell_again()

    def keep(self) -> None:
        """Put the tally on the disk where it changed, and tell the log which bursts ended. Blocks."""
        with self._lock:
            lines = self._tally.settle(self._now())
            packed = msgspec.msgpack.encode(self._tally.all())
        self._say(lines)
        if packed == (self._kept or _NOTHING):
            return
        moment = self._clock.moment(self._now())
        try:
            self._outbox.put(Entry(positions={POSITION: packed}), moment)
        except OutboxError:  # it is tried again; whoever has something to tell says what is wrong
            self._clock.give_back(moment)
        else:
            self._kept = packed

    async def heartbeat(self, *, uptime_s: float, connected: bool | None) -> None:
        """Enter a heartbeat. Raises ``OutboxError``."""
        oldest = await self._outbox.oldest_segment()
        if oldest is not None:
            self._clock.forget_before(oldest)
        moment = self._clock.moment(self._now())
        with self._lock:
            refused, self._refused = self._refused, 0
            changed = self._tally.changed()
        try:
            told = await self._outbox.heartbeat(
                moment,
                uptime_s=uptime_s,
                refused=refused,
                connected=connected,
                segments=self._clock.segments(),
                refusals=changed,
            )
        except OutboxError:
            self._clock.give_back(moment)
            with self._lock:
                self._refused += refused
            raise
        with self._lock:
            self._tally.told(told)

    async def reply(self, reply: Reply) -> None:
        """Enter the reply to a command. Raises ``OutboxError``."""
        moment = self._clock.moment(self._now())
        try:
            await self._outbox.reply(reply, moment)
        except OutboxError:
            self._clock.give_back(moment)
            raise

    async def announce(self) -> None:
        """Enter the inventory again. Raises ``OutboxError``."""
        moment = self._clock.moment(self._now())
        try:
            await self._outbox.announce(moment)
        except OutboxError:
            self._clock.give_back(moment)
            raise

    def _note(self, kind: Kind, source: str, reason: str, form: str) -> None:
        now = self._now()
        with self._lock:
            self._refused += kind == "refused"
            line = self._tally.note(kind, source, reason, form, now)
        self._say([] if line is None else [line])

    def _say(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._log.warning(line.what, source=line.source, reason=line.reason, times=line.times, form=line.form)

    def _admit(self, entry: Entry) -> tuple[Entry, Counter[str]]:
        live, stopped = admit(entry.live, self._model)
        bulk, more = admit(entry.bulk, self._model)
        return Entry(live=live, bulk=bulk, seen=entry.seen, positions=entry.positions), stopped + more

    def _entered(self, entered: Entered, stopped: Counter[str]) -> bool:
        self._failing = False
        new, broken = entered
        if new:
            for reason in stopped.elements():
                self.refused("gate", reason)
        for code in broken:
            self.refused("contract", code.value)
        return new

    def _kept_not(self, moment: Moment, error: OutboxError) -> None:
        self._clock.give_back(moment)
        self.refused("outbox", "full" if isinstance(error, OutboxFull) else "failed")
        if not self._failing:
            self._failing = True
            self._log.error("outbox takes nothing, the equipment is not acknowledged", error=str(error))


_NOTHING: Final = msgspec.msgpack.encode([])


def _unpacked(kept: bytes | None) -> list[Refusal]:
    try:
        return [] if kept is None else msgspec.msgpack.decode(kept, type=list[Refusal])
    except msgspec.DecodeError:  # another version's: counted anew
        return []

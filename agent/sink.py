"""The way into the outbox: what may not leave is stopped here (``agent.privacy``), every entry gets the moment of the
device's clock, and what is refused is counted."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from agent.adapter import Entry
from agent.clock import Clock, Moment, Now
from agent.errors import OutboxError, OutboxFull
from agent.outbox import Entered, Outbox
from agent.privacy import admit
from catalog.model import Model
from wire.items import Reply

_log: Final = structlog.get_logger(part="sink")


class DeviceSink:
    """``agent.adapter.Sink`` of one device, and the same for what the agent itself has to say."""

    def __init__(self, *, device: str, model: Model, outbox: Outbox, clock: Clock, now: Callable[[], Now]) -> None:
        self._log = _log.bind(device=device)
        self._model = model
        self._outbox = outbox
        self._clock = clock
        self._now = now
        self._lock = threading.Lock()
        self._refused: Counter[tuple[str, str]] = Counter()
        self._nothing: Counter[tuple[str, str]] = Counter()
        self._untold = 0
        self._failing = False

    @property
    def key(self) -> bytes:
        """32 secret bytes of this device."""
        return self._outbox.key

    def put(self, entry: Entry) -> bool:
        """See ``agent.adapter.Sink``."""
        admitted, stopped = self._admit(entry)
        moment = self._clock.moment(self._now())
        try:
            entered = self._outbox.put(admitted, moment)
        except OutboxError as error:
            self._kept_not(moment, error)
            raise
        return self._kept(entered, stopped)

    async def aput(self, entry: Entry) -> bool:
        """See ``agent.adapter.Sink``."""
        admitted, stopped = self._admit(entry)
        moment = self._clock.moment(self._now())
        try:
            entered = await self._outbox.aput(admitted, moment)
        except OutboxError as error:
            self._kept_not(moment, error)
            raise
        return self._kept(entered, stopped)

    def position(self, name: str) -> bytes | None:
        """See ``agent.adapter.Sink``."""
        return self._outbox.position(name)

    def refused(self, source: str, reason: str, *, form: str = "") -> None:  # noqa: ARG002  # kept with what is told of it
        """See ``agent.adapter.Sink``."""
        with self._lock:
            self._refused[source, reason] += 1
            self._untold += 1
            count = self._refused[source, reason]
        if count & (count - 1) == 0:  # 1, 2, 4, 8 …: a flood of bad input must not flood the log
            self._log.warning("input refused", source=source, reason=reason, times=count)

    def untold(self, source: str, reason: str) -> None:
        """See ``agent.adapter.Sink``."""
        with self._lock:
            self._nothing[source, reason] += 1

    def refusals(self) -> Mapping[tuple[str, str], int]:
        """How often which source was refused for which reason, since the start."""
        with self._lock:
            return dict(self._refused)

    async def heartbeat(self, *, uptime_s: float, connected: bool | None) -> None:
        """Enter a heartbeat. Raises ``OutboxError``."""
        oldest = await self._outbox.oldest_segment()
        if oldest is not None:
            self._clock.forget_before(oldest)
        moment = self._clock.moment(self._now())
        with self._lock:
            refused, self._untold = self._untold, 0
        try:
            await self._outbox.heartbeat(
                moment, uptime_s=uptime_s, refused=refused, connected=connected, segments=self._clock.segments()
            )
        except OutboxError:
            self._clock.give_back(moment)
            with self._lock:
                self._untold += refused
            raise

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

    def _admit(self, entry: Entry) -> tuple[Entry, Counter[str]]:
        live, stopped = admit(entry.live, self._model)
        bulk, more = admit(entry.bulk, self._model)
        return Entry(live=live, bulk=bulk, seen=entry.seen, positions=entry.positions), stopped + more

    def _kept(self, entered: Entered, stopped: Counter[str]) -> bool:
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

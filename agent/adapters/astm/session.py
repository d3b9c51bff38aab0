"""A session with one analyzer: drives the link, stores whole messages, and acknowledges them once they are
committed."""

import asyncio
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Final

from agent.adapters.astm.assembler import Assembler, Unusable
from agent.adapters.astm.channel import Channel
from agent.adapters.astm.entry import Messages
from agent.adapters.astm.line import line_of
from agent.adapters.astm.link import Command, Deliver, Dropped, Ended, HangUp, Paused, Refused, Sent, Write
from agent.adapters.astm.reading import NAME
from agent.adapters.astm.records import Message
from agent.adapters.port import Sink
from agent.clock import Now
from agent.config.shapes import Astm
from agent.errors import OutboxError

KEEPING_S: Final = 10.0
"""How long a frame waits for an outbox that takes nothing, before it is answered NAK. A sender gives a frame up after
six NAKs, which without waiting would be at once; it waits 15 s for an answer."""
RETRY_S: Final = 1.0
NO_ORDERS: Final = rb"H|\^&||||||||||P|LIS2-A2" + b"\rL|1|I\r"
"""What a host without orders answers to a query: no information (LIS02-A2 12.1.3)."""


class Ending(Exception):
    """The conversation is to be ended, counted under this word."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Session:
    """One connection's state. ``spoke``: whether anything in ASTM was said."""

    def __init__(
        self,
        *,
        config: Astm,
        channel: Channel,
        messages: Messages,
        sink: Sink,
        now: Callable[[], Now],
    ) -> None:
        self.spoke = False
        self._config = config
        self._channel = channel
        self._messages = messages
        self._sink = sink
        self._now = now
        self._line = line_of(config.framing, checksum=config.checksum)
        self._assembler = Assembler(record_per_frame=config.record_per_frame)
        self._asked = False
        """A query waits for its answer."""
        self._gone: OSError | None = None

    async def run(self) -> None:
        """Until the peer is gone, or cancelled: silence is no reason to end. Raises ``Ending`` and ``OSError``."""
        try:
            while True:
                data = await self._channel.read(self._seconds())
                await self.take(data)
                if self._gone is not None:
                    raise self._gone
                if data == b"":
                    return
                await asyncio.sleep(0)  # the other devices' turn, however much came at once
        except (Ending, OSError, asyncio.CancelledError):
            await self._obey([Dropped()])
            raise

    async def take(self, data: bytes | None) -> None:
        """Bytes arrived; none: the peer has gone; None: time has passed. Raises ``Ending`` and ``OSError``."""
        now = self._now().elapsed
        if data is None:
            await self._obey(self._line.tick(now))
        elif data:
            await self._obey(self._line.feed(data, now))
        else:
            await self._obey(self._line.end(now))

    def _seconds(self) -> float | None:
        """How long to wait for bytes."""
        deadline = self._line.deadline
        return None if deadline is None else max(deadline - self._now().elapsed, 0) / 1000

    async def _obey(self, commands: list[Command]) -> None:
        waiting = deque(commands)
        said = b""
        while waiting:
            command = waiting.popleft()
            if said and not isinstance(command, Write):
                await self._say(said)
                said = b""
            match command:
                case Write(data):
                    said += data
                case Deliver(text, last):
                    waiting.extend(await self._keep(text, last=last))
                case Refused(reason):
                    self._sink.refused(NAME, reason)
                case Dropped() | Paused() | Ended():
                    waiting.extend(await self._finish(command))
                case HangUp():
                    raise Ending("flood")
                case Sent():
                    pass
        if said:
            await self._say(said)

    async def _say(self, data: bytes) -> None:
        """Who has gone without waiting for an answer is told none, and what it sent is heard to its end."""
        if self._gone is None:
            try:
                await self._channel.write(data)
            except OSError as error:
                self._gone = error

    async def _keep(self, text: bytes, *, last: bool | None) -> list[Command]:
        """Enter what a frame completes, and tell the link whether that is on the disk. What belongs to no message is
        not acknowledged either: that decision is one."""
        try:
            messages = self._assembler.offer(text, last=last)
        except Unusable as unusable:
            self._sink.refused(NAME, unusable.reason)
            return self._line.reject(self._now().elapsed)
        # Without a link nothing would be sent again: the peer waits, by TCP or its own buffer.
        if not await self._enter(messages, patience=KEEPING_S if self._config.framing == "e1381" else inf):
            self._assembler.back()
            return self._line.reject(self._now().elapsed)
        self._count()
        self.spoke = True
        return self._line.accept(self._now().elapsed)

    async def _finish(self, how: Dropped | Paused | Ended) -> list[Command]:
        """Enter what was acknowledged of a message that didn't come to its end. A transfer that broke off is sent
        again: for the outbox to take it is waited no longer than for a frame."""
        if isinstance(how, Dropped):
            messages, patience = self._assembler.broke(), KEEPING_S
        else:
            messages, patience = (self._assembler.ended() if isinstance(how, Ended) else self._assembler.paused()), inf
        self._count()
        try:
            kept = await self._enter(messages, patience=patience)
        except asyncio.CancelledError:
            await self._enter(messages, patience=KEEPING_S)  # what is in already is known there
            raise
        if not kept:
            self._sink.refused(NAME, "not-kept")
        if not self._asked or not isinstance(how, Ended):
            return []
        self._asked = False
        return self._line.send(NO_ORDERS, self._now().elapsed)

    async def _enter(self, messages: list[Message], *, patience: float) -> bool:
        """False: the outbox didn't take them all within so many seconds."""
        until = self._now().elapsed + (patience - RETRY_S) * 1000
        waiting = deque(messages)
        while waiting:
            try:
                query = await self._messages.enter(waiting[0], received=self._now().wall)
            except OutboxError:
                if self._now().elapsed > until:
                    return False
                await asyncio.sleep(RETRY_S)
            else:
                waiting.popleft()
                self._asked = self._config.answer_queries if query else self._asked
        return True

    def _count(self) -> None:
        for reason in self._assembler.refused.elements():
            self._sink.refused(NAME, reason)
        self._assembler.refused.clear()

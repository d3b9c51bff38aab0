"""A conversation with one analyzer: obeys the link, enters whole messages, and answers when they are kept."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import tzinfo
from typing import Final

from agent.adapter import Sink
from agent.astm.channel import Channel
from agent.astm.entry import Messages
from agent.astm.line import line_of
from agent.astm.link import Command, Deliver, Dropped, Ended, HangUp, Refused, Sent, Write
from agent.astm.reading import NAME, Extracted, read
from agent.astm.records import Assembler, Message
from agent.clock import Now
from agent.config import Astm
from agent.errors import AdapterError, OutboxError
from catalog.model import Model

KEEPING_S: Final = 10.0
"""How long a frame waits for an outbox that takes nothing, before it is answered NAK. A sender gives a frame up after
six NAKs, which without waiting would be at once; it waits 15 s for an answer."""
RETRY_S: Final = 1.0
NO_ORDERS: Final = rb"H|\^&||||||||||P|LIS2-A2" + b"\rL|1|I\r"
"""What a host without orders answers to a query: no information (LIS02-A2 12.1.3)."""
_INLINE: Final = 16_384
"""Bytes of a message that is read on the event loop, in some milliseconds; a longer one is read in a thread."""


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
        model: Model,
        sink: Sink,
        now: Callable[[], Now],
        zone: tzinfo | None,
    ) -> None:
        self.spoke = False
        self._config = config
        self._channel = channel
        self._messages = messages
        self._model = model
        self._sink = sink
        self._now = now
        self._zone = zone
        self._line = line_of(config.framing)
        self._assembler = Assembler()
        self._asked = False
        """A query waits for its answer."""

    async def run(self) -> None:
        """Until the peer is gone: silence is no reason to end. Raises ``Ending`` and ``OSError``."""
        while True:
            data = await self._channel.read(self._seconds())
            now = self._now().elapsed
            if data is None:
                await self._obey(self._line.tick(now))
            elif data:
                await self._obey(self._line.feed(data, now))
            else:
                await self._obey(self._line.end(now))
                self._drop()
                return
            self._count()
            await asyncio.sleep(0)  # the other devices' turn, however much came at once

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
                await self._channel.write(said)
                said = b""
            match command:
                case Write(data):
                    said += data
                case Deliver(text, last):
                    waiting.extend(await self._keep(text, last=last))
                case Refused(reason):
                    self._sink.refused(NAME, reason)
                case Dropped():
                    self._drop()
                case Ended():
                    self._drop()
                    if self._asked:
                        self._asked = False
                        waiting.extend(self._line.send(NO_ORDERS, self._now().elapsed))
                case HangUp():
                    raise Ending("flood")
                case Sent():
                    pass
        if said:
            await self._channel.write(said)

    async def _keep(self, text: bytes, *, last: bool) -> list[Command]:
        """Enter what a frame completes, and tell the link whether that is on the disk."""
        loop = asyncio.get_running_loop()
        until = loop.time() + KEEPING_S
        while True:
            try:
                for message in self._assembler.offer(text, last=last):
                    await self._enter(message)
            except OutboxError:
                self._assembler.back()
                if self._config.framing == "e1381" and loop.time() + RETRY_S > until:
                    return self._line.reject(self._now().elapsed)
                # Without a link nothing would be sent again: the peer waits, by TCP or its own buffer.
                await asyncio.sleep(RETRY_S)
            else:
                self.spoke = True
                return self._line.accept(self._now().elapsed)

    async def _enter(self, message: Message) -> None:
        received = self._now().wall

        def facts_of() -> Extracted:
            return read(message, model=self._model, received=received, zone=self._zone, encoding=self._config.encoding)

        try:
            facts = facts_of() if sum(map(len, message)) <= _INLINE else await asyncio.to_thread(facts_of)
        except AdapterError as error:
            # Acknowledged all the same: it would be no better when it is sent again.
            self._sink.refused(NAME, error.reason)
            return
        await self._messages.put(facts, message, received=received)
        if facts.query:
            self._asked = self._config.answer_queries

    def _drop(self) -> None:
        self._assembler.drop()
        self._count()

    def _count(self) -> None:
        for reason in self._assembler.refused.elements():
            self._sink.refused(NAME, reason)
        self._assembler.refused.clear()

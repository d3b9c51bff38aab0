"""The adapter of an analyzer that speaks ASTM: listens for it, connects to it, or reads a serial line.

A frame that completes a message is acknowledged when the message's facts are committed (delivery 1); what the analyzer
sends again is recognised by a keyed hash of the message. What was acknowledged of a message that never completes is
entered when that is known. On a line without the E1381 link nothing can be acknowledged: what was sent and not yet
committed is lost with the process.

Nothing is read on while a message is entered, so that a flood waits in the peer's own buffers. A connection holds one
message and one frame, whatever the peer does. A host query is for the LIS; see ``answer_queries``.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from agent import system
from agent.adapters.astm.channel import Serial, Tcp
from agent.adapters.astm.entry import Messages
from agent.adapters.astm.reading import NAME
from agent.adapters.astm.session import Ending, Session
from agent.adapters.connection import STRANGER, Door, lost, serve
from agent.adapters.port import Sink
from agent.backoff import backoff
from agent.clock import Now
from agent.config.shapes import Astm
from agent.config.zones import zone_of
from catalog.model import Model

CONNECT_S: Final = 30.0


class AstmAdapter:
    """The adapter. ``port``: what is listened on, once it is."""

    def __init__(self, *, config: Astm, model: Model, sink: Sink, now: Callable[[], Now] = system.now) -> None:
        self.port = 0
        self._config = config
        self._sink = sink
        self._now = now
        self._messages = Messages(model=model, sink=sink, zone=zone_of(config.time_zone), encoding=config.encoding)

    @property
    def name(self) -> str:
        """A short word for logs and counters."""
        return NAME

    async def run(self) -> None:
        """Serve or stay connected until cancelled. Raises ``AgentError`` when the address can't be listened on."""
        if self._config.listen is not None:
            door = Door(name=NAME, sink=self._sink, peers=self._config.peers)
            await serve(self._config.listen, self._serve, name=NAME, door=door, ready=self._listens)
        else:
            await self._again(self._open if self._config.connect is None else self._connect)

    def _listens(self, port: int) -> None:
        self.port = port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of an analyzer to us; whatever it does ends here."""
        await self._converse(self._session(Tcp(reader, writer)), stranger=True)

    async def _again(self, open_channel: Callable[[], Awaitable[Tcp | Serial]]) -> None:
        """Connect again and again, the longer apart the more often it was in vain."""
        failures = 0
        while True:
            try:
                channel = await open_channel()
            except OSError:
                self._sink.refused(NAME, "unreachable")
                failures += 1
            else:
                session = self._session(channel)
                try:
                    await self._converse(session)
                finally:
                    await channel.close()
                failures = 0 if session.spoke else failures + 1
            await asyncio.sleep(max(backoff(failures, random.random()), 0.1))  # noqa: S311  # spreads, hides nothing

    async def _connect(self) -> Tcp:
        host, _, port = (self._config.connect or "").rpartition(":")
        async with asyncio.timeout(CONNECT_S):
            return Tcp(*await asyncio.open_connection(host.strip("[]"), int(port)))

    async def _open(self) -> Serial:
        port = await asyncio.to_thread(Serial, self._config)
        if not port.as_set:
            self._sink.refused(NAME, "port-settings")
        return port

    async def _converse(self, session: Session, *, stranger: bool = False) -> None:
        """``stranger``: it isn't certain that the peer is equipment."""
        try:
            await session.run()
        except Ending as ending:
            self._sink.refused(NAME, STRANGER if stranger and not session.spoke else ending.why)
        except OSError as error:
            self._sink.refused(NAME, lost(error))

    def _session(self, channel: Tcp | Serial) -> Session:
        return Session(
            config=self._config,
            channel=channel,
            messages=self._messages,
            sink=self._sink,
            now=self._now,
        )

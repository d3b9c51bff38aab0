"""The adapter of an HL7 analyzer: listens for it or connects to it, and answers each message once it is kept.

An acknowledgement follows the outbox's commit (delivery 1). Nothing is read on while a message is being entered, so
that a flood waits in the peer's own buffers; a connection holds one message and one chunk, whatever the peer does.
"""

import asyncio
import hashlib
import itertools
import random
from collections.abc import Callable, Iterator
from typing import Final

from agent import system
from agent.adapters.connection import CHUNK, STRANGER, Door, hang_up, keep_alive, lost, send, serve
from agent.adapters.hl7 import values
from agent.adapters.hl7.answer import Outcome, answers
from agent.adapters.hl7.entry import Facts
from agent.adapters.hl7.intake import Taken, taken
from agent.adapters.hl7.kinds import Kind
from agent.adapters.hl7.mllp import Deframer, Frame, framed
from agent.adapters.hl7.reading import NAME
from agent.adapters.port import Sink
from agent.backoff import backoff
from agent.clock import Now
from agent.config.shapes import Hl7
from agent.config.zones import zone_of
from agent.errors import OutboxError
from catalog.model import Model

CONNECT_S: Final = 60.0
MAX_NOISE: Final = 4096
"""Bytes without any beginning of a message: the peer speaks something else."""
MAX_BAD: Final = 8
"""Blocks in a row that hold no HL7 message."""


class _Ended(Exception):
    """The connection is to be closed, for this reason."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _Peer:
    """One connection. ``spoke``: whether a message of it could be read."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, limit: int) -> None:
        self.reader = reader
        self.writer = writer
        self.deframer = Deframer(limit=limit)
        self.spoke = False
        self.bad = 0
        self.gone: OSError | None = None

    async def say(self, answer: bytes) -> None:
        """Who has gone without waiting for an answer is told none, and what it sent is heard to its end."""
        if self.gone is None:
            try:
                await send(self.writer, framed(answer))
            except OSError as error:
                self.gone = error


class Hl7Adapter:
    """The adapter. ``port``: what is listened on, once it is."""

    def __init__(self, *, config: Hl7, model: Model, sink: Sink, now: Callable[[], Now] = system.now) -> None:
        self.port = 0
        self._config = config
        self._model = model
        self._sink = sink
        self._now = now
        self._zone = zone_of(config.time_zone)
        self._facts = Facts(model=model, sink=sink)
        self._numbers = itertools.count(now().wall)

    @property
    def name(self) -> str:
        """A short word for logs and counters."""
        return NAME

    async def run(self) -> None:
        """Serve or stay connected until cancelled. Raises ``AgentError`` when the address can't be listened on."""
        if self._config.connect is not None:
            await self._connect(self._config.connect)
        elif self._config.listen is not None:
            door = Door(name=NAME, sink=self._sink, peers=self._config.peers)
            await serve(self._config.listen, self._serve, name=NAME, door=door, ready=self._listens)

    def _listens(self, port: int) -> None:
        self.port = port

    async def _connect(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        failures = 0
        while True:
            try:
                async with asyncio.timeout(CONNECT_S):
                    streams = await asyncio.open_connection(host.strip("[]"), int(port), limit=CHUNK)
            except OSError:
                if not failures:  # once an outage, which may be a weekend
                    self._sink.refused(NAME, "unreachable")
                failures += 1
            else:
                keep_alive(streams[1])
                try:
                    spoke = await self._serve(*streams)
                finally:
                    await hang_up(streams[1])
                failures = 0 if spoke else failures + 1
            await asyncio.sleep(max(backoff(failures, random.random()), 0.1))  # noqa: S311  # spreads, hides nothing

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One connection, whatever its peer does ends here; whether it ever said anything in HL7."""
        peer = _Peer(reader, writer, limit=self._config.max_kb * 1024)
        try:
            await self._converse(peer)
        except _Ended as ended:
            self._sink.refused(NAME, ended.why)
        except OSError as error:
            peer.deframer.end()
            self._sink.refused(NAME, lost(error))
        finally:
            self._count(peer)
        return peer.spoke

    async def _converse(self, peer: _Peer) -> None:
        while True:
            data = await peer.reader.read(CHUNK)
            if not data:
                peer.deframer.end()
                return
            for frame in peer.deframer.feed(data):
                await self._take(peer, frame)
                await asyncio.sleep(0)  # the other devices' turn, however many blocks came at once
            self._count(peer)
            if peer.gone is not None:
                raise peer.gone
            if peer.deframer.noise > MAX_NOISE:
                raise _Ended("not-mllp" if peer.deframer.bare else STRANGER)

    def _count(self, peer: _Peer) -> None:
        for reason in peer.deframer.refused.elements():
            self._sink.refused(NAME, reason)
        peer.deframer.refused.clear()

    async def _take(self, peer: _Peer, frame: Frame) -> None:
        """Enter and answer what a block holds."""
        for each in self.opened(frame):
            if each.message is not None:
                peer.bad, peer.spoke = 0, True
            for answer in await self.hear(each):
                await peer.say(answer)
            if each.message is None and each.refused:
                peer.bad += 1
                if peer.bad == MAX_BAD:
                    raise _Ended(STRANGER if each.refused == "garbage" else "not-hl7")
            await asyncio.sleep(0)  # and however many messages are in one

    def opened(self, frame: Frame) -> Iterator[Taken]:
        """The messages of a block."""
        return taken(frame, model=self._model, received=self._now().wall, zone=self._zone)

    async def hear(self, each: Taken) -> list[bytes]:
        """Enter and count a message; its answers, not framed. Of a batch each has its own: who sends one waits for as
        many as it holds messages, and tells them by MSA-2 (HL7 v2.5.1, 2.10.3.3 a)."""
        if each.refused:
            self._sink.refused(NAME, each.refused)
        if each.untold:
            self._sink.untold(NAME, each.untold)
        outcome = await self._enter(each)
        if each.message is None or each.kind is Kind.ANSWER:
            return []
        stamp = values.stamp(self._now().wall, self._zone)
        return answers(each.message, outcome, stamp=stamp, number=next(self._numbers))

    async def _enter(self, each: Taken) -> Outcome:
        """What becomes of a message; when it is accepted, what we take of it is on the disk."""
        if each.facts is not None:
            # Without any time of the equipment's, the same bytes may well be news.
            seen = (self._mark(each.data),) if each.facts.timed else ()
            try:
                await self._facts.put(each.facts, seen)
            except OutboxError:
                return Outcome.FAILED
        return each.outcome

    def _mark(self, data: bytes) -> bytes:
        """Recognises the same message, its control id included, when it is sent again."""
        return hashlib.blake2b(data, key=self._sink.key, digest_size=16).digest()

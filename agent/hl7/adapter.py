"""The adapter of an HL7 analyzer: listens for it or connects to it, and answers each message once it is kept.

An acknowledgement follows the outbox's commit (DELIVERY 1). Nothing is read on while a message is being entered, so
that a flood waits in the peer's own buffers; a connection holds one message and one chunk, whatever the peer does.
"""

import asyncio
import hashlib
import itertools
import random
from collections.abc import Callable
from typing import Final

from agent import system
from agent.adapter import Sink
from agent.clock import Now
from agent.config import Hl7
from agent.connection import CHUNK, Door, hang_up, keep_alive, lost, send, serve
from agent.errors import AdapterError, OutboxError
from agent.hl7 import values
from agent.hl7.answer import Outcome, answers
from agent.hl7.entry import Facts
from agent.hl7.kinds import Kind, kind_of
from agent.hl7.message import Message
from agent.hl7.mllp import Deframer, Frame, framed
from agent.hl7.reading import NAME, read
from agent.uplink import backoff
from agent.zones import zone_of
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
            self._sink.refused(NAME, lost(error))
        finally:
            self._count(peer)
        return peer.spoke

    async def _converse(self, peer: _Peer) -> None:
        while True:
            data = await peer.reader.read(CHUNK)
            if not data:
                if peer.deframer.inside:
                    raise _Ended("cut-frame")
                return
            for frame in peer.deframer.feed(data):
                await self._take(peer, frame)
                await asyncio.sleep(0)  # the other devices' turn, however many messages came at once
            self._count(peer)
            if peer.deframer.noise > MAX_NOISE:
                raise _Ended("not-mllp")

    def _count(self, peer: _Peer) -> None:
        for reason in peer.deframer.refused.elements():
            self._sink.refused(NAME, reason)
        peer.deframer.refused.clear()

    async def _take(self, peer: _Peer, frame: Frame) -> None:
        """Read, enter and answer one message."""
        try:
            message = Message(frame.data)
        except AdapterError as error:
            self._sink.refused(NAME, error.reason)
            peer.bad += 1
            if peer.bad == MAX_BAD:
                raise _Ended("not-hl7") from None
            return
        peer.bad, peer.spoke = 0, True
        kind = kind_of(message)
        outcome = await self._outcome(message, kind, frame)
        if kind is Kind.ANSWER:
            return
        stamp = values.stamp(self._now().wall, self._zone)
        for answer in answers(message, outcome, stamp=stamp, number=next(self._numbers)):
            await send(peer.writer, framed(answer))

    async def _outcome(self, message: Message, kind: Kind, frame: Frame) -> Outcome:
        """What becomes of a message; when it is accepted, what we take of it is on the disk."""
        match kind:
            case Kind.PERSON:
                return Outcome.ACCEPTED
            case Kind.QUERY:
                self._sink.refused(NAME, "query")
                return Outcome.UNSUPPORTED
            case Kind.ANSWER | Kind.CALIBRATION | Kind.OTHER:
                self._sink.refused(NAME, f"{kind.value}-message")
                return Outcome.ACCEPTED
            case Kind.EQUIPMENT | Kind.CONTROL:
                if message.cut or not frame.whole:
                    self._sink.refused(NAME, "oversize")
                    return Outcome.TOO_LARGE
        facts = read(message, kind, model=self._model, received=self._now().wall, zone=self._zone)
        # Without any time of the equipment's, the same bytes may well be news.
        seen = (self._mark(frame.data),) if facts.timed else ()
        try:
            await self._facts.put(facts, seen)
        except OutboxError:
            return Outcome.FAILED
        return Outcome.ACCEPTED

    def _mark(self, data: bytes) -> bytes:
        """Recognises the same message, its control id included, when it is sent again."""
        return hashlib.blake2b(data, key=self._sink.key, digest_size=16).digest()

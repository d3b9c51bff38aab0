"""Keeps one device connected: connects, runs sessions, reconnects with jitter when a connection is lost."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Final

import structlog

from agent.backoff import backoff
from agent.clock import Clock, Now
from agent.errors import AgentError
from agent.outbox.outbox import Outbox
from agent.uplink.link import PACKET_TOO_LARGE, PROTOCOL_ERROR, Endpoint, Link, LinkError
from agent.uplink.session import SMALLEST, Counters, Identity, Renewed, Session
from wire.codec import JSON, encode
from wire.commands import Command, Will
from wire.topics import will

SUSPECT: Final = 4_096
"""Bytes of a body from which a protocol error may mean its size."""
RENEW_MS: Final = 10_000
"""A new epoch reconnects at once, but not more often than this: two clones must not race in circles."""


class Uplink:
    """One device's uplink. ``endpoint`` is asked before each connection, so that renewed certificates count."""

    def __init__(
        self,
        *,
        identity: Identity,
        endpoint: Callable[[], Endpoint],
        outbox: Outbox,
        clock: Clock,
        now: Callable[[], Now],
        command: Callable[[Command], None],
    ) -> None:
        self._identity = identity
        self._endpoint = endpoint
        self._outbox = outbox
        self._clock = clock
        self._now = now
        self._command = command
        self._log = structlog.get_logger(part="uplink").bind(device=identity.device)
        self._wake = asyncio.Event()
        self._session: tuple[Session, Link] | None = None
        self._answered = False
        self._where = ""
        self._limit: int | None = None
        """Bytes of a body that the broker takes, as learned by experience."""
        self.counters = Counters()

    @property
    def ready(self) -> bool:
        """Whether the server has answered the birth of the present connection."""
        return self._session is not None and self._session[0].ready

    @property
    def idle(self) -> bool:
        """Whether nothing waits in the live lane to be sent."""
        return self._session is not None and self._session[0].idle

    def announce(self) -> None:
        """Send another birth, if there is a session."""
        if self._session is not None:
            self._session[0].announce(self._session[1])

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        self._outbox.watch(lambda: _call(loop, self._wake.set))
        failures = 0
        renewed_ms = -RENEW_MS
        while True:
            self._answered = False
            at_once = False
            try:
                await self._connect()
            except Renewed:
                elapsed = self._now().elapsed
                at_once, renewed_ms = elapsed - renewed_ms >= RENEW_MS, elapsed
            except AgentError as error:
                self._log.warning("not connected", to=self._where, error=str(error))
            if self._answered:
                failures = 0
            if not at_once:
                await asyncio.sleep(backoff(failures, random.random()))  # noqa: S311  # spreads, hides nothing
            failures += 1

    async def _connect(self) -> None:
        endpoint = await asyncio.to_thread(self._endpoint)
        self._where = str(endpoint)
        device, state = self._identity.device, self._outbox.state
        topic, body = will(device), encode(Will(epoch=state.epoch, boot=state.boot))
        session = Session(
            identity=self._identity,
            outbox=self._outbox,
            clock=self._clock,
            now=self._now,
            counters=self.counters,
            command=self._command,
            wake=self._wake,
        )
        async with Link(endpoint=endpoint, will_topic=topic, will=body, on_puback=session.on_puback) as link:
            self.counters.connections += 1
            self._log.info("connected", to=self._where)
            self._session = (session, link)
            try:
                await session.run(link, limit=self._limit)
            except LinkError as error:
                self._limit = learned(error.code, session.largest, self._limit)
                raise
            except asyncio.CancelledError:
                # A clean end takes the will back, and yet the device is gone: say so ourselves.
                with contextlib.suppress(LinkError):
                    link.publish(topic, body, user=[], content_type=JSON)
                raise
            finally:
                self._answered = session.answered
                self._session = None


def learned(code: int | None, largest: int, limit: int | None) -> int | None:
    """The limit of a body's bytes after a connection ended with ``code`` while bodies up to ``largest`` were under way.

    mosquitto's ``message_size_limit`` answers with a PUBACK of "packet too large", which MQTT 5 (3.4.2.1) doesn't
    allow and paho takes for a protocol error; so that counts too, while there is anything large to split.
    """
    too_large = code == PACKET_TOO_LARGE or (code == PROTOCOL_ERROR and largest > SUSPECT)
    return max(largest // 2, SMALLEST) if too_large and largest else limit


def _call(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(what)

"""Publishes pending commands to their devices, repeatedly, until they are answered or expire. A job of `steth jobs`."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec
import structlog
from msgspec import Struct

from desk.tickets.events import TicketEvent, add_events
from remote.prepare import EXPIRY_MS, QUERIES
from store.pool import Pool
from wire.codec import encode
from wire.commands import Command
from wire.ids import DeviceId
from wire.topics import Down, down

AGAIN_MS: Final = 30_000
"""Between two sendings of a command that isn't answered. The device does it once, whatever arrives (its id)."""
GRACE_MS: Final = 60_000
"""An answer given in time may still be on its way this long after the expiry."""
AHEAD_MS: Final = EXPIRY_MS + 5 * 60_000
"""None lasts longer from now, clocks of our own processes that differ included."""
PAUSE_MS: Final = 2_000
"""Before the broker is tried again: it costs each try a time-out, and other jobs wait meanwhile."""
MOST: Final = 200

_log: Final = structlog.get_logger("remote.commands")


class PublishError(Exception):
    """The broker didn't take it. Raised by a `Publisher`; the command is sent again later."""


class Publisher(Protocol):
    """The way to the devices: MQTT at QoS 1, not retained."""

    async def publish(self, topic: str, payload: bytes) -> None:
        """Returns once the broker has it. Raises PublishError if it can't be told."""


class Sent(Struct, frozen=True, kw_only=True):
    """What one round did: commands sent, not sent, and expired."""

    sent: int
    failed: int
    expired: int


class CommandSender:
    """One round at a time. Two processes send a command once between them, since a round claims what it sends."""

    def __init__(self, *, pool: Pool, publisher: Publisher) -> None:
        self._pool = pool
        self._publisher = publisher
        self._away_until_ms = 0

    async def run_once(self, now_ms: int) -> Sent:
        """Expire what is too late, then send what is due. Nothing is sent within a transaction."""
        expired = await self._expire(now_ms)
        if 0 < self._away_until_ms - now_ms <= PAUSE_MS:  # further ahead: the clock was put back meanwhile
            return Sent(sent=0, failed=0, expired=expired)
        due = {"now_ms": now_ms, "again_ms": AGAIN_MS, "most": MOST}
        async with self._pool.connection() as connection, connection.transaction():
            rows = await (await connection.execute(QUERIES["claim_commands"], due)).fetchall()
        sent = 0
        for index, (_, uid, body, _) in enumerate(rows):
            try:
                command = msgspec.convert(body, Command)
                await self._publisher.publish(down(DeviceId(uid), Down.COMMAND), encode(command))
            except PublishError as error:
                self._away_until_ms = now_ms + PAUSE_MS
                _log.warning("broker_away", unsent=len(rows) - index, error=str(error))
                await self._release(rows[index:], now_ms)
                break
            except Exception as error:  # noqa: BLE001 - what is wrong with one is no matter of the others'
                # A later version's perhaps: tried again, and its ticket says in the end that it wasn't answered.
                _log.error("command_unsendable", device=uid, exc_info=error)
            else:
                sent += 1
        return Sent(sent=sent, failed=len(rows) - sent, expired=expired)

    async def _release(self, rows: Sequence[Sequence[Any]], now_ms: int) -> None:
        what = {"ids": [row[0] for row in rows], "befores": [row[3] for row in rows], "now_ms": now_ms}
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(QUERIES["release_commands"], what)

    async def _expire(self, now_ms: int) -> int:
        due = {"now_ms": now_ms, "grace_ms": GRACE_MS, "ahead_ms": AHEAD_MS, "most": MOST}
        async with self._pool.connection() as connection, connection.transaction():
            rows = await (await connection.execute(QUERIES["expire_commands"], due)).fetchall()
            await add_events(
                connection,
                [
                    TicketEvent(
                        ticket_id=ticket_id,
                        org_id=org_id,
                        at_ms=now_ms,
                        event="command-expired",
                        message="remote.runbook.unanswered",
                        params={"runbook": runbook, "command": command_id},
                    )
                    for command_id, ticket_id, org_id, runbook in rows
                    if ticket_id is not None
                ],
            )
        return len(rows)

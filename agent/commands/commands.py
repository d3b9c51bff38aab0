"""Commands from the server: each executed once, durably; refused unless the hospital's standing policy allows it."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Literal, assert_never

import structlog
from msgspec import Struct

from agent.clock import Clock, Now
from agent.commands import runbooks
from agent.commands.probes import Values
from agent.errors import OutboxError
from agent.outbox.outbox import Outbox
from agent.sink import DeviceSink
from catalog.model import Runbook, Step
from wire.commands import Announce, Command, RunRunbook
from wire.items import Reply, Verdict

_log: Final = structlog.get_logger(part="commands")

WAITING: Final = 16
"""Commands that may wait; what comes beyond is left to expire, unclaimed."""
EXPIRED: Final = "remote.runbook.expired"
FAILED: Final = "remote.runbook.failed"
NO_POLICY: Final = "remote.runbook.refused_no_policy"
NOT_COVERED: Final = "remote.runbook.refused_policy"
POLICY_EXPIRED: Final = "remote.runbook.refused_expired"
UNKNOWN: Final = "remote.runbook.refused_unknown"


class Allowance(Struct, frozen=True, kw_only=True):
    """The standing policy: runbooks that may run until ``until`` (ms since 1970 UTC)."""

    runbooks: frozenset[str]
    until: int


def permit(runbook: Runbook | None, allowance: Allowance | None, *, now_ms: int) -> str | None:
    """None if the runbook may run, else the message id of the refusal."""
    if runbook is None:
        return UNKNOWN
    if allowance is None:
        return NO_POLICY
    if now_ms >= allowance.until:
        return POLICY_EXPIRED
    # A standing policy never covers what changes anything: that needs somebody's consent each time.
    if runbook.key not in allowance.runbooks or not runbook.read_only:
        return NOT_COVERED
    return None


class Commands:
    """Executes the commands of one device, one after the other."""

    def __init__(
        self,
        *,
        device: str,
        outbox: Outbox,
        sink: DeviceSink,
        clock: Clock,
        now: Callable[[], Now],
        known: Mapping[str, Runbook],
        allowance: Allowance | None,
        measure: Callable[[Step], Values],
    ) -> None:
        """``known``: the runbooks of the device's model, by key."""
        self._log = _log.bind(device=device)
        self._outbox = outbox
        self._sink = sink
        self._clock = clock
        self._now = now
        self._known = known
        self._allowance = allowance
        self._measure = measure
        self._waiting: asyncio.Queue[Command] = asyncio.Queue(maxsize=WAITING)
        self.announce: Callable[[], None] = _nobody
        """Sends a birth; set by whoever owns the connection."""

    def submit(self, command: Command) -> None:
        """Take a command from the connection; returns at once."""
        try:
            self._waiting.put_nowait(command)
        except asyncio.QueueFull:
            self._log.warning("too many commands wait, this one is left", command=command.id)

    async def run(self) -> None:
        """Until cancelled."""
        await self.answer_interrupted()
        while True:
            command_ = await self._waiting.get()
            try:
                await self.execute(command_)
            except OutboxError as error:
                # Unclaimed, or claimed without a reply: either way the next start or the server's expiry settles it.
                self._log.error("command not kept", command=command_.id, error=str(error))

    async def answer_interrupted(self) -> None:
        """What an earlier life began and never answered has failed: nobody knows how far it came."""
        for command in await self._outbox.interrupted():
            self._log.warning("command was interrupted", command=command)
            await self._sink.reply(self._reply(command, "failed", FAILED))

    async def execute(self, command: Command) -> None:
        """Claim, do, reply. A command that was claimed before is not even looked at."""
        server_ms = self._clock.server_ms(self._now())
        if not await self._outbox.claim(command.id, expires=command.expires, now=server_ms):
            self._log.info("command repeated", command=command.id)
            return
        reply = await self._do(command, server_ms)
        self._log.info("command answered", command=command.id, status=reply.status, reason=reply.reason)
        await self._sink.reply(reply)

    async def _do(self, command: Command, server_ms: int) -> Reply:
        if server_ms >= command.expires:
            return self._reply(command.id, "expired", EXPIRED)
        match command.do:
            case RunRunbook(runbook=key):
                runbook = self._known.get(key)
                refusal = permit(runbook, self._allowance, now_ms=server_ms)
                if runbook is None or refusal is not None:
                    return self._reply(command.id, "refused", refusal)
                verdict = await runbooks.run(runbook, measure=self._measure, now_ms=lambda: self._now().wall)
                return self._reply(command.id, "done", None, verdict)
            case Announce():
                self.announce()
                await self._sink.announce()
                return self._reply(command.id, "done", None)
            case _ as never:
                assert_never(never)

    def _reply(
        self,
        command: str,
        status: Literal["done", "refused", "failed", "expired"],
        reason: str | None,
        verdict: Verdict | None = None,
    ) -> Reply:
        return Reply(at=self._now().wall, command=command, status=status, reason=reason, verdict=verdict)


def _nobody() -> None:
    return

"""The head of each chain of the audit log, signed once a day and put where the database's owner can't reach it.

What is signed is vouched for: so a chain is walked from its last head to its end first, and one that is broken gets no
new head. The file of heads, not the database, says what was signed. Recipients that are marked for it are sent the head
of their hospital's chain (the provider's own for those of no hospital), by the way that tickets are told.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from prometheus_client import Gauge

from catalog.messages import render
from catalog.model import Catalog
from desk.telling.channels import Channel
from desk.telling.keepers import note_sent, read_keepers
from desk.telling.reasons import TellingError
from people.audit.chain import Chain, note_signed, read_chains, read_links
from people.audit.heads import Head, HeadError, Signer, append_head, by_position, latest, line_of, read_key
from steth.chains import Verified, check_kept, connect, finding_of, gone, kept_heads, signed, verify_chain
from steth.settings import Settings, SettingsError
from store.pool import Connection

EVERY: Final = timedelta(days=1)
UNCOVERED: Final = Gauge(
    "steth_jobs_audit_uncovered_seconds",
    "Age of the oldest entry of the audit log that no signed head covers; 0: none.",
)


class Heads:
    """A job of `steth jobs`. Without the setting audit_key it only measures. Raises SettingsError."""

    def __init__(
        self,
        *,
        settings: Settings,
        channel: Channel,
        catalog: Catalog,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if bool(settings.audit_key) != bool(settings.audit_heads):
            raise SettingsError("audit_key and audit_heads belong together: set both, or neither (docs/deploy.md)")
        self._settings = settings
        self._channel = channel
        self._catalog = catalog
        self._clock = clock

    async def run_once(self) -> int:
        """Sign the heads that are due and send them; returns how many were signed. Raises HeadError where a chain is
        broken or somebody wasn't reached, when all others are done."""
        now = self._clock()
        signer = read_key(Path(self._settings.audit_key)) if self._settings.audit_key else None
        heads = await asyncio.to_thread(kept_heads, self._settings)
        async with await connect(self._settings) as connection:
            chains = await read_chains(connection)
            check_kept(self._settings, chains, heads)
            made: list[Head] = []
            wrong: list[str] = []
            if signer is not None:
                made, broken = await self._sign(connection, chains, heads, signer, now)
                wrong = [finding_of(one).said.en for one in broken]
                wrong += await self._send(connection, latest([*heads, *made]).values())
            UNCOVERED.set(await uncovered_s(connection, chains, latest([*heads, *made]), now))
        if wrong:
            raise HeadError("; ".join(wrong))
        return len(made)

    async def _send(self, connection: Connection, heads: Iterable[Head]) -> list[str]:
        """To whoever wasn't sent the newest head of his chain; what went wrong. At least once: told, then noted."""
        newest = {head.org: head for head in heads}
        wrong = []
        for keeper in await read_keepers(connection):
            head = newest.get(keeper.org)
            if head is None or datetime.fromisoformat(head.at) == keeper.sent_at:
                continue
            params = {"entries": head.entries, "at": head.at, "head": line_of(head).decode().strip()}
            subject, body = (
                render(f"notify.head.{part}", params, keeper.language, self._catalog) for part in ("subject", "body")
            )
            try:
                await self._channel.send(address=keeper.address, subject=subject, body=body, severity="warning")
            except TellingError as error:
                wrong.append(f"recipient {keeper.id} wasn't sent its head: {error}")
                continue
            await note_sent(connection, keeper, head.at)
        return wrong

    async def _sign(
        self, connection: Connection, chains: list[Chain], heads: list[Head], signer: Signer, now: datetime
    ) -> tuple[list[Head], list[Verified]]:
        last, kept = latest(heads), by_position(heads)
        made: list[Head] = []
        broken = [gone(id_, last[id_].org) for id_ in sorted(last.keys() - {chain.id for chain in chains})]
        for chain in chains:
            before = last.get(chain.id)
            if not due(chain, before, now):
                continue
            behind = 0 if before is None else before.entries
            found = await verify_chain(connection, chain, kept.get(chain.id, {}), behind=behind)
            if found.broken is not None:
                broken.append(found)
                continue
            head = signed(found, signer, now)
            await asyncio.to_thread(append_head, Path(self._settings.audit_heads), head)
            await note_signed(connection, chain.id, line_of(head))
            made.append(head)
        return made, broken


def due(chain: Chain, head: Head | None, now: datetime) -> bool:
    """Whether a chain is to be looked at: it grew since its head, which is a day old, or it did what no chain does."""
    if head is None:
        return chain.entries > 0
    if chain.org == head.org and chain.entries > head.entries:
        return abs(now - datetime.fromisoformat(head.at)) >= EVERY  # one of the future: the clock was put back
    return (chain.org, chain.entries, chain.head.hex()) != (head.org, head.entries, head.hash)


async def uncovered_s(connection: Connection, chains: list[Chain], heads: Mapping[int, Head], now: datetime) -> float:
    """Age in seconds of the oldest entry that no head covers: for so long one could be rewritten and nobody know."""
    oldest = now
    for chain in chains:
        head = heads.get(chain.id)
        covered = 0 if head is None else head.entries
        if chain.entries > covered:
            async for link in read_links(connection, chain.id, behind=covered, most=1):
                oldest = min(oldest, link.entry.at)
    return (now - oldest).total_seconds()

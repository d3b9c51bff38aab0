"""The outbox of telling: whoever is to be told is told at least once, whatever is killed on the way.

A row of `telling` is claimed, then sent, then ended, each committed by itself. Two processes never send the same row,
except that one that dies between sending and ending leaves it to be sent again when its claim runs out: at least once.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from random import Random
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

import psycopg
import structlog
from msgspec import Struct
from prometheus_client import Counter

from catalog.model import Catalog, Lang, Severity
from desk.channels import LIMIT_S, Channel, TellingError, pause_s, shown
from desk.events import TicketEvent, add_events
from desk.letters import Letter, compose
from store.pool import Connection, Pool
from store.sql import load_queries

TOLD: Final = Counter(
    "steth_desk_tellings_total", "Messages to people: told, failed (to be tried again), given-up.", ["fate"]
)
_QUERIES: Final = load_queries(Path(__file__).with_name("queries.sql"))
_log: Final = structlog.get_logger("desk.telling")


class Patience(Struct, frozen=True, kw_only=True):
    """How often and how long a message is tried. Delays double from `first_s` to `most_s` seconds, each by half to once
    and a half of it by chance, so that a receiver that comes back isn't met by all at once. The default gives up after
    about three hours. `each`: messages of one recipient taken at a time."""

    attempts: int = 14
    first_s: float = 5.0
    most_s: float = 1800.0
    each: int = 5
    limit_s: float = LIMIT_S

    def delay_ms(self, attempts: int, random: Random) -> int:
        """How long to wait after that many attempts (1 or more)."""
        delay = min(self.first_s * 2.0 ** min(attempts - 1, 30), self.most_s)
        return round(delay * random.uniform(0.5, 1.5) * 1000)

    @property
    def lease_ms(self) -> int:
        """How long a claim lasts: longer than the sending of all that one claim took of a recipient."""
        return round((self.each * self.limit_s + 30) * 1000)


class _Claimed(Struct, frozen=True, kw_only=True):
    """A claimed row. `claim` is what tells this claim from a later one; `attempts` includes the one under way."""

    id: int
    ticket_id: int
    org_id: int
    recipient_id: int
    name: str
    address: str
    language: Lang
    attempts: int
    claim: datetime
    severity: Severity
    letter: Letter


class Teller:
    """Tells each recipient one message after another, and the recipients side by side.

    An async context manager: leaving waits for the message that each recipient is being told and gives back the rest.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        channel: Channel,
        catalog: Catalog,
        public_url: str = "",
        patience: Patience | None = None,
        random: Random | None = None,
    ) -> None:
        self._pool = pool
        self._channel = channel
        self._catalog = catalog
        self._public_url = public_url
        self._patience = patience or Patience()
        self._random = random or Random()  # noqa: S311 - jitter, no secret
        self._tasks = asyncio.TaskGroup()
        self._busy: dict[int, asyncio.Task[None]] = {}
        self._resting: dict[int, float] = {}
        self._leaving = False

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving = True
        await self._tasks.__aexit__(kind, error, trace)

    async def run_once(self, now_ms: int) -> int:
        """Claim what is due of recipients that aren't being told, and start telling them; how many rows were claimed.

        Returns without waiting for the channels. Raises psycopg.Error when the database can't be asked.
        """
        self._busy = {recipient: task for recipient, task in self._busy.items() if not task.done()}
        self._resting = {recipient: until for recipient, until in self._resting.items() if until > now_ms}
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_QUERIES["drop_tellings_of_the_inactive"])
            cursor = await connection.execute(
                _QUERIES["claim_tellings"],
                {
                    "now_ms": now_ms,
                    "lease_ms": self._patience.lease_ms,
                    "each": self._patience.each,
                    "busy": [*self._busy, *self._resting],
                },
            )
            rows = [_claimed(row) for row in await cursor.fetchall()]
        began = monotonic()
        for recipient in dict.fromkeys(row.recipient_id for row in rows):
            theirs = [row for row in rows if row.recipient_id == recipient]
            self._resting[recipient] = now_ms + len(theirs) * pause_s(theirs[0].address) * 1000
            self._busy[recipient] = self._tasks.create_task(
                self._tell_all(theirs, now_ms, began), name=f"tell recipient {recipient}"
            )
        return len(rows)

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        await asyncio.gather(*self._busy.values())

    async def _tell_all(self, rows: Sequence[_Claimed], claimed_ms: int, began: float) -> None:
        """One recipient's messages in order; after a failure, and when leaving, the others go back."""
        for index, row in enumerate(rows):
            reason = await self._tell(row)
            now_ms = claimed_ms + round((monotonic() - began) * 1000)
            others = rows[index + 1 :]
            try:
                if reason:
                    return await self._failed(row, others, reason, now_ms)
                await self._told(row, now_ms)
                if self._leaving:
                    return await self._give_back(others, now_ms)
            except (psycopg.Error, OSError) as error:
                # The claims run out by themselves: what was told and couldn't be written is told again.
                _log.warning("telling_not_written", telling=row.id, error=type(error).__name__)
                return None
        return None

    async def _tell(self, row: _Claimed) -> str:
        """Empty if the message got through, else why not."""
        subject, body = compose(row.letter, row.language, self._catalog, public_url=self._public_url)
        try:
            await self._channel.send(address=row.address, subject=subject, body=body, severity=row.severity)
        except TellingError as error:
            return str(error)
        return ""

    async def _told(self, row: _Claimed, now_ms: int) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_QUERIES["end_telling"], _end(row, state="told", told_ms=now_ms))
        TOLD.labels("told").inc()

    async def _give_back(self, rows: Sequence[_Claimed], now_ms: int) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            await _not_tried(connection, rows, now_ms)

    async def _failed(self, row: _Claimed, others: Sequence[_Claimed], reason: str, now_ms: int) -> None:
        given_up = row.attempts >= self._patience.attempts
        next_ms = now_ms + self._patience.delay_ms(row.attempts, self._random)
        async with self._pool.connection() as connection, connection.transaction():
            if given_up:
                ended = await connection.execute(_QUERIES["end_telling"], _end(row, state="given-up", error=reason))
                if ended.rowcount == 1:
                    await add_events(connection, [_given_up(row, now_ms)])
            else:
                await connection.execute(_QUERIES["postpone_telling"], _later(row, next_ms, row.attempts, reason))
            await _not_tried(connection, others, next_ms)
        fate = "given-up" if given_up else "failed"
        TOLD.labels(fate).inc()
        _log.warning(
            "telling_failed",
            telling=row.id,
            recipient=row.recipient_id,
            channel=shown(row.address),
            attempts=row.attempts,
            fate=fate,
            reason=reason,
        )


async def _not_tried(connection: Connection, rows: Sequence[_Claimed], next_ms: int) -> None:
    """Claimed and not tried: that counts as no attempt."""
    for row in rows:
        await connection.execute(_QUERIES["postpone_telling"], _later(row, next_ms, row.attempts - 1, ""))


def _given_up(row: _Claimed, now_ms: int) -> TicketEvent:
    return TicketEvent(
        ticket_id=row.ticket_id,
        org_id=row.org_id,
        at_ms=now_ms,
        event="telling-given-up",
        message="ticket.telling_given_up",
        params={"who": row.name, "attempts": row.attempts},
    )


def _end(row: _Claimed, *, state: str, told_ms: int | None = None, error: str = "") -> dict[str, Any]:
    return {"id": row.id, "claim": row.claim, "state": state, "told_ms": told_ms, "error": error}


def _later(row: _Claimed, next_ms: int, attempts: int, error: str) -> dict[str, Any]:
    return {"id": row.id, "claim": row.claim, "next_ms": next_ms, "attempts": attempts, "error": error}


def _claimed(row: Sequence[Any]) -> _Claimed:
    (id_, ticket_id, org_id, recipient_id, name, address, language, attempts, claim, message, params, *ticket) = row
    number, title, title_params, parts, occurred_ms, device, model, org, site, zone = ticket
    return _Claimed(
        id=id_,
        ticket_id=ticket_id,
        org_id=org_id,
        recipient_id=recipient_id,
        name=name,
        address=address,
        language=language,
        attempts=attempts,
        claim=claim,
        severity=params["severity"],
        letter=Letter(
            message=message,
            params=params,
            number=number,
            title=title,
            title_params=title_params,
            parts=parts,
            occurred_ms=occurred_ms,
            device=device,
            model=model,
            org=org,
            site=site,
            zone=zone,
        ),
    )

"""The outbox of telling: whoever is to be told is told at least once, whatever is killed on the way.

A recipient is claimed for one message: what is due of them is read, put into one text, sent, and ended, the claim and
the end each committed by itself. Two processes never tell the same recipient at once. One that dies between sending
and ending leaves the message to be sent again when its claim runs out: at least once.
"""

import asyncio
from collections.abc import Sequence
from random import Random
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

import structlog
from msgspec import Struct
from prometheus_client import Counter
from psycopg.types.json import Jsonb

from catalog.model import Catalog, Lang
from desk.telling.addresses import rest_s, shown
from desk.telling.channels import Channel
from desk.telling.letters import ComposeError, Letter, Text, summarise, trial
from desk.telling.plan import Patience, Row, fate, next_message
from desk.telling.reasons import RefusedError, TellingError, TooFastError
from desk.telling.rows import read_row
from desk.tickets.events import TicketEvent, add_events
from store.pool import Connection, Pool
from store.sql import queries_beside

TOLD: Final = Counter(
    "steth_desk_tellings_total",
    "Messages to people: told, failed and too-fast (both to be tried again), given-up.",
    ["fate"],
)
BROKEN: Final = Counter("steth_desk_telling_errors_total", "Times that telling a recipient broke off unforeseen.")
SKEW_MS: Final = 5_000
"""How far the clocks of two processes may be apart."""
_QUERIES: Final = queries_beside(__file__)
_log: Final = structlog.get_logger("desk.telling")


class _Recipient(Struct, frozen=True, kw_only=True):
    """A claimed recipient. `claim` tells this claim from a later one; `trial`: somebody asked for a test message."""

    id: int
    name: str
    address: str
    language: Lang
    active: bool
    failures: int
    trial: bool
    claim: Any


class _Clock(Struct, frozen=True, kw_only=True):
    """The caller's time, going on."""

    began_ms: int
    began: float

    def now_ms(self) -> int:
        return self.began_ms + round((monotonic() - self.began) * 1000)


class Teller:
    """Tells each recipient one message after another, and the recipients side by side.

    An async context manager: leaving waits for the messages under way.
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
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tasks.__aexit__(kind, error, trace)

    async def run_once(self, now_ms: int) -> int:
        """Claim recipients of whom something is due, and start telling each its next message; how many were claimed.

        Returns without waiting for the channels. Raises psycopg.Error when the database can't be asked.
        """
        if self._looking is None:
            self._looking = self._tasks.create_task(self._look(now_ms), name="look at the recipients")
        self._busy = {recipient: task for recipient, task in self._busy.items() if not task.done()}
        most = self._patience.at_a_time - len(self._busy)
        if most <= 0:
            return 0
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(
                _QUERIES["claim_recipients"],
                {
                    "now_ms": now_ms,
                    "skew_ms": SKEW_MS,
                    "ahead_ms": self._patience.ahead_ms,
                    "lease_ms": self._patience.lease_ms,
                    "busy": list(self._busy),
                    "most": most,
                },
            )
            names = _Recipient.__struct_fields__
            claimed = [_Recipient(**dict(zip(names, row, strict=True))) for row in await cursor.fetchall()]
        clock = _Clock(began_ms=now_ms, began=monotonic())
        for recipient in claimed:
            self._busy[recipient.id] = self._tasks.create_task(
                self._serve(recipient, clock), name=f"tell recipient {recipient.id}"
            )
        return len(claimed)

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        await asyncio.gather(*self._busy.values(), *([self._looking] if self._looking is not None else ()))

    async def _look(self, now_ms: int) -> None:
        """Once, at the start: whom a former version, or another list of the operator's, let be told, and nothing may be
        sent to now. They are named as failing before the first ticket that they would not hear of."""
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_QUERIES["well_recipients"])
                known = [(int(id_), str(address)) for id_, address in await cursor.fetchall()]
            for id_, address in known:
                problem = await self._forbids(address)
                if problem is not None:
                    named = {"id": id_, "address": address, "error": problem.message, "now_ms": now_ms}
                    async with self._pool.connection() as connection, connection.transaction():
                        await connection.execute(_QUERIES["recipient_forbidden"], named)
        except Exception as error:  # noqa: BLE001 - they are told, or fail, all the same
            BROKEN.inc()
            _log.warning("looking_broke_off", error=type(error).__name__)

    async def _forbids(self, address: str) -> RefusedError | None:
        try:
            await self._channel.check(address)
        except RefusedError as error:
            return error
        except TellingError:
            pass  # out of reach for now, which only a message can say
        return None

    async def _serve(self, recipient: _Recipient, clock: _Clock) -> None:
        """One message. Whatever goes wrong is this recipient's alone: the claim runs out, and it is tried again."""
        try:
            if recipient.trial:
                await self._try(recipient, clock)
            else:
                await self._next(recipient, clock)
        except Exception as error:  # noqa: BLE001 - another recipient's message must not fall with this one
            BROKEN.inc()
            _log.warning("telling_broke_off", recipient=recipient.id, error=type(error).__name__)

    async def _next(self, recipient: _Recipient, clock: _Clock) -> None:
        now_ms = clock.now_ms()
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(
                _QUERIES["due_tellings"],
                {
                    "recipient": recipient.id,
                    "now_ms": now_ms,
                    "ahead_ms": self._patience.ahead_ms,
                    "most": self._patience.most,
                },
            )
            rows = [read_row(values) for values in await cursor.fetchall()]
        if not recipient.active:
            return await self._give_up_all(recipient, rows, now_ms)
        for lacks in {row.lacks for row in rows if row.letter is None}:
            bad = [row for row in rows if row.lacks == lacks]
            await self._not_told(recipient, bad, RefusedError(lacks[0], what=lacks[1]), now_ms)
        readable = [(row, row.letter) for row in rows if row.letter is not None]
        if not readable:
            return await self._free(recipient)
        chosen = next_message(readable)
        told = [row for row, _ in chosen]
        try:
            text = self._text([letter for _, letter in chosen], recipient.language)
        except TellingError as error:
            await self._not_told(recipient, told, error, now_ms)
            return await self._free(recipient)
        problem = await self._send(recipient, text)
        if problem is None:
            return await self._told(recipient, told, clock.now_ms())
        return await self._not_told(recipient, told, problem, clock.now_ms(), rests=True)

    async def _try(self, recipient: _Recipient, clock: _Clock) -> None:
        """The test message: tried once, and what became of it can be read at the recipient."""
        problem = await self._send(recipient, trial(recipient.name, recipient.language, self._catalog))
        now_ms = clock.now_ms()
        ended = {
            "id": recipient.id,
            "claim": recipient.claim,
            "now_ms": now_ms,
            "state": "told" if problem is None else "given-up",
        }
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_QUERIES["end_trial"], ended)
            await self._rest(connection, recipient, problem, now_ms)

    def _text(self, letters: Sequence[Letter], lang: Lang) -> Text:
        """Raises TellingError where it can't be composed, for whatever reason."""
        try:
            return summarise(letters, lang, self._catalog, public_url=self._public_url)
        except ComposeError as error:
            raise RefusedError("telling.uncomposable", what=str(error)) from None
        except Exception as error:
            raise RefusedError("telling.uncomposable", what=type(error).__name__) from error

    async def _send(self, recipient: _Recipient, text: Text) -> TellingError | None:
        try:
            await self._channel.send(
                address=recipient.address, subject=text.subject, body=text.body, severity=text.severity
            )
        except TellingError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a way out that breaks is a way out that fails
            _log.warning("channel_broke", channel=shown(recipient.address), error=type(error).__name__)
            return TellingError("telling.broken", what=type(error).__name__)
        return None

    async def _told(self, recipient: _Recipient, rows: Sequence[Row], now_ms: int) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_QUERIES["end_tellings"], {"ids": [row.id for row in rows], "now_ms": now_ms})
            await self._rest(connection, recipient, None, now_ms)
        TOLD.labels("told").inc(len(rows))

    async def _not_told(
        self, recipient: _Recipient, rows: Sequence[Row], problem: TellingError, now_ms: int, *, rests: bool = False
    ) -> None:
        """Put off or give up. `rests`: the recipient failed, not the message alone."""
        doomed = fate(rows, problem, self._patience, now_ms)
        error = {"error": problem.message, "params": Jsonb(problem.params), "refused": doomed.refused}
        next_ms = now_ms + round(self._patience.message_s * 1000)
        async with self._pool.connection() as connection, connection.transaction():
            if rests and not await self._rest(connection, recipient, problem, now_ms):
                return  # the claim ran out, and somebody else tells them now
            await connection.execute(_QUERIES["postpone_tellings"], {**error, "ids": doomed.again, "next_ms": next_ms})
            await _give_up(connection, recipient, doomed.given_up, {**error, "tried": 1}, now_ms)
        again = "too-fast" if isinstance(problem, TooFastError) else "failed"
        TOLD.labels(again).inc(len(rows) - len(doomed.given_up))
        TOLD.labels("given-up").inc(len(doomed.given_up))
        _log.warning(
            "telling_failed",
            recipient=recipient.id,
            channel=shown(recipient.address),
            messages=len(rows),
            given_up=len(doomed.given_up),
            reason=str(problem),
        )

    async def _give_up_all(self, recipient: _Recipient, rows: Sequence[Row], now_ms: int) -> None:
        """Of somebody who is no longer active."""
        ids = [row.id for row in rows]
        error = {"error": "telling.inactive", "params": Jsonb({}), "refused": 0, "tried": 0}
        async with self._pool.connection() as connection, connection.transaction():
            await _give_up(connection, recipient, ids, error, now_ms)
            await connection.execute(_QUERIES["recipient_free"], {"id": recipient.id, "claim": recipient.claim})
        TOLD.labels("given-up").inc(len(ids))

    async def _free(self, recipient: _Recipient) -> None:
        """Whatever else is due of them goes on at once."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_QUERIES["recipient_free"], {"id": recipient.id, "claim": recipient.claim})

    async def _rest(
        self, connection: Connection, recipient: _Recipient, problem: TellingError | None, now_ms: int
    ) -> bool:
        """End the claim: they rest as long as their channel asks, longer after a failure. False: it ran out before."""
        ended: dict[str, Any] = {"id": recipient.id, "claim": recipient.claim, "now_ms": now_ms}
        if problem is None:
            statement, rest_ms = "recipient_told", round(rest_s(recipient.address) * 1000)
        else:
            statement = "recipient_failed"
            rest_ms = self._patience.delay_ms(recipient.failures + 1, self._random, least_s=problem.wait_s)
            ended |= {"error": problem.message, "params": Jsonb(problem.params)}
        cursor = await connection.execute(_QUERIES[statement], {**ended, "next_ms": now_ms + rest_ms})
        return cursor.rowcount == 1


async def _give_up(
    connection: Connection, recipient: _Recipient, ids: Sequence[int], error: dict[str, Any], now_ms: int
) -> None:
    """Given up, and written into each ticket."""
    if not ids:
        return
    cursor = await connection.execute(_QUERIES["give_up_tellings"], {**error, "ids": ids, "now_ms": now_ms})
    events = [
        TicketEvent(
            ticket_id=ticket_id,
            org_id=org_id,
            at_ms=now_ms,
            event="telling-given-up",
            message="ticket.telling_given_up" if recipient.active else "ticket.telling_inactive",
            params={"who": recipient.name, "attempts": attempts},
        )
        for ticket_id, org_id, attempts, exists in await cursor.fetchall()
        if exists
    ]
    await add_events(connection, events)

"""The one reader of the database for all streams of this process: it polls while somebody listens, and fans out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from traceback import format_tb
from typing import Final

import msgspec
import psycopg
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from psycopg_pool import PoolTimeout

from api.devices.state import LOST_COUNTS
from api.feed.beat import Ingest, beat
from api.feed.client import Client, Event, frame
from api.feed.events import concerned, events_of, see_as
from api.feed.facts import LANGS, Seen, chunks, heard, look, states
from api.feed.log import MAX_ROWS, boundary, read_after
from api.feed.position import Away, Position, decode, encode
from api.feed.room import PUSH, room
from api.http.problems import Problem, ProblemCode
from api.settings import Clock
from catalog.model import Catalog, Lang
from catalog.refusals import kept_words
from people.login.limits import Attempts
from people.roles import Kind
from store.pool import EVERY_ORG, Connection, Pool, scoped
from store.sql import queries_beside
from wire.times import ms_of

_SQL: Final = queries_beside(__file__)

_log: Final = structlog.get_logger("api.feed")
POLL_S: Final = 0.1
"""Between two looks for what was committed: what is on screens within 300 ms has two thirds of that for the way."""
DEVICES_S: Final = 2.0
TOKENS_S: Final = 2.0
"""Between two looks at who is signed in still; and how long one may take."""
BEAT_S: Final = 4.0
"""A client that hears nothing for 10 s knows that the feed is dead: two beats may be late."""
ROUND_S: Final = 10.0
SLICE: Final = 200
"""Devices that are looked at before others have a turn on the event loop."""


class Hub:
    """`run` in the background; `join` for each client."""

    def __init__(
        self,
        *,
        pool: Pool,
        catalog: Catalog,
        clock: Clock,
        heartbeat_s: float,
        version: str,
        registry: CollectorRegistry,
    ) -> None:
        self._pool = pool
        self._catalog = catalog
        self._kept = kept_words(catalog)
        self._clock = clock
        self._heartbeat_s = heartbeat_s
        self._version = version
        self._clients: dict[Client, None] = {}  # in the order in which they came
        self._pushed = Attempts(most=1, within=PUSH)
        self._wanted = asyncio.Event()
        self._reading = asyncio.Lock()
        self._looking = asyncio.Lock()
        self._head: Position | None = None
        self._held_s = 0.0
        self._begins = 0
        self._devices: dict[int, Seen] = {}
        self._snapshots: dict[tuple[int, Lang], list[bytes]] = {}
        self._ingest = Ingest()
        self._done: dict[str, float] = {}
        """When each of the readers succeeded last, on the loop's clock."""
        self._closing = False
        self._over = False
        gauge = Gauge("steth_api_stream_clients", "Clients of the live stream.", registry=registry)
        gauge.set_function(lambda: float(len(self._clients)))
        held = Gauge(
            "steth_api_stream_held_seconds",
            "Age of the oldest row that waits for an older transaction before it is streamed.",
            registry=registry,
        )
        held.set_function(lambda: self._held_s)
        self._told = Counter("steth_api_stream_events_total", "Events put to clients.", ("event",), registry=registry)
        self._resets = Counter(
            "steth_api_stream_resets_total", "Clients told to load again.", ("reason",), registry=registry
        )
        self._failed = Counter("steth_api_stream_failed_reads_total", "Reads that failed.", registry=registry)

    def now_ms(self) -> int:
        """The server's time, in ms since 1970 UTC."""
        return ms_of(self._clock())

    # clients ----------------------------------------------------------------------------------------------------------

    async def join(
        self, *, account: int, org: int, kind: Kind, lang: Lang, token_id: int, last: str | None, whole: bool = True
    ) -> tuple[Client, list[bytes]]:
        """A new client, and what it is told first. `last`: its Last-Event-ID; `whole`: see Client. Raises Problem 429
        when there are too many of its account or organisation, 503 when there are too many at all, or while we stop."""
        self._room(account=account, org=org, kind=kind)
        head = await self._awake()
        after = head if last is None else await self._where(last)
        missed: list[Event] = []
        while isinstance(after, Position) and after < (self._head or head):
            async with self._scoped(str(org)) as connection:
                read = await read_after(connection, after)
                missed += () if read.more else await events_of(connection, read, org, self._catalog)
            after = Away.TOO_MUCH if read.more or len(missed) > MAX_ROWS else read.head
        # From here on nothing waits until the client is one of ours: what it is told first and what it is told later
        # meet without a gap. What is up to `after` it has, or gets at once, and is not told again.
        head = self._head or head
        oldest = self._room(account=account, org=org, kind=kind)
        if oldest is not None:
            self._pushed.begin(account, self._clock())
            oldest.end(Away.TOO_MANY)
            self.leave(oldest)
        client = Client(
            account=account,
            org=org,
            kind=kind,
            lang=lang,
            token_id=token_id,
            whole=whole,
            after=after if isinstance(after, Position) else head,
        )
        self._clients[client] = None
        self._wanted.set()
        try:
            if isinstance(after, Away):
                return client, await self.reload(client, after)
            now_ms = self.now_ms()
            told = [
                frame(event.name, event.data[lang], encode(event.position, now_ms))
                for event in missed
                if event.position is not None
            ]
            return client, [self._hello(resumed=last is not None), *told, *await self._now_of(client)]
        except BaseException:
            self.leave(client)
            raise

    def _room(self, *, account: int, org: int, kind: Kind) -> Client | None:
        if self._closing:
            raise Problem(ProblemCode.UNAVAILABLE, "The service is about to stop: try again in a moment.")
        pushed_s = self._pushed.wait_s(account, self._clock())
        return room(self._clients, account=account, org=org, kind=kind, pushed_s=pushed_s)

    async def _where(self, last: str) -> Position | Away:
        """The position of a Last-Event-ID. Another process may have told more than this one has read yet."""
        async with self._scoped(EVERY_ORG) as connection:
            now = await boundary(connection)
        return decode(last, head=now.position, begins=now.begins, now_ms=self.now_ms())

    def leave(self, client: Client) -> None:
        """A client is gone."""
        self._clients.pop(client, None)
        if not self._clients:
            self._wanted.clear()

    async def reload(self, client: Client, why: Away) -> list[bytes]:
        """What a client that missed something is told, and from where it goes on."""
        assert self._head is not None  # noqa: S101 - `join` has awakened us
        client.begin_again(self._head)
        self._resets.labels(why.value).inc()
        data = msgspec.json.encode({"reason": why})
        return [
            frame("reset", data, encode(self._head, self.now_ms())),
            self._hello(resumed=False),
            *await self._now_of(client),
        ]

    def close(self) -> None:
        """End every stream: the clients come back to whoever serves next."""
        self._closing = True
        for client in list(self._clients):
            client.end(Away.STOPPING)

    def _hello(self, *, resumed: bool) -> bytes:
        assert self._head is not None  # noqa: S101
        said = {"now": self._clock(), "version": self._version, "beat_s": BEAT_S, "resumed": resumed}
        # A client that goes on keeps its own position until the first thing that it missed.
        return frame("hello", msgspec.json.encode(said), None if resumed else encode(self._head, self.now_ms()))

    async def _now_of(self, client: Client) -> list[bytes]:
        """Everything that is a state: the devices, and whether any of it can be believed.

        Others have their turns meanwhile. What changes then waits for the client, and is told behind this.
        """
        if not client.whole:
            return [frame("beat", self._beat()[client.lang])]
        key, devices = (client.org, client.lang), self._devices
        kept = self._snapshots.get(key)
        if kept is None:
            kept = []
            for some in chunks(seen for seen in devices.values() if client.org in seen.viewers):
                kept.append(frame("devices", states(some, now=self._clock(), lang=client.lang)))
                await asyncio.sleep(0)
            if devices is self._devices:
                self._snapshots[key] = kept
        return [*kept, frame("beat", self._beat()[client.lang])]

    # reading ----------------------------------------------------------------------------------------------------------

    async def _awake(self) -> Position:
        """Where the stream is now. After a pause in which nobody listened, it goes on from here."""
        async with self._reading:
            if self._head is None or not self._clients:
                async with self._scoped(EVERY_ORG) as connection:
                    found = await boundary(connection)
                    await self._look(connection, tell=False)
                self._done = dict.fromkeys(("rows", "devices"), asyncio.get_running_loop().time())
                self._held_s, self._begins = found.held_s, found.begins
                self._head = found.position if self._head is None else max(self._head, found.position)
            return self._head

    @asynccontextmanager
    async def _scoped(self, org: str) -> AsyncIterator[Connection]:
        async with scoped(self._pool, org) as connection:
            await _SQL.run(connection, "custom_plans")
            yield connection

    async def run(self) -> None:
        """Read and beat until cancelled. Whatever nobody foresaw: the clients load again, and the stream goes on."""
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._on("rows", POLL_S, self._round), name="stream-reader")
                    group.create_task(self._on("devices", DEVICES_S, self._look_again), name="stream-devices")
                    group.create_task(self._beats(), name="stream-beats")
                    group.create_task(self._signed_out(), name="stream-signed-out")
            except* Exception as failed:  # noqa: BLE001 - said and counted; a stream that ends silently looks green
                self._failed.inc()
                error = failed.exceptions[0]
                _log.error("stream_failed", error=type(error).__qualname__, where=format_tb(error.__traceback__))
            self._over = True
            await asyncio.sleep(POLL_S)

    async def _on(self, what: str, every_s: float, once: Callable[[], Awaitable[bool]]) -> None:
        """Do it again and again while somebody listens; at once where it says that there is more."""
        while True:
            await self._wanted.wait()
            more = False
            try:
                async with asyncio.timeout(ROUND_S):
                    more = await once()
                self._done[what] = asyncio.get_running_loop().time()
            except (psycopg.Error, PoolTimeout, TimeoutError) as error:
                self._failed.inc()
                _log.warning("stream_read_failed", error=type(error).__name__)
            if not more:
                await asyncio.sleep(every_s)

    async def _round(self) -> bool:
        async with self._reading, self._scoped(EVERY_ORG) as connection:
            if self._head is None:
                return False
            if self._over:
                found = await boundary(connection)
                self._held_s, self._begins = found.held_s, found.begins
                self._head, self._over = max(self._head, found.position), False
                for client in self._clients:
                    client.miss(Away.FAILED)
            read = await read_after(connection, self._head)
            if read.begins != self._begins:  # restored meanwhile: what clients show may not be there any more
                self._begins, self._over = read.begins, True
                return True
            for org in await concerned(connection, read, {client.org for client in self._clients}):
                await see_as(connection, org)
                for event in await events_of(connection, read, org, self._catalog):
                    self._tell(event)
            self._head, self._held_s = read.head, read.held_s
        return read.more

    async def _look_again(self) -> bool:
        """Beside the rows, which don't wait until ten thousand devices are looked at."""
        async with self._scoped(EVERY_ORG) as connection:
            await self._look(connection, tell=True)
        return False

    async def _look(self, connection: Connection, *, tell: bool) -> None:
        """Look at all devices, and at ingest."""
        async with self._looking:
            await self._look_at_all(connection, tell=tell)

    async def _look_at_all(self, connection: Connection, *, tell: bool) -> None:
        now = self._clock()
        changed: list[Seen] = []
        again: list[Seen] = []
        found: dict[int, Seen] = {}
        async with connection.cursor() as cursor:
            await cursor.execute(_SQL["stream_devices"], {"kept": self._kept, "lost_from": now - LOST_COUNTS})
            while rows := await cursor.fetchmany(SLICE):
                for row in rows:
                    before = self._devices.get(row[0])
                    seen = found[row[0]] = look(row, before, now=now, default_interval_s=self._heartbeat_s)
                    if seen is before:
                        continue
                    if before is None or before.shown() != seen.shown():
                        changed.append(seen)
                    elif before.last_seen != seen.last_seen:
                        again.append(seen)
                await asyncio.sleep(0)
        sighted = self._sighted(found)
        self._devices = found
        self._snapshots = {}
        if tell:
            for client in self._clients:
                if client.org in sighted:
                    client.miss(Away.SIGHT)
            self._tell_devices(changed, again, now)
        partitions = await _SQL.many(connection, "stream_partitions", {})
        self._ingest.saw(
            [(row["id"], row["owned"], row["clock_ms"]) for row in partitions], at_s=asyncio.get_running_loop().time()
        )
        marks = await _SQL.many(connection, "stream_newest_mark", {})
        self._ingest.newest_mark = marks[0]["at"]

    def _sighted(self, found: Mapping[int, Seen]) -> set[int]:
        """The organisations that see a device no more that they saw, or one that they didn't."""
        changed: set[int] = set()
        for key, seen in found.items():
            before = self._devices.get(key)
            if before is not None and before.viewers != seen.viewers:
                changed |= before.viewers ^ seen.viewers
        return changed

    def _tell_devices(self, changed: list[Seen], again: list[Seen], now: datetime) -> None:
        for org in {client.org for client in self._clients}:
            for some in chunks(seen for seen in changed if org in seen.viewers):
                data = {lang: states(some, now=now, lang=lang) for lang in LANGS}
                self._tell(Event(name="devices", org=org, data=data))
            others = [seen for seen in again if org in seen.viewers]
            if others:
                self._tell(Event(name="seen", org=org, data=heard(others, now=now)))

    async def _signed_out(self) -> None:
        """A session that has ended, or an account that was closed or sees another organisation, gets nothing more.

        However slow the reader's round is: who was locked out is so within 5 s.
        """
        while True:
            await self._wanted.wait()
            await asyncio.sleep(TOKENS_S)
            tokens = list({client.token_id for client in self._clients})
            try:
                async with asyncio.timeout(TOKENS_S), self._scoped(EVERY_ORG) as connection:
                    rows = await _SQL.many(connection, "stream_tokens", {"ids": tokens, "now": self._clock()})
            except (psycopg.Error, PoolTimeout, TimeoutError) as error:
                self._failed.inc()
                _log.warning("stream_tokens_failed", error=type(error).__name__)
                continue
            good = {(row["id"], row["org_id"]) for row in rows}
            for client in self._clients:
                if client.token_id in tokens and (client.token_id, client.org) not in good:
                    client.end(Away.SIGNED_OUT)

    def _tell(self, event: Event) -> None:
        self._told.labels(event.name).inc()
        for client in self._clients:
            client.put(event)

    async def _beats(self) -> None:
        while True:
            await self._wanted.wait()
            await asyncio.sleep(BEAT_S)
            self._tell(Event(name="beat", org=None, data=self._beat(), head=self._head))

    def _beat(self) -> Mapping[Lang, bytes]:
        at_s = asyncio.get_running_loop().time()
        read_s = round(at_s - min(self._done.values()), 1) if self._done else None
        return beat(self._ingest, now=self._clock(), at_s=at_s, read_s=read_s, held_s=self._held_s)

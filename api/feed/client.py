"""One client of the stream: what waits for it, bounded, and its way out as server-sent events (HTML Standard, 9.2)."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.feed.position import Away, Position, encode
from catalog.model import Lang
from people.roles import Kind

MAX_WAITING: Final = 256
"""Events that wait for one client. One that reads slower than this is told to load again: the newest counts."""
SEND_S: Final = 30.0
"""A client that takes nothing for so long sleeps: its connection is closed, and it comes back when it wakes."""
HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx and those that learned from it: pass on each event at once
}


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something to tell. `org`: to whose clients, as that organisation sees it; None: to all. `data`: JSON in each
    language. `position`: of the log's row that it tells; None: it is a state, which the next of its kind replaces.
    `head`: everything up to it was told before this.
    """

    name: str
    org: int | None
    data: Mapping[Lang, bytes]
    position: Position | None = None
    head: Position | None = None


def frame(name: str, data: bytes, id_: str | None = None) -> bytes:
    """An event in the stream's format. JSON has no line ends of its own."""
    head = f"event: {name}\n" if id_ is None else f"id: {id_}\nevent: {name}\n"
    return head.encode() + b"data: " + data + b"\n\n"


class Client:
    """What waits for one browser tab. `org`, `kind`: whose eyes. `token_id`: the credential it came with. `whole`: it
    is told of every device, at first and whenever one is heard; else of what changes."""

    def __init__(
        self, *, account: int, org: int, kind: Kind, lang: Lang, token_id: int, after: Position, whole: bool = True
    ) -> None:
        self.account = account
        self.org = org
        self.kind = kind
        self.lang: Lang = lang
        self.token_id = token_id
        self.whole = whole
        self._after = after
        self._waiting: deque[Event] = deque()
        self._wake = asyncio.Event()
        self.ended: Away | None = None
        self.lost: Away | None = None

    def sees(self, event: Event) -> bool:
        """Whether this client may see it and has not seen it."""
        if event.org is not None and event.org != self.org:
            return False
        if event.name == "seen" and not self.whole:
            return False
        return event.position is None or event.position > self._after

    def put(self, event: Event) -> None:
        """Let an event wait. Too many: all of them are forgotten, and the client is told to load again."""
        if self.lost is not None or self.ended is not None or not self.sees(event):
            return
        if len(self._waiting) >= MAX_WAITING:
            self.miss(Away.TOO_SLOW)
        else:
            self._waiting.append(event)
            self._wake.set()

    def miss(self, why: Away) -> None:
        """Something will never be told: forget what waits, and have the client load again."""
        self._waiting.clear()
        self.lost = why
        self._wake.set()

    def frame(self, event: Event, now_ms: int) -> bytes:
        """The event as it is sent to this client."""
        position = event.position or event.head
        id_ = None if position is None or position < self._after else encode(position, now_ms)
        return frame(event.name, event.data[self.lang], id_)

    def begin_again(self, after: Position) -> None:
        """What was missed is loaded by the client itself; from here on it is told again."""
        self._after = after
        self.lost = None

    def end(self, why: Away) -> None:
        """Tell no more, and close."""
        self.ended = self.ended or why
        self._waiting.clear()
        self._wake.set()

    async def next(self) -> Event | None:
        """The next event; None when `lost` or `ended` says why there is none."""
        while not self._waiting and self.lost is None and self.ended is None:
            self._wake.clear()
            await self._wake.wait()
        return self._waiting.popleft() if self._waiting else None


class EventStream(Response):
    """Lets a client `join`, sends what it is told first, then what waits for it, until it leaves or sleeps, or we end.

    `reload` gives what a client that lost events is told: that it did, and the state from which it goes on.
    """

    def __init__(
        self,
        *,
        join: Callable[[], Awaitable[tuple[Client, list[bytes]]]],
        reload: Callable[[Client, Away], Awaitable[list[bytes]]],
        leave: Callable[[Client], None],
        now_ms: Callable[[], int],
    ) -> None:
        super().__init__(status_code=200, headers=HEADERS)
        del self.headers["content-length"]
        self._join = join
        self._reload = reload
        self._leave = leave
        self._now_ms = now_ms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - its name is ASGI's
        """ASGI."""
        # Here, and not in the request's handler: that holds a connection of the pool, and this takes another.
        client, first = await self._join()
        sending = asyncio.create_task(self._send(client, first, send), name="stream-send")
        leaving = asyncio.create_task(_gone(receive), name="stream-leave")
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._leave(client)
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, client: Client, pieces: list[bytes], send: Send) -> None:
        async def out(piece: bytes, *, more: bool = True) -> None:
            async with asyncio.timeout(SEND_S):
                await send({"type": "http.response.body", "body": piece, "more_body": more})

        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # Spread, so that after a restart of ours not all come back at once.
        await out(f"retry: {random.randint(1000, 4000)}\n\n".encode())  # noqa: S311 - no secret
        while client.ended is None:
            for piece in pieces:
                await out(piece)
            event = await client.next()
            if event is not None:
                pieces = [client.frame(event, self._now_ms())]
            elif client.lost is not None:
                pieces = await self._reload(client, client.lost)
        if client.ended in {Away.SIGNED_OUT, Away.TOO_MANY}:
            await out(frame("reset", b'{"reason":"%s"}' % client.ended.encode()))
        await out(b"", more=False)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""uvicorn's HTTP with time limits for clients: it has none for a request that never comes, or never ends."""

import asyncio
from typing import Any, Final

import h11
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_S: Final = 10.0
BODY_S: Final = 30.0
"""Longer than the API itself waits for one (`api.http.route`), which answers why."""
TAKE_S: Final = 30.0
_TAKING: Final = object()
MOST: Final = 1000


class Waiting:
    """The connections that wait for their clients, longest first. Beyond `most` the longest makes room for a new one,
    so that who says nothing never keeps out who does."""

    def __init__(
        self, *, headers_s: float = HEADERS_S, body_s: float = BODY_S, take_s: float = TAKE_S, most: int = MOST
    ) -> None:
        self.headers_s = headers_s
        self.body_s = body_s
        self.take_s = take_s
        self._most = most
        self._protocols: dict[asyncio.Protocol, asyncio.Transport] = {}

    def __len__(self) -> int:
        return len(self._protocols)

    def add(self, protocol: asyncio.Protocol, transport: asyncio.Transport) -> None:
        """A connection waits."""
        self._protocols[protocol] = transport
        if len(self._protocols) > self._most:
            self._protocols.pop(next(iter(self._protocols))).abort()

    def discard(self, protocol: asyncio.Protocol) -> None:
        """It waits no more."""
        self._protocols.pop(protocol, None)


class Guarded(H11Protocol):
    """Closes a connection whose client takes too long: for a request's head, for its body, or to take our answer.

    Given to uvicorn as `http=partial(Guarded, waiting=Waiting())`.
    """

    def __init__(self, *args: Any, waiting: Waiting, **more: Any) -> None:
        super().__init__(*args, **more)
        self._waiting = waiting
        self._awaits: object = None
        self._end: asyncio.TimerHandle | None = None
        self._taken: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._look()

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop()
        self._stop_watching()

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_taking()
        self._look()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_watching()
        self._look()

    def _look(self) -> None:
        """What we wait for may have changed: a head, a body, our answer taken, or nothing, while we are at work."""
        their = self.conn.their_state
        awaits = _TAKING if self.flow.write_paused else their if their in {h11.IDLE, h11.SEND_BODY} else None
        if awaits is self._awaits:
            return
        self._stop()
        self._awaits = awaits
        if awaits is not None and not self.transport.is_closing():
            if awaits is not _TAKING:  # that may be slow (`_watch_taking`), while there is room
                wait_s = self._waiting.headers_s if awaits is h11.IDLE else self._waiting.body_s
                self._end = self.loop.call_later(wait_s, self.transport.abort)
            self._waiting.add(self, self.transport)

    def _stop(self) -> None:
        self._waiting.discard(self)
        if self._end is not None:
            self._end.cancel()

    def _watch_taking(self, left: int | None = None) -> None:
        """Some of an answer must have been taken since `left` bytes of it were left: slowly is not never."""
        now_left = self.transport.get_write_buffer_size()
        if left is not None and now_left >= left:
            self.transport.abort()
        else:
            self._taken = self.loop.call_later(self._waiting.take_s, self._watch_taking, now_left)

    def _stop_watching(self) -> None:
        if self._taken is not None:
            self._taken.cancel()

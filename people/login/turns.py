"""Turns at work that is slow on purpose: a few at a time, everybody's fair share, and an end to waiting."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from people.errors import BusyError


class Turns:
    """`parallel` at a time. Who waits does so in a lane, and lanes take turns: one that wants many waits for itself.

    Lanes of the first class come before all others. A lane holds `of_lane`, a class `waiting`, and nobody waits longer
    than `wait_s`: whoever is one too many, or waited for so long, gets BusyError.
    """

    def __init__(self, *, parallel: int, of_lane: int, waiting: int, wait_s: float) -> None:
        self._free = parallel
        self._of_lane = of_lane
        self._waiting = waiting
        self._wait_s = wait_s
        self._first: dict[Hashable, deque[asyncio.Future[None]]] = {}
        self._others: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, lane: Hashable, *, first: bool = False) -> AsyncIterator[None]:
        """One turn. Raises BusyError."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(lane, self._first if first else self._others)
        try:
            yield
        finally:
            self._next()

    async def _wait(self, lane: Hashable, lanes: dict[Hashable, deque[asyncio.Future[None]]]) -> None:
        queue = lanes.get(lane, deque())
        if len(queue) >= self._of_lane or sum(map(len, lanes.values())) >= self._waiting:
            raise BusyError
        lanes[lane] = queue
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(mine)
        try:
            async with asyncio.timeout(self._wait_s):
                await mine
        except BaseException as error:
            if mine.done() and not mine.cancelled():  # it came at the last moment: the next one's
                self._next()
            if isinstance(error, TimeoutError):
                raise BusyError from None
            raise

    def _next(self) -> None:
        for lanes in (self._first, self._others):
            while lanes:
                lane = next(iter(lanes))
                queue = lanes.pop(lane)
                turn = queue.popleft()
                if queue:
                    lanes[lane] = queue  # behind the others
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1

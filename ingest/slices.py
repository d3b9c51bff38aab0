"""Long work in pieces, so that a big batch of one lane doesn't keep the other and the sessions waiting."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Final, TypeVar

from wire.topics import Lane

T = TypeVar("T")

SLICE: Final = 25
"""Messages or devices handled in one go: one or two milliseconds. With 100 in one go, a fault took half as long again
to its ticket."""
PATIENCE_S: Final = 0.03
"""How long bulk makes way for live within one piece of work, in all: longer than a transaction of live takes if nothing
holds it up, and short beside a batch of bulk, which must go on though live never rests."""


class Pace:
    """Whose turn it is in this process. A live transaction has two turns of the event loop to wait for with each answer
    of the database, and bulk's pieces would fill each of them: so bulk begins none while one is under way."""

    def __init__(self) -> None:
        self._ahead = 0
        self._free = asyncio.Event()
        self._free.set()

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """A transaction that others make way for."""
        self._ahead += 1
        self._free.clear()
        try:
            yield
        finally:
            self._ahead -= 1
            if not self._ahead:
                self._free.set()

    async def slices(self, lane: Lane, things: Sequence[T]) -> AsyncIterator[Sequence[T]]:
        """``things`` in order, ``SLICE`` at a time; between them everybody else has their turn."""
        left = PATIENCE_S
        for first in range(0, len(things), SLICE):
            if first:
                await asyncio.sleep(0)
            if lane is Lane.BULK and left > 0 and not self._free.is_set():
                began = perf_counter()
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._free.wait()
                left -= perf_counter() - began
            yield things[first : first + SLICE]

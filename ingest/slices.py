"""Long work in pieces, so that a big batch of one lane doesn't keep the other and the sessions waiting."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

SLICE: Final = 25
"""Messages or devices handled in one go: one or two milliseconds. A live transaction has some ten turns to wait for
while bulk is busy: with 100 in one go, a fault took half as long again to its ticket."""


async def slices(things: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    """``things`` in order, ``SLICE`` at a time; between them everybody else has their turn."""
    for first in range(0, len(things), SLICE):
        if first:
            await asyncio.sleep(0)
        yield things[first : first + SLICE]

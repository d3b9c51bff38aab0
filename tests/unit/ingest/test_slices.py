import asyncio
from collections.abc import Callable

import pytest

from ingest import slices
from ingest.slices import SLICE, Pace
from wire.topics import Lane

THINGS = list(range(3 * SLICE))


def begun(pace: Pace, lane: Lane) -> tuple[asyncio.Task[None], Callable[[], int]]:
    """Somebody at work on ``THINGS``, and how many are done."""
    done: list[int] = []

    async def work() -> None:
        async for some in pace.slices(lane, THINGS):
            done.extend(some)

    return asyncio.create_task(work()), lambda: len(done)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_everybody_has_a_turn_between_two_pieces() -> None:
    task, done = begun(Pace(), Lane.BULK)
    for pieces in range(1, 4):
        await turns(1)
        assert done() == pieces * SLICE
    await task


async def test_bulk_begins_no_piece_while_a_live_transaction_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "PATIENCE_S", 3600.0)
    pace = Pace()
    task, done = begun(pace, Lane.BULK)
    await turns(1)
    with pace.ahead():
        await turns(20)
        assert done() == SLICE
        with pace.ahead():
            await turns(1)
        await turns(20)
        assert done() == SLICE, "another one is still under way"
    await task
    assert done() == len(THINGS)


async def test_bulk_goes_on_though_live_never_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "PATIENCE_S", 0.01)
    pace = Pace()
    with pace.ahead():
        task, done = begun(pace, Lane.BULK)
        await task
    assert done() == len(THINGS)


async def test_live_waits_for_no_other() -> None:
    pace = Pace()
    with pace.ahead():
        task, done = begun(pace, Lane.LIVE)
        await turns(4)
        assert task.done()
        assert done() == len(THINGS)

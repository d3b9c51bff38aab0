"""An outbox put back from an older copy reads its sources again: that travels as what may be stored already."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.port import Entry
from agent.clock import Moment
from agent.outbox.marks import Action, Asked, Reason
from agent.outbox.outbox import Outbox
from agent.outbox.states import Held
from wire.codec import decode_report, digest
from wire.commands import Ack
from wire.ids import mint_epoch
from wire.items import Fault, Item, Readings
from wire.topics import Lane


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    opened = Outbox(path=path)
    yield opened
    opened.close()


def fault(at: int) -> Fault:
    return Fault(at=at, code="E", state="event")


def put(outbox: Outbox, *items: Item, at: int) -> None:
    outbox.put(Entry(live=items), Moment(at=at, segment=0))


async def held(outbox: Outbox) -> list[tuple[bool, list[tuple[int, int]]]]:
    """(again, [(time, count) of each fault]) of each live report."""
    reports = await outbox.fetch(Lane.LIVE, seq=outbox.state.live.lowest, reports=64, size=10**6, alone=True)
    return [(r.again, [(f.at, f.count) for f in faults(r)]) for r in reports]


def faults(report: Held) -> list[Fault]:
    return [item for item in decode_report(report.body).items if isinstance(item, Fault)]


async def mark(outbox: Outbox) -> Ack:
    reports = await outbox.fetch(Lane.LIVE, seq=1, reports=64, size=10**6, alone=True)
    last = reports[-1]
    return Ack(lane=Lane.LIVE, epoch=outbox.state.epoch, seq=last.seq, digest=digest(last.body).hex(), now=0)


async def test_what_is_read_again_after_the_new_epoch_is_flagged_too(path: Path) -> None:
    """The answer to the birth may come before the log was read to its end."""
    outbox = Outbox(path=path)
    put(outbox, fault(10), at=11)
    outbox.close()
    shutil.copy(path, path.with_name("copy"))

    outbox = Outbox(path=path)
    put(outbox, fault(20), at=21)
    put(outbox, fault(30), at=31)
    ahead = await mark(outbox)
    outbox.close()

    shutil.copy(path.with_name("copy"), path)
    outbox = Outbox(path=path)
    put(outbox, fault(20), at=100)
    decision = await outbox.acknowledge(ahead, Asked.BIRTH, at=101)
    assert (decision.action, decision.reason) == (Action.NEW_EPOCH, Reason.BEYOND)
    put(outbox, fault(30), at=102)
    put(outbox, fault(101), at=103)
    assert [again for again, _ in await held(outbox)] == [True, True, True, False]
    outbox.close()


async def test_what_may_be_stored_is_not_folded(path: Path) -> None:
    """Until the server has answered, and after it said that it knows more: it could not take a fold apart."""
    outbox = Outbox(path=path)
    put(outbox, fault(1), at=2)
    outbox.close()
    outbox = Outbox(path=path)
    put(outbox, fault(10), fault(20), at=100)
    put(outbox, fault(30), at=101)
    put(outbox, fault(100), fault(102), at=103)
    assert [counts for _, counts in await held(outbox)] == [
        [(1, 1)], [(10, 1), (20, 1)], [(30, 1)], [(100, 2)]
    ]  # fmt: skip
    outbox.close()


async def test_a_server_that_agrees_lets_old_lines_fold_again(path: Path) -> None:
    outbox = Outbox(path=path)
    put(outbox, fault(1), at=2)
    ack = await mark(outbox)
    outbox.close()
    outbox = Outbox(path=path)
    assert (await outbox.acknowledge(ack, Asked.BIRTH, at=99)).action is Action.DELETE
    put(outbox, fault(10), fault(20), at=100)
    assert await held(outbox) == [(False, [(10, 2)])]
    outbox.close()


async def test_a_younger_outbox_doubts_all_that_is_older(outbox: Outbox) -> None:
    """The file was lost and the log is read from its beginning: the server may have it of the epoch it knew."""
    put(outbox, fault(10), fault(20), at=100)
    foreign = Ack(lane=Lane.LIVE, epoch=mint_epoch(), seq=7, digest="00" * 32, now=0)
    decision = await outbox.acknowledge(foreign, Asked.BIRTH, at=101)
    assert decision.reason is Reason.FOREIGN_UNCONFIRMED
    put(outbox, Readings(at=90, metric=["m"], value=[1.0], dt=[10]), at=102)
    put(outbox, Readings(at=103, metric=["m"], value=[1.0]), at=104)
    assert [again for again, _ in await held(outbox)] == [True, True, False]

import asyncio
import threading
from pathlib import Path

import pytest

from agent.adapters.port import Entry
from agent.clock import Moment, Offset, Segment, Step
from agent.errors import OutboxClosed, OutboxFull
from agent.outbox.outbox import Outbox, _Job
from agent.outbox.states import Limits
from agent.outbox.storage import Storage
from catalog.own_words import REFUSED
from tests.fixtures.outbox import NOW, fault, held, items, reading
from tests.fixtures.ports import wait_until
from wire.errors import WireErrorCode
from wire.items import ClockStep, Dropped, Fault, Heartbeat, Inventory, Readings, Reply, Skipped
from wire.topics import Lane


def test_delivery_1_what_was_put_is_there_after_a_restart(path: Path) -> None:
    first = Outbox(path=path)
    entry = Entry(live=[fault()], bulk=[reading(1.0)], seen=[b"s" * 16], positions={"log:x": b"7"})
    assert first.put(entry, NOW) == (True, [])
    key, epoch = first.key, first.state.epoch
    first.close()
    again = Outbox(path=path)
    try:
        assert (again.state.live.reports, again.state.bulk.reports) == (1, 1)
        assert (again.key, again.state.epoch, again.state.boot) == (key, epoch, 2)
        assert again.position("log:x") == b"7"
        assert again.position("log:y") is None
        assert again.put(entry, NOW) == (False, [])
        assert again.state.live.reports == 1
    finally:
        again.close()


def test_an_entry_with_anything_new_is_no_repeat(outbox: Outbox) -> None:
    outbox.put(Entry(live=[fault("A")], seen=[b"1"]), NOW)
    assert outbox.put(Entry(live=[fault("B")], seen=[b"1", b"2"]), NOW)[0]
    assert not outbox.put(Entry(live=[fault("C")], seen=[b"2", b"1"], positions={"p": b"9"}), NOW)[0]
    assert outbox.position("p") == b"9"


def test_a_position_may_come_alone(outbox: Outbox) -> None:
    assert outbox.put(Entry(positions={"p": b"1"}), NOW) == (True, [])
    assert (outbox.state.live.next, outbox.state.bulk.next) == (1, 1)


async def test_an_item_that_breaks_the_contract_is_left_out_and_told(outbox: Outbox) -> None:
    entered, broken = await outbox.aput(Entry(live=[fault("no code!"), fault("A")]), NOW)
    assert (entered, broken) == (True, [WireErrorCode.SCHEMA])
    assert await items(outbox, Lane.LIVE) == [fault("A")]


async def test_delivery_2_repeats_fold_until_they_are_handed_out(outbox: Outbox) -> None:
    for at in (1_000, 2_000, 3_000):
        await outbox.aput(Entry(live=[fault(at=at)]), NOW)
    found = await items(outbox, Lane.LIVE)
    assert found == [Fault(at=1_000, code="A", state="active", count=3, first=1_000, last=3_000)]
    await outbox.aput(Entry(live=[fault(at=4_000)]), NOW)
    assert await items(outbox, Lane.LIVE, 2) == [fault(at=4_000)]


def test_delivery_2_the_cap_is_on_distinct_live_items_and_refuses_the_whole_entry(path: Path) -> None:
    outbox = Outbox(path=path, limits=Limits(live_items=3))
    try:
        for code in "ABC":
            outbox.put(Entry(live=[fault(code)]), NOW)
        with pytest.raises(OutboxFull):
            outbox.put(Entry(live=[fault("D")], bulk=[reading(1.0)], seen=[b"d"], positions={"p": b"1"}), NOW)
        assert outbox.state.bulk.reports == 0
        assert outbox.position("p") is None
        assert outbox.put(Entry(live=[fault("B")]), NOW)[0]  # a repeat adds nothing
        assert outbox.put(Entry(bulk=[reading(1.0)]), NOW)[0]
        assert outbox.state.live.items == 3
        # What was refused is not known as seen: it comes again.
        with pytest.raises(OutboxFull):
            outbox.put(Entry(live=[fault("D")], seen=[b"d"]), NOW)
    finally:
        outbox.close()


async def test_delivery_2_bulk_is_bounded_in_bytes_and_what_was_dropped_is_told_once(path: Path) -> None:
    outbox = Outbox(path=path, limits=Limits(bulk_bytes=5_000))
    try:
        for number in range(10):
            await outbox.aput(Entry(bulk=[reading(float(number), 100)]), Moment(at=1_000 + number, segment=0))
        assert outbox.state.bulk.size <= 5_000
        left = await items(outbox, Lane.BULK)
        assert left == [reading(float(number), 100) for number in range(10 - len(left), 10)]
        dropped = 10 - len(left)
        assert outbox.state.dropped == dropped
        for _ in range(2):
            await outbox.heartbeat(NOW, uptime_s=5.0, refused=3, connected=True, segments=[])
        told = await items(outbox, Lane.LIVE)
        first, *rest = told
        assert isinstance(first, Dropped)
        assert (first.reports, first.first, first.last) == (dropped, 1_000, 1_000 + dropped - 1)
        beats = [item for item in rest if isinstance(item, Heartbeat)]
        assert [(beat.dropped, beat.refused, beat.live, beat.connected) for beat in beats] == [
            (dropped, 3, 0, True),
            (dropped, 6, 1, True),
        ]
        assert len(told) == 3
    finally:
        outbox.close()


async def test_a_new_epoch_renumbers_in_order_and_forgets_what_was_counted(outbox: Outbox) -> None:
    for number in range(5):
        await outbox.aput(Entry(live=[fault(f"C-{number}")]), NOW)
    epoch = outbox.state.epoch
    reports = await held(outbox, Lane.LIVE)
    await outbox._write(lambda book: book._delete(Lane.LIVE, 0, 2))
    await outbox._write(lambda book: book.new_epoch(5_000))
    again = await held(outbox, Lane.LIVE)
    assert [report.seq for report in again] == [1, 2, 3]
    assert [report.body for report in again] == [report.body for report in reports[2:]]
    assert all(report.again for report in again)
    assert outbox.state.epoch != epoch
    await outbox.aput(Entry(live=[fault("NEW", at=9_000)]), Moment(at=9_000, segment=0))
    assert [(report.seq, report.again) for report in await held(outbox, Lane.LIVE, 4)] == [(4, False)]


async def test_delivery_12_splitting_moves_what_follows_and_loses_nothing(outbox: Outbox) -> None:
    for number in range(3):
        await outbox.aput(Entry(bulk=[reading(float(number), 200)]), NOW)
    await outbox.split(Lane.BULK, 2, bound=1_000)
    reports = await held(outbox, Lane.BULK)
    assert [report.seq for report in reports] == list(range(1, len(reports) + 1))
    assert len(reports) > 4
    values = [value for item in await items(outbox, Lane.BULK) if isinstance(item, Readings) for value in item.value]
    assert values == [0.0] * 200 + [1.0] * 200 + [2.0] * 200
    assert all(len(report.body) <= 1_000 for report in reports[1:-1])
    await outbox.split(Lane.BULK, 99, bound=1_000)  # acknowledged meanwhile


async def test_delivery_12_what_is_refused_for_good_leaves_a_note_under_its_number(outbox: Outbox) -> None:
    for code in "ABC":
        await outbox.aput(Entry(live=[fault(code)]), NOW)
    await outbox.skip(Lane.LIVE, 2, reason=REFUSED)
    await outbox.skip(Lane.LIVE, 99, reason=REFUSED)
    found = await items(outbox, Lane.LIVE)
    assert [type(item) for item in found] == [Fault, Skipped, Fault]
    assert outbox.state.live.next == 4


async def test_reports_are_formed_within_the_brokers_bound(outbox: Outbox) -> None:
    await outbox.bound_reports(900)
    await outbox.aput(Entry(bulk=[reading(1.0, 300)]), NOW)
    assert all(len(report.body) <= 900 for report in await held(outbox, Lane.BULK))


async def test_fetching_stops_at_the_bounds_and_at_a_hole(outbox: Outbox) -> None:
    for number in range(6):
        await outbox.aput(Entry(bulk=[reading(float(number))]), NOW)
    size = outbox.state.bulk.size // 6

    async def numbers(*, seq: int, reports: int = 99, size: int = 10**6, alone: bool = False) -> list[int]:
        found = await outbox.fetch(Lane.BULK, seq=seq, reports=reports, size=size, alone=alone)
        return [report.seq for report in found]

    assert await numbers(seq=2, reports=3) == [2, 3, 4]
    assert await numbers(seq=1, size=2 * size) == [1, 2]
    assert await numbers(seq=1, size=size - 1) == []
    assert await numbers(seq=1, size=size - 1, alone=True) == [1]
    await outbox._write(lambda book: book._delete(Lane.BULK, 2, 4))
    assert await numbers(seq=1) == [1, 2]
    assert await numbers(seq=3) == [5, 6]


async def test_commands_are_claimed_once_and_answered_durably(path: Path) -> None:
    outbox = Outbox(path=path)
    day = 86_400_000
    assert await outbox.claim("c-12345678", expires=day, now=1)
    assert await outbox.claim("c-interrupted", expires=day, now=1)
    assert not await outbox.claim("c-12345678", expires=day, now=1)
    reply = Reply(at=5, command="c-12345678", status="done")
    await outbox.reply(reply, NOW)
    outbox.close()
    outbox = Outbox(path=path)
    try:
        assert not await outbox.claim("c-12345678", expires=day, now=2)
        assert await outbox.interrupted() == ["c-interrupted"]
        assert await items(outbox, Lane.LIVE) == [reply]
        assert not await outbox.claim("c-12345678", expires=day, now=8 * day)
        assert await outbox.claim("c-12345678", expires=day, now=8 * day + 1)  # expired long ago
    finally:
        outbox.close()


async def test_the_inventory_is_remembered_and_told_again(outbox: Outbox) -> None:
    await outbox.announce(NOW)
    assert outbox.state.bulk.reports == 0
    await outbox.aput(Entry(bulk=[Inventory(at=1, fields={"detector.id": "OLD", "device.serial": "S"})]), NOW)
    await outbox.aput(Entry(live=[Inventory(at=2, fields={"detector.id": "NEW"})]), NOW)
    await outbox.announce(NOW)
    assert (await items(outbox, Lane.BULK))[-1] == Inventory(
        at=NOW.at, fields={"detector.id": "NEW", "device.serial": "S"}
    )


async def test_delivery_16_a_step_of_the_clock_is_kept_and_told_with_what_comes_next(path: Path) -> None:
    segments = (
        Segment(number=0, base=5, machine="m", offset=Offset(ms=7.0, uncertainty=1.0)),
        Segment(number=1, base=9, machine="m", step=4),
    )
    moment = Moment(
        at=3, segment=1, steps=(Step(segment=0, step_ms=None), Step(segment=1, step_ms=4)), segments=segments
    )
    outbox = Outbox(path=path)
    await outbox.aput(Entry(live=[fault()]), moment)
    assert await items(outbox, Lane.LIVE) == [ClockStep(at=3, segment=1, step_ms=4), fault()]
    assert await outbox.oldest_segment() == 1
    outbox.close()
    outbox = Outbox(path=path)
    assert outbox.segments == list(segments)
    outbox.close()


def test_many_threads_share_a_commit(path: Path) -> None:
    commits = 0

    class Counting(Storage):
        def commit(self) -> None:
            nonlocal commits
            commits += 1
            super().commit()

    outbox = Outbox(path=path, storage=Counting)
    gate = occupied(outbox)
    threads = [
        threading.Thread(target=outbox.put, args=(Entry(live=[fault(f"C-{number}")]), NOW)) for number in range(40)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: outbox._jobs.qsize() == len(threads), what="forty puts")
    before = commits
    gate.set()
    for thread in threads:
        thread.join()
    assert commits - before <= 2
    assert outbox.state.live.reports == 40
    outbox.close()


def occupied(outbox: Outbox) -> threading.Event:
    """Keeps the writer busy until the event is set."""
    busy, free = threading.Event(), threading.Event()

    def work(_: object) -> None:
        busy.set()
        free.wait(10)

    outbox._enqueue(_Job(work, writes=False))
    busy.wait(10)
    return free


async def test_whoever_watches_is_told_after_each_commit(outbox: Outbox) -> None:
    seen: list[int] = []
    outbox.watch(lambda: seen.append(outbox.state.live.reports))
    await outbox.aput(Entry(live=[fault()]), NOW)
    await held(outbox, Lane.LIVE)
    assert seen == [1]


async def test_a_put_that_is_cancelled_in_time_is_not_entered(outbox: Outbox) -> None:
    gate = occupied(outbox)
    task = asyncio.create_task(outbox.aput(Entry(live=[fault()]), NOW))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.set()
    await outbox.aput(Entry(live=[fault("B")]), NOW)
    assert await items(outbox, Lane.LIVE) == [fault("B")]


def test_a_closed_outbox_takes_nothing(path: Path) -> None:
    outbox = Outbox(path=path)
    outbox.close()
    outbox.close()
    with pytest.raises(OutboxClosed):
        outbox.put(Entry(live=[fault()]), NOW)


async def test_a_job_that_fails_undoes_nothing_but_itself(outbox: Outbox) -> None:
    async def broken() -> None:
        def run(book: object) -> None:
            outbox._book.enter(Lane.LIVE, [fault("HALF")], NOW)
            raise LookupError("a defect")

        await outbox._write(run)

    results = await asyncio.gather(
        outbox.aput(Entry(live=[fault("A")]), NOW),
        broken(),
        outbox.aput(Entry(live=[fault("B")]), NOW),
        return_exceptions=True,
    )
    assert isinstance(results[1], LookupError)
    assert await items(outbox, Lane.LIVE) == [fault("A"), fault("B")]

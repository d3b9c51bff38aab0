"""The outbox on a disk that is really full: a small one of its own, of which somebody else takes every byte, again and
again (ADR 0017)."""

import asyncio
import contextlib
import resource
import sqlite3
import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.adapters.port import Entry
from agent.errors import OutboxError, OutboxFailed
from agent.outbox import book
from agent.outbox.marks import Action, Asked
from agent.outbox.outbox import Outbox
from agent.outbox.room import MB, reserve_of
from tests.fixtures.disk import SmallDisk
from tests.fixtures.full_disk import Former, Reserved, drained, entry, filled
from tests.fixtures.outbox import NOW, fault, items
from wire.commands import Ack
from wire.items import Dropped, Heartbeat
from wire.topics import Lane


async def drained_and_filled(outbox: Outbox, disk: SmallDisk) -> None:
    """The server takes everything, and more is put in, without a byte of the disk."""
    await drained(outbox, disk)
    await filled(outbox, 500)
    disk.fill()


async def until_full(outbox: Outbox, disk: SmallDisk, number: int, *, rows: int) -> int:
    """Put from ``number`` on until nothing is taken any more; the first number that wasn't."""
    while number < 20_000:
        try:
            await outbox.aput(entry(number, rows=rows), NOW)
        except OutboxFailed:
            break
        number += 1
        disk.fill()
    return number


async def told(outbox: Outbox) -> Dropped:
    await outbox.heartbeat(NOW, uptime_s=1.0, refused=0, connected=None, segments=[])
    newest = await items(outbox, Lane.LIVE, outbox.state.live.highest)
    return next(item for item in newest if isinstance(item, Dropped))


async def test_what_is_acknowledged_on_a_full_disk_is_deleted_and_room_is_used_again(
    disk: SmallDisk, path: Path
) -> None:
    outbox = Outbox(path=path, storage=Reserved)
    await filled(outbox, 2_000)
    disk.fill()
    with capture_logs() as logs:
        await drained_and_filled(outbox, disk)
        await drained(outbox, disk)
    assert outbox.state.dropped == 0
    assert [line["event"] for line in logs] == [
        "little room on the disk, older bulk makes way for newer",
        "no room on the disk, the outbox lives on its reserve",
    ]
    assert logs[1]["why"] == "No space left on device"
    outbox.close()


async def test_without_the_reserve_it_stands_still(disk: SmallDisk, path: Path) -> None:
    outbox = Outbox(path=path, storage=Former)
    await filled(outbox, 2_000)
    disk.fill()
    with pytest.raises(OutboxFailed):
        await drained_and_filled(outbox, disk)
    outbox.close()


async def test_bulk_makes_way_for_live_and_is_counted_until_only_live_is_left(
    disk: SmallDisk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Reserved, "WORKING", 256 * 1024)
    outbox = Outbox(path=path, storage=Reserved)
    await filled(outbox, 500)
    disk.fill()
    number = await until_full(outbox, disk, 500, rows=200)
    assert 500 < number < 20_000
    assert outbox.state.live.reports == number
    assert outbox.state.bulk.reports + outbox.state.dropped == number
    assert outbox.state.dropped > 0
    disk.make_room()
    with capture_logs() as logs:
        await outbox.aput(entry(number), NOW)  # by itself
    assert [line["event"] for line in logs] == ["there is room on the disk again"]
    assert reserve_of(path).whole
    dropped = outbox.state.dropped
    assert (await told(outbox)).reports == dropped
    outbox.close()
    sound = sqlite3.connect(path)
    assert sound.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    sound.close()


async def test_little_room_counts_like_the_cap_on_bulk(
    disk: SmallDisk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "BULK_LEAST", 50_000)
    outbox = Outbox(path=path, storage=Reserved)
    await filled(outbox, 200)
    size = outbox.state.bulk.size
    assert size > 50_000
    disk.fill(leave=10 * MB)
    with capture_logs() as logs:
        for number in range(200, 700):
            await outbox.aput(entry(number), NOW)
        assert outbox.state.bulk.size <= size
        assert outbox.state.live.reports == 700
        assert outbox.state.dropped == 700 - outbox.state.bulk.reports > 400
        disk.fill(leave=13 * MB)  # it hovers
        await outbox.aput(entry(700), NOW)
        disk.fill(leave=11 * MB)
        await outbox.aput(entry(701), NOW)
    assert [line["event"] for line in logs] == ["little room on the disk, older bulk makes way for newer"]
    disk.make_room()
    for number in range(702, 1_400):
        await outbox.aput(entry(number), NOW)
    assert outbox.state.bulk.size > 2 * size
    outbox.close()


async def test_with_little_room_what_is_there_is_used_to_a_margin(disk: SmallDisk, path: Path) -> None:
    """A disk with some MB left takes live as ever, and its last MB are left to others."""
    outbox = Outbox(path=path, storage=Reserved)
    disk.fill(leave=11 * MB)
    await outbox.aput(Entry(live=[fault(f"C-{n}") for n in range(8_000)]), NOW)
    assert outbox.state.live.items == 8_000
    assert disk.free < 11 * MB
    outbox.close()


async def test_others_that_take_every_byte_at_once_do_not_stop_it(disk: SmallDisk, path: Path) -> None:
    outbox = Outbox(path=path, storage=Reserved)
    await filled(outbox, 100)
    stop = threading.Event()

    def others() -> None:
        while not stop.wait(0.01):
            disk.fill()

    disk.fill()
    thread = threading.Thread(target=others)
    thread.start()
    try:
        for number in range(100, 4_000):
            await outbox.aput(entry(number), NOW)
        await drained(outbox, disk)
    finally:
        stop.set()
        thread.join()
    assert outbox.state.dropped > 0
    assert reserve_of(path).held > 0
    outbox.close()


async def test_a_disk_with_little_room_is_not_filled_by_the_reserve(disk: SmallDisk, path: Path) -> None:
    disk.fill(leave=20 * MB)
    outbox = Outbox(path=path, storage=Reserved)
    with capture_logs() as logs:
        await filled(outbox, 500)
    assert logs == []
    assert reserve_of(path).held == 0
    outbox.close()
    assert disk.free > 8 * MB


async def test_two_outboxes_share_a_full_disk(disk: SmallDisk, path: Path) -> None:
    both = [Outbox(path=path.with_name(f"{name}.outbox"), storage=Reserved) for name in "ab"]
    for outbox in both:
        await filled(outbox, 1_000)
    disk.fill()
    for outbox in both:
        await drained(outbox, disk)
    for outbox in both:
        await filled(outbox, 200)
        outbox.close()


async def test_a_new_epoch_begins_on_a_full_disk(disk: SmallDisk, path: Path) -> None:
    outbox = Outbox(path=path, storage=Reserved)
    await asyncio.gather(*(outbox.aput(entry(number, rows=1), NOW) for number in range(6_000)))
    epoch = outbox.state.epoch
    disk.fill()
    beyond = Ack(lane=Lane.LIVE, epoch=epoch, seq=10**6, digest="0" * 32, now=0)
    assert (await outbox.acknowledge(beyond, Asked.BIRTH, 0)).action is Action.NEW_EPOCH
    assert outbox.state.epoch != epoch
    disk.fill()
    await drained(outbox, disk)
    outbox.close()


async def test_a_disk_that_fails_for_a_while_takes_nothing_and_goes_on_by_itself(path: Path) -> None:
    """Writing beyond the bound of this process's files is an I/O error to SQLite, as EDQUOT and EIO are."""
    outbox = Outbox(path=path, storage=Reserved)
    await filled(outbox, 50)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    kept = 50
    try:
        with contextlib.suppress(OutboxFailed):
            while kept < 1_000:
                await outbox.aput(entry(kept), NOW)
                kept += 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert 50 < kept < 1_000
    await outbox.aput(entry(kept), NOW)
    assert outbox.state.live.reports == kept + 1
    assert not outbox.damaged
    outbox.close()


def test_the_reserve_is_real_room_and_goes_with_the_full_disk(disk: SmallDisk, path: Path) -> None:
    outbox = Outbox(path=path, storage=Reserved)
    kept = reserve_of(path)
    assert kept.path.stat().st_blocks * 512 >= kept.size
    disk.fill()
    for number in range(5_000):
        try:
            outbox.put(entry(number), NOW)
        except OutboxError:
            break
    assert 0 < kept.held < kept.size
    disk.make_room()
    outbox.put(entry(9_999), NOW)
    assert kept.whole
    outbox.close()
    assert sorted(file.name for file in disk.folder.iterdir()) == ["d.outbox", "d.outbox.reserve"]


def test_heartbeats_are_kept_on_a_full_disk(disk: SmallDisk, path: Path) -> None:
    outbox = Outbox(path=path, storage=Reserved)
    disk.fill()
    asyncio.run(outbox.heartbeat(NOW, uptime_s=1.0, refused=0, connected=None, segments=[]))
    assert isinstance(asyncio.run(items(outbox, Lane.LIVE))[0], Heartbeat)
    outbox.close()

"""When the judge looks at a device though nothing arrived, and when a look that failed comes again."""

from structlog.testing import capture_logs

from ingest.judge import TICK_MOST_MS
from tests.unit.ingest.judged import Court
from wire.topics import Lane


async def test_a_device_is_looked_at_when_its_time_comes_and_not_before() -> None:
    court = Court.open()
    memory = court.device()
    uid, of = memory.device.uid, memory.device.partition
    court.engine.next = {1: 100, 2: 100, 3: 50, 4: 500}
    for code, clock, due in (("A", 99, []), ("A", 100, [uid]), ("A", 50, [uid]), ("A", 499, [])):
        await court.hear((memory, code))
        court.judge.after()
        assert court.judge.due(of, clock, 10) == due, code
    assert court.judge.due(of + 1, 10**9, 10) == []
    assert court.judge.due(of, 500, 10) == [uid]
    assert court.judge.due(of, 500, 10) == [], "once"


async def test_who_was_heard_meanwhile_is_put_off_to_the_new_time() -> None:
    court = Court.open()
    memory = court.device()
    court.engine.next = {0: 100, 1: 300}
    court.judge.watch(memory)
    memory.state = 1
    assert court.judge.due(memory.device.partition, 299, 10) == []
    assert court.judge.due(memory.device.partition, 300, 10) == [memory.device.uid]
    court.judge.watch(memory)
    court.engine.next = {}
    assert court.judge.due(memory.device.partition, 300, 10) == [], "nothing is due of it any more"


async def test_so_many_and_no_more_at_once_the_first_due_first() -> None:
    court = Court.open()
    of = (first := court.device()).device.partition
    second, third = (court.device(lambda partition: partition == of) for _ in range(2))
    court.engine.next = {0: 30, 1: 10, 2: 20}
    first.state, second.state, third.state = 0, 1, 2
    for memory in (first, second, third):
        court.judge.watch(memory)
    assert court.judge.due(of, 30, 2) == [second.device.uid, third.device.uid]
    assert court.judge.due(of, 30, 2) == [first.device.uid]


async def test_a_device_forgotten_with_a_transaction_that_failed_is_loaded_again() -> None:
    court = Court.open()
    memory = court.device()
    court.engine.next = {0: 10}
    court.judge.watch(memory)
    court.devices.here.clear()
    assert court.judge.due(memory.device.partition, 10, 10) == [memory.device.uid]


async def test_only_what_changed_or_is_not_queued_is_asked_and_bulk_has_no_time() -> None:
    for lane, due in ((Lane.LIVE, True), (Lane.BULK, False)):
        court = Court.open(lane)
        memory = court.device()
        court.engine.next = {0: 100, 1: 100, 2: 10, 3: 10}
        for codes in ("A", "A"):
            await court.hear((memory, codes))
            court.judge.after()
        # Its state can wait, so that it is still queued as it was: it is asked when that time comes.
        assert court.judge.due(memory.device.partition, 10, 10) == []
        await court.hear((memory, "A"))
        court.judge.after()
        court.judge.after()
        assert court.judge.due(memory.device.partition, 10, 10) == [memory.device.uid] * due


async def test_a_tick_that_fails_comes_again_ever_more_seldom_until_it_works() -> None:
    court = Court.open()
    memory = court.device()
    uid, of = memory.device.uid, memory.device.partition
    court.engine.next, court.engine.ticks = {0: 0}, {1}
    court.probed.ms = 1_000
    pauses: list[int] = []
    for _ in range(8):
        with capture_logs() as logs:
            await court.hear(ticks=[uid])
            court.judge.after()
        assert [line["event"] for line in logs] == ["tick_failed"] * (not pauses), "said once"
        assert court.judge.failing(uid)
        court.judge.watch(memory)
        assert court.judge.due(of, court.probed.ms, 10) == [], "its own time doesn't count meanwhile"
        began = court.probed.ms
        while court.judge.due(of, court.probed.ms, 10) != [uid]:
            court.probed.ms += 500
        pauses.append(court.probed.ms - began)
    assert pauses == [2_000, 4_000, 8_000, 16_000, 32_000, *[TICK_MOST_MS] * 3]
    court.engine.ticks = set()
    await court.hear(ticks=[uid])
    court.judge.after()
    assert not court.judge.failing(uid)
    assert court.judge.due(of, court.probed.ms, 10) == [uid], "its own time counts again"


async def test_a_device_that_is_heard_before_its_tick_is_tried_again_is_watched_as_before() -> None:
    court = Court.open()
    memory = court.device()
    court.engine.next, court.engine.ticks = {0: 0, 1: 50}, {1}
    await court.hear(ticks=[memory.device.uid])
    with capture_logs() as logs:
        await court.hear((memory, "A"))
        court.judge.after()
    assert [line["event"] for line in logs] == ["tick_works_again"]
    assert court.judge.due(memory.device.partition, 50, 10) == [memory.device.uid]


async def test_what_was_forgotten_meanwhile_is_watched_no_more() -> None:
    court = Court.open()
    memory = court.device()
    court.engine.next = {1: 50}
    await court.hear((memory, "A"))
    court.devices.here.clear()
    court.judge.after()
    assert court.judge.due(memory.device.partition, 50, 10) == []


async def test_a_failing_tick_takes_no_other_along() -> None:
    court = Court.open()
    bad, good = court.device(), court.device()
    court.engine.ticks = {1}
    await court.hear((good, "A"), ticks=[bad.device.uid])
    assert court.seen == [(2, "A")]
    assert (court.judge.failing(bad.device.uid), court.judge.failing(good.device.uid)) == (True, False)
    assert "write_to_judge" not in court.lines.names, "time is not set aside: it comes again"


async def test_of_a_partition_that_is_anothers_nothing_is_due() -> None:
    court = Court.open()
    gone = court.device()
    kept = court.device(lambda partition: partition != gone.device.partition)
    court.engine.next = {0: 10}
    for memory in (gone, kept):
        court.judge.watch(memory)
    failed = court.device(lambda partition: partition == gone.device.partition)
    court.judge.put_off([failed.device.uid])
    court.judge.forget_partitions({gone.device.partition})
    assert not court.judge.failing(failed.device.uid)
    assert court.judge.due(gone.device.partition, 10**12, 10) == []
    assert court.judge.due(kept.device.partition, 10, 10) == [kept.device.uid]
    court.judge.watch(gone)
    assert court.judge.due(gone.device.partition, 10, 10) == [gone.device.uid], "it may come back"

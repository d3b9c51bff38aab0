"""What can't be judged is set aside, tried again fairly, given up visibly; what follows is judged (delivery 13)."""

from functools import partial
from hashlib import sha256
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg import AsyncConnection
from structlog.testing import capture_logs

from ingest import judge, later
from ingest.later import unpack
from ingest.ports import Applied, Batch, Device, HandOver, Now, Presence
from ingest.service import Ingest
from ingest.transact import write_rest
from ingest.writer import LaneWriter
from tests.integration.ingest.harness import Bench, Client, Counted, CountingEngine, until, wall_ms
from wire.ids import DeviceId, partition_of
from wire.items import Fault, Inventory, Readings, StateChange
from wire.report import Report
from wire.topics import Lane

_WAITS = (
    "INSERT INTO to_judge (device_id, lane, at, error, facts) SELECT id, 0, now(), '', %s FROM device WHERE uid = %s"
)
_FAULTS = "SELECT message FROM alert_event WHERE event = 'FaultSeen' ORDER BY id"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tries of a minute within half a second."""
    monkeypatch.setattr(later, "FIRST_MS", 2)


def fault(code: str) -> Fault:
    return Fault(at=wall_ms(), code=code, state="active")


def _of(ingest: Ingest[Counted], uid: DeviceId) -> LaneWriter[Counted]:
    return ingest.writers[Lane.LIVE, partition_of(uid) % 2]


def with_code(code: str, error: Exception) -> Any:
    """A failure of each batch in which a fault of this code is judged."""

    def fail(batch: Batch) -> Exception | None:
        items = [i for w in batch.works for a in w.applied for i in a.report.items]
        return error if any(isinstance(i, Fault) and i.code == code for i in items) else None

    return fail


@pytest.mark.usefixtures("hasty")
async def test_what_can_never_be_judged_is_given_up_and_what_follows_is_judged(bench: Bench) -> None:
    uid = bench.device()
    bench.recorder.fail = with_code("BAD", ZeroDivisionError())
    with capture_logs() as lines:
        async with bench.ingest() as ingest, Client(bench=bench, uid=uid) as device:
            await device.send(1, fault("BAD"))
            await device.send(2, fault("GOOD"))
            await until(lambda: bench.sql(_FAULTS) == [("GOOD 1",)])
            await until(lambda: bench.sql("SELECT count(*) FROM to_judge") == [(0,)])
            live = _of(ingest, uid)
            memory = live.memory.get(uid)
            assert memory is not None
            assert memory.presence.unjudged_ms, "the engine is told"
            await device.send(3, fault("NEXT"))
            await until(lambda: bench.sql(_FAULTS) == [("GOOD 1",), ("NEXT 2",)])
    letters = bench.sql("SELECT code, place, detail, epoch, seq, lane FROM dead_letter")
    assert letters == [("unjudged", "to_judge", "ZeroDivisionError", device.epoch, 1, 0)]
    said = [line["event"] for line in lines if line["log_level"] in ("error", "warning")]
    assert said == ["device_not_judged", "report_given_up"], "one line for each change, not one a try"


@pytest.mark.usefixtures("hasty")
async def test_a_device_that_sends_more_of_the_kind_is_not_mute_for_the_time_of_all_tries(bench: Bench) -> None:
    uid = bench.device()
    bench.recorder.fail = with_code("BAD", ZeroDivisionError())
    tries: list[int] = []
    of_bad = bench.recorder.fail

    def counted(batch: Batch) -> Exception | None:
        error = of_bad(batch)
        if error is not None:
            tries.append(1)
        return error

    bench.recorder.fail = counted
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        await device.send(1, fault("BAD"))
        await until(lambda: bench.sql("SELECT count(*) FROM dead_letter") == [(1,)])
        first = len(tries)
        await device.send(2, fault("BAD"))
        await device.send(3, fault("GOOD"))
        await until(lambda: bench.sql(_FAULTS) == [("GOOD 1",)])
    assert first - 2 == later.TRIES, "together, alone, and then its tries"
    assert len(tries) - first - 2 <= later.TRIES_THEN


async def test_devices_whose_reports_wait_take_no_turn_of_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """More devices than one transaction takes up fail for ever; the one behind them is judged once it can be."""
    monkeypatch.setattr(later, "DEVICES", 2)
    monkeypatch.setattr(later, "FIRST_MS", 20)
    monkeypatch.setattr(later, "TRIES", 1_000)
    stuck = [bench.device() for _ in range(6)]
    well = bench.device()  # of the highest id
    broken = {well}
    bench.recorder.fail = lambda batch: (
        ZeroDivisionError() if any(w.device.uid in {*stuck, *broken} and w.applied for w in batch.works) else None
    )
    async with bench.ingest():
        for uid in [*stuck, well]:
            async with Client(bench=bench, uid=uid) as device:
                await device.send(1, fault("E"))
                await device.acked(1)
        assert bench.sql("SELECT count(*) FROM to_judge") == [(7,)]
        broken.clear()
        await until(lambda: bench.sql(_FAULTS) == [("E 1",)])
        assert bench.sql("SELECT count(*) FROM to_judge") == [(6,)]


async def test_what_waits_is_taken_up_by_the_next_owner_in_both_lanes(bench: Bench) -> None:
    """Though nothing of the device comes any more: a bulk device isn't even loaded."""
    uid = bench.device()
    bench.recorder.fail = lambda batch: ZeroDivisionError() if any(w.applied for w in batch.works) else None
    async with bench.ingest(name="first"), Client(bench=bench, uid=uid) as device:
        for lane in Lane:
            await device.send(1, fault(lane.value), lane=lane)
            await device.acked(1, lane=lane)
    assert bench.sql("SELECT count(*) FROM to_judge") == [(2,)]
    bench.recorder.fail = lambda batch: None
    async with bench.ingest(name="second"):
        await until(lambda: bench.sql("SELECT count(*) FROM to_judge") == [(0,)])
    assert sorted(bench.sql(_FAULTS)) == [("bulk 1",), ("live 1",)]


@pytest.mark.parametrize("facts", [b"\xc1", b"\x80", b"\x93\x01\x02\x03"])
async def test_facts_that_cannot_be_read_any_more_are_given_up_at_once(bench: Bench, facts: bytes) -> None:
    """Written by another version."""
    uid = bench.device()
    bench.sql(
        _WAITS,
        facts,
        uid,
    )
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        await device.send(1, fault("E"))
        await until(lambda: bench.sql(_FAULTS) == [("E 1",)])
    found = bench.sql("SELECT code, digest, seq FROM dead_letter")
    assert found == [("unjudged", sha256(facts).digest(), None)]
    assert bench.sql("SELECT count(*) FROM to_judge") == [(0,)]


async def test_facts_of_the_former_version_are_read(bench: Bench) -> None:
    uid = bench.device()
    applied = Applied(
        report=Report(at=1, items=[fault("OLD")]), numbers=None, received_ms=1, offset_ms=0, caught_up=True
    )
    packed = msgspec.to_builtins(applied)
    del packed["gap"]
    bench.sql(
        _WAITS,
        msgspec.msgpack.encode(packed),
        uid,
    )
    async with bench.ingest():
        await until(lambda: bench.sql(_FAULTS) == [("OLD 1",)])
    assert bench.sql("SELECT count(*) FROM dead_letter") == [(0,)]


async def test_the_rows_of_one_device_are_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(later, "MOST", 5)
    uid = bench.device()
    bench.recorder.fail = lambda batch: ZeroDivisionError() if any(w.applied for w in batch.works) else None
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        for seq in range(1, 21):
            await device.send(seq, fault(f"E{seq}"))
        await device.acked(20)
        assert bench.sql("SELECT count(*) <= 6 FROM to_judge") == [(True,)]
        ((first, given_up),) = bench.sql("SELECT seq, count FROM dead_letter")
        assert first == 1, "the oldest"
        assert given_up >= 14
        left = [unpack(facts).numbers for (facts,) in bench.sql("SELECT facts FROM to_judge ORDER BY id")]
        assert [numbers.seq for numbers in left if numbers] == list(range(given_up + 1, 21))


SQL_ERRORS: list[type[psycopg.Error]] = [
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.DataCorrupted,
    psycopg.errors.UniqueViolation,
    psycopg.errors.NumericValueOutOfRange,
]


@pytest.mark.parametrize("error", SQL_ERRORS)
async def test_an_error_of_the_database_in_one_devices_stage_is_that_devices(
    bench: Bench, error: type[psycopg.Error]
) -> None:
    """While the connection lives: a row that others lock, an index entry that is too long, a slow query."""
    bad, well = bench.device(), bench.device()
    bench.recorder.fail = lambda batch: (
        error("x") if any(w.device.uid == bad and w.applied for w in batch.works) else None
    )
    async with bench.ingest(), Client(bench=bench, uid=bad) as one, Client(bench=bench, uid=well) as two:
        await one.send(1, fault("B"))
        await one.acked(1)
        await two.send(1, fault("W"))
        await two.acked(1)
        assert bench.sql(_FAULTS) == [("W 1",)]
        bench.recorder.fail = lambda batch: None
        await until(lambda: bench.sql(_FAULTS) == [("W 1",), ("B 1",)])


async def test_a_full_disk_is_everybodys_and_waited_for(bench: Bench) -> None:
    uid = bench.device()
    bench.recorder.fail = lambda batch: psycopg.errors.DiskFull("x") if any(w.applied for w in batch.works) else None
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        await device.send(1, fault("E"))
        with capture_logs() as lines:
            await until(lambda: [line for line in lines if line["event"] == "transaction_failed"])
        bench.recorder.fail = lambda batch: None
        await device.acked(1)
        assert bench.sql(_FAULTS) == [("E 1",)]
        assert bench.sql("SELECT count(*) FROM to_judge") == [(0,)]


async def test_a_tick_that_fails_is_said_put_off_and_never_lost(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "TICK_FIRST_MS", 1)
    uid = bench.device()
    failed: list[int] = []

    def fail(batch: Batch) -> Exception | None:
        if any(w.device.uid == uid and not w.applied for w in batch.works):
            failed.append(1)
            return ZeroDivisionError()
        return None

    bench.recorder.fail = fail
    silent = "SELECT count(*) FROM alert_event WHERE event = 'SilenceBegan'"
    with capture_logs() as lines:
        async with bench.ingest(), Client(bench=bench, uid=uid) as device:
            await device.send(1, Readings(at=wall_ms(), metric=["a"], value=[1]))
            await until(lambda: len(failed) >= 3)
            assert bench.sql(silent) == [(0,)]
            bench.recorder.fail = lambda batch: None
            await until(lambda: bench.sql(silent) == [(1,)])
    said = [line["event"] for line in lines if line["event"].startswith("tick_")]
    assert said == ["tick_failed", "tick_works_again"]


async def test_a_poisoned_report_takes_no_tick_with_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch that the database refuses also held the look at a silent device."""
    quiet, loud = bench.device(), bench.device()
    async with bench.ingest() as ingest, Client(bench=bench, uid=quiet) as one, Client(bench=bench, uid=loud) as two:
        await one.send(1, Readings(at=wall_ms(), metric=["a"], value=[1]))
        await one.acked(1)
        for of in ingest.writers.values():
            # Each tick of the quiet device meets a report that is refused.
            monkeypatch.setattr(of, "tick", lambda uids, tick=of.tick, of=of: (tick(uids), of._wake.clear()))
        silent = "SELECT count(*) FROM alert_event WHERE event = 'SilenceBegan' AND device_id = %s"
        (id_,) = bench.sql("SELECT id FROM device WHERE uid = %s", quiet)[0]
        for seq in range(1, 60):
            await two.send(seq, StateChange(at=253_402_300_799_999, name="mode", value="x"), offset_ms=10**12)
            await two.acked(seq)
            if bench.sql(silent, id_) == [(1,)]:
                break
        await until(lambda: bench.sql(silent, id_) == [(1,)])


class HandsOver(CountingEngine):
    """In bulk, faults belong to the live lane."""

    def step(
        self, device: Device, lane: Lane, state: Counted, presence: Presence, applied: Any, now: Now
    ) -> tuple[Counted, list[Any]]:
        if lane is Lane.BULK:
            return state, [HandOver(applied=one) for one in applied]
        return super().step(device, lane, state, presence, applied, now)


async def test_what_bulk_hands_over_the_live_lane_judges_in_order_once_and_at_once(bench: Bench) -> None:
    uid = bench.device()
    async with bench.ingest(engine=HandsOver()), Client(bench=bench, uid=uid) as device:
        for seq in range(1, 31):
            await device.send(seq, fault(f"E{seq}"), lane=Lane.BULK)
        await device.acked(30, lane=Lane.BULK)
        await until(lambda: bench.sql("SELECT count(*) FROM to_judge") == [(0,)], seconds=2)
        assert bench.sql(_FAULTS) == [(f"E{n} {n}",) for n in range(1, 31)]
        assert bench.sql("SELECT lane FROM device_state WHERE engine = '30 0'") == [(0,)]


async def test_what_was_handed_over_before_a_kill_is_judged_by_the_next_owner(bench: Bench) -> None:
    """In the bulk's transaction: either both or none."""
    uid = bench.device()
    bench.recorder.fail = lambda batch: (
        ZeroDivisionError() if batch.lane is Lane.LIVE and any(w.applied for w in batch.works) else None
    )
    async with bench.ingest(engine=HandsOver()), Client(bench=bench, uid=uid) as device:
        await device.send(1, fault("E"), lane=Lane.BULK)
        await device.acked(1, lane=Lane.BULK)
    bench.recorder.fail = lambda batch: None
    async with bench.ingest(engine=HandsOver()):
        await until(lambda: bench.sql(_FAULTS) == [("E 1",)])


@pytest.mark.usefixtures("hasty")
async def test_what_bulk_gives_up_the_live_lane_is_told(bench: Bench) -> None:
    uid = bench.device()
    bench.recorder.fail = lambda batch: (
        ZeroDivisionError() if batch.lane is Lane.BULK and any(w.applied for w in batch.works) else None
    )
    async with bench.ingest() as ingest, Client(bench=bench, uid=uid) as device:
        await device.send(1, fault("E"), lane=Lane.BULK)
        live = _of(ingest, uid)
        await until(lambda: (m := live.memory.get(uid)) is not None and m.presence.unjudged_ms)
        assert bench.sql("SELECT code, lane FROM dead_letter") == [("unjudged", 1)]
        await until(lambda: bench.sql("SELECT count(*) FROM to_judge") == [(0,)])


async def test_a_state_that_cannot_be_read_goes_on_with_the_open_alerts(bench: Bench) -> None:
    uid = bench.device()
    async with Client(bench=bench, uid=uid) as device:
        async with bench.ingest():
            await device.send(1, fault("E"))
            await device.acked(1)
        alert = (
            "INSERT INTO alert (dealer_id, id, device_id, org_id, lane, rule, kind, subject, family,"
            " severity, condition,"
            " occurred_at, learned_at, changed_at, message)"
            " SELECT 1, gen_random_uuid(), id, org_id, 0, %s, 'fault', '', '', 'major', %s, now(), now(), now(), ''"
            " FROM device"
        )
        for rule, condition in (("a", "active"), ("b", "no-data"), ("c", "ok")):
            bench.sql(alert, rule, condition)
        for lost in (
            "UPDATE device_state SET engine = 'from the future', latest = '\\xc1'",
            "DELETE FROM device_state",
        ):
            bench.sql(lost)
            with capture_logs() as lines:
                async with bench.ingest() as ingest:
                    memory = await until(partial(_of(ingest, uid).memory.get, uid))
                    assert memory.state.faults == 2
            assert [line["open_alerts"] for line in lines if line["event"] == "state_adopted"] == [2]
            assert bench.sql("SELECT convert_from(engine, 'UTF8') FROM device_state WHERE lane = 0") in (
                [("2 0",)],
                [("2 1",)],
            )


async def test_a_device_row_that_somebody_holds_keeps_only_that_device(bench: Bench) -> None:
    """What its equipment says of itself goes onto it: an operator's open transaction must not stop the lane."""
    held, well = bench.device(), bench.device()
    async with bench.ingest(), Client(bench=bench, uid=held) as one, Client(bench=bench, uid=well) as two:
        with psycopg.connect(bench.database.superuser) as connection:
            connection.execute("UPDATE device SET department = 'x' WHERE uid = %s", (held,))
            await one.send(1, Inventory(at=wall_ms(), fields={"device.serial": "S1"}))
            await one.acked(1, seconds=20)
            await two.send(1, fault("W"))
            await two.acked(1, seconds=5)
            connection.rollback()
        await until(lambda: bench.sql("SELECT serial FROM device WHERE uid = %s", held) == [("S1",)])


async def test_what_not_even_a_letter_can_be_made_of_hurts_only_its_device(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, well = bench.device(), bench.device()
    write = write_rest

    async def refused(connection: AsyncConnection[Any], lane: Lane, admitted: Any, *rest: Any) -> None:
        if any(letter.uid == bad for letter in admitted.letters):
            await connection.execute("SELECT 1 / 0")  # its answer comes with that of a later statement
        await write(connection, lane, admitted, *rest)

    monkeypatch.setattr("ingest.writer.write_rest", refused)
    async with bench.ingest(), Client(bench=bench, uid=bad) as one, Client(bench=bench, uid=well) as two:
        with capture_logs() as lines:
            await one.send(1, body=b"\x00{")
            await until(lambda: [line for line in lines if line["event"] == "message_left"])
        await two.send(1, fault("W"))
        await two.acked(1)
        monkeypatch.setattr("ingest.writer.write_rest", write)
        await one.send(1, body=b"\x00{")
        await one.acked(1)
    assert bench.sql("SELECT seq, code FROM dead_letter") == [(1, "syntax")]

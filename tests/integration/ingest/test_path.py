"""The way of a report through ingest, on a real broker and a real database; `test_rule_N` holds delivery N."""

from typing import Any

import pytest

from ingest.writer import LaneWriter
from tests.integration.ingest.harness import Bench, Client, until, wall_ms
from wire.codec import digest, encode_report
from wire.ids import mint_epoch
from wire.items import Fault, Readings, StateChange
from wire.limits import MAX_BODY
from wire.report import Report
from wire.topics import Lane, up

_SEEN = "SELECT message FROM alert_event WHERE event = 'FaultSeen' ORDER BY id"


def _fault(code: str) -> Fault:
    return Fault(at=wall_ms(), code=code, state="active")


async def test_readings_are_stored_and_acknowledged(each_bench: Bench) -> None:
    """A report's readings are rows, its mark is committed, and the acknowledgement carries seq and digest."""
    bench = each_bench
    uid = bench.device()
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        now = wall_ms()
        body = await device.send(1, Readings(at=now, metric=["a", "b"], value=[1.5, 2.5], unit=["kV", "1"]))
        ack = await device.acked(1)
        assert (ack.seq, ack.digest, ack.epoch) == (1, digest(body).hex(), device.epoch)
        assert ack.echo is not None
        rows = bench.sql(
            "SELECT m.name, m.unit, r.value, extract(epoch FROM r.ts) * 1000 FROM reading r"
            " JOIN metric m ON m.id = r.metric_id ORDER BY m.name"
        )
        assert [(n, u, v, int(t)) for n, u, v, t in rows] == [("a", "kV", 1.5, now), ("b", "1", 2.5, now)]


async def test_rule_5_duplicates_are_skipped_and_what_lies_beyond_is_sent_back(bench: Bench) -> None:
    """Below the mark: skipped, acknowledged again. Beyond the next: not stored, one "go back to"."""
    uid = bench.device()
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        now = wall_ms()
        await device.send(1, Readings(at=now, metric=["a"], value=[1]))
        await device.send(1, Readings(at=now, metric=["a"], value=[1]))
        await device.send(3, Readings(at=now, metric=["a"], value=[3]))
        back = await until(lambda: next((a for a in device.acks if a.back is not None), None))
        assert (back.back, back.seq) == (2, 1)
        await device.send(2, Readings(at=now, metric=["a"], value=[2]))
        await device.send(3, Readings(at=now, metric=["a"], value=[3]))
        await device.acked(3)
        assert bench.sql("SELECT value FROM reading ORDER BY value") == [(1.0,), (2.0,), (3.0,)]


async def test_rule_10_a_fault_is_acknowledged_at_once_and_a_birth_with_the_marks(bench: Bench) -> None:
    """A birth is answered for both lanes; a fault's effect is there with its acknowledgement."""
    uid = bench.device()
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        await device.birth()
        hello = await until(lambda: [a for a in device.acks if a.hello] if len(device.acks) >= 2 else [])
        assert {(a.lane.value, a.epoch, a.seq) for a in hello} == {("live", "", 0), ("bulk", "", 0)}
        await device.send(1, Fault(at=wall_ms(), code="E1", state="active"))
        await device.acked(1)
        assert bench.sql("SELECT event, message FROM alert_event") == [("FaultSeen", "E1 1")]
        connected = bench.sql("SELECT connected, epoch, agent FROM device_state WHERE lane = 0")
        assert connected == [(True, device.epoch, "test")]


async def test_rule_4_a_floor_above_the_next_number_leaves_a_gap_and_no_stall(bench: Bench) -> None:
    """What the agent can't send any more is a gap row; the next report is applied."""
    uid = bench.device()
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        await device.send(1, Readings(at=wall_ms(), metric=["a"], value=[1]))
        await device.acked(1)
        await device.send(5, Readings(at=wall_ms(), metric=["a"], value=[5]), floor=5)
        await device.acked(5)
        assert bench.sql("SELECT first_seq, last_seq, since < at, said FROM gap") == [(2, 4, True, False)]
        assert bench.sql("SELECT count(*) FROM reading") == [(2,)]


async def test_rule_6_a_new_epoch_starts_over_and_the_left_one_is_stale(bench: Bench) -> None:
    """A renumbered outbox goes on; what was sent under the old name before is skipped."""
    uid = bench.device()
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        at = wall_ms()
        await device.send(1, Readings(at=at, metric=["a"], value=[1]))
        old, device.epoch = device.epoch, mint_epoch()
        await device.send(
            1, Readings(at=at, metric=["a"], value=[1]), Fault(at=at, code="E", state="event"), again=True
        )
        await device.send(2, Readings(at=at + 1, metric=["a"], value=[2]), again=True)
        await device.send(2, Readings(at=at + 9, metric=["a"], value=[9]), epoch=old)
        ack = await until(lambda: next((a for a in device.acks if a.seq == 2 and a.epoch == device.epoch), None))
        assert ack.epoch == device.epoch
        assert bench.sql("SELECT value FROM reading ORDER BY value") == [(1.0,), (2.0,)], "the same fact is stored once"
        assert bench.sql("SELECT message FROM alert_event") == [("E 1",)]


async def test_rule_7_a_maker_without_numbers_is_deduplicated_by_digest(bench: Bench) -> None:
    """The same body within a day is the same report."""
    uid = bench.device()
    body = encode_report(Report(at=wall_ms(), items=[Readings(at=wall_ms(), metric=["a"], value=[1])]))
    other = encode_report(Report(at=wall_ms(), items=[Readings(at=wall_ms(), metric=["a"], value=[2])]))
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        for sent in (body, body, other, body):
            await device.raw(up(uid, Lane.LIVE), sent)
        await until(lambda: bench.sql("SELECT count(*) FROM reading")[0][0] >= 2)
        await until(lambda: bench.sql("SELECT 1 FROM recent_digest"))
    assert bench.sql("SELECT value FROM reading ORDER BY value") == [(1.0,), (2.0,)]
    assert bench.sql("SELECT code FROM dead_letter") == [], "recognised, not refused by the table's key"


@pytest.mark.parametrize("error", [KeyError, TypeError, ZeroDivisionError])
async def test_rule_12_a_report_on_which_our_own_code_fails_is_poison_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """It becomes a dead letter, and what came with it is applied."""
    transact = LaneWriter._transact

    async def fails(writer: Any, messages: Any, ticks: Any, poison: Any) -> Any:
        if any(b"odd" in message.body and id(message) not in poison for message in messages):
            raise error("odd")
        return await transact(writer, messages, ticks, poison)

    monkeypatch.setattr(LaneWriter, "_transact", fails)
    uid = bench.device()
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        at = wall_ms()
        for seq, name in enumerate(["a", "odd", "b"], start=1):
            await device.send(seq, Readings(at=at, metric=[name], value=[1]))
        await device.acked(3)
    assert bench.sql("SELECT seq FROM dead_letter") == [(2,)]
    assert bench.sql("SELECT count(*) FROM reading") == [(2,)]


async def test_rule_12_poison_becomes_a_dead_letter_and_consumes_its_number(bench: Bench) -> None:
    """Bytes that can't be read, and rows that the database refuses, in the middle of good reports."""
    uid = bench.device()
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        at = wall_ms()
        good = encode_report(Report(at=at, items=[Readings(at=at, metric=["a"], value=[1])]))
        await device.send(1, body=good)
        await device.send(2, body=b"\x00\xff{not json")
        await device.send(3, StateChange(at=253_402_300_799_999, name="mode", value="x"), offset_ms=10**12)
        await device.send(4, Readings(at=at + 1, metric=["a"], value=[4]))
        await device.send(5, body=b"x" * (MAX_BODY + 1))
        await device.raw(up(uid, Lane.LIVE), good, [("epoch", "no"), ("seq", "-1"), ("floor", "0")])
        await device.raw("steth/1/00/nobody/live", good)
        await device.raw(up(uid, Lane.LIVE).replace("steth/1/", "steth/2/"), good)
        await device.acked(5)
        wanted = {(2, "syntax"), (3, "value"), (5, "oversize"), (None, "numbers"), (None, "version"), (None, "topic")}
        # Of other topics nothing is acknowledged.
        await until(lambda: wanted <= set(bench.sql("SELECT seq, code FROM dead_letter")))
        assert bench.sql("SELECT count(*) FROM reading") == [(2,)]


async def test_rule_12_implausible_times_are_set_aside(bench: Bench) -> None:
    """A reading of 1970 or of next year is kept, but not among the readings."""
    uid = bench.device()
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        at = wall_ms()
        await device.send(
            1, Readings(at=at, metric=["a", "b", "c"], value=[1, 2, 3], dt=[0, -at, 400 * 24 * 3600 * 1000])
        )
        await device.acked(1)
        assert bench.sql("SELECT value FROM reading") == [(1.0,)]
        assert bench.sql("SELECT value FROM reading_aside ORDER BY value") == [(2.0,), (3.0,)]


async def test_rule_13_a_stage_that_fails_for_one_device_leaves_the_others_alone(bench: Bench) -> None:
    """It is stored, set aside, and judged in order once the stage works again."""
    bad, well = bench.device(), bench.device()
    bench.recorder.fail = lambda batch: ZeroDivisionError() if any(w.device.uid == bad for w in batch.works) else None
    async with bench.ingest(), Client(bench=bench, uid=bad) as first, Client(bench=bench, uid=well) as second:
        await first.send(1, Fault(at=wall_ms(), code="B1", state="active"))
        await second.send(1, Fault(at=wall_ms(), code="W1", state="active"))
        await first.send(2, Fault(at=wall_ms(), code="B2", state="active"))
        await first.acked(2)
        await second.acked(1)
        assert bench.sql("SELECT message FROM alert_event") == [("W1 1",)]
        assert bench.sql("SELECT count(*) FROM to_judge") == [(2,)]
        assert bench.sql("SELECT count(*) FROM device_event WHERE kind = 'fault'") == [(3,)]
        bench.recorder.fail = lambda batch: None
        await until(lambda: bench.sql("SELECT count(*) FROM to_judge") == [(0,)])
        assert bench.sql("SELECT message FROM alert_event ORDER BY id") == [("W1 1",), ("B1 1",), ("B2 2",)]


@pytest.mark.parametrize("statement", ["SELECT 1 / 0", "SELECT * FROM nowhere", "SELECT 'x'::integer"])
async def test_rule_13_a_statement_that_fails_once_all_were_sent_is_its_devices(bench: Bench, statement: str) -> None:
    """Whether one failed is known after the stages went on."""
    bad, well = bench.device(), bench.device()
    bench.recorder.last = lambda batch: statement if any(w.device.uid == bad and w.applied for w in batch.works) else ""
    async with bench.ingest(), Client(bench=bench, uid=bad) as one, Client(bench=bench, uid=well) as two:
        for seq in range(1, 4):
            await one.send(seq, _fault(f"B{seq}"))
            await two.send(seq, _fault(f"W{seq}"))
        await one.acked(3)
        await two.acked(3)
        told = [(f"W{seq} {seq}",) for seq in range(1, 4)]
        assert bench.sql(_SEEN) == told, "and nothing of what failed is left"
        assert bench.sql("SELECT count(*) FROM to_judge") == [(3,)]
        bench.recorder.last = lambda batch: ""
        told += [(f"B{seq} {seq}",) for seq in range(1, 4)]
        await until(lambda: bench.sql(_SEEN) == told)


async def test_rule_14_a_takeover_goes_on_from_the_packed_state(bench: Bench) -> None:
    """The second process counts on from where the first stopped."""
    uid = bench.device()
    async with Client(bench=bench, uid=uid) as device:
        async with bench.ingest(name="first"):
            await device.send(1, Fault(at=wall_ms(), code="E", state="active"))
            await device.acked(1)
        async with bench.ingest(name="second"):
            await device.send(2, Fault(at=wall_ms(), code="E", state="active"))
            await device.acked(2)
    assert bench.sql("SELECT message FROM alert_event ORDER BY id") == [("E 1",), ("E 2",)]


async def test_rule_15_silence_is_noticed_and_ends(bench: Bench) -> None:
    """A device that stops is silent after its time, and no longer once it is heard again."""
    uid = bench.device()
    silent = "SELECT convert_from(engine, 'UTF8') FROM device_state WHERE lane = 0"
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        await device.send(1, Readings(at=wall_ms(), metric=["a"], value=[1]))
        await until(lambda: bench.sql("SELECT count(*) FROM alert_event WHERE event = 'SilenceBegan'") == [(1,)])
        assert bench.sql(silent) == [("0 1",)]
        await device.send(2, Readings(at=wall_ms(), metric=["a"], value=[2]))
        await device.acked(2)
        assert bench.sql(silent) == [("0 0",)]

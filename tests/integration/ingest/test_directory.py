"""What an operator changes, ingest learns within a second: retired, enrolled, renamed, moved, of another model."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from ingest.memory import SQL
from ingest.ports import Applied, Batch, Device, Effect, Now, Presence
from ingest.service import Ingest
from ingest.writer import LaneWriter
from tests.integration.ingest.harness import Bench, Client, Counted, CountingEngine, FaultSeen, until, wall_ms
from wire.ids import DeviceId, partition_of
from wire.items import Fault, Readings
from wire.topics import Lane

_FAULTS = "SELECT message FROM alert_event WHERE event = 'FaultSeen' ORDER BY id"
_MOVE = (
    "WITH o AS (INSERT INTO org (name) VALUES ('other') RETURNING id),"
    " s AS (INSERT INTO site (org_id, name) SELECT id, 'there' FROM o RETURNING id, org_id)"
    " UPDATE device SET org_id = s.org_id, site_id = s.id FROM s WHERE uid = %s"
)
_RETIRE = "UPDATE device SET status = 'retired' WHERE uid = %s"


class Ended(Effect, frozen=True, kw_only=True):
    """The faults of a retired device are over."""


class Retiring(CountingEngine):
    """Ends what is open of a device that is retired, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Lane, Device]] = []

    def step(
        self, device: Device, lane: Lane, state: Counted, presence: Presence, applied: Sequence[Applied], now: Now
    ) -> tuple[Counted, list[Effect]]:
        """As its base, until the device is retired."""
        self.asked.append((lane, device))
        if device.retired:
            assert not applied
            return (Counted(0), [Ended()]) if state.faults else (state, [])
        return super().step(device, lane, state, presence, applied, now)


def fault(code: str = "E") -> Fault:
    return Fault(at=wall_ms(), code=code, state="active")


def _of(ingest: Ingest[Counted], uid: DeviceId, lane: Lane = Lane.LIVE) -> LaneWriter[Counted]:
    return ingest.writers[lane, partition_of(uid) % 2]


def _gone(writer: LaneWriter[Counted], uid: DeviceId) -> bool:
    return writer.memory.get(uid) is None


def _there(ingest: Ingest[Counted], uid: DeviceId) -> bool:
    return not _gone(_of(ingest, uid), uid)


def _ended(bench: Bench) -> int:
    return int(bench.sql("SELECT count(*) FROM alert_event WHERE event = 'Ended'")[0][0])


async def test_a_retired_device_ends_in_both_lanes_and_is_judged_no_more(bench: Bench) -> None:
    uid = bench.device()
    engine = Retiring()
    async with bench.ingest(engine=engine) as ingest, Client(bench=bench, uid=uid) as device:
        for lane in Lane:
            await device.send(1, fault(), lane=lane)
            await device.acked(1, lane=lane)
        began = time.monotonic()
        bench.sql(_RETIRE, uid)
        await until(lambda: _ended(bench) == 2)
        assert time.monotonic() - began < 2, "a second, and what a busy machine adds"
        for lane in Lane:
            await until(partial(_gone, _of(ingest, uid, lane), uid))
            assert bench.sql("SELECT engine FROM device_state WHERE lane = %s", int(lane is Lane.BULK)) == [(b"0 0",)]
        await device.send(2, fault())
        await until(lambda: bench.sql("SELECT code, device_id FROM dead_letter") == [("topic", 0)])
        asked = len(engine.asked)
        await asyncio.sleep(2.5)  # its silence would begin now
        assert len(engine.asked) == asked
        assert len(bench.sql(_FAULTS)) == 2


async def test_a_device_retired_while_nobody_was_here_ends_with_the_next_owner(bench: Bench) -> None:
    uid = bench.device()
    async with bench.ingest(engine=Retiring()), Client(bench=bench, uid=uid) as device:
        for lane in Lane:
            await device.send(1, fault(), lane=lane)
            await device.acked(1, lane=lane)
    bench.sql(
        "INSERT INTO alert (dealer_id, id, device_id, org_id, lane, rule, kind, subject, family, severity,"
        " condition, occurred_at,"
        " learned_at, changed_at, message) SELECT 1, gen_random_uuid(), id, org_id, 0, 'r', 'fault', '', '', 'major',"
        " 'active', now(), now(), now(), '' FROM device"
    )
    bench.sql(_RETIRE, uid)
    async with bench.ingest(engine=Retiring()):
        await until(lambda: _ended(bench) == 2)


async def test_no_batch_judges_what_was_retired_before_it_began(bench: Bench) -> None:
    """However quickly its report follows, and though the device is in memory as it was before."""
    engine = Retiring()
    async with bench.ingest(engine=engine):
        for nth in range(1, 11):
            uid = bench.device()
            async with Client(bench=bench, uid=uid) as device:
                await device.send(1, Readings(at=wall_ms(), metric=["a"], value=[1]))
                await device.acked(1)
                bench.sql(_RETIRE, uid)
                await device.send(2, fault())
                await until(partial(bench.sql, "SELECT 1 FROM dead_letter HAVING sum(count) = %s", nth))
    assert bench.sql(_FAULTS) == []


async def test_retired_between_the_two_transactions_of_a_batch_with_new_metrics(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = bench.device()
    async with bench.ingest(engine=Retiring()) as ingest, Client(bench=bench, uid=uid) as device:
        ids = _of(ingest, uid)._ids
        ensure = ids.ensure

        async def slow(connection: AsyncConnection[Any]) -> None:
            await ensure(connection)
            bench.sql(_RETIRE, uid)

        monkeypatch.setattr(ids, "ensure", slow)
        await device.send(1, Readings(at=wall_ms(), metric=["new"], value=[1]), fault())
        await until(lambda: bench.sql("SELECT 1 FROM dead_letter"))
    assert bench.sql(_FAULTS) == []
    assert bench.sql("SELECT count(*) FROM reading") == [(0,)]


async def test_what_waits_to_be_judged_of_a_retired_device_is_dropped(bench: Bench) -> None:
    uid = bench.device()
    bench.recorder.fail = lambda batch: ZeroDivisionError() if any(w.applied for w in batch.works) else None
    async with bench.ingest(engine=Retiring()), Client(bench=bench, uid=uid) as device:
        await device.send(1, fault())
        await device.acked(1)
        assert bench.sql("SELECT count(*) FROM to_judge") == [(1,)]
        bench.sql(_RETIRE, uid)
        await until(lambda: bench.sql("SELECT count(*) FROM to_judge") == [(0,)])
    assert bench.sql(_FAULTS) == []


async def test_the_end_of_a_retired_device_is_tried_again_until_it_works(bench: Bench) -> None:
    uid = bench.device()
    async with bench.ingest(engine=Retiring()), Client(bench=bench, uid=uid) as device:
        await device.send(1, fault())
        await device.acked(1)
        failed: list[int] = []

        def fail(batch: Batch) -> Exception | None:
            if any(isinstance(e, Ended) for w in batch.works for e in w.effects):
                failed.append(1)
                return ZeroDivisionError()
            return None

        bench.recorder.fail = fail
        bench.sql(_RETIRE, uid)
        await until(lambda: failed)
        bench.recorder.fail = lambda batch: None
        await until(lambda: _ended(bench) == 1)


async def test_a_device_that_comes_back_is_judged_again(bench: Bench) -> None:
    uid = bench.device()
    async with bench.ingest(engine=Retiring()) as ingest, Client(bench=bench, uid=uid) as device:
        await device.send(1, fault())
        await device.acked(1)
        bench.sql(_RETIRE, uid)
        await until(lambda: _ended(bench) == 1)
        bench.sql("UPDATE device SET status = 'active' WHERE uid = %s", uid)
        await until(lambda: _of(ingest, uid).memory.get(uid) is not None)
        await device.send(2, fault("AGAIN"))
        await device.acked(2)
    assert bench.sql(_FAULTS) == [("E 1",), ("AGAIN 1",)]


async def test_a_device_enrolled_meanwhile_is_watched_at_once(bench: Bench) -> None:
    """Its silence is heard though it never sends."""
    uid = bench.device(enrolled=False)
    async with bench.ingest() as ingest:
        await asyncio.sleep(0.6)
        assert _of(ingest, uid).memory.get(uid) is None
        bench.sql("UPDATE device SET enrolled_at = now() WHERE uid = %s", uid)
        await until(lambda: _of(ingest, uid).memory.get(uid) is not None, seconds=2)
        await until(lambda: bench.sql("SELECT 1 FROM alert_event WHERE event = 'SilenceBegan'"))


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ("UPDATE device SET name = 'CT' WHERE uid = %s", "name", "CT"),
        ("UPDATE device SET model = 'other' WHERE uid = %s", "model", "other"),
        (
            _MOVE,
            "org_id",
            3,
        ),
    ],
)
async def test_what_is_changed_of_a_device_is_judged_by(bench: Bench, change: str, field: str, value: Any) -> None:
    uid = bench.device()
    engine = Retiring()
    async with bench.ingest(engine=engine), Client(bench=bench, uid=uid) as device:
        for lane in Lane:
            await device.send(1, Readings(at=wall_ms(), metric=["a"], value=[1]), lane=lane)
            await device.acked(1, lane=lane)
        engine.asked.clear()
        bench.sql(change, uid)
        await until(lambda: {lane for lane, of in engine.asked if getattr(of, field) == value} == set(Lane), seconds=2)
        await device.send(2, fault())
        await device.acked(2)
        if field == "org_id":
            assert bench.sql("SELECT org_id FROM alert_event WHERE event = %s", FaultSeen.__name__) == [(value,)]


async def test_what_ingest_itself_writes_of_a_device_is_no_news(bench: Bench) -> None:
    uid = bench.device()
    before = bench.sql("SELECT changed_xid::text FROM device WHERE uid = %s", uid)
    bench.sql("UPDATE device SET inventory = '{\"a\": 1}', serial = 's' WHERE uid = %s", uid)
    assert bench.sql("SELECT changed_xid::text FROM device WHERE uid = %s", uid) == before


async def test_numbers_of_another_clusters_future_are_no_news_and_hide_none(bench: Bench) -> None:
    """A copy restored into a new cluster, whose own transactions have small numbers."""
    uid, copied = bench.device(), bench.device()
    bench.sql("ALTER TABLE device DISABLE TRIGGER device_changed")
    bench.sql("UPDATE device SET changed_xid = '999999999999'")
    bench.sql("ALTER TABLE device ENABLE TRIGGER device_changed")
    engine = Retiring()
    async with bench.ingest(engine=engine) as ingest:
        for each in (uid, copied):
            await until(partial(_there, ingest, each))
        bench.sql(_RETIRE, uid)
        await until(lambda: any(of.uid == uid and of.retired for _, of in engine.asked))
        assert not any(of.uid == copied and of.retired for _, of in engine.asked)


async def test_a_change_that_commits_late_is_not_missed(bench: Bench) -> None:
    """Its transaction began long before, and others committed meanwhile."""
    uid, other = bench.device(), bench.device()
    engine = Retiring()
    async with bench.ingest(engine=engine):
        with psycopg.connect(bench.database.superuser) as connection:
            connection.execute("UPDATE device SET name = 'late' WHERE uid = %s", (uid,))
            bench.sql("UPDATE device SET name = 'early' WHERE uid = %s", other)
            await until(lambda: any(of.name == "early" for _, of in engine.asked))
            connection.commit()
        await until(lambda: any(of.name == "late" for _, of in engine.asked))
        early = sum(of.name == "early" for lane, of in engine.asked if lane is Lane.LIVE)
        assert early <= 2, "told once, not with every look while another transaction ran; and perhaps a tick"


async def test_what_each_batch_reads_of_ten_thousand_devices_goes_by_an_index(bench: Bench) -> None:
    bench.device()
    bench.sql(
        "INSERT INTO device (uid, org_id, site_id, partition, model, name)"
        " SELECT 'd' || n, org_id, site_id, mod(n, 16), model, name FROM device, generate_series(1, 10000) n WHERE true"
    )
    bench.sql("INSERT INTO to_judge (device_id, lane, at, error, facts) SELECT id, 0, now(), '', '' FROM device")
    bench.sql("ANALYZE device, to_judge")
    parameters = {"ids": [1, 2], "generations": [0, 0], "devices": list(range(1, 21)), "lane": 0, "most": 10}
    parameters["since"] = bench.sql("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")[0][0]
    with psycopg.connect(bench.database.ingest) as connection:
        for name, index in (("fence", "device_changed"), ("first_to_judge", "to_judge_device")):
            plan = connection.execute(b"EXPLAIN (ANALYZE) " + SQL[name], parameters).fetchall()
            text = "\n".join(line for (line,) in plan)
            assert index in text, text
            assert "Seq Scan on device" not in text, text
            assert "Seq Scan on to_judge" not in text, text

"""What an agent refused stands in the database as its newest heartbeat says: once, whole, and within its tenant."""

from typing import Any

from ingest.refusals import PER_DEVICE
from tests.fixtures.allowed import Anything, possible
from tests.integration.ingest.harness import Bench, Client, until, wall_ms
from wire.codec import encode_report
from wire.ids import mint_epoch
from wire.items import Fault, Heartbeat, Readings, Refusal
from wire.limits import MAX_MILLIS
from wire.report import Report
from wire.topics import Lane, up

HOUR_MS = 3_600_000


def refusal(count: int, at: int, *, reason: str = "unknown-code", form: str = "AAA-AAA-99") -> Refusal:
    return Refusal(source="astm", reason=reason, count=count, since=at - HOUR_MS, last=at, form=form)


def beat(at: int, *refusals: Refusal) -> Heartbeat:
    return Heartbeat(at=at, refused=1, refusals=list(refusals))


def rows(bench: Bench) -> list[tuple[Any, ...]]:
    return bench.sql("SELECT kind, source, reason, count, form FROM device_refusal ORDER BY device_id, kind, reason")


async def test_the_newest_count_holds_and_nothing_is_summed_up(each_bench: Bench) -> None:
    bench = each_bench
    async with bench.ingest(), Client(bench=bench, uid=bench.device()) as device:
        at = wall_ms()
        first = beat(at, refusal(3, at), refusal(1, at, reason="malformed:time", form=""))
        await device.send(1, first)
        await device.send(1, first)  # a duplicate
        await device.send(2, beat(at + 1))
        untold = Refusal(kind="untold", source="astm", reason="patient-results", count=9, since=at, last=at)
        await device.send(3, beat(at + 2, refusal(5, at + 2, form="AA-9"), untold))
        await device.acked(3)
        assert rows(bench) == [
            ("refused", "astm", "malformed:time", 1, ""),
            ("refused", "astm", "unknown-code", 5, "AA-9"),
            ("untold", "astm", "patient-results", 9, ""),
        ]
        assert bench.sql("SELECT DISTINCT org_id FROM device_refusal") == bench.sql(
            "SELECT id FROM org WHERE kind = 'hospital'"
        )
        assert bench.sql("SELECT heartbeat FROM device_state WHERE heartbeat ? 'refusals'") == []


async def test_times_are_corrected_and_never_later_than_we_learned_of_them(bench: Bench) -> None:
    async with bench.ingest(), Client(bench=bench, uid=bench.device()) as device:
        at = wall_ms()
        slow = at - HOUR_MS
        await device.send(1, beat(slow, refusal(1, slow)), offset_ms=HOUR_MS)
        await device.send(2, beat(at, refusal(1, at + 9 * HOUR_MS, reason="a"), refusal(1, MAX_MILLIS, reason="b")))
        await device.send(3, beat(at, refusal(1, HOUR_MS, reason="c")), offset_ms=-(10**12))
        await device.acked(3)
    seen = dict(bench.sql("SELECT reason, (extract(epoch FROM last) * 1000)::bigint FROM device_refusal"))
    assert seen["unknown-code"] == at
    assert at <= seen["a"] <= wall_ms()
    assert at <= seen["b"] <= wall_ms()
    assert seen["c"] == 0
    assert bench.sql("SELECT count(*) FROM device_refusal WHERE NOT since <= last OR NOT last <= told_at") == [(0,)]


async def test_a_restored_image_does_not_put_older_counts_in_the_place_of_newer(bench: Bench) -> None:
    """Renumbered heartbeats come flagged; what the agent counts from now on holds again."""
    async with bench.ingest(), Client(bench=bench, uid=bench.device()) as device:
        at = wall_ms() - HOUR_MS
        await device.send(1, beat(at, refusal(2, at)))
        await device.send(2, beat(at + 1_000, refusal(7, at + 1_000)))
        await device.acked(2)
        device.epoch = mint_epoch()
        await device.birth(boot=2)
        await device.send(1, beat(at + 500, refusal(3, at + 500), refusal(1, at, reason="oversize")), again=True)
        await until(lambda: len(rows(bench)) == 2)
        assert [row[2:4] for row in rows(bench)] == [("oversize", 1), ("unknown-code", 7)]
        await device.send(2, beat(at + 2_000, refusal(4, at + 2_000)))
        await until(lambda: rows(bench)[1][3] == 4)


async def test_a_hostile_device_fills_no_disk(bench: Bench) -> None:
    async with bench.ingest(), Client(bench=bench, uid=bench.device()) as device:
        at = wall_ms()
        for seq in range(1, 9):
            words = [refusal(1, at + seq, reason=f"word-{seq}-{number}") for number in range(64)]
            await device.send(seq, beat(at + seq, *words))
        await device.acked(8)
        found = bench.sql("SELECT DISTINCT split_part(reason, '-', 2) FROM device_refusal ORDER BY 1")
        assert bench.sql("SELECT count(*) FROM device_refusal") == [(PER_DEVICE,)]
        assert found == [("7",), ("8",)], "those told last"


async def test_a_makers_own_client_may_tell_them_and_a_name_is_a_dead_letter(bench: Bench) -> None:
    uid = bench.device()
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        at = wall_ms()
        await device.raw(up(uid, Lane.LIVE), encode_report(Report(at=at, items=[beat(at, refusal(2, at))])))
        await until(lambda: rows(bench))
        named = b'{"at":1,"items":[{"t":"heartbeat","at":1,"refusals":[{"source":"astm","reason":"unknown-code",'
        named += b'"count":1,"since":1,"last":1,"form":"Doe^Jane"}]}]}'
        await device.raw(up(uid, Lane.LIVE), named)
        await device.raw(
            up(uid, Lane.LIVE), encode_report(Report(at=at, items=[Fault(at=at, code="E", state="event")]))
        )
        await until(lambda: bench.sql("SELECT 1 FROM device_event"))
        assert rows(bench) == [("refused", "astm", "unknown-code", 2, "AAA-AAA-99")]
        assert bench.sql("SELECT code, place FROM dead_letter") == [("schema", "$.items[0].refusals[0].form")]


async def test_what_our_own_gate_refuses_adds_up_over_batches_lanes_and_restarts(bench: Bench) -> None:
    uid, at = bench.device(), wall_ms()
    gate = Anything({"tube.voltage": possible(0, 150)}, strict=True)
    readings = Readings(at=at, metric=["zhang", "tube.voltage", "li"], value=[1, 70, 2])
    first = None
    for life in (1, 2):
        async with bench.ingest(allowed=gate), Client(bench=bench, uid=uid) as device:
            for lane in Lane:
                await device.send(1, readings, lane=lane)
                await device.acked(1, lane=lane)
        ((source, count, since, last),) = bench.sql("SELECT source, count, since, last FROM device_refusal")
        assert (source, count) == ("server", life * 4)
        first = first or since
        assert since == first <= last
    assert bench.sql("SELECT count(*) FROM reading") == [(4,)]
    assert bench.sql("SELECT name FROM metric") == [("tube.voltage",)]
    assert bench.sql("SELECT metric_id, org_id FROM org_metric") == bench.sql(
        "SELECT m.id, o.id FROM metric m, org o WHERE o.kind = 'hospital'"
    )

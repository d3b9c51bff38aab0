"""The real engine and stages behind the real broker: what it remembers of a device, and what the database has open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from alerts.engine import AlertEngine
from alerts.state import unpack
from catalog.load import load
from ingest import later
from ingest.service import Ingest
from steth.run_ingest import stages_of
from tests.integration.ingest.harness import Bench, Client, until, wall_ms
from wire.codec import encode_report
from wire.ids import mint_epoch
from wire.items import Fault, Heartbeat, Item, Readings, StateChange
from wire.report import Report
from wire.topics import Lane, up

CATALOG = load()
CODE, OTHER = "GEN-KV-01", "GEN-KV-02"
ALERTS = "SELECT subject, condition, count FROM alert ORDER BY occurred_at, subject"
EVENTS = "SELECT event, from_state, to_state FROM alert_event ORDER BY id"


@asynccontextmanager
async def judging(bench: Bench) -> AsyncIterator[Ingest[Any]]:
    engine = AlertEngine(models=CATALOG.models)
    async with bench.ingest(engine=cast("Any", engine), stages=stages_of(CATALOG)) as running:
        yield running


def fault(code: str = CODE, state: str = "active") -> Fault:
    return Fault(at=wall_ms(), code=code, state=cast("Any", state))


async def test_an_alert_whose_state_can_not_be_read_ends_under_its_own_id(bench: Bench) -> None:
    """Seen: it stayed open for ever, and the next occurrence opened a second one beside it."""
    uid = bench.device()
    async with judging(bench), Client(bench=bench, uid=uid) as device:
        await device.send(1, fault())
        await device.acked(1)
    bench.sql("UPDATE device_state SET engine = '\\xff'")
    async with judging(bench), Client(bench=bench, uid=uid) as again:
        again.epoch = device.epoch
        await again.send(2, fault())
        await again.acked(2)
        assert bench.sql(ALERTS) == [(CODE, "active", 2)]
        await again.send(3, fault(state="cleared"))
        await again.acked(3)
    assert bench.sql(ALERTS) == [(CODE, "ok", 2)]
    assert bench.sql("SELECT count(*) FROM ticket") == [(1,)]


async def test_an_alert_that_was_closed_in_the_database_is_open_in_no_state(bench: Bench) -> None:
    uid = bench.device()
    async with judging(bench), Client(bench=bench, uid=uid) as device:
        await device.send(1, fault())
        await device.acked(1)
    bench.sql("UPDATE alert SET condition = 'ok', cleared_at = now()")
    async with judging(bench), Client(bench=bench, uid=uid) as again:
        again.epoch = device.epoch
        await again.send(2, fault())
        await again.acked(2)
    assert bench.sql(ALERTS) == [(CODE, "ok", 1), (CODE, "active", 1)]


async def test_a_fault_of_both_lanes_is_one_alert_that_either_ends(bench: Bench) -> None:
    uid = bench.device()
    async with judging(bench), Client(bench=bench, uid=uid) as device:
        await device.send(1, fault(), lane=Lane.BULK)
        await until(lambda: bench.sql(ALERTS) == [(CODE, "active", 1)])
        await device.send(1, fault())
        await device.acked(1)
        assert bench.sql(ALERTS) == [(CODE, "active", 2)]
        await device.send(2, fault(state="cleared"), lane=Lane.BULK)
        await until(lambda: bench.sql(ALERTS) == [(CODE, "ok", 2)])
    assert bench.sql("SELECT count(*) FROM ticket") == [(1,)]
    assert bench.sql("SELECT count(*) FROM to_judge") == [(0,)]


async def test_an_alert_that_a_former_program_opened_in_bulk_is_ended_by_what_comes_live(bench: Bench) -> None:
    uid = bench.device()
    async with judging(bench), Client(bench=bench, uid=uid) as device:
        await device.send(1, fault())
        await device.acked(1)
    # as if that program had judged it in the other lane
    bench.sql("UPDATE alert SET lane = 1")
    bench.sql("DELETE FROM device_state WHERE lane = 1")
    bench.sql("UPDATE device_state SET lane = 1")
    async with judging(bench), Client(bench=bench, uid=uid) as again:
        again.epoch = device.epoch
        await again.send(2, fault(state="cleared"))
        await again.acked(2)
        await again.send(1, Heartbeat(at=wall_ms()), lane=Lane.BULK, epoch=mint_epoch())
        states = "SELECT lane, engine FROM device_state ORDER BY lane"
        await until(lambda: len(bench.sql(states)) == 2)
    assert bench.sql(ALERTS) == [(CODE, "ok", 1)]
    assert [(lane, unpack(bytes(packed)).entries) for lane, packed in bench.sql(states)] == [(0, {}), (1, {})]


async def test_after_numbers_are_lost_open_alerts_are_unconfirmed_until_heard_of_again(bench: Bench) -> None:
    """A database from before: the agent goes on far above the mark."""
    uid = bench.device()
    async with judging(bench), Client(bench=bench, uid=uid) as device:
        await device.send(1, fault(), fault(OTHER))
        await device.acked(1)
        await device.send(9, Heartbeat(at=wall_ms()), floor=9)
        await device.acked(9)
        assert sorted(bench.sql(ALERTS)) == [(CODE, "unconfirmed", 1), (OTHER, "unconfirmed", 1)]
        assert bench.sql("SELECT DISTINCT params ->> 'lost' FROM alert_event WHERE event = 'lost'") == [("7",)]
        await device.send(10, fault(), fault(OTHER, "cleared"))
        await device.acked(10)
    assert sorted(bench.sql(ALERTS)) == [(CODE, "active", 2), (OTHER, "ok", 1)]


async def test_equipment_that_its_agent_does_not_reach_is_watched(bench: Bench) -> None:
    uid = bench.device()
    async with judging(bench), Client(bench=bench, uid=uid) as device:
        await device.send(1, Heartbeat(at=wall_ms(), connected=False))
        await until(lambda: bench.sql("SELECT kind, condition FROM alert") == [("connection", "pending")])
        await device.send(2, Heartbeat(at=wall_ms(), connected=True))
        await until(lambda: bench.sql("SELECT kind, condition FROM alert") == [("connection", "ok")])
        await device.acked(2)
    assert bench.sql(EVENTS) == [("breach", "ok", "pending"), ("within", "pending", "ok")]
    assert bench.sql("SELECT equipment_connected FROM device_state WHERE lane = 0") == [(True,)]


async def test_an_agent_whose_clock_is_wrong_gets_an_alert_and_its_faults_a_ticket(bench: Bench) -> None:
    uid = bench.device()
    slow = 2 * 3_600_000
    async with judging(bench), Client(bench=bench, uid=uid) as device:
        at = wall_ms() - slow
        await device.send(1, Fault(at=at, code=CODE, state="active"), offset_ms=slow, at=at)
        await device.acked(1)
    found = bench.sql("SELECT kind, condition, params ->> 'offset_s' FROM alert ORDER BY kind")
    assert [row[:2] for row in found] == [("clock", "active"), ("fault", "active")]
    assert found[0][2] == "7200"
    assert bench.sql("SELECT count(*) FROM ticket") == [(1,)]


async def test_a_device_that_is_retired_has_no_alerts_and_gets_none_until_it_is_back(bench: Bench) -> None:
    """Seen: a ticket twelve seconds after it was retired, and another for its silence."""
    uid = bench.device()
    async with judging(bench), Client(bench=bench, uid=uid) as device:
        await device.send(1, fault(), Heartbeat(at=wall_ms(), connected=False))
        await device.send(1, fault(OTHER), lane=Lane.BULK)
        await until(lambda: bench.sql("SELECT count(*) FROM alert") == [(3,)])
        bench.sql("UPDATE device SET status = 'retired'")
        await until(lambda: bench.sql("SELECT DISTINCT condition FROM alert") == [("ok",)], seconds=5)
        assert bench.sql("SELECT DISTINCT event FROM alert_event WHERE to_state = 'ok'") == [("device-retired",)]
        await device.send(2, fault(), fault("GEN-MA-01"))
        await until(lambda: bench.sql("SELECT count(*) FROM dead_letter") == [(1,)])
        bench.sql("UPDATE device SET status = 'active'")
        await until(lambda: bench.sql("SELECT count(*) FROM device_state WHERE lane = 0") == [(1,)])
        await device.send(3, Heartbeat(at=wall_ms(), connected=True), fault("GEN-MA-02"), floor=3)
        await device.acked(3)
        await until(lambda: bench.sql("SELECT subject FROM alert WHERE condition <> 'ok'") == [("GEN-MA-02",)])
    assert sorted(bench.sql("SELECT subject FROM alert WHERE kind = 'fault'")) == [(CODE,), (OTHER,), ("GEN-MA-02",)]


async def test_what_was_retired_while_nobody_judged_is_ended_by_whoever_judges_next(bench: Bench) -> None:
    uid = bench.device()
    async with judging(bench), Client(bench=bench, uid=uid) as device:
        await device.send(1, fault())
        await device.acked(1)
    bench.sql("UPDATE device SET status = 'retired'")
    async with judging(bench):
        await until(lambda: bench.sql(ALERTS) == [(CODE, "ok", 1)], seconds=5)
    assert bench.sql(EVENTS)[-1] == ("device-retired", "active", "ok")
    assert bench.sql("SELECT message FROM alert_event ORDER BY id DESC LIMIT 1") == [("alert.device_retired",)]


async def test_a_retired_devices_alerts_end_within_a_second_or_two_and_nothing_opens_again(bench: Bench) -> None:
    uid = bench.device()
    async with judging(bench), Client(bench=bench, uid=uid) as device:
        for lane in Lane:
            await device.send(1, fault(OTHER if lane is Lane.BULK else CODE), lane=lane)
            await device.acked(1, lane=lane)
        await until(lambda: bench.sql(ALERTS) == [(CODE, "active", 1), (OTHER, "active", 1)])
        bench.sql("UPDATE device SET status = 'retired' WHERE uid = %s", uid)
        await device.send(2, fault("GEN-KV-03"))
        await until(lambda: bench.sql(ALERTS) == [(CODE, "ok", 1), (OTHER, "ok", 1)], seconds=2)
        said = bench.sql("SELECT DISTINCT message FROM alert_event WHERE to_state = 'ok'")
        assert said == [("alert.device_retired",)]
        await until(lambda: bench.sql("SELECT 1 FROM dead_letter WHERE code = 'topic'"))
    assert bench.sql(ALERTS) == [(CODE, "ok", 1), (OTHER, "ok", 1)]


async def test_a_report_that_cannot_be_judged_is_an_alert_of_its_device(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(later, "FIRST_MS", 2)
    uid = bench.device()
    bench.recorder.fail = lambda batch: (
        ZeroDivisionError() if any(a.report.items[0].at == 1 for w in batch.works for a in w.applied) else None
    )
    kinds = "SELECT kind, lane, condition FROM alert ORDER BY kind"
    engine = AlertEngine(models=CATALOG.models)
    stages = [bench.recorder, *stages_of(CATALOG)]
    async with bench.ingest(engine=cast("Any", engine), stages=stages), Client(bench=bench, uid=uid) as device:
        for lane in Lane:
            await device.send(1, StateChange(at=1, name="mode", value="x"), lane=lane)
        await until(lambda: bench.sql("SELECT count(*) FROM dead_letter WHERE code = 'unjudged'") == [(2,)])
        await until(lambda: bench.sql(kinds) == [("unjudged", 0, "active")])
        await device.send(2, fault())
        await until(lambda: bench.sql(kinds) == [("fault", 0, "active"), ("unjudged", 0, "active")])


async def test_an_older_value_that_arrives_later_neither_ends_nor_opens_an_alert(bench: Bench) -> None:
    uid = bench.device()
    minute = wall_ms() // 60_000 * 60_000 - 60_000

    def broken_off(seconds: int, value: float) -> Readings:
        return Readings(at=minute + seconds * 1_000, metric=["mpps.equipment_failure"], value=[value])

    async with judging(bench), Client(bench=bench, uid=uid) as device:
        for seq, item in enumerate([broken_off(1, 1), broken_off(30, 1), broken_off(20, 0)], start=1):
            await device.send(seq, item)
            await device.acked(seq)
        assert [row[1] for row in bench.sql(ALERTS)] == ["active"]
    async with judging(bench), Client(bench=bench, uid=uid) as again:
        again.epoch = device.epoch
        await again.send(4, broken_off(25, 0))
        await again.acked(4)
        assert [row[1] for row in bench.sql(ALERTS)] == ["active"], "known to the next process too"
        for seq, item in enumerate([broken_off(40, 0), broken_off(35, 1)], start=5):
            await again.send(seq, item)
            await again.acked(seq)
    assert [row[1] for row in bench.sql(ALERTS)] == ["ok"]


async def test_a_clock_that_begins_at_1970_with_every_start_says_the_same_and_means_news(bench: Bench) -> None:
    """Seen: its fault after the second start was a duplicate of the one after the first, and so were its heartbeats."""
    uid = bench.device()
    seen = "SELECT seen_at FROM device_state WHERE lane = 0"

    async def say(item: Item) -> None:
        await device.raw(up(uid, Lane.LIVE), encode_report(Report(at=item.at, items=[item])))

    async with judging(bench), Client(bench=bench, uid=uid) as device:
        for state, found in (("active", ["active"]), ("cleared", ["ok"]), ("active", ["active", "ok"])):
            await say(Fault(at=5_000, code=CODE, state=cast("Any", state)))
            await until(lambda want=found: sorted(row[1] for row in bench.sql(ALERTS)) == want)  # type: ignore[misc]
        await say(Heartbeat(at=9_000))
        await until(lambda: bench.sql("SELECT heartbeat ->> 'bulk' FROM device_state WHERE lane = 0") == [("0",)])
        before = bench.sql(seen)
        await say(Heartbeat(at=9_000))
        await until(lambda: bench.sql(seen) > before)


async def test_a_client_without_numbers_that_repeats_itself_is_not_silent(bench: Bench) -> None:
    uid = bench.device()
    seen = "SELECT seen_at FROM device_state WHERE lane = 0"
    body = encode_report(Report(at=wall_ms(), items=[fault()]))
    async with judging(bench), Client(bench=bench, uid=uid) as device:
        await device.raw(up(uid, Lane.LIVE), body)
        await until(lambda: bench.sql(ALERTS) == [(CODE, "active", 1)])
        before = bench.sql(seen)
        await device.raw(up(uid, Lane.LIVE), body)
        await until(lambda: bench.sql(seen) > before)
    assert bench.sql(ALERTS) == [(CODE, "active", 1)]


async def test_a_device_whose_model_is_put_right_gets_the_ticket_of_its_fault(bench: Bench) -> None:
    uid = bench.device()
    bench.sql("UPDATE device SET model = 'other'")
    known = "SELECT subject, severity, condition FROM alert WHERE condition <> 'ok'"
    async with judging(bench), Client(bench=bench, uid=uid) as device:
        await device.send(1, fault())
        await device.acked(1)
        assert bench.sql(known) == [(CODE, "warning", "active")]
        bench.sql("UPDATE device SET model = 'generic-dr'")
        await until(lambda: bench.sql(known) == [(CODE, "critical", "active")], seconds=5)
    assert bench.sql("SELECT family, severity FROM ticket") == [("generator.kv", "critical")]


async def test_a_clock_that_was_hours_ahead_and_is_put_right_hides_nothing(bench: Bench) -> None:
    """Seen: what it told then counted as eight hours old, its limits as long past."""
    uid = bench.device()
    ahead = 8 * 3_600_000
    async with judging(bench), Client(bench=bench, uid=uid) as device:
        await device.raw(up(uid, Lane.LIVE), encode_report(Report(at=wall_ms() + ahead, items=[broken(ahead, 0)])))
        await until(lambda: bench.sql("SELECT 1 FROM device_state"))
    bench.sql("UPDATE device_state SET clock_offset_ms = %s", -ahead)  # as it is believed after a while
    async with judging(bench), Client(bench=bench, uid=uid) as device:
        await device.raw(up(uid, Lane.LIVE), encode_report(Report(at=wall_ms(), items=[broken(0, 1), fault()])))
        await until(lambda: bench.sql("SELECT count(*) FROM ticket") == [(2,)])
    late = "SELECT count(*) FROM alert WHERE kind <> 'clock' AND occurred_at < now() - interval '1 hour'"
    assert bench.sql(late) == [(0,)]


def broken(ahead_ms: int, value: float) -> Readings:
    return Readings(at=wall_ms() + ahead_ms, metric=["mpps.equipment_failure"], value=[value])


@pytest.mark.parametrize("wrong_ms", [8 * 3_600_000, -56 * 365 * 86_400_000])
async def test_numbers_of_a_client_that_never_asks_for_the_time_hide_nothing(bench: Bench, wrong_ms: int) -> None:
    """Seen: its limits were judged by nobody, and after its clock had been set back its faults neither."""
    uid = bench.device()
    kinds = (
        "SELECT kind, count(*) FROM alert WHERE condition = 'active' AND kind <> 'clock' GROUP BY kind ORDER BY kind"
    )

    async def say(seq: int, wrong_ms: int, value: float, state: str) -> None:
        at = wall_ms() + wrong_ms
        told = Report(at=at, items=[Fault(at=at, code=CODE, state=cast("Any", state)), broken(wrong_ms, value)])
        numbers = [("epoch", device.epoch), ("seq", str(seq)), ("floor", "1")]
        await device.raw(up(uid, Lane.LIVE), encode_report(told), numbers)
        await device.acked(seq)

    async with judging(bench), Client(bench=bench, uid=uid) as device:
        await say(1, wrong_ms, 1, "active")
        assert bench.sql(kinds) == [("fault", 1), ("limit", 1)]
        await say(2, wrong_ms, 0, "cleared")
        assert bench.sql(kinds) == []
        await say(3, 0, 1, "active")
        assert bench.sql(kinds) == [("fault", 1), ("limit", 1)]
    assert bench.sql("SELECT count(*) FROM alert WHERE occurred_at < now() - interval '1 minute'") == [(0,)]

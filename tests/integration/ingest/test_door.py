"""What comes through the door: what is good in a report is applied, what is bad becomes one letter with its places."""

import json
import math
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from ingest import stats
from tests.fixtures.allowed import Anything, possible
from tests.integration.ingest.harness import Bench, Client, until, wall_ms
from tests.integration.ingest.test_presence import Listening
from wire.codec import JSON, MSGPACK, digest, encode_report
from wire.ids import mint_epoch
from wire.items import (
    BAD,
    GOOD,
    UNCERTAIN,
    Birth,
    ClockStep,
    Dropped,
    Fault,
    Heartbeat,
    Inventory,
    Item,
    Readings,
    Refusal,
    Reply,
    Skipped,
    StateChange,
)
from wire.limits import MAX_MILLIS
from wire.report import Report
from wire.topics import Lane, up

HOUR = 3_600_000
SINCE_1970 = -1_795_000_000_000
"""To the first days of 1970, where a clock begins that has lost its battery."""
READINGS = (
    "SELECT m.name, m.unit, r.value, r.quality FROM reading r JOIN metric m ON m.id = r.metric_id ORDER BY r.ts, m.name"
)
LETTERS = "SELECT seq, code, place FROM dead_letter ORDER BY id"


def packed(content_type: str, *items: dict[str, Any], at: int | None = None) -> bytes:
    raw = {"at": at or wall_ms(), "items": items}
    return json.dumps(raw).encode() if content_type == JSON else msgspec.msgpack.encode(raw)


@pytest.mark.parametrize("content_type", [JSON, MSGPACK])
@pytest.mark.parametrize("numbered", [True, False])
async def test_values_that_no_signal_can_have_are_refused_and_what_stands_beside_them_is_judged(
    each_bench: Bench, content_type: str, numbered: bool
) -> None:
    bench, uid, at = each_bench, each_bench.device(), wall_ms()
    body = packed(
        content_type,
        {"t": "fault", "at": at, "code": "E1", "state": "active"},
        {"t": "readings", "at": at, "metric": list("abcdefg"),
            "value": [1, None, math.nan, -math.inf, 1.797e308, -3.4e38, 7]},
        {"t": "fault", "at": at, "code": "no code", "state": "active"},
        {"t": "fault", "at": at, "code": "E2", "state": "active"},
    )  # fmt: skip
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        numbers = [("epoch", device.epoch), ("seq", "1"), ("floor", "1")] if numbered else None
        await device.raw(up(uid, Lane.LIVE), body, numbers, content_type)
        await until(lambda: bench.sql("SELECT 1 FROM dead_letter"))
        assert bench.sql(READINGS) == [("a", "", 1.0, GOOD), ("g", "", 7.0, GOOD)]
        assert bench.sql("SELECT message FROM alert_event ORDER BY id") == [("E1 1",), ("E2 2",)]
        ((seq, code, place, digest_, size),) = bench.sql("SELECT seq, code, place, digest, bytes FROM dead_letter")
        assert (seq, code) == (1 if numbered else None, "value")
        assert place == ", ".join([*(f"$.items[1].value[{row}]" for row in range(1, 6)), "$.items[2].code"])
        assert (bytes(digest_), size) == (sha256(body).digest(), len(body))
        if numbered:
            ack = await device.acked(1)
            assert ack.digest == digest(body).hex(), "the number is consumed once, the mark is the report's"
            await device.send(2, Readings(at=at, metric=["z"], value=[2]))
            await device.acked(2)


async def test_a_reading_beyond_what_its_signal_can_be_is_kept_as_bad(bench: Bench) -> None:
    """In its own unit, said or not; in another unit it is another metric."""
    uid = bench.device()
    engine = Listening()
    allowed = Anything({"tube.voltage": possible(0, 200)}, unit="kV")
    async with bench.ingest(allowed=allowed, engine=engine), Client(bench=bench, uid=uid) as device:
        at = wall_ms()
        await device.send(1, Readings(at=at, metric=["other", "tube.voltage"], value=[1e6, 70]))
        await device.send(
            2, Readings(at=at + 1, metric=["other", "tube.voltage"], value=[1e6, 1200], quality=[UNCERTAIN, GOOD])
        )
        await device.send(3, Readings(at=at + 2, metric=["tube.voltage"], value=[-1], unit=["kV"]))
        await device.send(4, Readings(at=at + 3, metric=["tube.voltage"], value=[70_000], unit=["V"]))
        await device.acked(4)
        assert bench.sql(READINGS) == [
            ("other", "", 1e6, GOOD), ("tube.voltage", "", 70, GOOD),
            ("other", "", 1e6, UNCERTAIN), ("tube.voltage", "", 1200, BAD),
            ("tube.voltage", "kV", -1, BAD),
            ("tube.voltage", "V", 70_000, GOOD),
        ]  # fmt: skip
        judged = [item.quality for one in engine.heard for item in one.report.items if isinstance(item, Readings)]
        assert judged == [None, [UNCERTAIN, BAD], [BAD], None]


async def test_numbers_begun_again_under_the_same_epoch_lose_nothing_and_are_told(bench: Bench) -> None:
    """A client that counts from 1 after every start; the same bodies again are duplicates and nothing more."""
    uid = bench.device()
    engine = Listening()
    async with bench.ingest(engine=engine), Client(bench=bench, uid=uid) as device:
        at = wall_ms() - 60_000
        first: list[Item] = [Fault(at=at, code="A1", state="event"), Readings(at=at, metric=["a"], value=[1])]
        bodies = [await device.send(1, *first, at=at)]
        bodies += [
            await device.send(seq, Readings(at=at + seq, metric=["a"], value=[seq]), at=at + seq) for seq in (2, 3, 4)
        ]
        mark = await device.acked(4)
        for seq, body in enumerate(bodies, 1):
            await device.send(seq, body=body)
        later = at + 10_000
        await device.send(1, Fault(at=later, code="B1", state="event"), at=later)
        await device.send(2, Readings(at=later + 1, metric=["a"], value=[12]), at=later + 1)
        await device.send(2, Readings(at=later + 1, metric=["a"], value=[12]), at=later + 1)
        await until(lambda: bench.sql("SELECT 1 FROM reading WHERE value = 12"))
        answer = await until(lambda: [a for a in device.acks[device.acks.index(mark) + 1 :] if not a.hello])
        assert {(a.epoch, a.seq, a.digest) for a in answer} == {(device.epoch, 4, mark.digest)}, "begin a new epoch"
        await device.send(5, Heartbeat(at=later + 9), at=later + 9)
        await device.acked(5)
        assert [value for _, _, value, _ in bench.sql(READINGS)] == [1, 2, 3, 4, 12]
        assert bench.sql("SELECT message FROM alert_event ORDER BY id") == [("A1 1",), ("B1 2",)]
        assert bench.sql(LETTERS) == []
    assert engine.restarted == sorted(engine.restarted)
    assert engine.restarted[0] == 0
    assert engine.restarted[-1] > 0


async def test_honest_duplicates_are_no_restart(bench: Bench) -> None:
    """Also across a restart of ours, after a clock put back, and renumbered into a new epoch."""
    uid = bench.device()
    engine, again = Listening(), Listening()
    at = wall_ms()
    reports = [(at + 50_000, 0), (at + 51_000, 0), (at, 1), (at + 1, 1)]
    async with bench.ingest(engine=engine), Client(bench=bench, uid=uid) as device:
        epoch = device.epoch
        bodies = []
        for seq, (made, segment) in enumerate(reports, 1):
            items = [{"t": "fault", "at": made, "code": f"E{seq}", "state": "event"}]
            if segment:
                items.append({"t": "heartbeat", "at": made})  # nothing stored tells whether it is new
            raw = {"at": made, "segment": segment, "items": items}
            bodies.append(await device.send(seq, body=json.dumps(raw).encode()))
        for seq in (1, 2, 3, 4):
            await device.send(seq, body=bodies[seq - 1])
        await device.acked(4)
    async with bench.ingest(engine=again), Client(bench=bench, uid=uid) as device:
        device.epoch = epoch
        for seq in (1, 2, 3, 4):
            await device.send(seq, body=bodies[seq - 1])
        device.epoch = mint_epoch()
        await device.send(1, body=bodies[0], again=True)
        await until(lambda: next((a for a in device.acks if a.epoch == device.epoch and a.seq == 1), None))
    assert bench.sql("SELECT message FROM alert_event ORDER BY id") == [("E1 1",), ("E2 2",), ("E3 3",), ("E4 4",)]
    assert set(engine.restarted + again.restarted) <= {0}


async def test_a_restart_of_numbers_is_noticed_by_a_process_that_has_only_the_mark(bench: Bench) -> None:
    uid = bench.device()
    engine = Listening()
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        epoch = device.epoch
        for seq in (1, 2, 3):
            await device.send(seq, Readings(at=wall_ms(), metric=["a"], value=[seq]))
        await device.acked(3)
    async with bench.ingest(engine=engine), Client(bench=bench, uid=uid) as device:
        device.epoch = epoch
        await device.send(1, Fault(at=wall_ms(), code="N1", state="active"))
        await until(lambda: bench.sql("SELECT 1 FROM alert_event WHERE message LIKE 'N1 %%'"))
    assert engine.restarted[-1] > 0


@pytest.mark.parametrize("wrong_ms", [SINCE_1970, -2 * HOUR, 5 * HOUR])
async def test_rule_16_a_clock_that_is_wrong_hides_no_fault_of_a_client_without_numbers(
    bench: Bench, wrong_ms: int
) -> None:
    """What comes now is now: at once with an impossible clock, once it is steady with one that could be a queue."""
    uid = bench.device()
    engine = Listening()

    def body(number: int) -> bytes:
        at = wall_ms() + wrong_ms
        fault = {"t": "fault", "at": at, "code": f"E{number}", "state": "active"}
        reading = {"t": "readings", "at": at, "metric": ["a"], "value": [number]}
        return packed(JSON, fault, reading, at=at)

    async with bench.ingest(engine=engine), Client(bench=bench, uid=uid) as device:
        impossible = wrong_ms != -2 * HOUR
        await device.raw(up(uid, Lane.LIVE), body(1))
        await until(lambda: bench.sql("SELECT 1 FROM device_event"))
        ((age_s,),) = bench.sql("SELECT extract(epoch FROM learned_at - at)::float FROM device_event")
        assert abs(age_s - (0 if impossible else 7200)) < 5
        if impossible:
            ((age_s,),) = bench.sql("SELECT extract(epoch FROM now() - ts)::float FROM reading")
            assert abs(age_s) < 5


_FAR = MAX_MILLIS
_EXTREMES: list[Item] = [
    Fault(at=_FAR, code="X", state="event", count=2**53, first=0, last=_FAR, params={"v": -1e18}),
    Heartbeat(
        at=_FAR,
        uptime_s=1e18,
        live=2**53,
        refusals=[Refusal(source="astm", reason="unknown-code", count=2**53, since=_FAR, last=0)],
    ),
    Readings(at=_FAR, metric=["a", "b"], value=[1e18, -1e18], dt=[_FAR, -_FAR]),
    Readings(at=0, metric=["a", "b"], value=[5e-324, -0.0], dt=[-_FAR, 0], unit=["x" * 24, ""], quality=[2, 1]),
    Readings(at=0, metric=[], value=[]),
    StateChange(at=0, name="mode", value="检" * 64),
    Inventory(at=_FAR, fields={f"f{number}": "\ufffd" * 64 for number in range(64)}),
    ClockStep(at=_FAR, segment=2**53, step_ms=-_FAR),
    Reply(at=0, command="nobody-asked", status="done"),
    Skipped(at=_FAR, reason="oversize", items=2**53, bytes=2**53),
    Dropped(at=0, reports=2**53, bytes=2**53, first=_FAR, last=0),
    Birth(at=_FAR, boot=2**53, agent="x" * 64, model="m", interval_s=86_400),
]


@pytest.mark.parametrize("offset_ms", [None, MAX_MILLIS, -MAX_MILLIS, 2**63 - 1, -(2**63 - 1)])
async def test_whatever_the_contract_allows_takes_no_fault_beside_it_along(bench: Bench, offset_ms: int | None) -> None:
    """Times, counts and offsets at their bounds, new and told again, with numbers and without."""
    uid = bench.device()
    codes = []
    before = stats.RETRIES.labels("live", "refused")._value.get()
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        at = wall_ms()
        for seq, item in enumerate(_EXTREMES * 2, 1):
            code, again = f"F{seq}", seq > len(_EXTREMES)
            codes.append(code)
            fault = Fault(at=at, code=code, state="event")
            await device.send(seq, item, fault, item, offset_ms=offset_ms, again=again, at=seq * _FAR // 99)
            if offset_ms is None:
                codes.append(f"N{seq}")
                odd = Fault(at=at, code=f"N{seq}", state="event")
                await device.raw(up(uid, Lane.LIVE), encode_report(Report(at=seq * _FAR // 99, items=[item, odd])))
        await device.acked(len(_EXTREMES) * 2)
        await until(lambda: bench.sql("SELECT count(*) FROM alert_event WHERE message ~ '^[FN]'") == [(len(codes),)])
    assert stats.RETRIES.labels("live", "refused")._value.get() == before, "nothing had to be found by trying"

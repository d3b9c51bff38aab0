"""Behind the real broker and database: alerts and tickets are the same however their facts were sent (ADR 0021)."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from alerts.engine import AlertEngine
from alerts.state import unpack
from catalog.load import load
from steth.run_ingest import stages_of
from tests.integration.ingest.harness import Bench, Client, wall_ms
from wire.items import Fault, Item, Readings

CATALOG = load()
ALERTS = (
    "SELECT rule, condition, extract(epoch FROM occurred_at)::bigint, extract(epoch FROM cleared_at)::bigint"
    " FROM alert ORDER BY occurred_at, rule"
)


def bath(value: float, at: int) -> Readings:
    return Readings(at=at, metric=["bath.temperature"], value=[value])


def one_by_one(items: Sequence[Item]) -> list[Sequence[Item]]:
    return [[item] for item in items]


def together(items: Sequence[Item]) -> list[Sequence[Item]]:
    return [items]


def together_newest_first(items: Sequence[Item]) -> list[Sequence[Item]]:
    return [items[::-1]]


async def judged(bench: Bench, reports: list[Sequence[Item]]) -> None:
    uid = bench.device()
    bench.sql("UPDATE device SET model = 'generic-analyzer'")
    engine = AlertEngine(models=CATALOG.models)
    async with (
        bench.ingest(engine=cast("Any", engine), stages=stages_of(CATALOG)),
        Client(bench=bench, uid=uid) as device,
    ):
        for seq, items in enumerate(reports, 1):
            await device.send(seq, *items)
            await device.acked(seq)


@pytest.mark.parametrize("cut", [one_by_one, together, together_newest_first])
async def test_a_fever_and_a_fault_are_the_same_however_they_are_sent(bench: Bench, cut: Any) -> None:
    t0 = (wall_ms() // 1000 - 280) * 1000
    facts = [
        bath(38.0, t0),
        Fault(at=t0 + 5000, code="MIX-MOT-01", state="active"),
        bath(38.1, t0 + 61_000),
        bath(37.0, t0 + 70_000),
        bath(38.0, t0 + 80_000),
        bath(37.0, t0 + 90_000),
    ]
    await judged(bench, cut(facts))
    at = t0 // 1000
    assert bench.sql(ALERTS) == [
        ("limit:bath-too-warm", "ok", at, at + 70),
        ("limit:bath-warm", "ok", at, at + 70),  # two minutes: it never held
        ("fault:MIX-MOT-01", "active", at + 5, None),
        ("limit:bath-too-warm", "ok", at + 80, at + 90),
        ("limit:bath-warm", "ok", at + 80, at + 90),
    ]
    assert bench.sql("SELECT count(*) FROM alert_event WHERE to_state = 'active' AND event = 'held'") == [(1,)]
    assert bench.sql("SELECT count(*) FROM ticket WHERE family = (SELECT family FROM alert LIMIT 1)") == [(1,)]


async def test_one_value_of_a_clock_that_is_four_minutes_behind_opens_no_ticket(bench: Bench) -> None:
    """Seen: it did at once."""
    await judged(bench, [[bath(38.0, wall_ms() - 240_000)]])
    assert {row[1] for row in bench.sql(ALERTS)} == {"pending"}
    assert bench.sql("SELECT count(*) FROM ticket") == [(0,)]
    [(packed,)] = bench.sql("SELECT engine FROM device_state WHERE lane = 0")
    assert unpack(bytes(packed)).timer == 0, "nothing follows from time alone"

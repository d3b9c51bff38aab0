"""From the wire to a roll-up: what ingest says it wrote is what the job makes; nobody waits for what was dropped."""

from datetime import timedelta

import psycopg

from store.rollup import roll_up
from tests.integration.ingest.harness import Bench, Client, now, wall_ms
from wire.items import Readings

_DAY_MS = 86_400_000


async def test_what_comes_in_now_and_late_is_rolled_up(each_bench: Bench) -> None:
    bench = each_bench
    uid = bench.device()
    at = wall_ms()
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        await device.send(1, Readings(at=at, metric=["a", "a"], value=[1, 3], dt=[0, -30 * _DAY_MS], quality=[0, 1]))
        await device.send(2, Readings(at=at, metric=["a", "b"], value=[5, 7], dt=[-2 * 3_600_000, 1], quality=[0, 2]))
        await device.acked(2)
    hours = "SELECT metric_id, n, bad, lo, total FROM reading_1h ORDER BY bucket, metric_id"
    ids = dict(bench.sql("SELECT name, id FROM metric"))
    later = now() + timedelta(hours=3)
    async with await psycopg.AsyncConnection.connect(bench.database.owner, autocommit=True) as owner:
        assert await roll_up(owner, now=later) > 0
    assert bench.sql(hours) == [
        (ids["a"], 1, 0, 3.0, 3.0),
        (ids["a"], 1, 0, 5.0, 5.0),
        (ids["a"], 1, 0, 1.0, 1.0),
        (ids["b"], 0, 1, None, 0.0),
    ]
    assert bench.sql("SELECT sum(n), sum(bad) FROM reading_1m") == [(3, 1)]  # it is stored, and no query's own work


async def test_what_lies_where_readings_were_dropped_is_set_aside_and_holds_up_nothing(bench: Bench) -> None:
    """The settings of two processes differ, or a month went just now: ingest would wait for a partition for ever."""
    uid = bench.device()
    at = wall_ms()
    old = now() - timedelta(days=70)
    bench.sql(f"DROP TABLE reading_{old:%Y_%m}")
    bench.sql("UPDATE rollup SET whole_from = date_trunc('month', %s::timestamptz, 'UTC') + interval '1 month'", old)
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        await device.send(1, Readings(at=at, metric=["a", "a"], value=[1, 2], dt=[0, -70 * _DAY_MS]))
        await device.send(2, Readings(at=at, metric=["a"], value=[3]))
        await device.acked(2)
    assert bench.sql("SELECT value FROM reading ORDER BY value") == [(1.0,), (3.0,)]
    assert bench.sql("SELECT value FROM reading_aside") == [(2.0,)]

"""A signal's chart, on every engine: resolutions that agree, honest gaps, limits and marks."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from store.partitions import ensure_partitions
from tests.fixtures.postgres import Cluster
from tests.integration.api.world import METRIC, MODEL, NOW, World, arrange, world

HOUR = timedelta(hours=1)
BEGAN = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
async def charted(engine: Cluster) -> AsyncIterator[World]:
    """The world on each engine, with a day of readings every 20 s, and an outage from 06:00 to 07:30."""
    arranged = await arrange(engine.create())
    database = engine.database(arranged.name)
    async with await psycopg.AsyncConnection.connect(database.owner) as owner:
        await ensure_partitions(owner, now=NOW, behind_days=3, ahead_days=1)
    with psycopg.connect(database.superuser) as connection:
        rows = [
            (at, 20 + (second % 3600) / 3600, 2 if second % 7200 == 20 else 0)
            for second in range(0, 86_400, 20)
            if not 6 * 3600 <= second < 7.5 * 3600
            for at in [BEGAN + timedelta(seconds=second)]
        ]
        write(connection, METRIC, "", rows)
    async with world(database, arranged) as made:
        yield made


def write(
    connection: psycopg.Connection[Any], metric: str, unit: str, rows: Sequence[tuple[datetime, float, int]]
) -> None:
    connection.execute("INSERT INTO metric (name, unit) VALUES (%s, %s) ON CONFLICT DO NOTHING", (metric, unit))
    connection.execute(
        "INSERT INTO org_metric (metric_id, org_id) SELECT m.id, d.org_id FROM device d, metric m"
        " WHERE d.uid = 'da00000000001' AND m.name = %s AND m.unit = %s ON CONFLICT DO NOTHING",
        (metric, unit),
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO reading (ts, device_id, metric_id, value, quality) SELECT %s, d.id, m.id, %s, %s "
            "FROM device d, metric m WHERE d.uid = 'da00000000001' AND m.name = %s AND m.unit = %s",
            [(*row, metric, unit) for row in rows],
        )


async def series(here: World, query: str, *, as_: str = "staff") -> dict[str, Any]:
    answer = await here.ask("GET", f"/devices/{here.a.device}/series?metric={METRIC}&{query}", as_=as_)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    columns = found["points"]
    assert len({len(column) for column in columns.values()}) == 1
    assert columns["t"] == sorted(columns["t"])
    return found


async def test_every_resolution_tells_the_same_of_the_same_day(charted: World) -> None:
    stored = charted.look(
        "SELECT count(*) FILTER (WHERE quality < 2), count(*) FILTER (WHERE quality = 2), "
        "min(value) FILTER (WHERE quality < 2), max(value) FILTER (WHERE quality < 2), "
        "sum(value) FILTER (WHERE quality < 2) FROM reading r JOIN device d ON d.id = r.device_id "
        "WHERE d.uid = 'da00000000001' AND ts >= %s AND ts < %s",
        BEGAN,
        BEGAN + 24 * HOUR,
    )[0]
    day = f"from={BEGAN:%Y-%m-%dT%H:%M:%SZ}&to={BEGAN + 24 * HOUR:%Y-%m-%dT%H:%M:%SZ}"
    used = set()
    for points in (2, 10, 30, 200, 2000):
        found = await series(charted, f"{day}&points={points}")
        used.add(found["resolution"])
        columns = found["points"]
        shown = [n for n, count in enumerate(columns["n"]) if count]
        total = sum(columns["avg"][n] * columns["n"][n] for n in shown)
        assert sum(columns["n"]) == stored[0], points
        assert sum(columns["bad"]) == stored[1]
        assert min(columns["lo"][n] for n in shown) == stored[2]
        assert max(columns["hi"][n] for n in shown) == stored[3]
        assert total == pytest.approx(stored[4])
        assert len(shown) <= points
    assert used == {"1m", "1h", "1d"}


async def test_few_enough_readings_are_shown_as_they_are(charted: World) -> None:
    found = await series(charted, "from=2026-11-21T01:00:00Z&to=2026-11-21T01:10:00Z&points=500")
    assert (found["resolution"], found["width_s"], len(found["points"]["t"])) == ("raw", 0.0, 30)
    assert found["points"]["lo"] == found["points"]["avg"] == found["points"]["hi"]
    binned = await series(charted, "from=2026-11-21T01:00:00Z&to=2026-11-21T01:10:00Z&points=25")
    assert (binned["resolution"], binned["width_s"], sum(binned["points"]["n"])) == ("raw", 30.0, 30)


async def test_an_outage_is_a_break_in_the_line_and_no_line_across_it(charted: World) -> None:
    regular = next(s for s in MODEL.signals.values() if not isinstance(s.cadence, str) and s.cadence <= 60)
    with psycopg.connect(charted.database.superuser) as connection:
        rows = [
            (BEGAN + timedelta(seconds=second), (regular.min + regular.max) / 2, 0)
            for second in range(0, 86_400, 60)
            if not 6 * 3600 <= second < 7.5 * 3600
        ]
        write(connection, regular.name, "", rows)
    day = f"from={BEGAN:%Y-%m-%dT%H:%M:%SZ}&to={BEGAN + 24 * HOUR:%Y-%m-%dT%H:%M:%SZ}"
    for points in (300, 700):
        path = f"/devices/{charted.a.device}/series?metric={regular.name}&{day}&points={points}"
        found = (await charted.ask("GET", path)).json()
        columns = found["points"]
        breaks = [n for n, count in enumerate(columns["n"]) if count == 0]
        assert len(breaks) == 1, "one outage, one break"
        at = breaks[0]
        assert (columns["avg"][at], columns["bad"][at]) == (None, 0)
        before, after = (datetime.fromtimestamp(columns["t"][n] / 1000, UTC) for n in (at - 1, at + 1))
        assert before < BEGAN + 6 * HOUR <= after + timedelta(seconds=found["width_s"])
        assert after >= BEGAN + 7 * HOUR


async def test_units_are_never_mixed(charted: World) -> None:
    with psycopg.connect(charted.database.superuser) as connection:
        write(connection, METRIC, "[degF]", [(BEGAN + timedelta(minutes=1), 104.0, 0)])
    hour = "from=2026-11-21T00:00:00Z&to=2026-11-21T00:10:00Z"
    usual = await series(charted, hour)
    assert (usual["unit"], usual["units"]) == ("Cel", ["Cel", "[degF]"])
    assert 104.0 not in usual["points"]["avg"]
    other = await series(charted, f"{hour}&unit=%5BdegF%5D")
    assert (other["unit"], other["points"]["avg"]) == ("[degF]", [104.0])
    assert (await series(charted, f"{hour}&unit=K"))["points"]["t"] == []


async def test_a_hospital_sees_its_own_and_nothing_else(charted: World) -> None:
    for points in (2, 30, 2000):
        query = f"metric={METRIC}&points={points}&from=2026-11-20T00:00:00Z"
        own = await charted.ask("GET", f"/devices/{charted.a.device}/series?{query}", as_="hospital-a")
        assert own.json()["points"]["t"]
        foreign = await charted.ask("GET", f"/devices/{charted.a.device}/series?{query}", as_="hospital-b")
        assert foreign.status_code == 404


async def test_limits_and_what_was_wrong_in_the_range_come_with_it(still: World) -> None:
    found = await series(still, "from=2026-11-22T03:50:00Z&to=2026-11-22T04:00:00Z&lang=en")
    rules = MODEL.signals[METRIC].rules
    assert [(limit["rule"], limit["raise_at"], limit["clear"]) for limit in found["limits"]] == [
        (f"limit:{rule.key}", rule.raise_at, rule.clear) for rule in rules
    ]
    assert [(mark["alert"], mark["rule"], mark["begins"], mark["ends"]) for mark in found["marks"]] == [
        (str(still.a.alert), "limit:detector-hot", "2026-11-22T03:55:00Z", None)
    ]
    assert (found["per_event"], found["runs"], found["set"]) == (True, None, None)
    assert found["marks"][0]["text"].startswith("Flat-panel") or "46" in found["marks"][0]["text"]
    assert (await series(still, "from=2026-11-22T03:00:00Z&to=2026-11-22T03:30:00Z"))["marks"] == []


async def test_without_a_range_it_is_the_last_day(still: World) -> None:
    found = await series(still, "points=100")
    assert (found["begins"], found["ends"]) == ("2026-11-21T04:00:00Z", "2026-11-22T04:00:00Z")
    assert sum(found["points"]["n"]) == 7


@pytest.mark.parametrize(
    ("query", "status", "where"),
    [
        ("", 422, "query.metric"),
        ("metric=a&points=1", 422, "query.points"),
        ("metric=a&points=2001", 422, "query.points"),
        ("metric=detector.temperature&from=2026-11-22T04:00:00Z&to=2026-11-22T04:00:00Z", 422, "query.from"),
        ("metric=detector.temperature&from=1990-11-22T04:00:00Z", 422, "query.from"),
        ("metric=never.heard.of", 404, "path"),
    ],
)
async def test_what_a_chart_cannot_be_asked(still: World, query: str, status: int, where: str) -> None:
    answer = await still.ask("GET", f"/devices/{still.a.device}/series?{query}")
    assert (answer.status_code, answer.json()["where"]) == (status, where)


async def test_a_signal_that_the_catalog_knows_and_that_never_came_is_an_empty_chart(still: World) -> None:
    other = next(name for name in MODEL.signals if name != METRIC)
    answer = await still.ask("GET", f"/devices/{still.a.device}/series?metric={other}")
    assert (answer.status_code, answer.json()["points"]["t"], answer.json()["units"]) == (200, [], [])

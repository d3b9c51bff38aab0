"""The same questions to the roll-ups of each edition, and the answers worked out in Python."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import errors

from tests.fixtures.pglite import Pglite
from tests.fixtures.postgres import Cluster
from tests.integration.store.ground import BUCKETS, Ground, Reading, ago, expected, on_server, on_wasm

NOW = datetime(2026, 11, 22, 4, 0, 30, tzinfo=UTC)
LATER = [NOW + timedelta(minutes=minutes) for minutes in (0, 7, 130)]


@pytest.fixture(params=["plain", "timescale-apache", "timescale-community"], scope="module")
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """Each edition in turn, with two hospitals."""
    if request.param == "timescale-community":
        server: Pglite = request.getfixturevalue("community")
        made = on_wasm(server)
        made.hospitals()
        yield made
        return
    cluster: Cluster = request.getfixturevalue("plain_cluster" if request.param == "plain" else "timescale_cluster")
    database = cluster.create()
    made = on_server(database, now=NOW)
    made.hospitals()
    yield made
    made.close()
    cluster.drop(database.name)


def readings(now: datetime) -> st.SearchStrategy[list[Reading]]:
    """Readings as they come in: mostly of now, some hours or days late, a few ahead. Sums of eighths are exact."""
    age = st.one_of(st.floats(-60, 200), st.floats(0, 3 * 3600), st.floats(0, 30 * 86_400))
    one = st.builds(
        Reading,
        at=age.map(lambda seconds: round(now.timestamp() - seconds, 3)),
        device=st.integers(1, 2),
        metric=st.integers(1, 2),
        value=st.integers(-80, 800).map(lambda eighths: eighths / 8),
        quality=st.sampled_from([0, 0, 0, 1, 2]),
    )
    return st.lists(one, min_size=1, max_size=12)


def assert_all_levels(ground: Ground, written: list[Reading]) -> None:
    for level, seconds in BUCKETS.items():
        assert ground.ask(level) == expected(written, seconds), level


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.tuples(*map(readings, LATER)), fresh=readings(LATER[-1]))
def test_whatever_comes_in_whatever_order(
    ground: Ground, batches: tuple[list[Reading], ...], fresh: list[Reading]
) -> None:
    ground.clear()
    written: list[Reading] = []
    for now, batch in zip(LATER, batches, strict=True):
        ground.write(batch, now=now)
        written += batch
        ground.settle(now)
        assert_all_levels(ground, written)
    newest = [reading for reading in fresh if reading.at >= LATER[-1].timestamp()]
    if newest:
        ground.write(newest, now=LATER[-1])
        assert_all_levels(ground, written + newest)  # at once, before any job


def test_questions_of_a_chart(ground: Ground) -> None:
    ground.clear()
    series = [Reading(ago(NOW, minutes=m), 1, 1, m / 8, 0) for m in range(0, 600, 2)]
    other = [Reading(ago(NOW, minutes=m), 2, 2, -1.0, 0) for m in range(0, 600, 50)]
    ground.write(series + other, now=NOW)
    ground.settle(NOW)
    begin, end = NOW - timedelta(hours=5), NOW - timedelta(hours=1)
    where, given_ = "device_id = %s AND metric_id = %s AND bucket >= %s AND bucket < %s", (1, 1, begin, end)
    for level, seconds in BUCKETS.items():
        inside = [row for row in expected(series, seconds) if begin <= row.bucket < end]
        assert ground.ask(level, where=where, given=given_) == inside
    (second, *_) = ground.ask("1h", where=where, given=given_)[1:]
    assert (second.n, second.lo, second.hi) == (30, 122 / 8, 180 / 8)


def test_a_gap_stays_a_gap(ground: Ground) -> None:
    ground.clear()
    series = [Reading(ago(NOW, hours=hours), 1, 1, 1.0, 0) for hours in (0.01, 2, 3, 9, 10, 50)]
    ground.write(series, now=NOW)
    ground.settle(NOW)
    assert len(ground.ask("1h")) == 6
    assert len(ground.ask("1d")) == 3


def test_bad_readings_are_counted_and_left_out(ground: Ground) -> None:
    ground.clear()
    at = ago(NOW, hours=3)
    ground.write([Reading(at, 1, 1, 900.0, 2), Reading(at, 1, 1, 4.0, 1), Reading(at, 1, 2, 900.0, 2)], now=NOW)
    for settled in (False, True):
        if settled:
            ground.settle(NOW)
        for level in BUCKETS:
            assert [row[2:] for row in ground.ask(level)] == [(1, 1, 1, 4.0, 4.0, 4.0), (2, 0, 1, None, None, 0.0)]


def test_each_hospital_sees_its_own(ground: Ground) -> None:
    ground.clear()
    written = [Reading(ago(NOW, hours=hours), device, 1, 1.0, 0) for hours in (0.01, 5, 40) for device in (1, 2)]
    ground.write(written, now=NOW)
    ground.settle(NOW)
    with ground.connect("") as connection:
        orgs = {device: str(org) for device, org in connection.execute("SELECT id, org_id FROM device").fetchall()}
    for level, seconds in BUCKETS.items():
        for device, org in orgs.items():
            mine = expected([reading for reading in written if reading.device == device], seconds)
            assert ground.ask(level, org=org) == mine
        assert ground.ask(level, org="999") == []
        assert ground.ask(level, org="") == []
        # A function that raises on each value it sees would tell of others' rows, were it run before the policy.
        leaky = ground.ask(level, org=orgs[1], where="1 / (CASE WHEN device = 'd000000000002' THEN 0 ELSE 1 END) = 1")
        assert leaky == ground.ask(level, org=orgs[1])


@pytest.mark.parametrize("role", ["steth_api", "steth_ingest"])
def test_nobody_reads_past_the_views(ground: Ground, role: str) -> None:
    with ground.connect(role) as connection:
        for level in BUCKETS:
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(b"SELECT count(*) FROM reading_" + level.encode())
        for statement in (b"SELECT * FROM series_1m" if role == "steth_ingest" else b"SELECT * FROM reading",):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement)

"""The list of devices in its orders, by its filters, by how they are, and the counts beside it."""

import itertools
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from api.devices.state import Known, how, judge
from tests.integration.api.world import NOW, World, pages

HEARTBEAT_S = 60.0
FILTERS: dict[str, tuple[str, ...]] = {
    "how": ("ill", "unknown", "well"),
    "status": ("active", "retired"),
    "model": ("generic-analyzer",),
    "q": ("dept",),
}


def in_a_word(device: dict[str, Any]) -> str:
    """As the facts of a row say it."""
    facts = [device[name]["value"] for name in ("connected", "fresh", "healthy")]
    return "ill" if facts[2] is False else "well" if all(facts) else "unknown"


def test_the_database_says_of_every_case_what_the_rule_says(crowded: Any) -> None:
    ago = [
        None,
        timedelta(0),
        timedelta(seconds=180),
        timedelta(seconds=180.001),
        timedelta(seconds=-181),
        timedelta(days=1),
    ]
    cases = [
        Known(
            connected=connected,
            last_seen=None if seen is None else NOW - seen,
            interval_s=interval_s,
            worst_severity=severity,
            worst_since=None,
            lost_at=None if lost is None else NOW - lost,
            equipment_connected=reached,
            doubted_since=doubted,
        )
        for connected, seen, interval_s, severity, lost, reached, doubted in itertools.product(
            (True, False),
            ago,
            (0.0, 15.0, 60.0),
            (None, "critical", "major", "minor", "warning"),
            (None, timedelta(hours=24), timedelta(hours=24, microseconds=1), timedelta(hours=-1)),
            (None, True, False),
            (None, NOW),
        )
    ]
    with psycopg.connect(crowded.api) as connection:
        rows = connection.execute(
            "SELECT how_device_is(c.severity, c.connected, c.seen, c.interval_s, c.lost, c.doubted, c.reached, %s, %s)"
            " FROM unnest(%s::text[], %s::boolean[], %s::timestamptz[], %s::float8[], %s::timestamptz[],"
            " %s::timestamptz[], %s::boolean[]) AS c (severity, connected, seen, interval_s, lost, doubted, reached)",
            (
                NOW,
                HEARTBEAT_S,
                [case.worst_severity for case in cases],
                [case.connected for case in cases],
                [case.last_seen for case in cases],
                [case.interval_s for case in cases],
                [case.lost_at for case in cases],
                [case.doubted_since for case in cases],
                [case.equipment_connected for case in cases],
            ),
        ).fetchall()
    expected = [how(judge(case, now=NOW, default_interval_s=HEARTBEAT_S)) for case in cases]
    assert [row[0] for row in rows] == expected
    assert set(expected) == {"ill", "unknown", "well"}


@pytest.mark.parametrize(
    "query", ["", "sort=name", "sort=urgency", "how=unknown&q=same", "sort=urgency&how=ill&how=well"]
)
async def test_pages_of_devices_with_one_name_neither_skip_nor_repeat(crowd: World, query: str) -> None:
    whole = (await crowd.ask("GET", f"/devices?{query}&limit=1000")).json()["items"]
    ids = [device["id"] for device in whole]
    assert len(set(ids)) == len(ids) > 100
    assert [device["id"] for device in await pages(crowd, f"/devices?{query}&limit=37")] == ids
    if not query:
        key = [(device["hospital"]["name"], device["site"]["name"], device["name"]) for device in whole]
        assert key == sorted(key)
    if query == "sort=urgency":
        words = [in_a_word(device) for device in whole]
        assert words == sorted(words, key=["ill", "unknown", "well"].index)


async def test_a_cursor_of_another_order_is_refused(crowd: World) -> None:
    by_name = (await crowd.ask("GET", "/devices?sort=name&limit=3")).json()["next"]
    assert (await crowd.ask("GET", f"/devices?next={by_name}")).json()["where"] == "query.next"


@pytest.mark.parametrize("viewer", ["staff", "manager", "hospital-b"])
async def test_the_counts_are_of_what_the_list_shows(crowd: World, viewer: str) -> None:
    alone = [[f"{name}={value}" for value in values] for name, values in FILTERS.items()]
    for parts in [
        [],
        *([one] for several in alone for one in several),
        *(a + b for a, b in itertools.combinations(alone, 2)),
    ]:
        query = "&".join(parts)
        answer = await crowd.ask("GET", f"/devices?{query}&limit=1000", as_=viewer)
        assert answer.is_success, answer.text
        listed = answer.json()["items"]
        said = (await crowd.ask("GET", f"/devices/summary?{query}&by=site", as_=viewer)).json()
        assert said["total"] == len(listed), query
        shown = [in_a_word(device) for device in listed]
        assert said["how"] == {word: shown.count(word) for word in ("ill", "unknown", "well")}, query
        for group in said["groups"]:
            of = [in_a_word(device) for device in listed if device["site"]["id"] == int(group["key"])]
            assert group["count"] == len(of)
            assert group["how"] == {word: of.count(word) for word in ("ill", "unknown", "well")}


@pytest.mark.parametrize("by", ["site", "hospital", "model"])
async def test_each_group_is_the_list_with_its_filter(crowd: World, by: str) -> None:
    groups = (await crowd.ask("GET", f"/devices/summary?by={by}")).json()["groups"]
    assert groups
    for group in groups:
        listed = (await crowd.ask("GET", f"/devices?{by}={group['key']}&limit=1000")).json()["items"]
        assert len(listed) == group["count"]


@pytest.mark.parametrize(
    ("typed", "count"),
    [("1120-0007", 1), ("dz00000000012", 1), ("医 same", 120), ("sn-12", 11), ("%", 240), ("nothing at all", 0)],
)
async def test_what_is_typed_finds_its_devices(crowd: World, typed: str, count: int) -> None:
    """A ticket's number finds its device."""
    assert len((await crowd.ask("GET", f"/devices?limit=1000&q={quote(typed)}")).json()["items"]) == count
    assert (await crowd.ask("GET", f"/devices/summary?q={quote(typed)}")).json()["total"] == count

"""The list of alerts in its orders, by its filters and by what is typed, and the counts beside it."""

import itertools
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from catalog.model import SEVERITIES
from tests.integration.api.handed import NEW, hand_over, second_dealer
from tests.integration.api.world import NOW, World, pages

AGES = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7), "older": timedelta.max}
STATES = {"active": "open", "pending": "pending", "ok": "over"}


def age_of(occurred_at: str) -> str:
    """In which of the ages something lies."""
    past = NOW - datetime.fromisoformat(occurred_at)
    return next(age for age, most in AGES.items() if past < most)


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


async def test_the_most_urgent_come_first_and_the_oldest_of_them(crowd: World) -> None:
    listed = await pages(crowd, "/alerts?state=open&limit=1000")
    key = [(SEVERITIES.index(alert["severity"]), alert["occurred_at"]) for alert in listed]
    assert key == sorted(key)
    assert len(listed) == 242
    assert {alert["condition"] for alert in listed} == {"active"}
    assert listed[0]["severity"] == "critical"


@pytest.mark.parametrize("query", ["state=open", "state=open&sort=newest", "", "state=pending&state=open", "q=same"])
@pytest.mark.parametrize("limit", [7, 100])
async def test_pages_of_devices_with_one_name_neither_skip_nor_repeat(crowd: World, query: str, limit: int) -> None:
    whole = ids((await crowd.ask("GET", f"/alerts?{query}&limit=1000")).json()["items"])
    assert len(set(whole)) == len(whole) > 200
    assert ids(await pages(crowd, f"/alerts?{query}&limit={limit}")) == whole


async def test_a_cursor_of_another_order_is_refused(crowd: World) -> None:
    urgent = (await crowd.ask("GET", "/alerts?state=open&limit=3")).json()["next"]
    answer = await crowd.ask("GET", f"/alerts?next={urgent}")
    assert (answer.status_code, answer.json()["where"]) == (422, "query.next")
    other = await crowd.ask("GET", f"/alerts?state=open&severity=minor&next={urgent}")
    assert other.status_code == 200, "of another filter it is a place in the same order"


@pytest.mark.parametrize("query", ["sort=urgency", "sort=urgency&state=open&state=over"])
async def test_what_is_over_has_no_urgency(crowd: World, query: str) -> None:
    answer = await crowd.ask("GET", f"/alerts?{query}")
    assert (answer.status_code, answer.json()["where"]) == (422, "query.sort")


FILTERS: dict[str, tuple[str, ...]] = {
    "state": ("open", "pending", "over"),
    "severity": ("critical", "warning"),
    "model": ("generic-analyzer",),
    "family": ("generator",),
    "age": ("hour", "week"),
    "operator": ("acknowledged", "unacknowledged"),
    "device": ("dz00000000004", "dz00000000009"),
    "q": ("dept",),
}


@pytest.mark.parametrize("viewer", ["staff", "manager", "hospital-a"])
async def test_the_counts_are_of_what_the_list_shows(crowd: World, viewer: str) -> None:
    """Each filter alone; all pairs of them as staff."""
    alone = [[f"{name}={value}" for value in values] for name, values in FILTERS.items()]
    pairs = [a + b for a, b in itertools.combinations(alone, 2)] if viewer == "staff" else []
    for parts in [[], *alone, *pairs]:
        query = "&".join(parts)
        page = await crowd.ask("GET", f"/alerts?{query}&limit=1000", as_=viewer)
        assert page.is_success, page.text
        listed = page.json()["items"]
        said = (await crowd.ask("GET", f"/alerts/summary?{query}&by=device", as_=viewer)).json()
        assert (said["total"], said["exact"]) == (len(listed), True), query
        for field, shown in (
            ("severity", [alert["severity"] for alert in listed]),
            ("state", [STATES[alert["condition"]] for alert in listed]),
            ("operator", [alert["operator"]["state"] for alert in listed]),
        ):
            assert said[field] == {value: shown.count(value) for value in said[field]}, query
        ages = [age_of(alert["occurred_at"]) for alert in listed]
        assert said["age"] == {age: ages.count(age) for age in ("hour", "day", "week", "older")}, query
        assert said["oldest"] == min((alert["occurred_at"] for alert in listed), default=None)
        devices = {alert["device"]["id"] for alert in listed}
        assert len(said["groups"]) + said["more"] == len(devices), query
        assert len(said["groups"]) <= 100


@pytest.mark.parametrize("by", ["site", "hospital", "model", "family", "device"])
async def test_each_group_is_the_list_with_its_filter(crowd: World, by: str) -> None:
    groups = (await crowd.ask("GET", f"/alerts/summary?state=open&by={by}&lang=en")).json()["groups"]
    assert groups
    worst = [SEVERITIES.index(group["worst"]) for group in groups]
    assert worst == sorted(worst)
    for group in (groups[0], groups[-1]):
        listed = (await crowd.ask("GET", f"/alerts?state=open&{by}={group['key']}&limit=1000")).json()["items"]
        assert len(listed) == group["count"]
        assert listed[0]["severity"] == group["worst"]
        assert min(alert["occurred_at"] for alert in listed) == group["oldest"]
        assert group["name"]
        if by in ("site", "device"):
            assert {alert["hospital"]["name"] for alert in listed} == {group["place"]}


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("医", 241),  # of every second device two, and of the first hospital's own
        ("人民医院 same", 240),
        ("SAME NAME dept", 480),
        ("dz00000000012", 2),
        ("sn-12", 22),
        ("通用数字化", 322),
        ("50%_3", 68),
        ("%", 480),
        ("_", 480),
        ("\\", 0),
        ("' OR 1=1 --", 0),
        ("E7", 240),
        ("e7", 0),  # no code of the catalog: as it is written
        ("gen-kv-01", 240),
        ("WX20261122-001", 1),
        ("2-001", 1),
        ("-002", 1),
        ("9" * 100, 0),
        ("\u202e\u200b", 482),
    ],
)
async def test_what_is_typed_finds_its_alerts(crowd: World, typed: str, count: int) -> None:
    said = (await crowd.ask("GET", f"/alerts/summary?q={quote(typed)}")).json()
    assert said["total"] == count
    assert len((await crowd.ask("GET", f"/alerts?limit=1000&q={quote(typed)}")).json()["items"]) == count


async def test_more_than_a_hundred_characters_are_refused(crowd: World) -> None:
    answer = await crowd.ask("GET", f"/alerts?q={'a' * 101}")
    assert (answer.status_code, answer.json()["where"]) == (422, "query.q")


async def test_of_what_is_over_the_newest_are_counted_and_that_is_said(
    crowd: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.alerts.lists.MOST_COUNTED", 50)
    monkeypatch.setattr("api.search.shapes.MOST_COUNTED", 50)
    said = (await crowd.ask("GET", "/alerts/summary?state=over")).json()
    assert (said["total"], said["exact"], said["oldest"]) == (50, False, None)
    said = (await crowd.ask("GET", "/alerts/summary?state=open")).json()
    assert (said["total"], said["exact"]) == (242, True), "what is open is always counted"


async def test_whoever_served_it_once_counts_and_finds_what_is_his_alone(here: World) -> None:
    here.look("UPDATE device SET serial = 'then-7' WHERE uid = %s RETURNING 1", here.a.device)
    dealer = await second_dealer(here)
    await hand_over(here, dealer)
    here.look("UPDATE device SET serial = 'later-8' WHERE uid = %s RETURNING 1", here.a.device)
    find = {
        who: {
            typed: (await here.ask("GET", f"/alerts/summary?q={typed}", as_=who)).json()["total"]
            for typed in ("then-7", "later-8", here.a.ticket)
        }
        for who in ("manager", NEW, "hospital-a", "hospital-b")
    }
    assert find["hospital-b"] == {"then-7": 0, "later-8": 0, here.a.ticket: 0}
    assert find["hospital-a"]["later-8"] == find[NEW]["later-8"] == 1, "what lasts is the new dealer's"
    assert find["manager"]["later-8"] == 0, "the former one knows nothing that came later"

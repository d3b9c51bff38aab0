"""The list of tickets in its orders, by its filters and by what is typed, and the counts beside it."""

import itertools
from urllib.parse import quote

import pytest

from catalog.model import SEVERITIES
from tests.integration.api.world import World, pages

FILTERS: dict[str, tuple[str, ...]] = {
    "state": ("open", "closed"),
    "status": ("new", "accepted"),
    "severity": ("critical", "warning"),
    "model": ("generic-analyzer",),
    "holder": ("none", "engineer"),
    "age": ("hour", "week"),
    "q": ("dept",),
}


@pytest.mark.parametrize("query", ["", "state=open", "state=open&sort=newest", "holder=none", "q=gen-kv-01"])
async def test_pages_neither_skip_nor_repeat(crowd: World, query: str) -> None:
    whole = (await crowd.ask("GET", f"/tickets?{query}&limit=1000")).json()["items"]
    numbers = [ticket["number"] for ticket in whole]
    assert len(set(numbers)) == len(numbers) > 100
    assert [ticket["number"] for ticket in await pages(crowd, f"/tickets?{query}&limit=9")] == numbers
    if query in ("state=open", "holder=none"):
        key = [(SEVERITIES.index(ticket["severity"]), ticket["opened_at"], ticket["id"]) for ticket in whole]
        assert key == sorted(key)
    else:
        assert [ticket["id"] for ticket in whole] == sorted((ticket["id"] for ticket in whole), reverse=True)


@pytest.mark.parametrize("query", ["sort=urgency", "sort=urgency&status=closed&status=new"])
async def test_what_is_closed_has_no_urgency(crowd: World, query: str) -> None:
    answer = await crowd.ask("GET", f"/tickets?{query}")
    assert (answer.status_code, answer.json()["where"]) == (422, "query.sort")


async def test_a_cursor_of_another_order_is_refused(crowd: World) -> None:
    urgent = (await crowd.ask("GET", "/tickets?state=open&limit=3")).json()["next"]
    assert (await crowd.ask("GET", f"/tickets?next={urgent}")).json()["where"] == "query.next"


@pytest.mark.parametrize("viewer", ["staff", "engineer", "hospital-b"])
async def test_the_counts_are_of_what_the_list_shows(crowd: World, viewer: str) -> None:
    """Each filter alone; all pairs of them as staff."""
    alone = [[f"{name}={value}" for value in values] for name, values in FILTERS.items()]
    pairs = [a + b for a, b in itertools.combinations(alone, 2)] if viewer == "staff" else []
    for parts in [["holder=me"], [], *alone, *pairs]:
        query = "&".join(parts)
        answer = await crowd.ask("GET", f"/tickets?{query}&limit=1000", as_=viewer)
        assert answer.is_success, answer.text
        listed = answer.json()["items"]
        said = (await crowd.ask("GET", f"/tickets/summary?{query}&by=holder", as_=viewer)).json()
        assert (said["total"], said["exact"]) == (len(listed), True), query
        for field in ("severity", "status"):
            shown = [ticket[field] for ticket in listed]
            assert said[field] == {value: shown.count(value) for value in said[field]}, query
        assert said["oldest"] == min((ticket["opened_at"] for ticket in listed), default=None)
        assert sum(group["count"] for group in said["groups"]) == said["total"]


@pytest.mark.parametrize("by", ["site", "hospital", "model", "family", "device", "holder"])
async def test_each_group_is_the_list_with_its_filter(crowd: World, by: str) -> None:
    groups = (await crowd.ask("GET", f"/tickets/summary?state=open&by={by}")).json()["groups"]
    assert groups
    for group in (groups[0], groups[-1]):
        listed = (await crowd.ask("GET", f"/tickets?state=open&{by}={quote(group['key'])}&limit=1000")).json()["items"]
        assert (len(listed), listed[0]["severity"]) == (group["count"], group["worst"])
        assert min(ticket["opened_at"] for ticket in listed) == group["oldest"]


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("1120-0007", 1),
        ("wx20261120-0007", 1),
        ("20-0007", 1),
        ("07 99", 0),
        ("%", 240),
        ("gen-kv", 240),
        ("dz00000000012", 1),
    ],
)
async def test_what_is_typed_finds_its_tickets(crowd: World, typed: str, count: int) -> None:
    listed = (await crowd.ask("GET", f"/tickets?limit=1000&q={quote(typed)}")).json()["items"]
    assert len(listed) == count
    assert (await crowd.ask("GET", f"/tickets/summary?q={quote(typed)}")).json()["total"] == count

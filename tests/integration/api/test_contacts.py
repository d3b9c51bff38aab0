"""Whom to call at a hospital: who sees it, who changes it, and what is left when it is removed."""

from typing import Any

import psycopg
import pytest

from people.roles import Role
from tests.integration.api.handed import NEW, OLD, hand_over, second_dealer
from tests.integration.api.world import DEALER, World, new_account, pages

LI = {"name": "李娜", "part": "equipment", "phone": "+86 10 5555 0100", "hours": "工作日 8–17", "night": 1}


def joined(here: World, **roles: tuple[Role, int]) -> None:
    with psycopg.connect(here.database.superuser) as connection:
        for name, (role, org) in roles.items():
            here.tokens[name], _ = new_account(connection, name, role, org)


async def test_who_calls_sees_them_and_nobody_else_does(here: World) -> None:
    joined(here, noc2=(Role.NOC, await second_dealer(here)))
    made = await here.ask("POST", "/contacts", as_="equipment", json={**LI, "site": here.a.site})
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert made.json()["site"] == {"id": here.a.site, "name": "放射科"}
    seen = {}
    for who in ("staff", "manager", "noc", "engineer", "equipment", "it", "hospital-b", "noc2"):
        answer = await here.ask("GET", f"/contacts?site={here.a.site}", as_=who)
        seen[who] = [one["name"] for one in answer.json()["items"]]
    calling = [f"Caller of {here.a.name}", "李娜"]
    assert seen == {
        **dict.fromkeys(("staff", "manager", "noc", "engineer", "equipment", "it"), calling),
        **{who: [] for who in ("hospital-b", "noc2")},
    }
    assert (await here.ask("GET", "/contacts", as_="department")).status_code == 403


async def test_a_dealer_that_leaves_sees_them_no_more_and_the_next_one_does(here: World) -> None:
    dealer = await second_dealer(here)
    assert len(await pages(here, f"/contacts?hospital={here.a.org}", as_=OLD)) == 1
    assert await pages(here, f"/contacts?hospital={here.a.org}", as_=NEW) == []
    await hand_over(here, dealer)
    assert await pages(here, f"/contacts?hospital={here.a.org}", as_=OLD) == []
    assert len(await pages(here, f"/contacts?hospital={here.a.org}", as_=NEW)) == 1


async def test_a_contact_is_changed_by_who_has_seen_it_and_null_takes_the_night_away(here: World) -> None:
    path = f"/contacts/{(await here.ask('POST', '/contacts', as_='it', json=LI)).json()['id']}"
    assert (await here.ask("PATCH", path, json={"phone": "1234"})).status_code == 428
    moved = await here.ask("PATCH", path, as_="noc", json={"phone": "1234"}, headers={"If-Match": '"1"'})
    assert (moved.json()["phone"], moved.json()["night"], moved.headers["etag"]) == ("1234", 1, '"2"')
    assert (await here.ask("PATCH", path, json={"night": 2}, headers={"If-Match": '"1"'})).status_code == 412
    off = await here.ask("PATCH", path, json={"night": None, "name": None}, headers={"If-Match": '"2"'})
    assert (off.json()["night"], off.json()["name"]) == (None, "李娜")
    foreign = await here.ask("PATCH", path, json={"site": here.b.site}, headers={"If-Match": '"3"'})
    assert (foreign.status_code, foreign.json()["where"]) == (422, "body.site")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"phone": "call me"}, "body.phone"),
        ({"phone": ""}, "body.phone"),
        ({"part": "patient"}, "body.part"),
        ({"night": 0}, "body.night"),
        ({"hospital": 999}, "body.hospital"),
        ({"hospital": DEALER}, "body.hospital"),
        ({"site": 999, "hospital": 2}, "body.site"),
    ],
)
async def test_what_a_contact_cannot_be(still: World, change: dict[str, Any], where: str) -> None:
    answer = await still.ask("POST", "/contacts", json={**LI, **change})
    assert (answer.status_code, answer.json()["where"]) == (422, where)


async def test_a_removed_one_is_nowhere_not_even_in_the_audit_log(here: World) -> None:
    made = (await here.ask("POST", "/contacts", as_="equipment", json=LI)).json()
    path = f"/contacts/{made['id']}"
    await here.ask("PATCH", path, json={"phone": "+86 10 5555 0199"}, headers={"If-Match": "*"})
    assert (await here.ask("DELETE", path, as_="equipment")).status_code == 204
    assert (await here.ask("DELETE", path, as_="equipment")).status_code == 404
    told = here.look("SELECT action, org_id FROM audit WHERE subject = %s ORDER BY id", f"contact:{made['id']}")
    assert told == [(f"contact-{what}", here.a.org) for what in ("created", "changed", "removed")]
    left = str([here.look(f"SELECT to_jsonb(t) FROM {table} t") for table in ("contact", "audit", "idempotency")])  # noqa: S608
    assert not [word for word in ("李娜", "5555 0100", "5555 0199") if word in left]

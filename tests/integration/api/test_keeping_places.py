"""Organisations and sites: found, called otherwise, and by whom; a hospital's own recipients."""

from contextlib import suppress

import psycopg
import pytest

from tests.integration.api.handed import NEW, OLD, second_dealer
from tests.integration.api.world import DEALER, World, pages

MATCH = {"If-Match": "*"}


async def test_organisations_are_found_by_name_and_kind(here: World) -> None:
    dealer = await second_dealer(here)
    hospitals = await pages(here, "/orgs?kind=hospital&limit=1", as_=OLD)
    assert sorted(one["name"] for one in hospitals) == sorted((here.a.name, here.b.name))
    assert [(one["sites"], one["shared"], one["version"]) for one in hospitals] == [(1, False, 1)] * 2
    assert [one["id"] for one in await pages(here, "/orgs?q=第一")] == [here.a.org]
    assert [one["prefix"] for one in await pages(here, "/orgs?kind=dealer&q=新")] == ["NEW"]
    assert [one["id"] for one in await pages(here, "/orgs", as_=NEW)] == [dealer]


async def test_a_hospital_is_called_otherwise_by_the_one_dealer_it_has_and_by_the_operator(here: World) -> None:
    path = f"/orgs/{here.a.org}"
    assert (await here.ask("PATCH", path, as_=OLD, json={"name": "x"})).status_code == 428
    done = await here.ask("PATCH", path, as_=OLD, json={"name": "东院"}, headers={"If-Match": '"1"'})
    assert (done.status_code, done.json()["name"], done.headers["etag"]) == (200, "东院", '"2"')
    assert (await here.ask("PATCH", path, json={"name": "x"}, headers={"If-Match": '"1"'})).status_code == 412
    [device] = await pages(here, f"/devices?hospital={here.a.org}", as_="equipment")
    assert device["hospital"]["name"] == "东院"
    taken = await here.ask("PATCH", path, as_=OLD, json={"name": here.b.name}, headers=MATCH)
    assert (taken.status_code, taken.json()["where"]) == (409, "body.name")
    told = here.look("SELECT org_id, actor, detail FROM audit WHERE action = 'org-renamed'")
    assert told == [(here.a.org, OLD, {"old": here.a.name, "new": "东院"})]
    assert (await here.ask("PATCH", f"/orgs/{DEALER}", as_=OLD, json={"name": "x"}, headers=MATCH)).status_code == 409
    assert (await here.ask("PATCH", f"/orgs/{DEALER}", json={"name": "x"}, headers=MATCH)).status_code == 200


async def test_where_two_dealers_work_neither_renames_what_the_other_reads(here: World) -> None:
    dealer = await second_dealer(here)
    here.look("INSERT INTO clientele (dealer_id, org_id) VALUES (%s, %s) RETURNING 1", dealer, here.a.org)
    for path, change in ((f"/orgs/{here.a.org}", {"name": "x"}), (f"/sites/{here.a.site}", {"address": "x"})):
        for who in (OLD, NEW):
            refused = await here.ask("PATCH", path, as_=who, json=change, headers=MATCH)
            assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        assert (await here.ask("PATCH", path, json=change, headers=MATCH)).status_code == 200
    [site] = await pages(here, f"/sites?hospital={here.a.org}", as_=NEW)
    assert (site["shared"], site["address"], site["version"]) == (True, "x", 2)
    for statement in (
        b"UPDATE org SET name = 'y' WHERE id = %s",
        b"UPDATE site SET name = 'y' WHERE org_id = %s",
    ):  # the database holds it, whatever a route forgets
        with psycopg.connect(here.database.api) as api:
            api.execute("SELECT set_config('steth.org', %s, true)", (str(dealer),))
            with suppress(psycopg.errors.InsufficientPrivilege):
                assert api.execute(statement, (here.a.org,)).rowcount == 0


async def test_a_site_moves_and_is_found_by_its_address(here: World) -> None:
    body = {"hospital": here.a.name, "site": "检验科", "address": "人民路 1 号"}
    made = (await here.ask("POST", "/sites", as_=OLD, json=body)).json()
    assert (made["address"], made["version"], made["shared"]) == ("人民路 1 号", 1, False)
    assert [one["id"] for one in await pages(here, "/sites?q=人民路", as_="equipment")] == [made["id"]]
    change = {"time_zone": "Asia/Urumqi", "address": "解放路 9 号"}
    moved = await here.ask("PATCH", f"/sites/{made['id']}", as_=OLD, json=change, headers={"If-Match": '"1"'})
    assert (moved.json()["time_zone"], moved.json()["name"]) == ("Asia/Urumqi", "检验科")
    taken = await here.ask("PATCH", f"/sites/{made['id']}", as_=OLD, json={"name": "放射科"}, headers=MATCH)
    assert (taken.status_code, taken.json()["where"]) == (409, "body.name")
    zone = await here.ask("PATCH", f"/sites/{made['id']}", as_=OLD, json={"time_zone": "Mars"}, headers=MATCH)
    assert (zone.status_code, zone.json()["where"]) == (422, "body.time_zone")


async def test_a_hospital_has_its_own_people_told_and_no_dealer_hears_of_it(here: World) -> None:
    body = {"name": "设备科夜班", "address": "jsons://example.com"}
    made = await here.ask("POST", "/recipients", as_="equipment", json=body)
    assert (made.status_code, made.json()["dealer"], made.json()["hospital"]) == (201, None, here.a.org)
    for who, count in {"equipment": 1, "it": 1, "staff": 1, "manager": 0, "hospital-b": 0}.items():
        assert len(await pages(here, "/recipients?q=夜班", as_=who)) == count, who
    path = f"/recipients/{made.json()['id']}"
    assert (await here.ask("POST", f"{path}/test", as_="it")).json()["test"]["state"] == "waiting"
    assert (await here.ask("PATCH", path, as_="manager", json={"active": False}, headers=MATCH)).status_code == 404
    chain = here.look("SELECT DISTINCT org_id FROM audit WHERE subject = %s", f"recipient:{made.json()['id']}")
    assert chain == [(here.a.org,)]
    for more in ({"dealer": DEALER}, {"hospital": here.b.org}):
        refused = await here.ask("POST", "/recipients", as_="equipment", json={**body, "name": "x", **more})
        assert (refused.status_code, refused.json()["where"]) == (422, "body.hospital")


async def test_nobody_has_more_recipients_than_can_be_told(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.telling.recipients.MOST", 1)
    body = {"name": "a", "address": "jsons://example.com"}
    assert (await here.ask("POST", "/recipients", as_="it", json=body)).status_code == 201
    assert (await here.ask("POST", "/recipients", as_="it", json={**body, "name": "b"})).status_code == 409

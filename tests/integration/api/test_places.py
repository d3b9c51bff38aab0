"""Sites, and who is told."""

from typing import Any

import pytest

from tests.integration.api.test_devices import pages
from tests.integration.api.world import World

ADDRESS = "mailtos://noc:hunter2@example.com"


async def test_a_new_site_of_an_old_hospital_and_of_a_new_one(here: World) -> None:
    old = await here.ask("POST", "/sites", json={"hospital": here.a.name, "site": "急诊", "time_zone": "Asia/Urumqi"})
    assert (old.status_code, old.json()["hospital"]["id"], old.json()["time_zone"]) == (201, here.a.org, "Asia/Urumqi")
    new = await here.ask("POST", "/sites", json={"hospital": "第三医院", "site": "急诊"})
    assert new.json()["hospital"]["id"] not in {here.a.org, here.b.org}
    assert new.json()["time_zone"] == "Asia/Shanghai"
    assert [site["id"] for site in await pages(here, f"/sites?hospital={here.a.org}")] == [
        here.a.site,
        old.json()["id"],
    ]
    whole = [site["id"] for site in await pages(here, "/sites")]
    assert [site["id"] for site in await pages(here, "/sites?limit=1")] == whole
    assert len(whole) == 4


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "asia/shanghai ", "UTC+8"])
async def test_what_is_no_time_zone(still: World, zone: str) -> None:
    answer = await still.ask("POST", "/sites", json={"hospital": "x", "site": "y", "time_zone": zone})
    assert (answer.status_code, answer.json()["where"]) == (422, "body.time_zone")


async def test_an_address_is_never_shown_again(here: World) -> None:
    made = await here.ask("POST", "/recipients", json={"name": "NOC", "address": ADDRESS, "language": "en"})
    assert (made.status_code, made.json()["address"], made.headers["etag"]) == (201, "mailtos://…", '"1"')
    listed = await here.ask("GET", "/recipients")
    assert "hunter2" not in made.text + listed.text + (await here.ask("GET", "/audit")).text
    assert "example.com" not in made.text + listed.text
    assert here.look("SELECT address FROM recipient WHERE id = %s", made.json()["id"]) == [(ADDRESS,)]


async def test_a_recipient_is_changed_by_who_has_seen_it(here: World) -> None:
    path = f"/recipients/{here.a.recipient}"
    assert (await here.ask("PATCH", path, json={"active": False})).status_code == 428
    assert (await here.ask("PATCH", path, json={"active": False}, headers={"If-Match": '"9"'})).status_code == 412
    off = await here.ask("PATCH", path, json={"active": False}, headers={"If-Match": '"1"'})
    assert (off.json()["active"], off.json()["name"], off.headers["etag"]) == (False, "NOC", '"2"')
    moved = await here.ask("PATCH", path, json={"address": ADDRESS}, headers={"If-Match": '"2"'})
    assert (moved.json()["active"], moved.json()["address"]) == (False, "mailtos://…")
    audited = (await here.ask("GET", f"/audit?hospital={here.a.org}")).json()["items"]
    assert [entry["detail"]["changed"] for entry in audited] == ["address", "active"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"address": "hunter2"}, "body.address"),
        ({"address": "nosuch://hunter2"}, "body.address"),
        ({"address": "file:///etc/passwd"}, "body.address"),
        ({"hospital": 999}, "body.hospital"),
        ({"language": "fr"}, "body.language"),
        ({"more": 1}, "body.more"),
    ],
)
async def test_what_a_recipient_cannot_be(still: World, change: dict[str, Any], where: str) -> None:
    answer = await still.ask("POST", "/recipients", json={"name": "NOC", "address": ADDRESS, **change})
    assert (answer.status_code, answer.json()["where"]) == (422, where)
    assert "hunter2" not in answer.text

"""Sites, and who is told."""

import asyncio
from typing import Any

import pytest

from tests.integration.api.world import World, pages

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


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "", "../../etc/passwd", "asia/shanghai ", "UTC+8", "localtime", "Factory"]
)
async def test_what_is_no_time_zone(still: World, zone: str) -> None:
    answer = await still.ask("POST", "/sites", json={"hospital": "x", "site": "y", "time_zone": zone})
    assert (answer.status_code, answer.json()["where"]) == (422, "body.time_zone")


async def test_names_that_look_alike_are_one_hospital_one_site_one_recipient(here: World) -> None:
    first = await here.ask("POST", "/sites", json={"hospital": "Hôpital  一", "site": " 急诊\u3000科"})
    assert (first.json()["hospital"]["name"], first.json()["name"]) == ("Hôpital 一", "急诊 科")
    again = await here.ask("POST", "/sites", json={"hospital": "Ho\u0302pital 一 ", "site": "急诊 科"})
    assert (again.status_code, again.json()["where"]) == (409, "body.site")
    device = {
        "model": "generic-dr",
        "name": "DR",
        "site": {"hospital": "Ho\u0302pital\u00a0一", "site": "急诊 \u3000科"},
    }
    assert (await here.ask("POST", "/devices", json=device)).json()["site"] == first.json()["id"]
    for hospital in (None, first.json()["hospital"]["id"]):
        told = {"name": "值班 室", "address": ADDRESS, "hospital": hospital}
        assert (await here.ask("POST", "/recipients", json=told)).status_code == 201
        twice = await here.ask("POST", "/recipients", json={**told, "name": " 值班\u3000室"})
        assert (twice.status_code, twice.json()["where"]) == (409, "body.name")


async def test_a_recipient_cant_take_anothers_name(here: World) -> None:
    other = {"name": "夜班", "address": ADDRESS, "hospital": here.a.org}
    made = await here.ask("POST", "/recipients", json=other)
    answer = await here.ask(
        "PATCH", f"/recipients/{made.json()['id']}", json={"name": "NOC "}, headers={"If-Match": '"1"'}
    )
    assert (answer.status_code, answer.json()["where"]) == (409, "body.name")
    assert here.look("SELECT name, version FROM recipient WHERE id = %s", made.json()["id"]) == [("夜班", 1)]


async def test_whoever_uses_a_new_name_at_the_same_moment_finds_it(here: World) -> None:
    device = {"model": "generic-dr", "name": "DR", "site": {"hospital": "新医院", "site": "放射科"}}
    answers = await asyncio.gather(*(here.ask("POST", "/devices", json=device) for _ in range(8)))
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({(answer.json()["hospital"], answer.json()["site"]) for answer in answers}) == 1
    sites = [{"hospital": "另一家", "site": f"科室 {i % 4}"} for i in range(8)]
    answers = await asyncio.gather(*(here.ask("POST", "/sites", json=site) for site in sites))
    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [409] * 4
    assert here.look("SELECT count(*) FROM org WHERE name IN ('新医院', '另一家')") == [(2,)]


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
    assert (off.json()["heads"], moved.json()["heads"]) == (False, False)
    keeps = await here.ask("PATCH", path, json={"heads": True}, headers={"If-Match": '"3"'})
    assert (keeps.json()["heads"], keeps.json()["active"]) == (True, False)
    audited = (await here.ask("GET", "/audit", as_="manager")).json()["items"]
    assert [entry["detail"]["changed"] for entry in audited] == ["heads", "address", "active"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"address": "hunter2"}, "body.address"),
        ({"address": "nosuch://hunter2"}, "body.address"),
        ({"address": "file:///etc/passwd"}, "body.address"),
        ({"address": "forms://hook.example/hunter2"}, "body.address"),
        ({"address": "jsons://hook.example/hunter2?verify=no"}, "body.address"),
        ({"address": "jsons://hook.example/?+X-Key=hunter2"}, "body.address"),
        ({"address": "mailtos://a:hunter2@example.com?keyfile=/etc/passwd"}, "body.address"),
        ({"address": "json://0x7f000001/hunter2"}, "body.address"),
        ({"hospital": 999}, "body.hospital"),
        ({"language": "fr"}, "body.language"),
        ({"more": 1}, "body.more"),
    ],
)
async def test_what_a_recipient_cannot_be(still: World, change: dict[str, Any], where: str) -> None:
    answer = await still.ask("POST", "/recipients", json={"name": "NOC", "address": ADDRESS, **change})
    assert (answer.status_code, answer.json()["where"]) == (422, where)
    assert "hunter2" not in answer.text


async def test_how_a_recipient_fares_is_shown_in_words(here: World) -> None:
    path = f"/recipients/{here.a.recipient}"
    here.look(
        "UPDATE recipient SET failing_since = now(), failures = 3, error = 'telling.robot_settings',"
        """ error_params = '{"receiver": "DingTalk", "code": 310000}' WHERE id = %s RETURNING id""",
        here.a.recipient,
    )
    [one] = [each for each in await pages(here, "/recipients?lang=en") if each["id"] == here.a.recipient]
    assert one["failing_since"] is not None
    assert one["error"].startswith("the DingTalk robot refused (code 310000)")
    moved = await here.ask("PATCH", path, json={"address": ADDRESS}, headers={"If-Match": f'"{one["version"]}"'})
    assert (moved.json()["failing_since"], moved.json()["error"], moved.json()["test"]) == (None, "", None)


async def test_a_test_message_is_asked_for_once_and_tried_at_once_where_the_channel_failed(here: World) -> None:
    path = f"/recipients/{here.a.recipient}/test"
    here.look(
        "UPDATE recipient SET failures = 9, rest_from = now(), rest_until = now() + INTERVAL '1 hour' WHERE id = %s"
        " RETURNING id",
        here.a.recipient,
    )
    first = await here.ask("POST", path)
    again = await here.ask("POST", path)
    assert (first.status_code, first.json()["test"]["state"]) == (202, "waiting")
    assert again.json() == first.json()
    assert here.look("SELECT test_state, rest_until FROM recipient WHERE id = %s", here.a.recipient) == [
        ("waiting", None)
    ]
    assert (await here.ask("POST", "/recipients/999999/test")).status_code == 404
    assert here.look("SELECT count(*) FROM audit WHERE action = 'recipient-tested'") == [(2,)]


async def test_whether_people_are_told(here: World) -> None:
    async def told() -> Any:
        return (await here.ask("GET", "/telling")).json()

    def become(change: str) -> None:
        here.look(f"UPDATE recipient SET {change} RETURNING id")  # noqa: S608

    become("active = true, failing_since = NULL")
    here.look("UPDATE telling SET state = 'told' RETURNING id")
    some = here.look("SELECT id FROM recipient WHERE org_id IS NULL")
    assert await told() == {"untold": [], "overdue_s": None} if some else True
    become("active = false")
    nobody = await told()
    assert {each["hospital"]["id"] for each in nobody["untold"]} >= {here.a.org}
    assert {each["why"] for each in nobody["untold"]} == {"no-recipient"}
    become("active = true, failing_since = '2020-01-01'")
    failing = [each for each in (await told())["untold"] if each["hospital"]["id"] == here.a.org]
    assert (failing[0]["why"], failing[0]["since"]) == ("failing", "2020-01-01T00:00:00Z")
    become("failing_since = '2999-01-01'")
    assert here.a.org not in {each["hospital"]["id"] for each in (await told())["untold"]}
    here.look("UPDATE telling SET state = 'waiting', at = '2020-01-01' RETURNING id")
    assert (await told())["overdue_s"] > 300

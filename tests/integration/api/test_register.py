"""What a register has of a device, and what becomes of one that is retired or moved."""

from typing import Any

import psycopg
import pytest

from tests.integration.api.handed import NEW, second_dealer
from tests.integration.api.test_devices import DEVICE
from tests.integration.api.world import DEALER, NOW, World

REGISTER = {
    "department": "放射科",
    "asset_number": "2021-YX-0042",
    "registration_number": "国械注准20203060042",
    "udi": "(01)06901234567892(21)SN0042",
    "made_on": "2020-11-03",
    "in_use_since": "2021-03-15",
    "use_until": "2031-03-14",
}
ANY = {"If-Match": "*"}


async def test_what_the_register_has_is_kept_and_changed_piece_by_piece(here: World) -> None:
    made = (await here.ask("POST", "/devices", json={**DEVICE, **REGISTER})).json()
    path = f"/devices/{made['id']}"
    assert {name: (await here.ask("GET", path)).json()[name] for name in REGISTER} == REGISTER
    change = {"made_on": None, "in_use_since": "2020-01-01", "udi": ""}
    changed = await here.ask("PATCH", path, json=change, headers=ANY, as_="manager")
    assert changed.status_code == 200
    assert {name: changed.json()[name] for name in REGISTER} == {**REGISTER, **change}, "what is left out stays"
    assert changed.json()["name"] == DEVICE["name"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"udi": "(01)06901234567893(21)SN0042"}, "body.udi"),
        ({"udi": "设备"}, "body.udi"),
        ({"made_on": "2021-02-30"}, "body.made_on"),
        ({"made_on": 20210203}, "body.made_on"),
        ({"made_on": "1066-10-14"}, "body.made_on"),
        ({"made_on": "2022-01-01"}, "body.in_use_since"),
        ({"in_use_since": None, "use_until": "2019-01-01"}, "body.use_until"),
        ({"registration_number": "x" * 101}, "body.registration_number"),
        ({"asset_number": "1\u202e2"}, "body.asset_number"),
        ({"status": "retired"}, "body.reason"),
        ({"status": "retired", "reason": " "}, "body.reason"),
    ],
)
async def test_what_a_register_cannot_have(here: World, change: dict[str, Any], where: str) -> None:
    path = f"/devices/{(await here.ask('POST', '/devices', json={**DEVICE, **REGISTER})).json()['id']}"
    answer = await here.ask("PATCH", path, json=change, headers=ANY)
    assert (answer.status_code, answer.json()["where"]) == (422, where)
    assert (await here.ask("GET", path)).json()["version"] == 1


async def test_what_nobody_can_see_in_a_name_is_refused_in_words(still: World) -> None:
    for name in ("DR\u200b1", "DR\u202e1", "\ufeffDR", "\u3000"):
        answer = await still.ask("POST", "/devices", json={**DEVICE, "name": name})
        assert (answer.status_code, answer.json()["where"]) == (422, "body.name")
        assert "type it anew" in answer.json()["detail"]
        assert "\\x" not in answer.text


@pytest.mark.parametrize("name", ["设备 🩻 №1", "جهاز الأشعة", "x" * 100])
async def test_names_of_every_script_are_kept_as_they_are(here: World, name: str) -> None:
    made = (await here.ask("POST", "/devices", json={**DEVICE, "name": name})).json()
    assert (await here.ask("GET", f"/devices/{made['id']}")).json()["name"] == name


async def test_a_device_is_retired_for_a_reason_and_taken_back(here: World) -> None:
    path = f"/devices/{here.a.device}"
    gone = await here.ask("PATCH", path, json={"status": "retired", "reason": "报废"}, headers=ANY, as_="manager")
    assert (gone.json()["status"], gone.json()["retired_reason"]) == ("retired", "报废")
    assert gone.json()["retired_at"] == "2026-11-22T04:00:00Z"
    entry = (await here.ask("GET", "/audit", as_="hospital-a")).json()["items"][0]
    assert (entry["action"], entry["detail"]["reason"]) == ("device-changed", "报废")
    back = (await here.ask("PATCH", path, json={"status": "active"}, headers={"If-Match": '"2"'})).json()
    assert (back["status"], back["retired_at"], back["retired_reason"]) == ("active", None, "")


async def test_within_its_hospital_a_device_stays_itself_and_its_open_tickets_go_along(here: World) -> None:
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        connection.execute("INSERT INTO box VALUES (%s, 'b1', %s, %s, %s)", (here.a.site, here.a.org, NOW, NOW))
        connection.execute("UPDATE device SET box_id = 'b1' WHERE uid = %s", (here.a.device,))
    body = {"site": {"hospital": here.a.name, "site": "急诊"}, "reason": "新楼"}
    path = f"/devices/{here.a.device}/move"
    assert (await here.ask("POST", path, json=body, as_="manager")).status_code == 428
    moved = await here.ask("POST", path, json=body, headers={"If-Match": '"1"'}, as_="manager")
    assert (moved.status_code, moved.json()["id"], moved.json()["code"]) == (200, here.a.device, None)
    assert (await here.ask("POST", path, json=body, headers={"If-Match": '"1"'})).status_code == 412
    assert (await here.ask("POST", path, json=body, headers=ANY)).status_code == 409, "it is there"
    device = (await here.ask("GET", f"/devices/{here.a.device}")).json()
    assert (device["site"]["name"], device["box"], device["tickets"]) == ("急诊", None, [here.a.ticket])
    assert here.look("SELECT count(*) FROM box") == [(0,)], "its agent names it anew"
    tickets = (await here.ask("GET", f"/tickets?site={moved.json()['site']}")).json()["items"]
    assert [ticket["number"] for ticket in tickets] == [here.a.ticket]
    events = (await here.ask("GET", f"/tickets/{here.a.ticket}?lang=en")).json()["events"]
    assert events[-1]["message"]["text"] == "manager moved the device to 急诊"
    entry = (await here.ask("GET", "/audit", as_="hospital-a")).json()["items"][0]
    assert (entry["action"], entry["detail"]["reason"]) == ("device-moved", "新楼")


async def test_at_another_hospital_it_is_a_new_device_and_its_history_stays_where_it_was(here: World) -> None:
    await here.ask("PATCH", f"/devices/{here.a.device}", json={**REGISTER, "name": "DR 9"}, headers=ANY)
    body = {"site": {"id": here.b.site}, "reason": "调拨"}
    answer = await here.ask("POST", f"/devices/{here.a.device}/move", json=body, headers=ANY, as_="manager")
    moved = answer.json()
    assert (answer.status_code, moved["id"] != here.a.device, moved["hospital"]) == (200, True, here.b.org)
    assert moved["code"]["code"] in moved["code"]["setup"]["text"]
    new = (await here.ask("GET", f"/devices/{moved['id']}", as_="manager")).json()
    assert {name: new[name] for name in REGISTER} == REGISTER
    assert (new["former"]["id"], new["latest"], new["dealer"]["id"]) == (here.a.device, [], DEALER)
    old = (await here.ask("GET", f"/devices/{here.a.device}", as_="manager")).json()
    assert (old["status"], old["retired_reason"], old["later"]["id"]) == ("retired", "调拨", moved["id"])
    assert old["tickets"] == [here.a.ticket], "a person closes it"
    for as_, own, gone, foreign in (
        ("hospital-a", here.a.device, moved["id"], here.b.name),
        ("hospital-b", moved["id"], here.a.device, here.a.name),
    ):
        text = "".join([(await here.ask("GET", path, as_=as_)).text for path in (f"/devices/{own}", "/audit")])
        assert gone not in text
        assert foreign not in text
        assert (await here.ask("GET", f"/devices/{gone}", as_=as_)).status_code == 404


async def test_another_dealers_place_is_nowhere(here: World) -> None:
    await second_dealer(here)
    body = {"site": {"id": here.b.site}, "reason": "r"}
    assert (
        await here.ask("POST", f"/devices/{here.a.device}/move", json=body, headers=ANY, as_=NEW)
    ).status_code == 404
    own = (await here.ask("POST", "/devices", json=DEVICE, as_=NEW)).json()["id"]
    elsewhere = await here.ask("POST", f"/devices/{own}/move", json=body, headers=ANY, as_=NEW)
    assert (elsewhere.status_code, elsewhere.json()["where"]) == (422, "body.site.id")

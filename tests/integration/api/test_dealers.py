"""A device gets another dealer: what each sees, before, then and after (ADR 0036)."""

from datetime import timedelta
from typing import Any

import pytest

from api.http.rights import ROUTES
from tests.integration.api.handed import NEW, OLD, SECRET, hand_over, jobs_turn, second_dealer, worked_on
from tests.integration.api.listener import happens_now, listening
from tests.integration.api.test_roles_and_tenants import ENDLESS, concrete, request_of
from tests.integration.api.world import DEALER, NOW, World, pages


@pytest.fixture
async def handed(here: World) -> World:
    """Hospital a's device was the first dealer's, whose people wrote notes, and is the second's now."""
    dealer = await second_dealer(here)
    await worked_on(here)
    await hand_over(here, dealer)
    return here


async def seen(here: World, path: str, as_: str) -> Any:
    answer = await here.ask("GET", path, as_=as_)
    return answer.json() if answer.is_success else answer.status_code


async def ids(here: World, path: str, as_: str) -> list[Any]:
    return [item.get("number", item["id"]) for item in await pages(here, path, as_=as_)]


async def test_before_a_change_the_second_dealer_sees_nothing_of_the_first(here: World) -> None:
    await second_dealer(here)
    await worked_on(here)
    for path in ("/devices", "/alerts", "/tickets", "/sites", "/recipients"):
        assert await ids(here, path, NEW) == [], path
    assert [item["name"] for item in await pages(here, "/accounts", as_=NEW)] == [NEW, "new-noc"]
    assert await seen(here, f"/devices/{here.a.device}", NEW) == 404
    assert await seen(here, f"/tickets/{here.a.ticket}", NEW) == 404


async def test_the_new_one_sees_the_technical_history_and_never_who_or_why(handed: World) -> None:
    a = handed.a
    assert await ids(handed, "/devices", NEW) == [a.device]
    assert len((await seen(handed, f"/devices/{a.device}/readings", NEW))["items"]) > 0
    detail = await seen(handed, f"/tickets/{a.ticket}", NEW)
    assert (detail["status"], [alert["id"] for alert in detail["alerts"]]) == ("closed", [str(a.alert)])
    assert detail["causes"]
    assert detail["parts"]
    assert detail["evidence"]["readings"]
    assert detail["diagnostics"][0]["outcome"] == "warn"
    assert [event["event"] for event in detail["events"]] == ["opened", "take", "handed-over"]
    assert {event["actor"] for event in detail["events"]} == {""}
    assert detail["told"] == [], "whom a dealer tells is its own"
    alert = await seen(handed, f"/alerts/{a.alert}", NEW)
    assert alert["operator"] == {"state": "unacknowledged", "actor": "", "note": "", "at": alert["operator"]["at"]}
    assert {event["actor"] for event in alert["events"]} == {""}
    [own] = [number for number in await ids(handed, "/tickets", NEW) if number != a.ticket]
    assert own.startswith("NEW")
    for method, template in ROUTES:
        # The catalog is everybody's, and its limits have figures of their own.
        if method == "GET" and template not in {ENDLESS, "/catalog/models"}:
            text = (await handed.ask(method, concrete(template, a), as_=NEW)).text
            for word in (SECRET, "3000", '"actor":"noc"', '"actor":"engineer"', "服务商 Dealer"):
                assert word not in text, (template, word)


async def test_the_former_one_keeps_its_tickets_as_they_were_and_sees_nothing_of_later(handed: World) -> None:
    a = handed.a
    [new] = [number for number in await ids(handed, "/tickets", NEW) if number != a.ticket]
    handed.look("UPDATE device SET name = 'renamed later' WHERE uid = %s RETURNING id", a.device)
    assert await ids(handed, "/devices", OLD) == [handed.b.device]
    for path in ("", "/readings", "/events", "/service"):
        assert await seen(handed, f"/devices/{a.device}{path}", OLD) == 404, path
    kept = await seen(handed, f"/tickets/{a.ticket}", OLD)
    assert (kept["device"]["name"], kept["status"]) == (f"DR of {a.name}", "closed")
    assert SECRET in str(kept["events"])
    assert await seen(handed, f"/tickets/{new}", OLD) == 404
    assert await ids(handed, "/tickets", OLD) == [handed.b.ticket, a.ticket]
    assert str(a.alert) not in await ids(handed, "/alerts", OLD), "it lasts, and so it is the new one's"
    for method, template in ROUTES:
        if method == "GET" and template != ENDLESS:
            text = (await handed.ask(method, concrete(template, a), as_=OLD)).text
            assert not [word for word in ("renamed later", new, "新服务商") if word in text], template


@pytest.mark.parametrize("as_", [OLD, "noc", NEW, "hospital-a"])
async def test_nobody_changes_what_is_of_another_time(handed: World, as_: str) -> None:
    path = f"/tickets/{handed.a.ticket}/transition"
    answer = await handed.ask("POST", path, as_=as_, json={"event": "receive"}, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["code"]) in {(409, "conflict"), (403, "forbidden")}
    handed.look("UPDATE alert SET condition = 'ok', dealer_id = 1 WHERE id = %s RETURNING id", handed.a.alert)
    path = f"/alerts/{handed.a.alert}"
    assert (await seen(handed, path, as_))["read_only"] is (as_ != "hospital-a"), "and the page says so"
    answer = await handed.ask("POST", f"{path}/acknowledge", as_=as_, json={}, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["code"]) in {(409, "conflict"), (403, "forbidden")}


async def test_the_hospital_and_the_operator_see_all_of_it(handed: World) -> None:
    for as_ in ("staff", "hospital-a"):
        service = await seen(handed, f"/devices/{handed.a.device}/service", as_)
        assert [time["dealer"]["name"] for time in service["history"]] == ["服务商 Dealer", "新服务商"]
        assert (service["history"][0]["until"], service["planned"]) == (service["history"][1]["since"], None)
        assert len([n for n in await ids(handed, "/tickets", as_) if n != handed.b.ticket]) == 2
        assert SECRET in str(await seen(handed, f"/tickets/{handed.a.ticket}", as_))
    own = await seen(handed, f"/devices/{handed.a.device}/service", NEW)
    assert [time["dealer"]["name"] for time in own["history"]] == ["新服务商"]
    actions = [entry["action"] for entry in await pages(handed, "/audit", as_="hospital-a")]
    assert actions == ["service-change-asked", "ticket-take", "alert-acknowledged"]
    assert await pages(handed, f"/audit?org={handed.a.org}", as_=NEW) == []
    assert await pages(handed, f"/audit?org={DEALER}", as_=NEW) == []


async def test_a_change_is_planned_ahead_never_back_and_can_be_withdrawn(here: World) -> None:
    dealer = await second_dealer(here)
    path = f"/devices/{here.a.device}/service"
    soon = (NOW + timedelta(days=1)).isoformat()
    for body, where in (
        ({"dealer": dealer, "at": (NOW - timedelta(minutes=1)).isoformat()}, "body.at"),
        ({"dealer": dealer, "at": (NOW + timedelta(days=400)).isoformat()}, "body.at"),
        ({"dealer": DEALER}, "body.dealer"),
        ({"dealer": here.a.org}, "body.dealer"),
        ({"dealer": 999}, "body.dealer"),
    ):
        refused = await here.ask("POST", path, json=body)
        assert (refused.status_code, refused.json()["where"]) == (422, where), body
    asked = await here.ask("POST", path, json={"dealer": dealer, "at": soon})
    assert (asked.status_code, asked.json()["planned"]["dealer"]["id"]) == (202, dealer)
    assert (await seen(here, path, "hospital-a"))["planned"]["asked_by"] == "staff"
    assert (await seen(here, path, OLD))["planned"] is None
    assert await jobs_turn(here) == 0, "it isn't due"
    assert (await here.ask("DELETE", path)).status_code == 204
    assert (await here.ask("DELETE", path)).status_code == 409
    await here.ask("POST", path, json={"dealer": dealer, "at": soon})
    here.clock.now += timedelta(days=1)
    assert await jobs_turn(here) == 1
    assert (await seen(here, f"/devices/{here.a.device}", "staff"))["dealer"] == {"id": dealer, "name": "新服务商"}


async def test_cursors_and_kept_answers_carry_no_sight(handed: World) -> None:
    for list_ in ("/devices", "/alerts", "/tickets"):
        whole = (await handed.ask("GET", f"{list_}?limit=1")).json()["next"]
        for as_, foreign in ((OLD, "NEW"), (NEW, handed.b.name)):
            text = (await handed.ask("GET", f"{list_}?next={whole}", as_=as_)).text
            assert foreign not in text, (list_, as_)
    more: dict[str, Any] = {"json": {"label": "t", "days": 1}, "headers": {"Idempotency-Key": "same"}}
    first = (await handed.ask("POST", "/tokens", as_=OLD, **more)).json()
    second = (await handed.ask("POST", "/tokens", as_=NEW, **more)).json()
    assert first["id"] != second["id"]


async def test_a_dealer_makes_what_is_its_own(handed: World) -> None:
    body = {"name": "DR", "model": "generic-dr", "site": {"hospital": handed.b.name, "site": "新址"}}
    hidden = await handed.ask("POST", "/devices", as_=NEW, json=body)
    assert (hidden.status_code, hidden.json()["where"]) == (409, "body.site.hospital")
    assert "operator" in hidden.json()["detail"]
    several = await handed.ask("POST", "/devices", json=body)
    assert (several.status_code, several.json()["where"]) == (422, "body.dealer")
    foreign = await handed.ask("POST", "/devices", as_=NEW, json={**body, "dealer": DEALER})
    assert (foreign.status_code, foreign.json()["where"]) == (422, "body.dealer")
    there = await handed.ask("POST", "/devices", as_=NEW, json={**body, "site": {"id": handed.b.site}})
    assert (there.status_code, there.json()["where"]) == (422, "body.site.id")
    own = {**body, "site": {"hospital": "第三医院", "site": "放射科"}}
    made = await handed.ask("POST", "/devices", as_=NEW, json=own)
    assert made.status_code == 201, made.text
    assert made.json()["id"] in await ids(handed, "/devices", NEW)
    assert made.json()["id"] not in await ids(handed, "/devices", OLD)
    told = await handed.ask("POST", "/recipients", as_=NEW, json={"name": "NOC", "address": "jsons://example.com"})
    assert told.status_code == 201
    assert told.json()["id"] not in await ids(handed, "/recipients", OLD)


@pytest.mark.parametrize(
    ("as_", "role", "org", "status"),
    [
        ("manager", "noc", None, 201),
        ("manager", "manager", DEALER, 201),
        ("manager", "equipment", None, 422),
        ("manager", "equipment", "hospital", 422),
        ("manager", "noc", "new", 422),
        ("it", "department", None, 201),
        ("it", "noc", None, 422),
        ("it", "equipment", "other hospital", 422),
        ("equipment", "it", None, 403),
        ("staff", "manager", "new", 201),
        ("staff", "it", "hospital", 201),
        ("staff", "noc", None, 422),
        ("staff", "staff", None, 422),
    ],
)
async def test_who_makes_whose_accounts(here: World, as_: str, role: str, org: object, status: int) -> None:
    dealer = await second_dealer(here)
    whose = {"hospital": here.a.org, "other hospital": here.b.org, "new": dealer}
    body = {"name": "li.na", "role": role, "org": whose.get(str(org), org)}
    answer = await here.ask("POST", "/accounts", as_=as_, json=body)
    assert answer.status_code == status, answer.text


async def test_others_accounts_are_out_of_reach(here: World) -> None:
    await second_dealer(here)
    of = {name: id_ for id_, name in here.look("SELECT id, name FROM account")}
    for as_, others in (
        ("manager", ("new-noc", "hospital-b", "staff", "it")),
        (NEW, ("noc", "it")),
        ("it", ("hospital-b", "noc")),
    ):
        names = {item["name"] for item in await pages(here, "/accounts", as_=as_)}
        assert not names & set(others)
        for name in others:
            for method, template in (("PATCH", "/accounts/{id}"), ("POST", "/accounts/{id}/reset")):
                path = template.replace("{id}", str(of[name]))
                answer = await here.ask(method, path, as_=as_, **request_of(method, template))
                assert answer.status_code == 404, (as_, name, template)


async def test_a_change_ends_the_former_ones_sight_on_open_streams_at_once(url: str, here: World) -> None:
    dealer = await second_dealer(here)
    await worked_on(here)
    async with (
        listening(url, here, as_=OLD) as old,
        listening(url, here, as_=NEW) as new,
        listening(url, here, as_="hospital-a") as hospital,
    ):
        for tab in (old, new, hospital):
            await tab.next("beat")
        last = old.last
        await hand_over(here, dealer)
        happens_now(here, here.a)
        assert (await new.next("reset")).data == {"reason": "sight-changed"}
        assert [item["id"] for item in (await new.next("devices")).data["items"]] == [here.a.device]
        assert (await old.next("reset")).data == {"reason": "sight-changed"}
        assert [item["id"] for item in (await old.next("devices")).data["items"]] == [here.b.device]
        happens_now(here, here.a)
        told = await new.next("alert")
        assert (told.data["id"], told.data["operator"]["actor"]) == (str(here.a.alert), "")
        assert SECRET not in str(told.data)
        assert (await hospital.next("alert")).data["id"] == str(here.a.alert)
        await old.nothing_for(0.5, "alert")
    async with listening(url, here, as_=OLD, last=last) as again:
        await again.nothing_for(0.5, "alert")


async def test_what_another_has_already_is_said_at_its_field_and_nothing_is_noted(here: World) -> None:
    await second_dealer(here)
    noted = here.look("SELECT count(*) FROM audit")
    for name, prefix, where in (
        ("新服务商", "TWO", "body.name"),
        (here.a.name, "TWO", "body.name"),
        ("又一家", "NEW", "body.prefix"),
    ):
        answer = await here.ask("POST", "/dealers", json={"name": name, "prefix": prefix})
        assert (answer.status_code, answer.json()["code"], answer.json()["where"]) == (409, "conflict", where)
    assert here.look("SELECT count(*) FROM audit") == noted

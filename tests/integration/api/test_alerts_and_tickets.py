"""Alerts and their operator's side; tickets and what people do with them."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.api.world import FAMILY, METRIC, NOW, RUNBOOK, World, pages


async def test_an_alert_is_told_in_the_readers_language_with_its_id_and_parameters(still: World) -> None:
    path = f"/alerts/{still.a.alert}"
    zh = (await still.ask("GET", path)).json()
    en = (await still.ask("GET", path + "?lang=en")).json()
    assert zh["message"]["id"] == en["message"]["id"] == "alert.limit.above"
    assert zh["message"]["params"] == {"signal": METRIC, "value": 46.0, "limit": 42, "unit": "Cel"}
    assert "高于限值 42 °C" in zh["message"]["text"]
    assert "above the limit of 42 °C" in en["message"]["text"]
    assert [event["message"]["text"] for event in en["events"]] == [en["message"]["text"]]
    assert (zh["tickets"], zh["device"]["id"]) == ([still.a.ticket], still.a.device)


async def test_what_equipment_sent_is_text_and_nothing_else(here: World) -> None:
    hostile = "<script>alert(1)</script>\u202e\x1b]0;x\x07{code:fault}"
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        params = Jsonb({"code": hostile})
        connection.execute("UPDATE alert SET message = 'alert.code.unknown', params = %s", (params,))
    answer = await here.ask("GET", f"/alerts/{here.a.alert}?lang=en")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    text = answer.json()["message"]["text"]
    assert not [character for character in text if not character.isprintable()]
    assert "{code:fault}" in text, "what came as a parameter is no template"


async def test_acknowledging_and_giving_back(here: World) -> None:
    path = f"/alerts/{here.a.alert}"
    first = await here.ask("GET", path)
    assert (first.headers["etag"], first.json()["operator"]["state"]) == ('"0"', "unacknowledged")
    taken = await here.ask(
        "POST", f"{path}/acknowledge", as_="noc", json={"note": "下午到场\n带风扇"}, headers={"If-Match": '"0"'}
    )
    assert taken.status_code == 200
    assert taken.json()["operator"] == {
        "state": "acknowledged",
        "actor": "noc",
        "note": "下午到场\n带风扇",
        "at": "2026-11-22T04:00:00Z",
    }
    assert taken.json()["condition"] == "active", "the condition is the engine's alone"
    assert taken.headers["etag"] == '"1"'
    twice = await here.ask("POST", f"{path}/acknowledge", json={}, headers={"If-Match": '"1"'})
    assert (twice.status_code, twice.json()["code"]) == (409, "conflict")
    back = await here.ask("POST", f"{path}/unacknowledge", json={}, headers={"If-Match": '"1"'})
    assert (back.json()["operator"]["state"], back.headers["etag"]) == ("unacknowledged", '"2"')
    events = back.json()["events"]
    assert [(event["event"], event["to_state"], event["actor"]) for event in events[1:]] == [
        ("acknowledge", "acknowledged", "noc"),
        ("unacknowledge", "unacknowledged", "staff"),
    ]
    assert "noc" in events[1]["message"]["text"]


async def test_of_two_who_acknowledge_at_once_one_is_told_that_the_other_was_faster(here: World) -> None:
    path = f"/alerts/{here.a.alert}/acknowledge"
    both = await asyncio.gather(
        *(here.ask("POST", path, as_=who, json={}, headers={"If-Match": '"0"'}) for who in ("noc", "engineer"))
    )
    assert sorted(answer.status_code for answer in both) == [200, 412]
    assert here.look("SELECT count(*) FROM alert_event WHERE actor <> ''") == [(1,)]


async def test_acknowledging_wants_to_know_what_was_seen(still: World) -> None:
    path = f"/alerts/{still.a.alert}/acknowledge"
    assert (await still.ask("POST", path, json={})).status_code == 428
    assert (await still.ask("POST", path, json={}, headers={"If-Match": '"3"'})).status_code == 412
    unknown = await still.ask("POST", f"/alerts/{uuid4()}/acknowledge", json={}, headers={"If-Match": '"0"'})
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 2),
        ("?state=open", 2),
        ("?state=pending", 0),
        ("?state=over", 0),
        ("?severity=major", 2),
        ("?severity=critical", 0),
        ("?operator=acknowledged", 0),
        ("?operator=unacknowledged", 2),
        ("?device={device}", 1),
        ("?device=dzzzzzzzzzzzz", 0),
    ],
)
async def test_the_list_of_alerts_is_filtered(still: World, query: str, count: int) -> None:
    assert len((await still.ask("GET", "/alerts" + query.format(device=still.a.device))).json()["items"]) == count


async def test_pending_is_not_open_and_over_is_over(here: World) -> None:
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        connection.execute("UPDATE alert SET condition = 'pending' WHERE id = %s", (here.a.alert,))
        connection.execute("UPDATE alert SET condition = 'ok' WHERE id = %s", (here.b.alert,))
    for state, alerts in {"open": [], "pending": [str(here.a.alert)], "over": [str(here.b.alert)]}.items():
        listed = (await here.ask("GET", f"/alerts?state={state}")).json()["items"]
        assert [alert["id"] for alert in listed] == alerts
    assert (await here.ask("GET", f"/devices/{here.a.device}")).json()["open_alerts"] == 0


async def test_what_was_watched_and_came_back_was_never_an_alert(here: World) -> None:
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        connection.execute("UPDATE alert SET message = 'alert.limit.pending_above', condition = 'pending'")
        connection.execute("UPDATE alert SET condition = 'ok' WHERE id = %s", (here.b.alert,))
    for query, found in {"": [str(here.a.alert)], "?state=pending": [str(here.a.alert)], "?state=over": []}.items():
        assert [alert["id"] for alert in (await here.ask("GET", f"/alerts{query}")).json()["items"]] == found
    assert (await here.ask("GET", f"/alerts/{here.b.alert}")).status_code == 200, "by its id it is found"


async def test_alerts_of_the_same_moment_page_by_page(here: World) -> None:
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO alert SELECT (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid()))).* "
            "FROM alert a, generate_series(1, 6)"
        )
    whole = [alert["id"] for alert in (await here.ask("GET", "/alerts")).json()["items"]]
    assert len(set(whole)) == 14
    for limit in (1, 3, 13, 14):
        assert [alert["id"] for alert in await pages(here, f"/alerts?limit={limit}")] == whole


async def test_a_ticket_has_all_one_needs_to_go_there(still: World) -> None:
    answer = await still.ask("GET", f"/tickets/{still.a.ticket}?lang=en")
    ticket = answer.json()
    assert answer.headers["etag"] == '"1"'
    assert (ticket["number"], ticket["status"], ticket["family"]) == (still.a.ticket, "new", FAMILY)
    assert ticket["causes"] == ["Fan defective"]
    assert ticket["parts"] == [{"key": "fan", "name": "fan", "spec": "12 V DC", "quantity": 1, "probability": 0.4}]
    assert [reading["value"] for reading in ticket["evidence"]["readings"]] == [42.0, 43.0, 44.0, 45.0, 46.0]
    assert ticket["evidence"]["readings"][0]["unit"] == "Cel"
    assert [alert["id"] for alert in ticket["alerts"]] == [str(still.a.alert)]
    session = ticket["sessions"][0]
    assert (session["state"], session["scopes"], session["minutes"]) == ("prepared", ["diagnose", "view"], 60)
    assert session["runbook_name"] == RUNBOOK.name.en
    assert ticket["possible"] == ["receive", "take", "dismiss"]
    assert [event["event"] for event in ticket["events"]] == ["opened"]
    assert [(told["recipient"], told["state"]) for told in ticket["told"]] == [("NOC", "waiting")]
    assert "hunter2" not in answer.text


async def test_a_gist_says_what_the_ticket_says_in_a_kilobyte(still: World) -> None:
    answer = await still.ask("GET", f"/tickets/{still.a.ticket}/gist?lang=en")
    whole = (await still.ask("GET", f"/tickets/{still.a.ticket}?lang=en")).json()
    gist = answer.json()
    assert gist == {name: whole[name] for name in gist}
    assert {"title", "stops", "advice", "device", "hospital", "site", "status", "severity"} <= gist.keys()
    assert len(answer.content) < 1_200
    assert (await still.ask("GET", "/tickets/WX20990101-001/gist")).status_code == 404


async def test_all_evidence_of_a_ticket_comes_by_signal(still: World) -> None:
    found = (await still.ask("GET", f"/tickets/{still.a.ticket}/evidence?lang=en")).json()
    assert (found["frozen_at"], found["cut"]) == (None, False)
    [signal] = found["signals"]
    assert (signal["unit"], signal["value"], signal["quality"]) == ("Cel", [42.0, 43.0, 44.0, 45.0, 46.0], [0] * 5)
    assert signal["t"] == sorted(signal["t"])
    assert len(signal["t"]) == 5
    assert found["fitting"] == [METRIC]
    assert [found["signals"][0][of] for of in ("symbol", "digits", "states")] == ["°C", 1, []]
    assert (await still.ask("GET", "/tickets/WX20990101-001/evidence")).status_code == 404


async def test_the_verdict_of_the_device_is_on_its_ticket(still: World) -> None:
    diagnostic = (await still.ask("GET", f"/tickets/{still.a.ticket}?lang=en")).json()["diagnostics"][0]
    assert (diagnostic["status"], diagnostic["outcome"], diagnostic["runbook"]) == ("done", "warn", RUNBOOK.key)
    assert diagnostic["message"]["text"] == "Workstation check: 1 finding to be looked at (detector not checked)"
    assert diagnostic["unchecked"] == "detector"
    step = diagnostic["steps"][0]
    assert (step["title"], step["outcome"]) == (RUNBOOK.steps[0].title.en, "warn")
    assert step["message"]["text"] == "disk 88% full"


@pytest.mark.parametrize(
    ("status", "replied", "reason", "message"),
    [
        ("waiting", False, "", None),
        ("expired", False, "", "remote.runbook.unanswered"),
        ("expired", True, "", "remote.runbook.expired"),
        ("refused", True, "remote.runbook.refused_no_policy", "remote.runbook.refused_no_policy"),
        ("failed", True, "", "remote.runbook.failed"),
    ],
)
async def test_why_there_is_no_verdict(
    here: World, status: str, replied: bool, reason: str, message: str | None
) -> None:
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        connection.execute(
            "UPDATE command SET status = %s, reason = %s, verdict = NULL, replied_at = %s",
            (status, reason, NOW if replied else None),
        )
    diagnostic = (await here.ask("GET", f"/tickets/{here.a.ticket}")).json()["diagnostics"][0]
    assert (diagnostic["status"], diagnostic["outcome"], diagnostic["steps"]) == (status, None, [])
    assert (diagnostic["message"] or {}).get("id") == message


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 2),
        ("?state=open", 2),
        ("?state=closed", 0),
        ("?status=new", 2),
        ("?status=on-site", 0),
        ("?severity=major", 2),
        ("?severity=minor", 0),
        ("?family={family}", 2),
        ("?family=other", 0),
        ("?device={device}", 1),
        ("?device=dzzzzzzzzzzzz", 0),
    ],
)
async def test_the_list_of_tickets_is_filtered(still: World, query: str, count: int) -> None:
    path = "/tickets" + query.format(device=still.a.device, family=FAMILY)
    assert len((await still.ask("GET", path)).json()["items"]) == count


async def test_tickets_the_latest_first_page_by_page(here: World) -> None:
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ticket (dealer_id, number, org_id, site_id, device_id, family, severity,"
            " occurred_at, detected_at, "
            "evidence_from, evidence_to, message) SELECT 1, 'WX20261122-' || (100 + n), org_id, site_id, device_id, "
            "'f' || n, severity, occurred_at, detected_at, evidence_from, evidence_to, message "
            "FROM ticket, generate_series(1, 5) n WHERE number = %s",
            (here.a.ticket,),
        )
    whole = [ticket["number"] for ticket in (await here.ask("GET", "/tickets")).json()["items"]]
    assert whole[0] == "WX20261122-105"
    assert len(whole) == 7
    for limit in (1, 3, 7):
        assert [ticket["number"] for ticket in await pages(here, f"/tickets?limit={limit}")] == whole


async def test_of_two_who_take_a_ticket_one_has_it(here: World) -> None:
    path = f"/tickets/{here.a.ticket}/transition"
    both = await asyncio.gather(
        *(
            here.ask("POST", path, as_=who, json={"event": "take"}, headers={"If-Match": '"1"'})
            for who in ("noc", "engineer")
        )
    )
    assert sorted(answer.status_code for answer in both) == [200, 412]
    assert here.look("SELECT count(*) FROM ticket_event WHERE event = 'take'") == [(1,)]


async def test_times_in_texts_are_of_the_site(here: World) -> None:
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        last = (NOW - timedelta(hours=1)).isoformat()
        connection.execute(
            "UPDATE alert SET message = 'alert.silence.begun', params = %s", (Jsonb({"silent_s": 3600, "last": last}),)
        )
        connection.execute("UPDATE site SET time_zone = 'Asia/Urumqi' WHERE org_id = %s", (here.b.org,))
    texts = {
        hospital.name: (await here.ask("GET", f"/alerts/{hospital.alert}")).json()["message"]["text"]
        for hospital in (here.a, here.b)
    }
    assert "11:00:00 UTC+8" in texts[here.a.name], "Asia/Shanghai"
    assert "09:00:00 UTC+6" in texts[here.b.name], "Asia/Urumqi"


async def test_lists_of_one_hospital_and_of_one_site(still: World) -> None:
    for template, mine in (("/alerts", str(still.a.alert)), ("/tickets", still.a.ticket)):
        key = "id" if template == "/alerts" else "number"
        for query, expected in (
            (f"hospital={still.a.org}", [mine]),
            (f"site={still.a.site}", [mine]),
            (f"hospital={still.a.org}&site={still.b.site}", []),
            ("hospital=999", []),
        ):
            items = (await still.ask("GET", f"{template}?{query}")).json()["items"]
            assert [item[key] for item in items] == expected, (template, query)

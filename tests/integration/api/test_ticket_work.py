"""What people do with a ticket: who has it, what a repair says, who verifies it, a report; and what each sees."""

from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from people.roles import Role
from tests.integration.api.world import DEALER, FAMILY, NOW, World, new_account

REPAIR: dict[str, Any] = {
    "cause": "fan-defective",
    "actions": ["replaced"],
    "parts": [{"part": "fan", "quantity": 2, "serial": "SN 4711"}],
}


class Case:
    """Hospital A's ticket, worked on by whoever; each sends the version that came last."""

    def __init__(self, here: World, number: str | None = None) -> None:
        self.here = here
        self.path = f"/tickets/{number or here.a.ticket}"

    async def read(self, as_: str = "engineer") -> dict[str, Any]:
        found: dict[str, Any] = (await self.here.ask("GET", f"{self.path}?lang=en", as_=as_)).json()
        return found

    async def send(self, way: str, as_: str, body: dict[str, Any]) -> httpx.Response:
        version = (await self.read(as_)).get("version", 0)
        headers = {"If-Match": f'"{version}"'}
        return await self.here.ask("POST", f"{self.path}/{way}?lang=en", as_=as_, json=body, headers=headers)

    async def do(self, event: str, as_: str = "engineer", **more: Any) -> httpx.Response:
        return await self.send("transition", as_, {"event": event, **more})

    async def repaired(self, as_: str = "engineer") -> None:
        for event in ("take", "arrive"):
            assert (await self.do(event, as_)).status_code == 200
        assert (await self.do("mend", as_, repair=REPAIR)).status_code == 200


async def test_a_ticket_goes_its_way_and_says_who_has_it(here: World) -> None:
    case = Case(here)
    assert (await case.read())["holder"] == ""
    taken = (await case.do("take")).json()
    assert (taken["holder"], taken["arrived_at"], taken["status"]) == ("engineer", None, "accepted")
    over = (await case.do("take-over", "noc")).json()
    assert (over["holder"], "noc" in over["events"][-1]["message"]["text"]) == ("noc", True)
    assert "take-over" not in over["possible"], "who has it doesn't take it over"
    assert (await case.do("take-over", "noc")).json()["code"] == "conflict"
    assert (await case.do("take-over")).json()["holder"] == "engineer"
    here.clock.now += timedelta(minutes=20)
    there = (await case.do("arrive")).json()
    assert there["arrived_at"] == "2026-11-22T04:20:00Z"
    assert (await case.do("need-parts")).json()["arrived_at"] == "2026-11-22T04:20:00Z"
    assert (await case.do("parts-here")).json()["status"] == "on-site", "parts that came don't undo an arrival"
    listed = (await here.ask("GET", "/tickets")).json()["items"]
    assert {ticket["number"]: ticket["holder"] for ticket in listed} == {here.a.ticket: "engineer", here.b.ticket: ""}
    assert (await case.do("need-parts")).json()["possible"] == ["hand-back", "arrive", "parts-here"]
    assert (await case.do("hand-back", note="排班")).json()["holder"] == ""


async def test_a_repair_says_its_cause_what_was_done_and_the_parts(here: World) -> None:
    case = Case(here)
    await case.do("take")
    before = here.look("SELECT status, version FROM ticket WHERE number = %s", here.a.ticket)
    old = await case.do("mend", note="done")
    assert (old.status_code, old.json()["where"]) == (422, "body.repair")
    assert "former version" in old.json()["detail"], "whoever still has the old page learns what to do"
    for wrong, where in (
        ({"cause": "rain"}, "body.repair.cause"),
        ({"actions": []}, "body.repair.actions"),
        ({"actions": ["prayed"]}, "body.repair.actions.0"),
        ({"parts": []}, "body.repair.parts"),
        ({"parts": [{"part": "flux-capacitor"}]}, "body.repair.parts.0.part"),
        ({"cause": "other"}, "body.note"),
    ):
        answer = await case.do("mend", repair={**REPAIR, **wrong})
        assert (answer.status_code, [fault["where"] for fault in answer.json()["errors"]]) == (422, [where])
    assert (await case.do("take-over", "noc", repair=REPAIR)).json()["where"] == "body.repair"
    assert here.look("SELECT status, version FROM ticket WHERE number = %s", here.a.ticket) == before
    mended = (await case.do("mend", repair=REPAIR, note="风扇卡死")).json()
    assert mended["status"] == "to-verify"
    assert mended["repairs"] == [
        {
            "at": "2026-11-22T04:00:00Z",
            "actor": "engineer",
            "cause": {"key": "fan-defective", "name": "Fan defective"},
            "actions": [{"key": "replaced", "name": "Part replaced"}],
            "parts": [{"key": "fan", "name": "fan", "quantity": 2, "serial": "SN 4711"}],
            "note": "风扇卡死",
        }
    ]
    said = mended["events"][-1]["message"]
    assert said["text"] == "engineer repaired it. Cause: Fan defective; done: Part replaced; parts: fan × 2 (SN 4711)"
    zh = (await here.ask("GET", case.path)).json()["events"][-1]["message"]["text"]
    assert "原因：散热风扇损坏" in zh
    assert "备件：风扇 × 2" in zh


async def test_what_there_is_to_choose_begins_with_what_is_likely(still: World) -> None:
    path = f"/tickets/{still.a.ticket}/choices?lang=en"
    found = (await still.ask("GET", path, as_="engineer")).json()
    assert found["causes"][0] == {"key": "fan-defective", "name": "Fan defective", "parts": False, "note": False}
    assert found["causes"][-1]["note"]
    assert found["parts"][0] == {"key": "fan", "name": "fan", "likely": 1}
    assert found["parts"][1]["likely"] == 0
    assert (await still.ask("GET", path, as_="equipment")).status_code == 403


async def test_nobody_verifies_his_own_repair(here: World) -> None:
    case = Case(here)
    await case.repaired()
    assert (await case.read())["possible"] == ["reject"]
    own = await case.do("verify")
    assert (own.status_code, "confirm" in own.json()["detail"]) == (409, True)
    closed = (await case.do("verify", "noc")).json()
    assert (closed["status"], closed["holder"], closed["possible"]) == ("closed", "", [])


@pytest.mark.parametrize("who", ["equipment", "department"])
async def test_the_hospital_confirms_or_says_that_it_is_not_repaired(here: World, who: str) -> None:
    case = Case(here)
    await case.repaired()
    assert (await case.read(who))["possible"] == ["confirm", "decline"]
    silent = await case.send("confirm", who, {"repaired": False})
    assert (silent.status_code, silent.json()["where"]) == (422, "body.note")
    back = (await case.send("confirm", who, {"repaired": False, "note": "还是报警"})).json()
    assert (back["status"], back["holder"]) == ("accepted", "engineer")
    assert (await case.do("mend", repair=REPAIR)).status_code == 200
    done = (await case.send("confirm", who, {"repaired": True})).json()
    assert (done["status"], done["events"][-1]["event"], done["events"][-1]["actor"]) == ("closed", "confirm", who)
    assert here.look("SELECT actor FROM audit WHERE action = 'ticket-confirm' AND org_id = %s", here.a.org) == [(who,)]


async def test_of_another_hospital_nothing_is_confirmed(here: World) -> None:
    case = Case(here)
    await case.repaired()
    stranger = await case.send("confirm", "hospital-b", {"repaired": True})
    assert stranger.status_code == 404
    assert (await case.send("confirm", "it", {"repaired": True})).status_code == 403
    assert (await case.send("confirm", "noc", {"repaired": True})).status_code == 403


async def test_a_dealer_of_one_person_releases_with_a_note(here: World) -> None:
    case = Case(here)
    await case.repaired("manager")
    assert (await case.read("manager"))["possible"] == ["reject", "release"]
    assert (await case.do("verify", "manager")).status_code == 409
    assert (await case.send("release", "manager", {"note": " "})).status_code == 422
    assert (await case.send("release", "engineer", {"note": "x"})).status_code == 403
    done = (await case.send("release", "manager", {"note": "电话回访：正常"})).json()
    assert (done["status"], done["events"][-1]["event"]) == ("closed", "release")


async def test_two_people_on_one_ticket_and_one_learns_it(here: World) -> None:
    version = {"If-Match": '"1"'}
    path = f"/tickets/{here.a.ticket}/transition"
    assert (await here.ask("POST", path, as_="noc", json={"event": "take"}, headers=version)).status_code == 200
    late = await here.ask("POST", path, as_="engineer", json={"event": "take"}, headers=version)
    assert late.status_code == 412
    assert (await here.ask("POST", path, json={"event": "take"})).status_code == 428
    assert (await here.ask("POST", path, json={"event": "explode"}, headers=version)).status_code == 422
    dismissed = await Case(here, here.b.ticket).do("dismiss")
    assert (dismissed.status_code, dismissed.json()["where"]) == (422, "body.note")


async def test_what_helped_before_and_whether_it_came_again(here: World) -> None:
    case = Case(here)
    await case.repaired()
    await case.do("verify", "noc")
    path = f"/repairs?family={FAMILY}&lang=en"
    [found] = (await here.ask("GET", f"{path}&device={here.a.device}")).json()["items"]
    assert (found["ticket"], found["cause"]["name"], found["again_at"]) == (here.a.ticket, "Fan defective", None)
    here.look(
        "INSERT INTO ticket (number, org_id, dealer_id, site_id, device_id, family, severity, occurred_at, detected_at,"
        " opened_at, evidence_from, evidence_to, message) SELECT 'WX20261130-001', org_id, dealer_id, site_id,"
        " device_id, family, severity, occurred_at, detected_at, %s, evidence_from, evidence_to, message FROM ticket"
        " WHERE number = %s RETURNING 1",
        NOW + timedelta(days=8),
        here.a.ticket,
    )
    again = {days: (await here.ask("GET", f"{path}&days={days}")).json()["items"][0]["again_at"] for days in (7, 30)}
    assert again == {7: None, 30: "2026-11-30T04:00:00Z"}
    model = (await here.ask("GET", f"{path}&model=generic-dr", as_="department")).json()["items"]
    assert [one["ticket"] for one in model] == [here.a.ticket]
    assert (await here.ask("GET", path, as_="hospital-b")).json()["items"] == []
    gone = await here.ask("GET", f"{path}&device={here.a.device}", as_="hospital-b")
    assert gone.status_code == 404


async def test_a_prepared_session_is_shown_while_it_could_be_started(here: World) -> None:
    case = Case(here)

    async def shown() -> int:
        return len((await case.read())["sessions"])

    assert await shown() == 1
    for table, undone, done in (
        ("device_state", "connected = false", "connected = lane = 0"),
        ("remote_session", "state = 'withdrawn'", "state = 'prepared'"),
        ("device", "status = 'retired'", "status = 'active'"),
    ):
        here.look(f"UPDATE {table} SET {undone} RETURNING 1")  # noqa: S608 - words of this test
        assert await shown() == 0, undone
        here.look(f"UPDATE {table} SET {done} RETURNING 1")  # noqa: S608
        assert await shown() == 1
    here.clock.now += timedelta(days=8)
    assert await shown() == 0, "it was prepared for the fault as it was then"
    here.clock.now = NOW
    await case.repaired()
    assert await shown() == 1
    await case.do("verify", "noc")
    assert await shown() == 0


TOMORROW = NOW + timedelta(days=1)
"""No ticket has a number of that day yet."""
FAULT = {"words": "曝光键按下没有反应", "usable": "no", "contact": "放射科 6123"}


async def test_a_report_opens_a_ticket_and_the_next_joins_it(here: World) -> None:
    path = f"/devices/{here.a.device}/report"
    key = {"Idempotency-Key": "report-1"}
    here.clock.now = TOMORROW
    first = await here.ask("POST", path, as_="department", json=FAULT, headers=key)
    assert first.status_code == 201
    number = first.json()["number"]
    assert first.json() == {"number": "WX20261123-001", "opened": True}
    again = await here.ask("POST", path, as_="department", json=FAULT, headers=key)
    assert again.json() == first.json(), "sent twice is reported once"
    case = Case(here, number)
    ticket = await case.read()
    assert (ticket["severity"], ticket["family"], ticket["title"]["text"]) == ("critical", "reported", FAULT["words"])
    assert (ticket["reported_at"], ticket["detected_at"]) == ("2026-11-23T04:00:00Z", None)
    assert [(told["recipient"], told["step"]) for told in ticket["told"]] == [("NOC", "opened")]
    assert ticket["reports"] == [
        {
            "at": "2026-11-23T04:00:00Z",
            "actor": "department",
            "caller": "",
            **FAULT,
            "since": int(TOMORROW.timestamp() * 1000),
        }
    ]
    twice = await here.ask("POST", path, as_="equipment", json=FAULT)
    assert (twice.status_code, twice.json()["where"]) == (409, "body.ticket")
    here.clock.now += timedelta(minutes=5)
    call = {**FAULT, "usable": "limited", "caller": "护士长", "since": "2026-11-22T03:30:00Z", "ticket": here.a.ticket}
    joined = await here.ask("POST", path, as_="noc", json=call)
    assert joined.json() == {"number": here.a.ticket, "opened": False}
    detected = await Case(here).read()
    assert (detected["reported_at"], detected["detected_at"]) == ("2026-11-23T04:05:00Z", "2026-11-22T03:55:00Z")
    assert "for 护士长" in detected["events"][-1]["message"]["text"]
    assert here.look("SELECT actor FROM audit WHERE action = 'fault-reported' ORDER BY id") == [
        ("department",),
        ("noc",),
    ]


async def test_what_is_not_a_report(here: World) -> None:
    path = f"/devices/{here.a.device}/report"
    blank = await here.ask("POST", path, as_="equipment", json={**FAULT, "words": " \n "})
    assert (blank.status_code, blank.json()["where"]) == (422, "body.words")
    other = await here.ask("POST", path, as_="equipment", json={**FAULT, "ticket": here.b.ticket})
    assert other.status_code == 409, "a ticket of another hospital is none"
    assert (await here.ask("POST", path, as_="hospital-b", json=FAULT)).status_code == 404
    here.look("UPDATE device SET status = 'retired' RETURNING 1")
    assert (await here.ask("POST", path, as_="equipment", json=FAULT)).status_code == 409
    assert here.look("SELECT count(*) FROM ticket WHERE family = 'reported'") == [(0,)]


async def test_a_dealer_that_comes_later_reads_what_was_done_not_by_whom(here: World) -> None:
    case = Case(here)
    await case.repaired()
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        row = connection.execute("INSERT INTO org (name, kind, prefix) VALUES ('Other', 'dealer', 'ZZ') RETURNING id")
        [(other,)] = row.fetchall()
        here.tokens["other"], _ = new_account(connection, "other", Role.MANAGER, other)
        connection.execute(
            "INSERT INTO service_change (device_id, org_id, dealer_id, due_at, asked_by, asked_at)"
            " SELECT id, org_id, %s, %s, 'x', %s FROM device WHERE uid = %s",
            (other, NOW, NOW, here.a.device),
        )
        assert other != DEALER
        here.clock.now = TOMORROW
        reported = await here.ask("POST", f"/devices/{here.a.device}/report", as_="department", json=FAULT)
        connection.execute("SELECT change_dealer(id, %s) FROM device WHERE uid = %s", (TOMORROW, here.a.device))
    before = await case.read("other")
    assert (before["status"], before["holder"], before["repairs"][0]["actor"]) == ("closed", "", "")
    assert before["repairs"][0]["cause"]["key"] == "fan-defective"
    mended = next(event for event in before["events"] if event["event"] == "mend")
    assert "Fan defective" in mended["message"]["text"]
    assert "engineer" not in mended["message"]["text"]
    old = await Case(here, reported.json()["number"]).read("other")
    assert old["status"] == "closed"
    [(number,)] = here.look("SELECT number FROM ticket WHERE family = 'reported' AND status <> 'closed'")
    [(actor, contact)] = here.look(
        "SELECT e.params ->> 'who', e.params ->> 'contact' FROM ticket_event e JOIN ticket t ON t.id = e.ticket_id"
        " WHERE t.number = %s AND e.event = 'reported'",
        number,
    )
    assert (actor, contact) == ("department", FAULT["contact"]), "what the hospital reported goes on"

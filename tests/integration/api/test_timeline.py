"""What a chart can't draw as a curve: strips of what is so or isn't, what was asked for, silence, and the timeline."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.api.test_series import write
from tests.integration.api.world import DEALER, NOW, World

HALF: str = "from=2026-11-22T03:30:00Z&to=2026-11-22T04:00:00Z&lang=en"


@pytest.fixture
def happened(here: World) -> World:
    """A night at the device: a strip that turns, a silence that ended, a limit that never held, states and codes."""
    with psycopg.connect(here.database.superuser) as connection:
        write(connection, "detector.nominal", "", [(_at(n), float(n < 6), 0) for n in range(10)])
        write(connection, "exposure.index", "", [(_at(n), 300.0 + n, 0) for n in range(4)])
        write(connection, "exposure.target_index", "", [(_at(n), 400.0, 0) for n in range(4)])
        alert(connection, "silence", kind="silence", begins=_at(12), ends=_at(15), states=("active", "ok"))
        alert(connection, "limit:tube-hot", kind="limit", begins=_at(3), ends=_at(4), states=("pending", "ok"))
        again = ("active", "clearing", "active", "ok")
        alert(connection, "fault:GEN-KV-01", kind="fault", begins=_at(20), ends=_at(24), states=again)
        body = {"code": "GEN-KV-01", "state": "active", "count": 3}
        event(connection, "fault", _at(20), body)
        event(connection, "state", _at(-600), {"name": "equipment", "value": "idle"})
        event(connection, "state", _at(5), {"name": "equipment", "value": "emergency-stop"})
        event(connection, "state", _at(6), {"name": "exposure.status", "value": "ABORTED"})
    return here


def _at(minutes: float) -> Any:
    return NOW - timedelta(minutes=30) + timedelta(minutes=minutes)


def alert(
    connection: psycopg.Connection[Any], rule: str, *, kind: str, begins: Any, ends: Any, states: Sequence[str]
) -> None:
    subject = rule.removeprefix("fault:") if kind == "fault" else "tube.heat" if kind == "limit" else ""
    said = ("alert.silence.ended", Jsonb({"silent_s": 180}))
    [(made, device, org)] = connection.execute(
        "INSERT INTO alert (id, device_id, org_id, dealer_id, lane, rule, kind, subject, family, severity, condition,"
        " occurred_at, learned_at, changed_at, cleared_at, message, params)"
        " SELECT gen_random_uuid(), id, org_id, %s, 0, %s, %s, %s, 'generator.kv', 'critical', %s, %s, %s, %s, %s, %s,"
        " %s FROM device WHERE uid = 'da00000000001' RETURNING id, device_id, org_id",
        (DEALER, rule, kind, subject, states[-1], begins, begins, ends, ends, *said),
    )
    for nth, (before, after) in enumerate(zip(("ok", *states), states, strict=False)):
        connection.execute(
            "INSERT INTO alert_event (alert_id, device_id, org_id, dealer_id, at, learned_at, event, from_state,"
            " to_state, message, params) VALUES (%s, %s, %s, %s, %s, %s, 'x', %s, %s, %s, %s)",
            (made, device, org, DEALER, begins + timedelta(minutes=nth), begins, before, after, *said),
        )


def event(connection: psycopg.Connection[Any], kind: str, at: Any, body: dict[str, Any]) -> None:
    connection.execute(
        "INSERT INTO device_event (device_id, org_id, at, learned_at, kind, body) SELECT id, org_id, %s, %s, %s, %s"
        " FROM device WHERE uid = 'da00000000001'",
        (at, at, kind, Jsonb(body)),
    )


async def ask(here: World, what: str) -> dict[str, Any]:
    answer = await here.ask("GET", f"/devices/{here.a.device}/{what}&{HALF}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_what_is_so_or_is_not_comes_as_runs_and_what_was_asked_for_beside_what_was_delivered(
    happened: World,
) -> None:
    strip = await ask(happened, "series?metric=detector.nominal")
    ms = [int(_at(minutes).timestamp() * 1000) for minutes in (0, 5, 6, 9)]
    assert strip["runs"] == [
        {"begins": ms[0], "ends": ms[1], "value": 1.0, "n": 6},
        {"begins": ms[2], "ends": ms[3], "value": 0.0, "n": 4},
    ]
    index = await ask(happened, "series?metric=exposure.index")
    assert (index["per_event"], index["runs"], index["set"]["metric"]) == (True, None, "exposure.target_index")
    assert (index["set"]["t"], index["set"]["value"]) == (index["points"]["t"], [400.0] * 4)
    binned = await ask(happened, "series?metric=exposure.index&points=2")
    assert binned["set"]["t"] == binned["points"]["t"]


async def test_a_silence_is_told_and_what_never_held_is_not_each_recurrence_is(happened: World) -> None:
    found = await ask(happened, "series?metric=exposure.index")
    assert found["unheard"] == [
        {"kind": "silence", "begins": "2026-11-22T03:42:00Z", "ends": "2026-11-22T03:45:00Z"},
    ]
    marks = {mark["rule"]: mark for mark in found["marks"]}
    assert marks.keys() == {"silence", "fault:GEN-KV-01", "limit:detector-hot"}
    assert marks["fault:GEN-KV-01"]["again"] == ["2026-11-22T03:52:00Z"]


async def test_the_timeline_has_silence_faults_states_and_tickets_in_lanes(happened: World) -> None:
    found = await ask(happened, "timeline?")
    assert not found["cut"]
    lanes = {lane["key"]: lane for lane in found["lanes"]}
    kinds = [lane["kind"] for lane in found["lanes"]]
    assert kinds == ["heard", "fault", "fault", "limit", "state", "state", "ticket"]
    assert [(span["begins"], span["ends"]) for span in lanes["heard"]["spans"]] == [
        ("2026-11-22T03:42:00Z", "2026-11-22T03:45:00Z")
    ]
    assert lanes["fault:GEN-KV-01"]["name"] == "kV not reached"
    assert [moment["text"] for moment in lanes["fault:GEN-KV-01"]["moments"]] == [
        "came back",
        "GEN-KV-01 reported, 3 times",
    ]
    equipment = [(span["begins"], span["ends"], span["text"]) for span in lanes["state:equipment"]["spans"]]
    assert equipment == [
        ("2026-11-21T17:30:00Z", "2026-11-22T03:35:00Z", "idle"),
        ("2026-11-22T03:35:00Z", None, "emergency stop"),
    ]
    aborted = lanes["state:exposure.status"]
    assert [(aborted["name"], span["text"], span["ends"]) for span in aborted["spans"]] == [
        ("Exposure", "aborted", "2026-11-22T03:36:00Z")
    ]
    assert lanes["ticket"]["spans"][0]["ticket"] == happened.a.ticket


async def test_nobody_sees_another_hospital_s(still: World) -> None:
    assert (await still.ask("GET", f"/devices/{still.a.device}/timeline", as_="hospital-b")).status_code == 404
    assert (await still.ask("GET", f"/devices/{still.a.device}/timeline", as_="hospital-a")).json()["lanes"]

"""All that an alert's page says: what it means, why it is, what became of the ones before, and what nobody may do."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.api.world import FAMILY, METRIC, MODEL, NOW, World

RULE = next(rule for rule in MODEL.signals[METRIC].rules if rule.key == "detector-hot")


def write(here: World, query: str, *params: Any) -> None:
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        connection.execute(query.encode(), params)


async def detail(here: World, alert: object, *, as_: str = "noc", lang: str = "en") -> dict[str, Any]:
    answer = await here.ask("GET", f"/alerts/{alert}?lang={lang}", as_=as_)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_it_says_what_it_means_why_it_is_and_what_to_do(still: World) -> None:
    en, zh = await detail(still, still.a.alert), await detail(still, still.a.alert, lang="zh")
    assert (en["read_only"], en["raised"], en["source"], en["stops"]) == (False, True, None, None)
    assert en["figures"] == {
        "value": 46.0,
        "limit": 42.0,
        "clear": 42.0,
        "unit": "Cel",
        "op": "above",
        "for_s": 0.0,
        "value_text": "46.0 °C",
        "limit_text": "42 °C",
        "clear_text": "42 °C",
    }
    assert (en["title"]["text"], en["family_name"]) == ("Detector too hot", "Detector temperature")
    assert (zh["title"]["text"], zh["family_name"]) == ("平板探测器过热", "平板探测器温度")
    assert "as soon as" in en["meaning"]
    assert "42 °C" in en["meaning"]
    assert "42 °C" in zh["meaning"]
    assert (en["advice"], zh["advice"]) == (RULE.advice.en, RULE.advice.zh)
    assert en["causes"] == [cause.en for cause in MODEL.families[FAMILY].causes]
    assert en["picture"]["fitting"] == [METRIC]
    assert (en["picture"]["begins"], en["picture"]["ends"]) == ("2026-11-22T03:40:00Z", "2026-11-22T04:00:00Z")


@pytest.mark.parametrize(
    ("kind", "rule", "subject", "params", "meaning", "advised"),
    [
        ("fault", "fault:GEN-KV-01", "GEN-KV-01", {"code": "GEN-KV-01"}, "code GEN-KV-01", True),
        ("fault", "fault:E-77", "E-77", {"code": "E-77"}, "E-77, which the catalog doesn't know", True),
        ("fault", "fault:*", "*", {"code": "*"}, "model is set wrongly", True),
        ("silence", "silence", "", {"silent_s": 200}, "Raised when nothing was heard", True),
        ("connection", "connection", "", {"for_s": 600}, "for 10 min", True),
        ("clock", "clock", "", {"offset_s": 7200}, "2 minutes off", True),
        ("identity", "identity", "", {}, "Two computers", True),
        ("identity", "identity:numbers", "", {}, "began again", True),
        ("unjudged", "unjudged", "", {}, "set aside", True),
    ],
)
async def test_each_kind_has_a_meaning(
    here: World, kind: str, rule: str, subject: str, params: dict[str, Any], meaning: str, *, advised: bool
) -> None:
    changed = "UPDATE alert SET kind = %s, rule = %s, subject = %s, params = %s, message = 'alert.merged'"
    write(here, changed, kind, rule, subject, Jsonb(params))
    found = await detail(here, here.a.alert)
    assert meaning in found["meaning"]
    assert not set(found["meaning"]) & set("‹›{}")
    assert (found["advice"] is not None) == advised
    assert found["figures"] is None


async def test_a_fault_says_what_it_stops_and_who_published_its_code(here: World) -> None:
    fault = MODEL.faults["GEN-KV-01"]
    write(here, "UPDATE alert SET kind = 'fault', rule = 'fault:GEN-KV-01', subject = 'GEN-KV-01', params = '{}'")
    found = await detail(here, here.a.alert)
    assert (found["stops"], found["source"]) == (fault.stops.en, fault.source)
    assert found["causes"] == [cause.en for cause in fault.causes]


async def test_earlier_ones_come_with_what_was_done_then(here: World) -> None:
    assert (await detail(here, here.a.alert))["earlier"] == {"count": 0, "items": []}
    for days in range(1, 23):
        write(
            here,
            "INSERT INTO alert SELECT (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid(),"
            " 'occurred_at', a.occurred_at - make_interval(days => %s), 'cleared_at', a.occurred_at,"
            " 'condition', 'ok', 'message', CASE %s WHEN 22 THEN 'alert.limit.pending_above' ELSE a.message END))).*"
            " FROM alert a WHERE id = %s",
            days,
            days,
            here.a.alert,
        )
    write(
        here,
        "INSERT INTO ticket_alert SELECT t.id, a.id, t.org_id, t.dealer_id FROM ticket t JOIN alert a USING (device_id)"
        " WHERE t.number = %s AND a.occurred_at BETWEEN %s AND %s",
        here.a.ticket,
        NOW - timedelta(days=1, hours=1),
        NOW - timedelta(days=1),
    )
    write(
        here,
        "INSERT INTO ticket_event (ticket_id, org_id, dealer_id, at, event, actor, message, params)"
        " SELECT id, org_id, dealer_id, %s, 'mend', 'engineer', 'ticket.state', %s FROM ticket WHERE number = %s",
        NOW,
        Jsonb({"who": "engineer", "note": "new fan", "old": "on-site", "new": "to-verify", "active_alerts": 0}),
        here.a.ticket,
    )
    earlier = (await detail(here, here.a.alert))["earlier"]
    assert (earlier["count"], len(earlier["items"])) == (21, 20), "one was only watched"
    first, second, *_ = earlier["items"]
    assert (first["occurred_at"], first["value"], first["value_text"]) == ("2026-11-21T03:55:00Z", 46.0, "46.0 °C")
    [ticket] = first["tickets"]
    assert ticket["number"] == here.a.ticket
    assert ticket["ended"] == {"event": "mend", "at": "2026-11-22T04:00:00Z", "actor": "engineer", "note": "new fan"}
    assert second["tickets"] == []


async def test_the_same_elsewhere_is_counted_among_what_one_sees(still: World) -> None:
    assert (await detail(still, still.a.alert))["elsewhere"] == {"days": 30, "devices": 1, "episodes": 1}
    assert (await detail(still, still.a.alert, as_="staff"))["elsewhere"]["devices"] == 1
    assert (await detail(still, still.a.alert, as_="hospital-a"))["elsewhere"]["devices"] == 0


async def test_both_what_was_noted_and_that_it_was_withdrawn_stay_in_its_history(here: World) -> None:
    path = f"/alerts/{here.a.alert}"
    await here.ask("POST", f"{path}/acknowledge", as_="noc", json={"note": "called"}, headers={"If-Match": '"0"'})
    await here.ask("POST", f"{path}/unacknowledge", as_="noc", json={"note": "wrong one"}, headers={"If-Match": '"1"'})
    events = (await detail(here, here.a.alert))["events"]
    assert [(event["actor"], event["note"]) for event in events] == [("", ""), ("noc", "called"), ("noc", "wrong one")]


async def test_what_says_yes_or_no_is_said_in_words_and_shown_by_the_signals_of_its_family(here: World) -> None:
    params = {"rule": "limit:detector-not-nominal", "signal": "detector.nominal", "value": 0.0, "limit": 0.5}
    rewritten = "UPDATE alert SET rule = %s, subject = %s, family = %s, message = 'alert.state.held', params = %s"
    write(here, rewritten, params["rule"], params["signal"], "detector.selftest", Jsonb(params))
    said = await detail(here, here.a.alert)
    assert said["message"]["text"] == said["title"]["text"] == "Detector reports abnormal conditions"
    assert said["meaning"] == "Raised as soon as the equipment says “Detector conditions: abnormal”"
    assert (said["figures"], said["picture"]["fitting"]) == (None, ["detector.nominal", "detector.temperature"])


async def test_what_was_only_watched_says_so(here: World) -> None:
    write(here, "UPDATE alert SET message = 'alert.limit.pending_above', condition = 'ok'")
    assert (await detail(here, here.a.alert))["raised"] is False


async def test_alerts_are_those_of_a_ticket_or_of_none_and_those_that_one_has(here: World) -> None:
    async def listed(query: str, as_: str = "noc") -> list[str]:
        answer = await here.ask("GET", f"/alerts?state=open&{query}", as_=as_)
        return [alert["id"] for alert in answer.json()["items"]]

    a, b = str(here.a.alert), str(here.b.alert)
    write(here, "DELETE FROM ticket_alert WHERE alert_id = %s", here.b.alert)
    assert await listed(f"ticket={here.a.ticket}") == [a]
    assert await listed("ticket=none") == [b]
    assert sorted(await listed(f"ticket=none&ticket={here.a.ticket}")) == sorted([a, b])
    assert await listed("holder=me") == []
    await here.ask("POST", f"/alerts/{a}/acknowledge", as_="noc", json={}, headers={"If-Match": '"0"'})
    assert (await listed("holder=me"), await listed("holder=noc", as_="staff")) == ([a], [a])
    assert await listed("holder=me", as_="engineer") == []
    assert await listed("holder=me&ticket=none") == []
    groups = (await here.ask("GET", "/alerts/summary?state=open&by=ticket", as_="noc")).json()["groups"]
    assert sorted((group["key"], group["count"]) for group in groups) == [(here.a.ticket, 1), ("none", 1)]

"""`steth forget`: what former versions kept of a maker's client that wrote a patient everywhere is found and goes."""

from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from catalog.load import load
from steth.forget import ForgetError, forget
from tests.fixtures.postgres import Database
from tests.fixtures.wire_canaries import BASES, NAMES, NUMBERS, STEP, everything, places, planted

CATALOG = load()
EVENTS = sorted(BASES.keys() - {"readings", "heartbeat"})
"""What is stored as it came."""
TICKET = (
    "INSERT INTO ticket (dealer_id, number, org_id, site_id, device_id, family, severity, occurred_at,"
    " detected_at, evidence_from,"
    " evidence_to, message) VALUES (1, 'WX20261122-001', 1, 1, 1, 'f', 'major', now(), now(), now(), now(), 'm')"
)


def former(connection: psycopg.Connection[Any]) -> int:
    """A device of which a former version kept everything; how many of its events are not good."""
    connection.execute("INSERT INTO org (name) VALUES ('h')")
    connection.execute("INSERT INTO site (org_id, name) VALUES (1, 's')")
    inventory = {"device.serial": "ZHANG^SAN", "patient": "zhangsan", "device.software": "4.2"}
    connection.execute(
        "INSERT INTO device (uid, org_id, site_id, partition, model, name, inventory, serial)"
        " VALUES ('d000000000001', 1, 1, 0, 'generic-dr', 'DR', %s, 'ZHANG^SAN')",
        (Jsonb(inventory),),
    )
    connection.execute(
        "INSERT INTO metric (name, unit) VALUES ('zhang.san', ''), ('tube.voltage', ''), ('host.cpu', 'li')"
    )
    connection.execute(TICKET)
    connection.execute(
        "INSERT INTO ticket_evidence (dealer_id, ticket_id, org_id, metric, unit, at, value, quality)"
        " VALUES (1, 1, 1, 'zhang.san', '', '{}', '{}', '{}'), (1, 1, 1, 'tube.voltage', '', '{}', '{}', '{}')"
    )
    connection.execute(
        "INSERT INTO device_state (device_id, lane, org_id, dealer_id, engine, latest, agent, as_of)"
        " VALUES (1, 0, 1, 2, '', '', 'zhang-san 1', now()), (1, 1, 1, 2, '', '', 'steth-agent/0.1.0', now())"
    )
    connection.execute(
        "INSERT INTO device_refusal"
        " (device_id, org_id, dealer_id, kind, source, reason, count, since, last, form, told_at)"
        " SELECT 1, 1, 2, 'refused', source, reason, 1, now(), now(), '', now() FROM (VALUES ('zhang', 'unknown-code'),"
        " ('astm', 'malformed:zhang'), ('astm', 'unknown-code'), ('server', 'unknown-metric')) AS r (source, reason)"
    )
    step: dict[str, Any] = {
        "id": "disk",
        "outcome": "warn",
        "reason": "zhang",
        "values": {"used": 91.0, "free": "zhangsan"},
    }
    verdict: dict[str, Any] = {"runbook": "host-health", "outcome": "warn", "began": 1, "ended": 2, "steps": [step]}
    told = {"id": "disk", "outcome": "warn", "message": "remote.step.disk_high", "params": step["values"]}
    good: dict[str, Any] = {**verdict, "steps": [STEP]}
    for nth, each in enumerate((verdict, good)):
        connection.execute(
            "INSERT INTO command (dealer_id, id, device_id, org_id, body, issued_at, expires_at, verdict)"
            " VALUES (1, %s, 1, 1, '{}', now(), now(), %s)",
            (f"c{nth}", Jsonb(each)),
        )
    for each in (told, {**told, "params": STEP["values"]}):
        connection.execute(
            "INSERT INTO ticket_event (dealer_id, ticket_id, org_id, at, event, message, params)"
            " VALUES (1, 1, 1, now(), 'verdict', 'remote.runbook.warn', %s)",
            (Jsonb({"runbook": "host-health", "outcome": "warn", "count": 1, "steps": [each]}),),
        )
    bad = [planted(*place, each) for place in places() for each in (NAMES[0], NUMBERS[1]) if place[0] in EVENTS]
    fine = [{"t": kind, **BASES[kind]} for kind in EVENTS]
    for item in bad + fine:
        connection.execute(
            "INSERT INTO device_event (device_id, org_id, at, learned_at, kind, body)"
            " VALUES (1, 1, now(), now(), %s, %s)",
            (item["t"], Jsonb(item)),
        )
    connection.execute(
        "INSERT INTO ticket_evidence_event (ticket_id, org_id, dealer_id, event_id, at, kind, body)"
        " SELECT 1, 1, 1, id, at, kind, body FROM device_event"
    )
    for nth, (code, condition) in enumerate([("ZHANG-SAN", "ok"), ("GEN-KV-01", "ok"), ("UNKNOWN-CODE", "active")]):
        connection.execute(
            "INSERT INTO alert (dealer_id, id, device_id, org_id, lane, rule, kind, subject, family,"
            " severity, condition,"
            " occurred_at, learned_at, changed_at, message, params) VALUES (1, %s, 1, 1, 0, %s, 'fault', %s,"
            " 'unknown-code', 'warning', %s, now(), now(), now(), 'alert.code.expired', %s)",
            (f"00000000-0000-0000-0000-00000000000{nth}", f"fault:{code}", code, condition, Jsonb({"code": code})),
        )
    connection.execute(
        "INSERT INTO alert_event (dealer_id, alert_id, device_id, org_id, at, learned_at, event, from_state,"
        " to_state, message,"
        " params) SELECT 1, id, 1, 1, now(), now(), 'x', 'ok', 'ok', message, params FROM alert"
    )
    return len(bad)


def test_what_was_kept_and_may_not_be_is_counted_and_then_forgotten(database: Database) -> None:
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        bad = former(connection)
        before = everything(database.superuser)
        expected = {
            "metric": 2, "device": 1, "device_state": 1, "device_refusal": 2, "command": 1, "ticket_event": 1,
            "device_event": bad, "ticket_evidence_event": bad, "alert": 1,
        }  # fmt: skip
        assert before.keys() >= {*expected, "ticket_evidence", "alert_event"}
        assert forget(database.owner, CATALOG, act=False) == expected
        assert everything(database.superuser) == before, "it was only said"
        assert forget(database.owner, CATALOG, act=True) == expected
        assert everything(database.superuser) == {}
        assert set(forget(database.owner, CATALOG, act=True).values()) == {0}
        kept = connection.execute("SELECT kind, body FROM device_event ORDER BY id").fetchall()
        assert all((kind, {"t": kind, **BASES[kind]}) in kept for kind in EVENTS)
        (state,) = connection.execute("SELECT serial, inventory FROM device").fetchall()
        (verdicts,) = connection.execute(
            "SELECT array_agg(verdict -> 'steps' -> 0 ORDER BY id) FROM command"
        ).fetchall()
        assert verdicts[0] == [{**STEP, "reason": "remote.step.error"}, STEP], "the step stays, without its words"
        assert state == ("", {"device.software": "4.2"})


def test_a_catalog_that_is_not_the_one_in_use_forgets_nothing(database: Database) -> None:
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        former(connection)
        connection.execute("UPDATE device SET model = 'my-own'")
    with pytest.raises(ForgetError, match="doesn't hold my-own: give the catalog"):
        forget(database.owner, CATALOG, act=True)
    with pytest.raises(ForgetError, match="the database: "):
        forget("postgresql://steth_owner@127.0.0.1:1/x", CATALOG, act=True)

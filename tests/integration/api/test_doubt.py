"""What makes a device's health unknown though no serious alert is open."""

import psycopg
import pytest

from tests.integration.api.world import World


@pytest.mark.parametrize(
    ("kind", "condition", "severity", "reached", "healthy"),
    [
        ("limit", "active", "minor", None, (True, "only-minor-alerts")),
        ("limit", "unconfirmed", "minor", None, (None, "alerts-in-doubt")),
        ("limit", "unconfirmed", "major", None, (False, "alerts")),
        ("clock", "active", "minor", None, (None, "alerts-in-doubt")),
        ("unjudged", "active", "minor", None, (None, "alerts-in-doubt")),
        ("identity", "active", "major", None, (None, "alerts-in-doubt")),
        ("silence", "active", "critical", None, (None, "alerts-in-doubt")),
        ("connection", "active", "minor", True, (None, "alerts-in-doubt")),
        ("connection", "pending", "major", False, (None, "equipment-out-of-reach")),
        ("connection", "active", "major", False, (None, "equipment-out-of-reach")),
        ("clock", "ok", "minor", True, (True, "no-alerts")),
    ],
)
async def test_a_device_of_which_something_is_doubtful_is_not_called_well(
    here: World, kind: str, condition: str, severity: str, reached: bool | None, healthy: tuple[bool | None, str]
) -> None:
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        change = {"kind": kind, "condition": condition, "severity": severity, "reached": reached, "uid": here.b.device}
        connection.execute(
            "UPDATE alert SET kind = %(kind)s, condition = %(condition)s, severity = %(severity)s"
            " FROM device d WHERE d.id = device_id AND d.uid = %(uid)s",
            change,
        )
        connection.execute(
            "UPDATE device_state SET equipment_connected = %(reached)s, clock_offset_ms = 7380000"
            " FROM device d WHERE d.id = device_id AND d.uid = %(uid)s",
            change,
        )
    listed = (await here.ask("GET", "/devices")).json()["items"]
    alone = (await here.ask("GET", f"/devices/{here.b.device}")).json()
    for device in (next(each for each in listed if each["id"] == here.b.device), alone):
        assert (device["healthy"]["value"], device["healthy"]["reason"]) == healthy
        assert (device["equipment_connected"], device["clock_offset_s"]) == (reached, 7380.0)
    alerts = (await here.ask("GET", f"/alerts?device={here.b.device}")).json()["items"]
    assert [(alert["kind"], alert["condition"]) for alert in alerts] == [(kind, condition)]
    opened = (await here.ask("GET", f"/alerts?device={here.b.device}&state=open")).json()["items"]
    assert len(opened) == alone["open_alerts"] == (0 if condition in ("ok", "pending") else 1)

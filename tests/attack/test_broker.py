"""A hospital's own certificate, in the hands of somebody who wants more than his own device."""

import json
from collections.abc import Iterator

import pytest

from tests.attack.installation import Installation, until
from tests.integration.broker.client import Client
from tests.integration.broker.ground import Ground
from wire.codec import encode
from wire.commands import Ack
from wire.ids import DeviceId
from wire.topics import Down, Lane, down, down_filter, up, will

REFUSED = "Not authorized"


@pytest.fixture(scope="module")
def thief(target: Installation) -> Iterator[Client]:
    """Hospital A's device, as its certificate makes it."""
    with Ground(target.broker).device(target.devices["hospital-a"]) as client:
        assert client.connected, client.error
        yield client


def report(target: Installation, *items: dict[str, object]) -> str:
    now = target.sql("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")[0][0]
    return json.dumps({"at": now, "items": [{"at": now, **item} for item in items]})


def test_nothing_is_said_in_another_device_s_name(target: Installation, thief: Client) -> None:
    other = DeviceId(target.devices["hospital-b"])
    fault = report(target, {"t": "fault", "code": "GEN-KV-01", "state": "active"})
    for topic in (*(up(other, lane) for lane in Lane), will(other)):
        assert thief.publish(topic, fault) == REFUSED
    for topic in (
        down(other, Down.ACK),
        down(other, Down.COMMAND),
        down(DeviceId(target.devices["hospital-a"]), Down.COMMAND),
    ):
        assert thief.publish(topic, encode(Ack(lane=Lane.LIVE, epoch="", seq=0, now=0))) == REFUSED
    own = report(target, {"t": "heartbeat", "uptime_s": 1})
    assert thief.publish(up(DeviceId(target.devices["hospital-a"]), Lane.LIVE), own) == "taken"
    until(lambda: target.ask("GET", f"/devices/{target.devices['hospital-a']}").json()["fresh"]["value"])
    assert target.ask("GET", f"/devices/{other}").json()["fresh"]["reason"] == "never-seen"
    assert target.sql("SELECT 1 FROM alert") == []


def test_a_reply_answers_no_command_of_another_device(target: Installation, thief: Client) -> None:
    own, other = target.devices["hospital-a"], target.devices["hospital-b"]
    target.sql(
        "INSERT INTO command (dealer_id, id, device_id, org_id, body, issued_at, expires_at)"
        " SELECT 1, 'attack-command-1', id, org_id, '{}', now(), now() + interval '1 hour' FROM device WHERE uid = %s",
        other,
    )
    reply = report(
        target, {"t": "reply", "command": "attack-command-1", "status": "done"}, {"t": "heartbeat", "uptime_s": 77}
    )
    assert thief.publish(up(DeviceId(own), Lane.LIVE), reply) == "taken"
    until(lambda: target.sql("SELECT 1 FROM device_state WHERE heartbeat->>'uptime_s' LIKE '77%%'"))
    assert target.sql("SELECT status FROM command WHERE status = 'done' OR verdict IS NOT NULL") == []
    target.sql("DELETE FROM command WHERE id = 'attack-command-1'")


def test_nothing_of_others_is_overheard(target: Installation, thief: Client) -> None:
    other = DeviceId(target.devices["hospital-b"])
    thief.subscribe("#", "steth/#", down_filter(other), "$SYS/#")
    with Ground(target.broker).device(other) as neighbour:
        neighbour.subscribe(down_filter(other))
        assert neighbour.publish(up(other, Lane.LIVE), report(target, {"t": "heartbeat", "uptime_s": 1})) == "taken"
        until(lambda: target.ask("GET", f"/devices/{other}").json()["fresh"]["value"])
    while not thief.messages.empty():
        message = thief.messages.get()
        assert target.devices["hospital-a"] in message.topic


def test_a_flood_of_rubbish_costs_little(target: Installation, thief: Client) -> None:
    """300 reports of 200 kB that nobody can read: what is kept of them is small, and the next good one is heard."""
    own = target.devices["hospital-a"]
    before = target.sql("SELECT pg_total_relation_size('dead_letter')")[0][0]
    for n in range(300):
        thief.publish(up(DeviceId(own), Lane.BULK), f"{n} " + "Zhang^San " * 20_000)
    thief.publish(
        up(DeviceId(own), Lane.BULK), report(target, {"t": "readings", "metric": ["host.cpu"], "value": [12.5]})
    )
    until(lambda: target.sql("SELECT 1 FROM reading"))
    assert target.sql("SELECT pg_total_relation_size('dead_letter')")[0][0] - before < 500_000
    assert "Zhang" not in "".join(row for _, row in target.stored())

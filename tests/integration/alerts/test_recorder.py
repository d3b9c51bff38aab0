"""The recorder on the real database, fed by the real engine: what was judged is what is stored."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import AsyncConnection

from alerts.effects import EpisodeOpened
from alerts.reasons import WATCHED
from alerts.recorder import AlertRecorder
from ingest.ports import Batch, Device, Effect, Now, Stage, Work
from tests.fixtures.postgres import Database
from tests.unit.alerts.device import DEVICE, T0, Reporting, beat, birth, fault, only, reading, temp
from wire.topics import Lane

STAGE: Stage = AlertRecorder()


@pytest.fixture(autouse=True)
def installed(database: Database) -> None:
    """The devices of these reports: whose an alert is, their rows say."""
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute("INSERT INTO org (name) VALUES ('H')")
        connection.execute("INSERT INTO site (org_id, name) SELECT id, 'S' FROM org WHERE kind = 'hospital'")
        connection.execute(
            "INSERT INTO device (id, uid, org_id, site_id, partition, model, name) OVERRIDING SYSTEM VALUE"
            " SELECT n, 'd' || n, s.org_id, s.id, 3, 'dr', 'DR' FROM site s, generate_series(0, 400) n"
        )


async def record(database: Database, *works: tuple[Device, Sequence[Effect]], lane: Lane = Lane.LIVE) -> None:
    batch = Batch(
        lane=lane,
        now=Now(wall_ms=T0, clock_ms=0),
        works=[Work(device=device, lane=lane, applied=[], effects=list(effects)) for device, effects in works],
    )
    async with await AsyncConnection.connect(database.ingest) as connection, connection.transaction():
        await STAGE.run(connection, batch)


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.superuser) as connection:
        return connection.execute(query.encode()).fetchall()


def alerts(database: Database) -> list[tuple[Any, ...]]:
    """Rule, kind, subject, condition, occurred, learned, changed, cleared (seconds after T0), count and message."""
    found = rows(
        database,
        "SELECT rule, kind, subject, condition, occurred_at, learned_at, changed_at, cleared_at, count, message"
        " FROM alert ORDER BY learned_at, rule",
    )
    return [tuple(map(after, row)) for row in found]


def events(database: Database) -> list[tuple[Any, ...]]:
    """Event, from, to, time (seconds after T0) and message."""
    found = rows(database, "SELECT event, from_state, to_state, at, message FROM alert_event ORDER BY id")
    return [tuple(map(after, row)) for row in found]


def after(value: object) -> object:
    return value.timestamp() - T0 / 1000 if isinstance(value, datetime) else value


async def test_an_episode_from_pending_to_ok_in_three_batches(database: Database) -> None:
    device = Reporting()
    await record(database, (DEVICE, device.report(1, temp(50, 0.25))))
    assert alerts(database) == [
        ("limit:hot", "limit", "temp", "pending", 0.25, 1, 0.25, None, 1, "alert.limit.pending_above")
    ]
    await record(database, (DEVICE, device.report(301, temp(51, 301))))
    await record(database, (DEVICE, device.report(400, temp(20, 399))))
    assert alerts(database) == [
        ("limit:hot", "limit", "temp", "ok", 0.25, 1, 399, 399, 1, "alert.limit.above")
    ]  # it keeps the message that says what was wrong
    assert events(database) == [
        ("breach", "ok", "pending", 0.25, "alert.limit.pending_above"),
        ("held", "pending", "active", 300.25, "alert.limit.above"),
        ("within", "active", "ok", 399, "alert.limit.cleared"),
    ]
    assert rows(
        database, "SELECT params->>'signal', params->'value', params->>'unit' FROM alert_event ORDER BY id"
    ) == [
        ("temp", 50.0, "Cel"),
        ("temp", 51.0, "Cel"),
        ("temp", 20.0, "Cel"),
    ]


async def test_by_its_message_an_episode_that_never_held_is_known(database: Database) -> None:
    device = Reporting()
    await record(database, (DEVICE, device.report(1, temp(50, 1))))
    await record(database, (DEVICE, device.report(2, temp(20, 2))))
    await record(database, (DEVICE, device.report(400, temp(50, 10), temp(51, 400))))
    await record(database, (DEVICE, device.report(500, temp(20, 500))))
    assert [(row[3], row[9] in WATCHED) for row in alerts(database)] == [("ok", True), ("ok", False)]


async def test_what_opens_repeats_and_ends_in_one_batch(database: Database) -> None:
    device = Reporting()
    effects = device.report(9, fault("E1", 1), fault("E1", 2, count=4), fault("E1", 3, "cleared"), fault("E1", 4))
    await record(database, (DEVICE, effects))
    stored = rows(database, "SELECT condition, count, cleared_at IS NULL FROM alert ORDER BY occurred_at")
    assert stored == [("ok", 5, False), ("active", 1, True)]
    assert [row[0] for row in events(database)] == ["fault-active", "fault-cleared", "fault-active"]
    ids = {row[0] for row in rows(database, "SELECT id FROM alert")}
    assert ids == {effect.alert_id for effect in only(EpisodeOpened, effects)}


async def test_repeats_raise_the_count_and_write_no_event(database: Database) -> None:
    device = Reporting()
    await record(database, (DEVICE, device.report(1, fault("E1", 1))))
    await record(database, (DEVICE, device.report(2, fault("E1", 2), fault("E1", 2))))
    [(*_, count, message)] = alerts(database)
    assert (count, message) == (3, "alert.code.active")
    assert len(events(database)) == 1


async def test_late_facts_that_are_over_are_an_event_without_an_alert(database: Database) -> None:
    device = Reporting()
    await record(database, (DEVICE, device.report(9000, fault("E1", 100), fault("E1", 200, "cleared"))))
    assert rows(database, "SELECT count(*) FROM alert") == [(0,)]
    [row] = rows(database, "SELECT alert_id, device_id, event, at, learned_at, message, params FROM alert_event")
    assert tuple(map(after, row[:6])) == (None, DEVICE.id, "late-summary", 200, 9000, "alert.late.summary")
    assert row[6]["count"] == 1


async def test_silence_and_return(database: Database) -> None:
    device = Reporting()
    await record(database, (DEVICE, device.report(0, fault("E1", 0))))
    await record(database, (DEVICE, device.tick(180)))
    assert [row[3] for row in alerts(database)] == ["no-data", "active"]
    await record(database, (DEVICE, device.report(300, birth(300))))
    assert [row[3] for row in alerts(database)] == ["active", "ok"]
    # it says what is wrong, and not that the device was heard again
    assert [row[-1] for row in alerts(database)] == ["alert.code.active", "alert.silence.begun"]


async def test_what_follows_from_the_device_itself(database: Database) -> None:
    device = Reporting()
    device.presence.conflict_ms = device.presence.restarted_ms = device.presence.unjudged_ms = T0
    device.presence.equipment_connected = False
    await record(database, (DEVICE, device.report(1, beat(1), offset_s=7200.0)))
    assert [(row[0], row[1], row[3], row[9]) for row in alerts(database)] == [
        ("clock", "clock", "active", "alert.clock.behind"),
        ("connection", "connection", "pending", "alert.connection.pending"),
        ("identity", "identity", "active", "device.identity_duplicate"),
        ("identity:numbers", "identity", "active", "device.numbers_restarted"),
        ("unjudged", "unjudged", "active", "alert.unjudged.begun"),
    ]
    assert rows(database, "SELECT params FROM alert WHERE kind = 'clock'") == [({"offset_s": 7200},)]


async def test_lost_reports_a_repeat_and_the_end_of_the_device(database: Database) -> None:
    device = Reporting()
    await record(database, (DEVICE, device.report(0, fault("E1", 0), fault("E2", 0))))
    await record(database, (DEVICE, device.report(100, beat(100), gap=12)))
    assert [row[3] for row in alerts(database)] == ["unconfirmed", "unconfirmed"]
    await record(database, (DEVICE, device.report(110, fault("E1", 110))))
    assert sorted((row[0], row[3], row[8], row[9]) for row in alerts(database)) == [
        ("fault:E1", "active", 2, "alert.code.active"),
        ("fault:E2", "unconfirmed", 1, "alert.code.active"),
    ]
    device.device = replace(DEVICE, retired=True)
    await record(database, (DEVICE, device.tick(120)))
    assert [(row[3], row[7]) for row in alerts(database)] == [("ok", 120), ("ok", 120)]
    assert [row[:3] for row in events(database)] == [
        ("fault-active", "ok", "active"),
        ("fault-active", "ok", "active"),
        ("lost", "active", "unconfirmed"),
        ("lost", "active", "unconfirmed"),
        ("fault-active", "unconfirmed", "active"),
        ("device-retired", "active", "ok"),
        ("device-retired", "unconfirmed", "ok"),
    ]


async def test_many_devices_of_two_lanes_in_a_batch(database: Database) -> None:
    works = []
    for number in range(300):
        device = Device(id=number, uid=f"d{number:04}", org_id=number % 3, site_id=1, partition=0, model="dr", name="")  # type: ignore[arg-type] # a minted id
        works.append((device, Reporting(device=device).report(1, fault("E1", 1), reading("load", 99, 1))))
    await record(database, *works)
    await record(database, (DEVICE, Reporting(lane=Lane.BULK).report(1, reading("load", 99, 1))), lane=Lane.BULK)
    assert rows(database, "SELECT lane, count(*), count(DISTINCT org_id) FROM alert GROUP BY lane ORDER BY lane") == [
        (0, 600, 3),
        (1, 1, 1),
    ]


async def test_nothing_judged_writes_nothing(database: Database) -> None:
    await record(database, (DEVICE, []))
    assert rows(database, "SELECT count(*) FROM alert_event") == [(0,)]

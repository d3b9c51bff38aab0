"""Devices: minting, changing, how they are, what they measured."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from catalog.model import Lang
from tests.integration.api.world import CATALOG, METRIC, MODEL, NOW, READINGS, World, pages
from wire.ids import DeviceId, bucket, is_device_id, partition

DEVICE = {"name": "DR 9", "model": "generic-dr", "site": {"hospital": "第三医院", "site": "急诊"}}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_minting_makes_the_hospital_and_site_that_are_named_and_not_there(here: World) -> None:
    made = (await here.ask("POST", "/devices", json=DEVICE)).json()
    again = (await here.ask("POST", "/devices", json=DEVICE)).json()
    assert (made["site"], made["hospital"]) == (again["site"], again["hospital"])
    assert made["id"] != again["id"]
    device = (await here.ask("GET", f"/devices/{made['id']}")).json()
    assert (device["hospital"]["name"], device["site"]["name"]) == ("第三医院", "急诊")
    assert (device["last_seen"], device["age_s"], device["latest"]) == (None, None, [])
    assert {fact: device[fact]["reason"] for fact in ("connected", "fresh", "healthy")} == {
        "connected": "never-seen",
        "fresh": "never-seen",
        "healthy": "never-seen",
    }
    assert (device["connected"]["value"], device["fresh"]["value"], device["healthy"]["value"]) == (None, None, None)


async def test_a_minted_device_is_in_the_partition_of_its_bucket(here: World) -> None:
    answer = await here.ask("POST", "/devices", json=DEVICE)
    uid = answer.json()["id"]
    assert answer.headers["location"] == f"/api/v1/devices/{uid}"
    assert is_device_id(uid)
    assert here.look("SELECT partition FROM device WHERE uid = %s", uid) == [(partition(bucket(DeviceId(uid))),)]


async def test_the_code_is_in_the_answer_and_nowhere_else(here: World) -> None:
    code = (await here.ask("POST", "/devices", json=DEVICE, headers={"Idempotency-Key": "k"})).json()["code"]
    everything = str([here.look(f"SELECT to_jsonb(t) FROM {table} t") for table in ("device", "idempotency", "audit")])  # noqa: S608
    assert code not in everything
    assert code.replace("-", "") not in everything


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"model": "no-such-model"}, "body.model"),
        ({"model": "host"}, "body.model"),
        ({"site": {"id": 999}}, "body.site.id"),
        ({"site": {}}, "body.site.names.hospital"),
        ({"site": {"id": 1, "hospital": "x", "site": "y"}}, "body.site.id.hospital"),
        ({"site": {"hospital": "x"}}, "body.site.names.site"),
        ({"site": {"id": 0}}, "body.site.id.id"),
        ({"site": 1}, "body.site.names"),
        ({"name": ""}, "body.name"),
        ({"name": " \u3000 "}, "body.name"),
        ({"name": "D\x00R"}, "body.name"),
        ({"name": "D\u202eR"}, "body.name"),
        ({"name": "x" * 101}, "body.name"),
        ({"serial": "a\nb"}, "body.serial"),
        ({"status": "active"}, "body.status"),
        ({"name": 7}, "body.name"),
    ],
)
async def test_what_a_device_cannot_be(still: World, change: dict[str, Any], where: str) -> None:
    answer = await still.ask("POST", "/devices", json={**DEVICE, **change})
    assert answer.status_code == 422
    assert where in [error["where"] for error in answer.json()["errors"]]
    assert still.look("SELECT count(*) FROM device") == [(2,)]
    assert still.look("SELECT count(*) FROM org WHERE kind = 'hospital'") == [(2,)], (
        "nothing of a refused request stays"
    )


async def test_connected_fresh_and_healthy_are_three_facts(here: World) -> None:
    device = (await here.ask("GET", f"/devices/{here.a.device}?lang=en")).json()
    assert {fact: (device[fact]["value"], device[fact]["reason"]) for fact in ("connected", "fresh", "healthy")} == {
        "connected": (True, "session"),
        "fresh": (True, "recent"),
        "healthy": (False, "alerts"),
    }
    assert device["healthy"]["text"] == "Serious alerts are open"
    assert (device["last_seen"], device["age_s"]) == ("2026-11-22T03:59:56Z", 4.0), "the mark is newer than the state"
    assert (device["open_alerts"], device["open_tickets"], device["tickets"]) == (1, 1, [here.a.ticket])
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        connection.execute("UPDATE alert SET condition = 'ok' WHERE id = %s", (here.a.alert,))
    here.clock.now = NOW + timedelta(minutes=10)
    later = (await here.ask("GET", f"/devices/{here.a.device}")).json()
    assert (later["connected"]["value"], later["fresh"]["value"], later["healthy"]["value"]) == (True, False, None)
    assert later["healthy"]["reason"] == "stale"


REFUSED = {
    "source": "astm",
    "reason": "unknown-code",
    "count": 3,
    "since": NOW - timedelta(hours=2),
    "last": NOW - timedelta(hours=1),
    "form": "AAA-AAA-99",
}


def refuse(here: World, **change: object) -> None:
    told = {**REFUSED, **change, "uid": here.b.device}
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        connection.execute("UPDATE alert SET condition = 'ok'")
        connection.execute(
            "INSERT INTO device_refusal SELECT id, org_id, 'refused', %(source)s, %(reason)s, %(count)s, %(since)s,"
            " %(last)s, %(form)s, %(last)s, dealer_id FROM device WHERE uid = %(uid)s",
            told,
        )


async def test_what_a_device_refused_is_told_in_words_the_last_one_first(here: World) -> None:
    refuse(here)
    refuse(here, reason=f"implausible:{METRIC}", last=NOW - timedelta(minutes=90), form="")
    refuse(here, source="later", reason="word-of-a-later-agent:x", last=NOW - timedelta(days=40), form="")
    device = (await here.ask("GET", f"/devices/{here.b.device}?lang=en")).json()
    assert device["refusals"][0] == {
        "kind": "refused",
        "source": "astm",
        "source_text": "ASTM",
        "reason": "unknown-code",
        "text": "a code that the catalog doesn't know",
        "lost": True,
        "count": 3,
        "since": "2026-11-22T02:00:00Z",
        "last": "2026-11-22T03:00:00Z",
        "form": "AAA-AAA-99",
    }
    told = [(each["kind"], each["source"], each["text"], each["lost"]) for each in device["refusals"][1:]]
    assert told == [
        ("refused", "astm", f"an implausible value: {MODEL.signals[METRIC].title.en}", True),
        ("refused", "dicom", "the connection was lost", False),
        ("untold", "dicom", "another storage class", False),
        ("refused", "later", "word-of-a-later-agent: x", True),
    ]
    assert (await here.ask("GET", f"/devices/{here.b.device}")).json()["refusals"][0]["text"] == "目录中没有这个代码"


@pytest.mark.parametrize(
    ("reason", "last_h", "healthy"),
    [
        ("unknown-code", 1, (None, "facts-refused")),
        ("malformed:tube.voltage", 23, (None, "facts-refused")),
        ("word-of-a-later-agent", 1, (None, "facts-refused")),
        ("unknown-code", 25, (True, "no-alerts")),
        ("malformed:time", 1, (True, "no-alerts")),
        ("placeholder:tube.voltage", 1, (True, "no-alerts")),
        ("evicted", 1, (True, "no-alerts")),
    ],
)
async def test_a_device_whose_facts_are_lost_is_not_called_well(
    here: World, reason: str, last_h: int, healthy: tuple[bool | None, str]
) -> None:
    refuse(here, reason=reason, last=NOW - timedelta(hours=last_h))
    listed = (await here.ask("GET", "/devices")).json()["items"]
    alone = (await here.ask("GET", f"/devices/{here.b.device}")).json()
    for device in (next(each for each in listed if each["id"] == here.b.device), alone):
        assert (device["healthy"]["value"], device["healthy"]["reason"]) == healthy
    other = next(each for each in listed if each["id"] == here.a.device)
    assert other["healthy"]["value"] is True, "a lost connection and what told nothing leave it well"


async def test_a_hospital_sees_what_its_own_devices_refused_alone(here: World) -> None:
    refuse(here)
    assert (await here.ask("GET", f"/devices/{here.b.device}", as_="hospital-a")).status_code == 404
    own = (await here.ask("GET", f"/devices/{here.b.device}", as_="hospital-b")).json()
    assert own["refusals"][0]["form"] == "AAA-AAA-99"


async def test_latest_is_the_newest_of_both_lanes_with_name_unit_time_and_age(still: World) -> None:
    latest = (
        await still.ask("GET", f"/devices/{still.a.device}", headers={"Accept-Language": "en-GB, zh;q=0.5"})
    ).json()
    assert latest["latest"] == [
        {
            "metric": METRIC,
            "name": MODEL.signals[METRIC].title.en,
            "value": 46.0,
            "text": "46.0 °C",
            "symbol": "°C",
            "digits": 1,
            "states": [],
            "unit": MODEL.signals[METRIC].unit,
            "at": "2026-11-22T03:55:00Z",
            "age_s": 300.0,
            "quality": "good",
        }
    ]


async def test_a_metric_the_catalog_does_not_know_is_shown_as_it_is_to_whom_it_belongs(here: World) -> None:
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        row = connection.execute("INSERT INTO metric (name, unit) VALUES ('odd.one', 'mm') RETURNING id").fetchone()
        assert row is not None
        connection.execute("INSERT INTO org_metric (metric_id, org_id) VALUES (%s, %s)", (row[0], here.a.org))
        packed = msgspec.msgpack.encode({row[0]: [int(NOW.timestamp() * 1000) + 60_000, 1.5, 2]})
        connection.execute("UPDATE device_state SET latest = %s WHERE lane = 1", (packed,))
    latest = (await here.ask("GET", f"/devices/{here.a.device}", as_="hospital-a")).json()["latest"]
    odd = next(value for value in latest if value["metric"] == "odd.one")
    assert (odd["name"], odd["unit"], odd["quality"], odd["age_s"]) == ("odd.one", "mm", "bad", 0.0)
    for as_, whose, there in (("hospital-a", here.a, 200), ("hospital-b", here.b, 404), ("staff", here.b, 200)):
        answer = await here.ask("GET", f"/devices/{whose.device}/series?metric=odd.one", as_=as_)
        assert answer.status_code == there, "whether another tenant has a metric, and its units, is nobody's to know"
    assert "odd" not in (await here.ask("GET", f"/devices/{here.b.device}", as_="hospital-b")).text


async def test_a_signal_in_a_foreign_unit_is_said_as_long_as_it_is_the_newest(here: World) -> None:
    """Its values are another metric, which nobody judges: the page must not look as if all were well."""
    now = int(NOW.timestamp() * 1000)

    def stored(**ages_s: int) -> None:
        with psycopg.connect(here.database.superuser, autocommit=True) as connection:
            packed = {}
            for unit, age_s in ages_s.items():
                row = connection.execute(
                    "INSERT INTO metric (name, unit) VALUES (%s, %s) ON CONFLICT (name, unit) DO UPDATE"
                    " SET unit = excluded.unit RETURNING id",
                    (METRIC, unit),
                ).fetchone()
                assert row is not None
                connection.execute(
                    "INSERT INTO org_metric SELECT %s, id FROM org WHERE kind = 'hospital' ON CONFLICT DO NOTHING",
                    (row[0],),
                )
                packed[row[0]] = [now - age_s * 1000, 1.5, 0]
            connection.execute("UPDATE device_state SET latest = %s", (msgspec.msgpack.encode(packed),))

    async def said() -> list[dict[str, str]]:
        answer = await here.ask("GET", f"/devices/{here.a.device}", headers={"Accept-Language": "en"})
        found: list[dict[str, str]] = answer.json()["foreign_units"]
        return found

    own = MODEL.signals[METRIC].unit
    stored(mm=5, **{own: 60})
    (foreign,) = await said()
    assert (foreign["metric"], foreign["unit"], foreign["expected"]) == (METRIC, "mm", own)
    assert MODEL.signals[METRIC].title.en in foreign["text"]
    stored(mm=60, **{own: 5})
    assert await said() == []
    stored(mm=60, **{"": 5})
    assert await said() == []


async def test_a_device_is_changed_by_who_has_seen_it(here: World) -> None:
    path = f"/devices/{here.a.device}"
    missing = await here.ask("PATCH", path, json={"name": "x"})
    assert (missing.status_code, missing.json()["code"]) == (428, "if_match_missing")
    tag = (await here.ask("GET", path)).headers["etag"]
    for stale in ('"7"', 'W/"1"', "1", "", '"x"'):
        refused = await here.ask("PATCH", path, json={"name": "x"}, headers={"If-Match": stale})
        assert (refused.status_code, refused.json()["code"]) == (412, "changed_meanwhile"), stale
    changed = await here.ask("PATCH", path, json={"name": "Room 3", "serial": "S1"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["name"], changed.json()["serial"]) == (200, "Room 3", "S1")
    assert (changed.headers["etag"], changed.json()["version"], changed.json()["department"]) == ('"2"', 2, "")
    assert (await here.ask("PATCH", path, json={"name": "y"}, headers={"If-Match": tag})).status_code == 412
    several = await here.ask("PATCH", path, json={"department": "放射科"}, headers={"If-Match": '"1", "2"'})
    assert several.json()["name"] == "Room 3", "what is left out stays"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 2),
        ("?limit=1", 1),
        ("?site={site}", 1),
        ("?hospital={org}", 1),
        ("?model=generic-dr", 2),
        ("?model=other", 0),
        ("?status=retired", 0),
    ],
)
async def test_the_list_of_devices_is_filtered(still: World, query: str, count: int) -> None:
    answer = await still.ask("GET", "/devices" + query.format(site=still.a.site, org=still.a.org))
    assert len(answer.json()["items"]) == count


async def test_paging_shows_every_device_once_whatever_the_size_of_a_page(here: World) -> None:
    for _ in range(5):
        await here.ask("POST", "/devices", json=DEVICE)
    whole = [item["id"] for item in (await here.ask("GET", "/devices")).json()["items"]]
    assert len(whole) == 7
    for limit in (1, 2, 3, 7, 8):
        assert [item["id"] for item in await pages(here, f"/devices?limit={limit}")] == whole


async def test_readings_from_oldest_to_newest_between_two_times(still: World) -> None:
    path = f"/devices/{still.a.device}/readings"
    every = (await still.ask("GET", path)).json()
    assert len(every["items"]) == READINGS
    assert every["items"][0] == {
        "metric": METRIC,
        "at": "2026-11-22T03:48:00Z",
        "value": 40.0,
        "unit": "Cel",
        "quality": "good",
    }
    for since, until in (
        ("2026-11-22T03:49:00Z", "2026-11-22T03:51:00Z"),
        ("2026-11-22T11:49:00%2B08:00", "2026-11-22T11:51:00+08:00"),
        (int(at("2026-11-22T03:49:00Z").timestamp() * 1000), int(at("2026-11-22T03:51:00Z").timestamp() * 1000)),
    ):
        answer = await still.ask("GET", f"{path}?from={since}&to={until}&metric={METRIC}")
        assert [item["value"] for item in answer.json()["items"]] == [41.0, 42.0], "from is included, to is not"
    assert (await still.ask("GET", f"{path}?metric=other")).json()["items"] == []


async def test_readings_of_the_same_moment_are_all_there_page_by_page(here: World) -> None:
    device = here.look("SELECT id FROM device WHERE uid = %s", here.a.device)[0][0]
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        second = connection.execute("INSERT INTO metric (name) VALUES ('a.first') RETURNING id").fetchone()
        assert second is not None
        for metric in (second[0], 1):
            for value in (1.0, 1.0, 2.0, 3.0, 3.0):
                connection.execute(
                    "INSERT INTO reading (ts, device_id, metric_id, value, quality) VALUES (%s, %s, %s, %s, 0)",
                    (NOW, device, metric, value),
                )
    path = f"/devices/{here.a.device}/readings"
    whole = (await here.ask("GET", path)).json()["items"]
    assert len(whole) == READINGS + 10
    for limit in (1, 2, 3, 4, 9, 100):
        assert await pages(here, f"{path}?limit={limit}") == whole
    one = [item for item in whole if item["metric"] == METRIC]
    assert await pages(here, f"{path}?limit=2&metric={METRIC}") == one


async def test_events_page_by_page(here: World) -> None:
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO device_event (device_id, org_id, at, learned_at, kind, body) "
            "SELECT id, org_id, %s, %s, k, '{}' FROM device, unnest(ARRAY['birth', 'state', 'fault']) k WHERE uid = %s",
            (NOW, NOW, here.a.device),
        )
    path = f"/devices/{here.a.device}/events"
    assert [item["kind"] for item in await pages(here, f"{path}?limit=2")] == ["fault", "birth", "state", "fault"]
    assert [item["at"] for item in await pages(here, f"{path}?limit=1&kind=fault")] == [
        "2026-11-22T03:55:00Z",
        "2026-11-22T04:00:00Z",
    ]
    assert len(await pages(here, f"{path}?from=2026-11-22T04:00:00Z")) == 3


@pytest.mark.parametrize("part", ["readings", "events"])
@pytest.mark.parametrize(
    "time", ["yesterday", "2026-11-22", "2026-11-22T03:00:00", "2026-13-01T00:00:00Z", "-5", "1e9", "9" * 16, "%00", ""]
)
async def test_what_is_no_time(still: World, part: str, time: str) -> None:
    answer = await still.ask("GET", f"/devices/{still.a.device}/{part}?from={time}")
    assert (answer.status_code, answer.json()["where"]) == (422, "query.from")
    assert "RFC 3339" in answer.json()["detail"]


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_models_of_the_catalog(still: World, lang: Lang) -> None:
    models = {model["key"]: model for model in await pages(still, f"/catalog/models?limit=1&lang={lang}")}
    assert set(models) == {key for key, model in CATALOG.models.items() if model.kind != "base"}
    signals = {signal["metric"]: signal["name"] for signal in models[MODEL.key]["signals"]}
    assert signals == {name: signal.title.get(lang) for name, signal in MODEL.signals.items()}


async def test_reports_that_never_came_are_on_the_page_of_their_device_and_of_nobody_else(here: World) -> None:
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        for lane, minutes, last in ((0, 9, 3), (1, 5, -1)):
            connection.execute(
                "INSERT INTO gap (device_id, lane, epoch, first_seq, last_seq, at, since)"
                " SELECT id, %s, 'e', 0, %s, %s, %s FROM device WHERE uid = %s",
                (lane, last, NOW - timedelta(minutes=minutes), NOW - timedelta(hours=1), here.a.device),
            )
    gaps = (await here.ask("GET", f"/devices/{here.a.device}")).json()["gaps"]
    assert [(gap["lane"], gap["reports"], at(gap["since"])) for gap in gaps] == [
        ("bulk", None, NOW - timedelta(hours=1)),
        ("live", 4, NOW - timedelta(hours=1)),
    ]
    assert (await here.ask("GET", f"/devices/{here.b.device}")).json()["gaps"] == []


async def test_a_device_that_is_retired_is_so_in_its_open_tickets(here: World) -> None:
    for _ in range(2):
        headers = {"If-Match": "*"}
        await here.ask(
            "PATCH", f"/devices/{here.a.device}", json={"status": "retired", "reason": "scrapped"}, headers=headers
        )
    ticket = (await here.ask("GET", f"/tickets/{here.a.ticket}?lang=en")).json()
    assert [event["event"] for event in ticket["events"]] == ["opened", "device-retired"]
    assert "retired the device" in ticket["events"][1]["message"]["text"]
    assert (ticket["status"], ticket["still_wrong"]) == ("new", 1)

"""What the page of a device has beside its state: what it is started with, its box, its clock, what is collected."""

import tomllib
from datetime import timedelta

import psycopg
import pytest

from catalog.allowed import fields_of, states_of
from tests.integration.api.test_devices import DEVICE
from tests.integration.api.world import METRIC, MODEL, NOW, World


async def test_a_minted_device_comes_with_the_file_that_its_agent_is_started_with(here: World) -> None:
    body = {**DEVICE, "name": "X 光 #1", "sources": ["folder"]}
    made = (await here.ask("POST", "/devices", json=body, as_="manager")).json()
    file = tomllib.loads(made["setup"]["text"])
    (device,) = file["device"]
    assert (device["code"], device["model"]) == (made["code"], "generic-dr")
    assert (device["folder"]["time_zone"], "dicom" in device) == ("Asia/Shanghai", False)
    assert file["server"] == {"api": "http://steth.example", "mqtt": "mqtts://steth.example:8883", "ca": "ca.crt"}
    assert made["setup"]["beside"] == ["ca.crt", "device.crt", "device.key"]
    assert f"steth-agent {made['setup']['file']}" in made["setup"]["linux"]
    again = await here.ask("POST", f"/devices/{made['id']}/code?source=dicom&lang=en", as_="manager")
    renewed = tomllib.loads(again.json()["setup"]["text"])["device"][0]
    assert renewed["code"] == again.json()["code"] != made["code"]
    assert renewed["dicom"]["listen"].endswith(":11112")


@pytest.mark.parametrize("sources", [["astm"], ["dicom", "hl7"], ["usb"]], ids=["astm", "one-of-two", "no-such"])
async def test_equipment_is_not_read_by_what_its_model_does_not_speak(still: World, sources: list[str]) -> None:
    answer = await still.ask("POST", "/devices", json={**DEVICE, "sources": sources})
    assert (answer.status_code, answer.json()["where"].startswith("body.sources")) == (422, True)


async def test_a_device_shows_its_box_and_since_when_its_clock_is_wrong(here: World) -> None:
    path = f"/devices/{here.a.device}"
    before = (await here.ask("GET", path)).json()
    assert (before["box"], before["clock_wrong_since"]) == (None, None)
    other = (await here.ask("POST", "/devices", json={**DEVICE, "site": {"id": here.a.site}})).json()["id"]
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        for org, site in ((here.a.org, here.a.site), (here.b.org, here.b.site)):
            connection.execute("INSERT INTO box VALUES (%s, 'b1', %s, %s, %s)", (site, org, NOW, NOW))
        connection.execute("UPDATE device SET box_id = 'b1'")
        connection.execute("UPDATE alert SET kind = 'clock'")
    after = (await here.ask("GET", path, as_="hospital-a")).json()
    assert (after["box"]["id"], after["box"]["devices"]) == ("b1", [{"id": other, "name": DEVICE["name"]}])
    assert after["clock_wrong_since"] == "2026-11-22T03:55:00Z"


async def test_what_is_collected_is_the_allow_list_and_says_what_came(here: World) -> None:
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        code = next(iter(MODEL.faults))
        connection.execute("UPDATE alert SET kind = 'fault', subject = %s", (code,))
        connection.execute('UPDATE device SET inventory = \'{"device.serial": "S1"}\'')
    path = f"/devices/{here.a.device}/collected"
    found = (await here.ask("GET", f"{path}?lang=en", as_="hospital-a")).json()
    signals = {each["metric"]: each for each in found["signals"]}
    assert set(signals) == set(MODEL.signals)
    own = MODEL.signals[METRIC]
    assert signals[METRIC] == {
        "metric": METRIC,
        "name": own.title.en,
        "symbol": "°C",
        "source": own.source,
        "every_s": None if own.cadence == "exposure" else own.cadence,
        "at": "2026-11-22T03:55:00Z",
        "age_s": 300.0,
    }
    assert [name for name, each in signals.items() if each["at"]] == [METRIC]
    assert {each["code"] for each in found["codes"]} == set(MODEL.faults)
    assert [(each["code"], each["at"], each["times"]) for each in found["codes"] if each["at"]] == [
        (code, "2026-11-22T03:55:00Z", 1)
    ]
    assert [each["name"] for each in found["states"]] == list(states_of(MODEL))
    assert [each["name"] for each in found["inventory"]] == fields_of(MODEL)
    assert {each["name"]: each["value"] for each in found["inventory"] if each["value"]} == {"device.serial": "S1"}
    assert (await here.ask("GET", path, as_="hospital-b")).status_code == 404


async def test_a_clock_that_runs_right_again_is_not_said_to_be_wrong(here: World) -> None:
    here.look(
        "UPDATE alert SET kind = 'clock', condition = 'ok', cleared_at = %s RETURNING 1", NOW - timedelta(hours=1)
    )
    assert (await here.ask("GET", f"/devices/{here.a.device}")).json()["clock_wrong_since"] is None

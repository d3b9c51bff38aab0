"""A maker's client writes a patient into every place of the contract, through a real broker: it is found nowhere."""

import asyncio
import logging
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from alerts.engine import AlertEngine
from alerts.opened import OpenedAlerts
from api.app import create_app
from api.settings import Settings
from ingest.mqtt import Endpoint
from ingest.service import Ingest
from people.roles import Role
from steth.allowed import AllowList
from steth.run_ingest import stages_of
from store.pool import open_pool
from tests.fixtures.heard import Heard
from tests.fixtures.wire_canaries import BASES, FLOATS, NAMES, NUMBERS, body, everything, heard, places, planted
from tests.integration.api.world import CATALOG, Clock, new_account
from tests.integration.ingest.harness import Bench, Client, until, wall_ms
from wire.ids import DeviceId, Epoch
from wire.items import Fault
from wire.report import Numbers
from wire.topics import Lane, up

PATHS = (
    "/devices",
    "/devices/{}",
    "/devices/{}/events?limit=1000",
    "/devices/{}/readings?limit=1000",
    "/devices/{}/series?metric=tube.voltage",
    "/alerts",
    "/tickets",
    "/sites",
)


@pytest.fixture
def log() -> Iterator[Heard]:
    kept = Heard()
    root = logging.getLogger()
    root.addHandler(kept)
    yield kept
    root.removeHandler(kept)


async def test_a_patient_in_every_place_of_the_contract_is_found_nowhere(
    bench: Bench, log: Heard, capsys: pytest.CaptureFixture[str]
) -> None:
    uid, at = bench.device(), wall_ms()
    with psycopg.connect(bench.database.superuser) as connection:
        (org,) = connection.execute("SELECT id FROM org WHERE kind = 'hospital'").fetchone() or (0,)
        token, _ = new_account(connection, "hospital", Role.EQUIPMENT, org)
    numbers = [("readings", ("value", "[]")), ("fault", ("params", "{}"))]
    evil = [planted(kind, path, canary) for kind, path in places() for canary in (*NAMES, *NUMBERS)]
    evil += [planted(kind, path, number) for kind, path in numbers for number in FLOATS]
    good = [{"t": kind, **base} for kind, base in BASES.items()]
    items = [{**item, "at": at + nth} for nth, item in enumerate(evil)] + good
    async with open_pool(bench.database.ingest, role="ingest", max_size=6) as pool:
        ingest = Ingest(
            name="one",
            pool=pool,
            endpoint=lambda: Endpoint(host="127.0.0.1", port=bench.broker.port),
            engine=AlertEngine(models=CATALOG.models),
            opened=OpenedAlerts(),
            stages=stages_of(CATALOG),
            wall_ms=wall_ms,
            allowed=AllowList(CATALOG),
        )
        running = asyncio.create_task(ingest.run())
        try:
            await until(lambda: ingest.ready)
            async with Client(bench=bench, uid=uid) as device:
                for canary in NAMES:
                    birth = Numbers(epoch=Epoch(device.epoch), seq=0, floor=1, head=0).properties()
                    await device.raw(up(uid, Lane.LIVE), body(planted("birth", ("agent",), canary)), birth)
                    await device.raw(up(uid, Lane.LIVE), body(*good), [("patient", canary)], f"text/{canary}")
                    await device.raw(up(uid, Lane.LIVE), canary.encode(), [("seq", canary), ("floor", "1")])
                for stranger in ("zhang-san", "zhangsan1980"):
                    await device.raw(up(DeviceId(stranger), Lane.LIVE), body(*good))
                await device.raw(up(uid, Lane.LIVE), body(*items, at=at))  # a maker's: without numbers
                for lane in Lane:
                    await device.send(1, lane=lane, body=body(*items, at=at))
                    await device.send(2, Fault(at=at, code="UPS-BAT-01", state="event"), lane=lane)
                    await device.acked(2, lane=lane)
                await until(lambda: bench.sql("SELECT 1 FROM alert WHERE subject = 'UPS-BAT-01'"))
        finally:
            ingest.stop()
            await asyncio.wait_for(running, 20)
    assert everything(bench.database.superuser) == {}
    assert heard("".join(log.lines) + "".join(capsys.readouterr())) == []

    async with open_pool(bench.database.api, role="api") as pool:
        app = create_app(settings=Settings(mqtt_url="mqtt://x"), pool=pool, catalog=CATALOG, clock=Clock())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://steth.example") as http:
            answers = {}
            for path in PATHS:
                authorization = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
                answer = await http.get("/api/v1" + path.format(uid), headers=authorization)
                assert answer.status_code == 200, path
                assert heard(answer.text) == [], path
                answers[path] = answer.json()
    page = answers["/devices/{}"]
    told = {each["text"] for each in page["refusals"] if each["source_text"] == "Gate of the server"}
    assert {"a code that the catalog doesn't know", "a signal that the model doesn't have"} <= told, "and it is told"
    assert {value["metric"] for value in page["latest"]} == {"tube.voltage", "host.cpu"}
    assert page["serial"] == "SN-074638"
    subjects = {alert["subject"] for alert in answers["/alerts"]["items"]}
    assert {"GEN-KV-01", "UPS-BAT-01", "UNKNOWN-CODE"} <= subjects, "no fault is lost"

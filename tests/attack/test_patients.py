"""A patient in every place of the contract, from a device's own certificate: kept, logged and answered nowhere."""

import json
from typing import Final

import httpx
import pytest

from tests.attack.installation import Installation, until
from tests.fixtures.wire_canaries import FLOATS, NAMES, NUMBERS, body, heard, places, planted
from tests.integration.broker.ground import Ground
from wire.ids import DeviceId
from wire.topics import Lane, up, will

pytestmark = pytest.mark.attack

UNREADABLE: Final = (
    b"Zhang^San", b'{"at": 1, "items": [{"t": "zhangsan"}]}', b'{"zhang": {"san": [1]}}',
    b"\x81\xa5items\x91\xa8Zhang^San",
    b'{"at": 1, "items": [{"t": "fault", "zhangsan": "Zhang^San"}]}', "张三".encode("gb18030"), "\x02张三\x03".encode(),
    b'{"at": 1, "items": "Zhang^San', b"[" * 5000 + b'"Zhang^San"',
)  # fmt: skip
PAGES: Final = (
    "/devices", "/devices/{}", "/devices/{}/events?limit=1000", "/devices/{}/readings?limit=1000",
    "/alerts", "/tickets", "/sites",
)  # fmt: skip


def test_nothing_of_a_patient_is_left_anywhere(target: Installation) -> None:
    device = DeviceId(target.devices["hospital-a"])
    now = target.sql("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")[0][0]
    numbers = [("readings", ("value", "[]")), ("fault", ("params", "{}"))]
    evil = [planted(kind, path, canary) for kind, path in places() for canary in (*NAMES, *NUMBERS)]
    evil += [planted(kind, path, number) for kind, path in numbers for number in FLOATS]
    items = [{**item, "at": now - nth} for nth, item in enumerate(evil)]
    with Ground(target.broker).device(device) as client:
        for lane in Lane:
            for start in range(0, len(items), 60):
                assert client.publish(up(device, lane), body(*items[start : start + 60], at=now)) == "taken"
            for each in UNREADABLE:
                client.publish(up(device, lane), each)
        client.publish(will(device), b'{"epoch": "Zhang^San", "boot": 1}')
        for lane, metric in zip(Lane, ("host.cpu", "host.memory"), strict=True):
            last = {"at": now, "items": [{"t": "readings", "at": now, "metric": [metric], "value": [12.5]}]}
            client.publish(up(device, lane), json.dumps(last))
    until(lambda: target.sql("SELECT count(*) FROM reading WHERE value = 12.5") == [(2,)])
    until(lambda: target.sql("SELECT 1 FROM dead_letter"))
    assert {table: words for table, row in target.stored() if (words := heard(row))} == {}
    assert heard(target.said()) == []
    for who in ("hospital-a", "staff"):
        for page in PAGES:
            answer = target.ask("GET", page.format(device), as_=who)
            assert answer.status_code == 200, page
            assert heard(answer.text) == [], page
    for address in target.health.values():
        assert heard(httpx.get(f"{address}/metrics", timeout=10, trust_env=False).text) == []

"""`ingest.ports.Opened`: what the database has open, device by device."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

import psycopg
import pytest

from alerts.opened import OpenedAlerts
from ingest.ports import OpenAlert, Opened
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import Hospital, connect
from wire.topics import Lane

PORT: Final = "ingest.ports.Opened"
BEHIND: Final[dict[str, Callable[[], Opened]]] = {"alerts.opened.OpenedAlerts": OpenedAlerts}
_ALERT: Final = b"""
INSERT INTO alert (dealer_id, id, device_id, org_id, lane, rule, kind, subject, family, severity, condition,
    occurred_at, learned_at, changed_at, count, message, params)
VALUES (1, %s, %s, %s, %s, 'r', 'limit', 's', 'f', 'major', %s, to_timestamp(%s), now(), now(), 2, 'm', %s)
"""


def a_limit(number: int, lane: Lane, condition: str, at_ms: int, value: float = 0) -> OpenAlert:
    return OpenAlert(
        id=UUID(int=number), lane=lane, rule="r", condition=condition, occurred_ms=at_ms, count=2, value=value
    )


@pytest.fixture(params=list(BEHIND))
def opened(request: pytest.FixtureRequest) -> Opened:
    return BEHIND[request.param]()


async def test_what_is_open_of_both_lanes_the_oldest_first(database: Database, opened: Opened) -> None:
    hospital = Hospital.make(database, devices=3)
    first, second, third = (device.id for device in hospital.devices)
    with psycopg.connect(database.superuser) as connection:
        for number, device, lane, condition, at, params in (
            (1, first, 0, "active", 200, '{"value": 7.5}'),
            (2, first, 1, "clearing", 100, '{"value": "x"}'),
            (3, first, 0, "ok", 50, "{}"),
            (4, second, 0, "pending", 10, "{}"),
            (5, third, 0, "ok", 10, "{}"),
        ):
            connection.execute(_ALERT, (UUID(int=number), device, hospital.org_id, lane, condition, at, params))
        connection.execute("UPDATE device SET status = 'retired' WHERE id <> %s", (second,))
    async with await connect(database.ingest) as ingest:
        assert dict(await opened.of(ingest, [first, third, 4711])) == {
            first: [
                OpenAlert(id=UUID(int=2), lane=Lane.BULK, rule="r", condition="clearing", occurred_ms=100_000, count=2),
                OpenAlert(
                    id=UUID(int=1),
                    lane=Lane.LIVE,
                    rule="r",
                    condition="active",
                    occurred_ms=200_000,
                    count=2,
                    value=7.5,
                ),
            ]
        }
        assert dict(await opened.of(ingest, [])) == {}
        partition = hospital.devices[0].partition
        assert await opened.of_retired(ingest, partition) == [hospital.devices[0].uid]
        assert await opened.of_retired(ingest, (partition + 1) % 16) == []

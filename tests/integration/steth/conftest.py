import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from steth.doctor import broker, run
from steth.doctor.machine import check_catalog
from store.partitions import ensure_partitions
from tests.fixtures.postgres import Cluster, Database
from tests.integration.steth.kept import Kept, keep
from tests.integration.steth.ward import SHIPPED_CATALOG, change


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "WATCH_S", 0.3)
    monkeypatch.setattr(broker, "STEP_S", 1.0)
    monkeypatch.setattr(run, "check_catalog", lambda of: SHIPPED_CATALOG if not of.catalog else check_catalog(of))


@pytest.fixture
def whole(plain_cluster: Cluster) -> Iterator[Database]:
    """A database as it is while everything works: room for readings, every partition owned."""
    made = plain_cluster.create()
    asyncio.run(_room(made.owner))
    change(
        made,
        "UPDATE partition_lease SET owner = 'ingest', lease_until = now() + INTERVAL '5 seconds'",
        "INSERT INTO org (name) VALUES ('H')",
        "INSERT INTO site (org_id, name) SELECT id, 'S' FROM org WHERE kind = 'hospital'",
        "INSERT INTO device (uid, org_id, site_id, partition, model, name) "
        "SELECT 'd1', org_id, id, 0, 'generic-dr', 'DR' FROM site",
        "INSERT INTO mark (device_id, lane, epoch, seq, digest, at) SELECT id, 0, 'e', 1, '', now() FROM device",
        "INSERT INTO recipient (name, address) VALUES ('NOC', 'json://s3cret')",
        "UPDATE rollup SET watermark = now()",
        "INSERT INTO job (name, ended_at, due_at) VALUES ('telling', now(), now() + INTERVAL '1 hour')",
    )
    yield made
    plain_cluster.drop(made.name)


async def _room(owner: str) -> None:
    async with await psycopg.AsyncConnection.connect(owner) as connection:
        await ensure_partitions(connection, now=datetime.now(UTC), behind_days=1, ahead_days=40)


@pytest.fixture
def kept(database: Database, tmp_path: Path) -> Kept:
    return keep(database, tmp_path)

"""From a device on the wire to its ticket: the real broker, ingest, engine and stages."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any, cast

import psycopg
import pytest_asyncio
from psycopg.conninfo import conninfo_to_dict

from alerts.engine import AlertEngine
from desk.tickets.drift import find_drift
from desk.tickets.gaps import GapNotes
from steth.jobs.service import ServiceChanges
from steth.run_ingest import stages_of
from store.embedded import EmbeddedPostgres
from store.pool import open_pool
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.postgres import Cluster, Database
from tests.integration.desk.arrange import CATALOG
from tests.integration.ingest.conftest import made
from tests.integration.ingest.harness import Bench, Client, until, wall_ms
from wire.items import Fault, Heartbeat

KV = "GEN-KV-01"


@pytest_asyncio.fixture
async def bench(database: Database, private_mosquitto: Mosquitto) -> Bench:
    return await made(database, private_mosquitto)


@asynccontextmanager
async def ingest(bench: Bench, name: str = "one") -> AsyncIterator[None]:
    engine = cast("Any", AlertEngine(models=CATALOG.models))
    async with bench.ingest(engine=engine, stages=stages_of(CATALOG), name=name):
        yield


def fault(state: str = "active") -> Fault:
    return Fault(at=wall_ms(), code=KV, state=cast("Any", state))


async def agree(database: Database) -> bool:
    async with await psycopg.AsyncConnection.connect(database.jobs) as connection:
        drift = await find_drift(connection)
    return drift.apart == [] and drift.lasting == 0 and drift.astray == []


async def test_a_fault_that_goes_on_after_its_ticket_was_closed_opens_one_more(bench: Bench) -> None:
    uid = bench.device()
    async with ingest(bench), Client(bench=bench, uid=uid) as device:
        await device.birth()
        for seq in range(1, 4):
            await device.send(seq, fault())
        await device.acked(3)
        assert bench.sql("SELECT count(*), min(status) FROM ticket") == [(1, "new")]
        assert await agree(bench.database)
        bench.sql("UPDATE ticket SET status = 'closed', closed_at = now()")
        assert not await agree(bench.database), "the alert lasts, and its ticket is closed"
        for seq in range(4, 34):
            await device.send(seq, fault())
        await device.acked(33)
        assert bench.sql("SELECT status FROM ticket ORDER BY id") == [("closed",), ("new",)]
        assert await agree(bench.database)
        await device.send(34, fault("cleared"))
        await device.acked(34)
        assert await agree(bench.database)
    assert bench.sql("SELECT count(*) FROM ticket_event WHERE ticket_id = 2 AND event = 'condition-over'") == [(1,)]


async def test_a_device_changes_its_dealer_while_it_reports_and_no_row_is_the_former_ones_after(bench: Bench) -> None:
    uid = bench.device()
    [(first,)] = bench.sql("SELECT dealer_id FROM device")
    [(second,)] = bench.sql("INSERT INTO org (name, kind, prefix) VALUES ('B', 'dealer', 'BX') RETURNING id")
    async with (
        ingest(bench),
        open_pool(bench.database.jobs, role="jobs") as pool,
        Client(bench=bench, uid=uid) as device,
    ):
        await device.birth()
        seq = 0
        for turn, dealer in enumerate((second, first)):
            changes = ServiceChanges(pool=pool, catalog=CATALOG)
            carried = 0
            for number in range(20):
                seq += 1
                await device.send(seq, fault("cleared" if seq % 4 == 0 else "active"))
                if number == 9:
                    await device.acked(seq)
                    bench.sql(
                        "INSERT INTO service_change SELECT id, org_id, %s, now(), 'chief', now() FROM device", dealer
                    )
                if number >= 9:
                    carried += await changes.run_once(wall_ms() + 1_000)
            await device.acked(seq)
            assert carried == 1
            assert await agree(bench.database), turn
    runs = "SELECT dealer_id FROM alert_event ORDER BY id"
    assert [dealer for dealer, _ in groupby(dealer for (dealer,) in bench.sql(runs))] == [first, second, first]
    numbers = bench.sql("SELECT DISTINCT left(number, 2), dealer_id FROM ticket ORDER BY dealer_id")
    assert numbers == [("WX", first), ("BX", second)]


async def test_after_a_restore_a_device_goes_on_and_its_ticket_says_what_is_lost(
    bench: Bench, embedded: EmbeddedPostgres, plain_cluster: Cluster
) -> None:
    uid = bench.device()
    async with Client(bench=bench, uid=uid) as device:
        async with ingest(bench):
            bench.sql("SELECT settle_installation()")
            await device.birth()
            await device.send(1, fault())
            await device.acked(1)
            dump = await asyncio.to_thread(_dump, embedded, bench.database)
            await device.send(2, Fault(at=wall_ms(), code="DET-TEMP-01", state="active"))
            await device.send(3, Heartbeat(at=wall_ms()))
            await device.acked(3)
            [(given,)] = bench.sql("SELECT number FROM ticket ORDER BY id DESC LIMIT 1")
        device.acks.clear()
        copy = plain_cluster.database(plain_cluster.create_empty())
        await asyncio.to_thread(_restore, embedded, copy, dump)
        again = Bench(database=copy, broker=bench.broker)
        assert again.sql("SELECT settle_installation()") == [(True,)]
        async with ingest(again, "two"), open_pool(copy.jobs, role="jobs") as pool:
            await device.send(4, Fault(at=wall_ms(), code="GEN-COM-01", state="active"), floor=4)
            await device.acked(4)
            assert again.sql("SELECT first_seq, last_seq, lane FROM gap") == [(2, 3, 0)]
            await until(lambda: again.sql("SELECT count(*) FROM ticket") == [(2,)])
            assert await GapNotes(pool=pool).run_once(int(time.time() * 1000)) == 2
    numbers = [number for (number,) in again.sql("SELECT number FROM ticket ORDER BY id")]
    assert given not in numbers
    assert len(numbers[1]) == 19
    assert again.sql("SELECT count(*) FROM restored_device") == [(0,)]
    assert again.sql("SELECT DISTINCT message, params ->> 'count' FROM ticket_event WHERE event = 'gap'") == [
        ("ticket.gap", "2")
    ]
    plain_cluster.drop(copy.name)


def _run(server: EmbeddedPostgres, program: str, *arguments: str, given: bytes = b"") -> bytes:
    where = conninfo_to_dict(server.tcp_dsn)
    environment = {"PGHOST": "127.0.0.1", "PGPORT": str(where["port"]), "PGPASSWORD": str(where["password"])}
    command = [str(server.binaries / program), "--username=postgres", *arguments]
    return subprocess.run(command, env=environment, input=given, capture_output=True, check=True).stdout


def _dump(server: EmbeddedPostgres, database: Database) -> bytes:
    return _run(server, "pg_dump", "--format=custom", database.name)


def _restore(server: EmbeddedPostgres, database: Database, dump: bytes) -> None:
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute("GRANT CREATE, USAGE ON SCHEMA public TO steth_owner, steth_view")
    _run(server, "pg_restore", f"--dbname={database.name}", given=dump)

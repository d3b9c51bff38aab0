"""Leases are no promises of a wall clock, connections are taken one at a time, and a broker that goes or refuses."""

import asyncio
import contextlib
import itertools
import math

import aiomqtt
import pytest
from structlog.testing import capture_logs

from ingest.mqtt import Endpoint, Session, retry_s
from ingest.service import LEASE_S
from tests.integration.ingest.harness import Bench, Client, until, wall_ms
from wire.ids import bucket, partition
from wire.items import Fault, Readings

_HOLD = "UPDATE partition_lease SET owner = 'other', lease_until = now() + interval '5 s'"


@pytest.mark.parametrize("ahead", ["1 hour", "10 years"])
async def test_a_lease_further_ahead_than_its_length_is_void(bench: Bench, ahead: str) -> None:
    """Given by a process that died before the server's clock was put right."""
    bench.sql("UPDATE partition_lease SET owner = 'dead', lease_until = now() + %s::interval", ahead)
    bench.sql("INSERT INTO ingest_process (name, seen_at) VALUES ('dead', now() + %s::interval)", ahead)
    assert bench.sql("SELECT count(*) FROM ingest_partition WHERE owned") == [(0,)]
    async with bench.ingest() as ingest:
        assert len(ingest.owned) == 16, "the dead one counts as no process either"
        assert bench.sql("SELECT count(*) FROM ingest_partition WHERE owned") == [(16,)]
    assert bench.sql("SELECT count(*) FROM ingest_process WHERE seen_at > now()") == [(0,)]


async def test_a_lease_is_as_long_as_the_database_holds_it(bench: Bench) -> None:
    holds = "SELECT lease_holds(clock_timestamp() + (%s - 0.5) * interval '1 s'), lease_holds(now()), lease_holds(NULL)"
    assert bench.sql(holds, LEASE_S) == [(True, False, False)]
    assert bench.sql("SELECT lease_holds(clock_timestamp() + (%s + 1) * interval '1 s')", LEASE_S) == [(False,)]


async def test_a_process_that_can_claim_nothing_says_so_once_and_is_not_ready(bench: Bench) -> None:
    bench.sql(_HOLD)
    with capture_logs() as lines:
        async with bench.ingest(wait=False) as ingest:
            said = await until(lambda: [line for line in lines if line["event"] == "no_partition_to_claim"])
            assert said[0]["held_by"].keys() == {"other"}
            assert not ingest.ready
            bench.sql(_HOLD)
            await until(lambda: ingest.ready, seconds=20)
    assert sum(line["event"] == "no_partition_to_claim" for line in lines) == 1


@pytest.mark.parametrize("connections", [1, 2])
async def test_the_writers_never_wait_for_a_connection_while_they_hold_one(bench: Bench, connections: int) -> None:
    """New metrics in every report of every device, in both writers of a lane, on fewer connections than writers."""
    uids = [bench.device() for _ in range(8)]
    async with asyncio.timeout(40), bench.ingest(connections=connections) as ingest:
        clients = [Client(bench=bench, uid=uid) for uid in uids]
        for client in clients:
            await client.__aenter__()
        for seq in range(1, 11):
            for number, client in enumerate(clients):
                await client.send(seq, Readings(at=wall_ms(), metric=[f"m.{number}.{seq}"], value=[1.0]))
        for client in clients:
            await client.acked(10, seconds=30)
            await client.__aexit__()
        assert len(ingest.owned) == 16
    assert bench.sql("SELECT count(*) FROM reading") == [(80,)]
    assert bench.sql("SELECT count(*) FROM metric WHERE name LIKE 'm.%%'") == [(80,)]


async def test_partitions_outlive_a_broker_that_is_restarted_in_order(bench: Bench) -> None:
    """Every session gets a DISCONNECT: nobody else has the partitions, so nobody takes them."""
    uid = bench.device()
    async with bench.ingest() as ingest:
        before = bench.sql("SELECT id, generation FROM partition ORDER BY id")
        bench.broker.stop()
        await until(lambda: not ingest.ready)
        assert len(ingest.owned) == 16
        bench.broker.start()
        await until(lambda: ingest.ready)
        async with Client(bench=bench, uid=uid) as device:
            await device.send(1, Readings(at=wall_ms(), metric=["a"], value=[1]))
            await device.acked(1)
        assert bench.sql("SELECT id, generation FROM partition ORDER BY id") == before


async def test_a_session_taken_by_a_stranger_is_taken_back_and_its_partition_kept(bench: Bench) -> None:
    """Only the database says who owns a partition."""
    uid = bench.device()
    of_device = partition(bucket(uid))
    async with bench.ingest() as ingest, Client(bench=bench, uid=uid) as device:
        before = bench.sql("SELECT id, generation FROM partition ORDER BY id")
        thief = aiomqtt.Client(
            "127.0.0.1",
            bench.broker.port,
            identifier=f"steth-ingest-{of_device:02d}-live",
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
        )
        with contextlib.suppress(aiomqtt.MqttError):  # it is thrown out in its turn
            async with thief:
                await until(lambda: not ingest.ready)
                assert of_device in ingest.owned
                await until(lambda: ingest.ready)
        await until(lambda: ingest.ready)
        await device.send(1, Fault(at=wall_ms(), code="E", state="active"))
        await device.acked(1)
        assert bench.sql("SELECT id, generation FROM partition ORDER BY id") == before


REFUSALS = {
    "CONNECT": bytes([0x20, 3, 0, 0x87, 0]),
    "SUBACK": bytes([0x20, 3, 0, 0, 0]) + bytes([0x90, 4, 0, 1, 0, 0x87]),
    "at once": bytes([0x20, 3, 0, 0, 0]) + bytes([0x90, 4, 0, 1, 0, 1]) + bytes([0xE0, 2, 0x89, 0]),
}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_what_a_broker_refuses_is_tried_again_later_and_later_and_said_once(refusal: str) -> None:
    attempts: list[float] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attempts.append(asyncio.get_running_loop().time())
        await reader.read(1)
        writer.write(REFUSALS[refusal])
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with capture_logs() as lines:
        session = Session(
            endpoint=lambda: Endpoint(host="127.0.0.1", port=port),
            client_id="c",
            partition=0,
            filters=["a"],
            receive_max=1,
            on_message=lambda message: None,
            on_taken_over=lambda: None,
            wall_ms=wall_ms,
        )
        task = asyncio.create_task(session.run())
        await until(lambda: len(attempts) == 5)
        await session.close()
        task.cancel()
        await asyncio.wait([task])
    server.close()
    await server.wait_closed()
    gaps = [after - before for before, after in itertools.pairwise(attempts)]
    assert [math.floor(gap * 1000) >= 1000 * retry_s(n, 0.0) for n, gap in enumerate(gaps)] == [True] * 4
    assert len([line for line in lines if line["event"].startswith("broker_")]) == 1


def test_sessions_cut_together_come_back_apart_and_none_waits_longer_than_five_seconds() -> None:
    assert retry_s(0, 0.0) != retry_s(0, 1.0)
    assert [retry_s(n, 1.0) for n in (0, 1, 2)] == [0.1, 0.2, 0.4]
    assert retry_s(10_000, 1.0) == 5.0

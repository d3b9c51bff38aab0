"""Two processes, one partition: who owns it, and what the other may still do (delivery 9)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from ingest.message import Message
from ingest.ports import Batch
from ingest.service import LEASE_S, WRITERS, Ingest
from ingest.slices import Pace
from tests.integration.ingest.harness import Bench, Client, Counted, until, wall_ms
from wire.ids import bucket, partition
from wire.items import Fault, Readings
from wire.topics import Lane

# Handing over may take longer than the test engine's two seconds of silence.
_FAULTS = "SELECT message FROM alert_event WHERE event = 'FaultSeen' ORDER BY id"


async def test_rule_9_two_processes_share_the_partitions_and_hand_them_over(bench: Bench) -> None:
    uid = bench.device()
    async with Client(bench=bench, uid=uid) as device, bench.ingest(name="one") as one:
        assert len(one.owned) == 16
        async with bench.ingest(name="two") as two:
            await until(lambda: len(one.owned) == len(two.owned) == 8)
            assert not set(one.owned) & set(two.owned)
            await device.send(1, Fault(at=wall_ms(), code="E", state="active"))
            await device.acked(1)
        await until(lambda: len(one.owned) == 16)
        await device.send(2, Fault(at=wall_ms(), code="E", state="active"))
        await device.acked(2)
    assert bench.sql(_FAULTS) == [("E 1",), ("E 2",)]
    assert bench.sql("SELECT count(*) FROM partition_lease WHERE owner IS NOT NULL") == [(0,)]


async def test_rule_9_a_process_that_died_is_taken_over_after_its_lease(bench: Bench) -> None:
    uid = bench.device()
    async with Client(bench=bench, uid=uid) as device:
        async with bench.ingest(name="first"):
            await device.send(1, Readings(at=wall_ms(), metric=["a"], value=[1]))
            await device.acked(1)
        # As if it had been killed: its lease runs, and nobody renews it.
        bench.sql("UPDATE partition_lease SET owner = 'dead', lease_until = now() + %s * interval '1 s'", LEASE_S / 3)
        generations = bench.sql("SELECT id, generation FROM partition ORDER BY id")
        async with bench.ingest(name="second"):
            await device.send(2, Readings(at=wall_ms(), metric=["a"], value=[2]))
            await device.acked(2)
        after = bench.sql("SELECT id, generation FROM partition ORDER BY id")
    assert [(p, g + 1) for p, g in generations] == after


async def test_rule_9_what_lost_its_partition_writes_nothing_more(bench: Bench) -> None:
    """The generation is raised behind its back, as a takeover does while a process is suspended."""
    uid = bench.device()
    async with Client(bench=bench, uid=uid) as device, bench.ingest(name="old") as old:
        await device.send(1, Fault(at=wall_ms(), code="E", state="active"))
        await device.acked(1)
        bench.sql("UPDATE partition_lease SET owner = 'new', lease_until = now() + interval '5 s'")
        bench.sql("UPDATE partition SET generation = generation + 1")
        await device.send(2, Fault(at=wall_ms(), code="E", state="active"))
        await until(lambda: not old.owned)
        assert bench.sql(_FAULTS) == [("E 1",)]
        assert bench.sql("SELECT seq FROM mark") == [(1,)]
        bench.sql("UPDATE partition_lease SET lease_until = now()")
        # Unacknowledged, it comes again to whoever owns the partition next.
        await device.acked(2)
        assert bench.sql(_FAULTS) == [("E 1",), ("E 2",)]


async def test_rule_13_a_partition_left_in_the_middle_of_a_transaction_is_written_whole(bench: Bench) -> None:
    """Given up while its batch is being judged: what that batch commits of a device has its state with it."""
    uid = bench.device()
    of_device = partition(bucket(uid))
    async with bench.ingest() as ingest, Client(bench=bench, uid=uid) as device:

        def leave(batch: Batch) -> None:
            ingest.writers[batch.lane, of_device % WRITERS].leave({of_device})

        bench.recorder.fail = leave
        await device.send(1, Fault(at=wall_ms(), code="E", state="active"))
        await until(lambda: bench.sql("SELECT seq FROM mark") == [(1,)])
        assert bench.sql("SELECT convert_from(engine, 'UTF8') FROM device_state WHERE lane = 0") == [("1 0",)]
        bench.recorder.fail = lambda batch: None
        await device.send(2, Fault(at=wall_ms(), code="E", state="active"))
        await device.acked(2)
    assert bench.sql("SELECT message FROM alert_event WHERE event = 'FaultSeen' ORDER BY id") == [("E 1",), ("E 2",)]


async def test_the_database_away_means_waiting_not_losing(bench: Bench) -> None:
    """While every connection of ingest is ended again and again, nothing is acknowledged that isn't stored."""
    uid = bench.device()
    async with Client(bench=bench, uid=uid) as device, bench.ingest() as ingest:
        for seq in range(1, 31):
            await device.send(seq, Readings(at=wall_ms() + seq, metric=["a"], value=[float(seq)]))
            if seq % 5 == 0:
                _end_connections(bench, ingest)
            await asyncio.sleep(0.01)
        await device.acked(30, seconds=30)
        values = [v for (v,) in bench.sql("SELECT value FROM reading ORDER BY value")]
        assert values == [float(seq) for seq in range(1, 31)]


def _end_connections(bench: Bench, ingest: Ingest[Counted]) -> None:
    assert ingest.owned
    bench.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'steth_ingest'"
        " AND datname = current_database()"
    )


async def test_a_partition_given_up_in_the_middle_of_a_batch_makes_no_letters(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its devices are forgotten then: what came of them comes again to the next owner."""
    uid = bench.device()
    async with Client(bench=bench, uid=uid) as device, bench.ingest(name="one") as one:
        await device.send(1, Fault(at=wall_ms(), code="E", state="active"))
        await device.acked(1)
        slices = Pace.slices
        given_up: list[int] = []

        async def leaving(pace: Pace, lane: Lane, things: Sequence[Any]) -> AsyncIterator[Sequence[Any]]:
            async for some in slices(pace, lane, things):
                if not given_up and isinstance(some[0], Message):
                    given_up.append(some[0].partition)
                    await one._release(some[0].partition)
                yield some

        monkeypatch.setattr(Pace, "slices", leaving)
        await device.send(2, Fault(at=wall_ms(), code="E", state="active"))
        await device.acked(2)
    assert given_up
    assert bench.sql(_FAULTS) == [("E 1",), ("E 2",)]
    assert bench.sql("SELECT code, place FROM dead_letter") == []

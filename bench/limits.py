"""What bounds us from both sides, measured with nothing else in the way.

`memory`: the database's own limit at our shape. Batches that were built before, on one connection each: fence, binary
COPY of ready bytes, marks of every device of the batch, commit; no broker, no decoding, no judging, no states.
`puback`: the broker's own limit. Our own sessions, one a partition, that acknowledge everything and do nothing else.
"""

import asyncio
import signal
import threading
import time
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import psycopg
import uvloop

from bench.subject import Board, Spec
from ingest.arrays import bigints, byteas, integers, texts, times
from ingest.memory import LANES, SQL
from ingest.message import Message
from ingest.mqtt import Endpoint, Session
from ingest.rows import ReadingRows
from ingest.service import RECEIVE_MAX
from wire.ids import PARTITIONS, buckets_of, mint_epoch
from wire.topics import Channel, Lane, up_filter

_STEP_MS: Final = 100


class _Batch:
    """Ready bytes of a COPY and ready parameters of its marks. `turns`: (device, its sequence number)."""

    def __init__(self, *, turns: list[tuple[int, int]], metrics: list[int], spec: Spec, epoch: str, at_ms: int) -> None:
        rows = ReadingRows()
        values = np.random.default_rng(at_ms).uniform(20, 30, spec.readings).round(3).tolist()
        metric = [metrics[i % len(metrics)] for i in range(spec.readings)]
        for device, _ in turns:
            rows.add(
                device=device,
                at=at_ms,
                dt=None,
                metric=metric,
                value=values,
                quality=None,
            )
        self.body = rows.split(now_ms=at_ms, oldest_ms=at_ms).body
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        turns = sorted(turns)
        self.size = len(turns)
        self.marks: dict[str, Any] = {
            "lane": LANES[Lane(spec.lane)],
            "at": at,
            "devices": integers([device for device, _ in turns]),
            "epochs": texts([epoch] * len(turns)),
            "seqs": bigints([seq for _, seq in turns]),
            "digests": byteas([seq.to_bytes(16, "big") for _, seq in turns]),
            "previous": texts([""] * len(turns)),
            "reached": times([at_ms] * len(turns)),
            "clocks": bigints([at_ms] * len(turns)),
        }


def _plan(spec: Spec, devices: list[int], metrics: list[int], messages: int) -> list[_Batch]:
    size = spec.options["batch"]
    epoch = mint_epoch()
    began_ms = time.time_ns() // 1_000_000
    batches = []
    for number in range(-(-messages // size)):
        numbers = range(number * size, min((number + 1) * size, messages))
        turns = [(devices[i % len(devices)], 1 + i // len(devices)) for i in numbers]
        at_ms = began_ms + number * _STEP_MS
        batches.append(_Batch(turns=turns, metrics=metrics, spec=spec, epoch=epoch, at_ms=at_ms))
    return batches


def run_memory(spec: Spec, board: Board) -> dict[str, Any]:
    """`options`: `batch` messages a transaction, `writers` connections (each with devices of its own)."""
    with psycopg.connect(spec.dsn) as connection:
        devices = [row[0] for row in connection.execute("SELECT id FROM device ORDER BY random()").fetchall()]
        metrics = [row[0] for row in connection.execute("SELECT id FROM metric ORDER BY id").fetchall()]
        owned = connection.execute("SELECT id, generation FROM partition").fetchall()
    fence = {"ids": [id_ for id_, _ in owned], "generations": [generation for _, generation in owned], "since": None}
    writers = spec.options["writers"]
    shares = [devices[n::writers] for n in range(writers)]
    # The first message of each device makes its mark: not measured, as with the others.
    plans = [
        (_plan(spec, mine, metrics, len(mine)), _plan(spec, mine, metrics, spec.messages // writers)) for mine in shares
    ]
    counting = threading.Lock()
    warm = threading.Barrier(writers + 1)
    go = threading.Event()

    def write(before: list[_Batch], measured: list[_Batch]) -> None:
        with psycopg.connect(spec.dsn, autocommit=True) as connection:
            for batch in before:
                _transact(connection, fence, batch)
            warm.wait()
            go.wait()
            for batch in measured:
                _transact(connection, fence, batch)
                with counting:
                    board.done += batch.size

    threads = [threading.Thread(target=write, args=plan) for plan in plans]
    for thread in threads:
        thread.start()
    warm.wait()
    board.say_ready()
    while not board.go:
        time.sleep(0.001)
    go.set()
    for thread in threads:
        thread.join()
    return {}


def _transact(connection: psycopg.Connection[Any], fence: dict[str, Any], batch: _Batch) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(SQL["fence"], fence)
        with cursor.copy(SQL["copy_readings"]) as copy:
            copy.write(batch.body)
        cursor.execute(SQL["write_marks"], batch.marks)


def run_puback(spec: Spec, board: Board) -> dict[str, Any]:
    """Subscribe as ingest does, and acknowledge."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_puback(spec, board))
    return {}


async def _puback(spec: Spec, board: Board) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    waiting: list[Message] = []

    def take(message: Message) -> None:
        if not waiting:
            loop.call_soon(acknowledge)
        waiting.append(message)

    def acknowledge() -> None:
        by_partition: dict[int, list[Message]] = {}
        for message in waiting:
            by_partition.setdefault(message.partition, []).append(message)
        for partition, messages in by_partition.items():
            sessions[partition].acknowledge(messages)
        board.done += len(waiting)
        waiting.clear()

    sessions = [
        Session(
            endpoint=lambda: Endpoint(host="127.0.0.1", port=spec.port),
            client_id=f"puback-{partition:02d}",
            partition=partition,
            filters=[up_filter(bucket, Channel(spec.lane)) for bucket in buckets_of(partition)],
            receive_max=RECEIVE_MAX,
            on_message=take,
            on_taken_over=stopped.set,
            wall_ms=lambda: time.time_ns() // 1_000_000,
        )
        for partition in range(PARTITIONS)
    ]
    running = [asyncio.create_task(session.run()) for session in sessions]
    while not (board.ready or stopped.is_set()):
        await asyncio.sleep(0.01)
        if all(session.connected for session in sessions):
            board.say_ready()
    await stopped.wait()
    for session in sessions:
        await session.close()
    await asyncio.gather(*running)

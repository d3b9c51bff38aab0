"""The subject `steth`: `steth ingest` as it is, with the real engine and stages, under uvloop as the command runs it.

A thread reads its own counters for the driver; `profile` adds the stopwatches of `bench.stages`.
"""

import asyncio
import threading
import time
from typing import Any, Final

import uvloop

from bench import stages
from bench.subject import Board, Spec
from catalog.load import load
from ingest import stats
from steth.logs import set_up_logs
from steth.run_ingest import run_ingest
from steth.settings import Settings

_LOOK_S: Final = 0.01


def run(spec: Spec, board: Board) -> dict[str, Any]:
    """Until SIGTERM; returns what batches it wrote."""
    set_up_logs("console", "ingest")
    settings = Settings(
        dsn_ingest=spec.dsn, mqtt=f"mqtt://127.0.0.1:{spec.port}", health=f"127.0.0.1:{spec.health}", name="bench"
    )
    watch = stages.install() if spec.profile else None
    threading.Thread(target=_count, args=(spec, board, watch), daemon=True).start()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_ingest(settings, load()))
    batches, messages = _batches(spec.lane)
    return {
        "batches": batches,
        "messages_a_batch": round(messages / batches, 1) if batches else 0.0,
        "stages": watch.report(board.done) if watch else None,
    }


def _count(spec: Spec, board: Board, watch: stages.Watch | None) -> None:
    waiting = watch is not None
    while True:
        done = 0
        for metric in stats.MESSAGES.collect():
            for sample in metric.samples:
                if sample.name.endswith("_total") and sample.labels["lane"] == spec.lane:
                    done += int(sample.value) if sample.labels["fate"] == "apply" else 0
        board.done = done
        if watch is not None and waiting and board.go:
            waiting = False
            watch.begin(done)
        time.sleep(_LOOK_S)


def _batches(lane: str) -> tuple[int, float]:
    count, total = 0, 0.0
    for metric in stats.BATCH.collect():
        for sample in metric.samples:
            if sample.labels.get("lane") == lane:
                if sample.name.endswith("_count"):
                    count = int(sample.value)
                elif sample.name.endswith("_sum"):
                    total = sample.value
    return count, total

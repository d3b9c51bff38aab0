"""One measurement of one subject: the same broker, the same messages, the same rule of what is timed.

The subject runs, has connected, and has seen each device once (peers keep nothing of a device: they see 500 messages).
It is suspended (SIGSTOP) while the backlog is published, so that the generator takes nothing from it; then it goes on.
Timed is from the first tenth of the backlog, or the first second, to its end, or to `seconds`. What lay in its sockets
already at the start falls into the part that isn't timed.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from bench.ground import MODEL, Ground, cpu_seconds
from bench.publisher import Publisher
from bench.subject import Board, Spec
from tests.fixtures.ports import free_port, wait_until
from wire.topics import Lane

_LOOK_S: Final = 0.005
_PEERS_WARM: Final = 500
_HEAD: Final = 0.1


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A load: `messages` of `readings` readings in `lane`; a subject that can't finish is stopped after `seconds`."""

    readings: int
    messages: int
    seconds: float
    lane: str = "bulk"


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Who is measured. `kind`: see `bench.subject`; `needs_broker`: fed by messages; `devices_first`: it keeps
    something of each device, and has seen each once before it is timed."""

    name: str
    kind: str
    needs_broker: bool = True
    devices_first: bool = False
    options: dict[str, int] = {}


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """`messages` in `seconds`. `cpu`: seconds by process in that time. `said`: what the subject reports in the end."""

    messages: int
    seconds: float
    rate: float
    cpu: dict[str, float]
    said: dict[str, Any]
    stored: int


STETH: Final = Subject(name="steth ingest", kind="steth", devices_first=True)


def measure(made: Ground, subject: Subject, shape: Shape, *, profile: bool = False) -> Sample:
    """One trial on an emptied ground."""
    made.empty()
    with _running(made, subject, shape, profile=profile) as (process, board):
        warm = 0
        if subject.needs_broker:
            publisher = Publisher(
                port=made.broker.port,
                devices=made.devices,
                model=MODEL,
                lane=Lane(shape.lane),
                readings=shape.readings,
            )
            if subject.devices_first:
                publisher.be_born()
            warm = len(made.devices) if subject.devices_first else _PEERS_WARM
            publisher.publish(warm)
            wait_until(lambda: board.done >= warm, what=f"{subject.name}, to warm up", seconds=120)
            os.kill(process.pid, signal.SIGSTOP)
            publisher.publish(shape.messages)
        made.settle()
        sample = _time(made, subject, shape, process, board, warm)
    return sample


def _time(
    made: Ground, subject: Subject, shape: Shape, process: subprocess.Popen[str], board: Board, warm: int
) -> Sample:
    pids = {"subject": process.pid, "database": made.postmaster}
    if subject.needs_broker:
        pids["broker"] = made.broker.pid
    began = time.monotonic()
    head = warm + int(shape.messages * _HEAD)
    board.say_go()
    os.kill(process.pid, signal.SIGCONT)  # nothing to one that wasn't suspended
    while board.done < head and time.monotonic() < began + 1:
        time.sleep(_LOOK_S)
    first, first_at = board.done, time.monotonic()
    cpu = {name: cpu_seconds(pid) for name, pid in pids.items()}
    while board.done < warm + shape.messages and time.monotonic() < began + shape.seconds:
        if process.poll() is not None:
            break
        time.sleep(_LOOK_S)
    done, seconds = board.done - first, time.monotonic() - first_at
    cpu = {name: round(cpu_seconds(pid) - cpu[name], 2) for name, pid in pids.items()}
    finished = board.done >= warm + shape.messages
    said: dict[str, Any] = {}
    if finished:
        # Its own last words; a peer is simply killed.
        if subject.kind == "steth":
            process.send_signal(signal.SIGTERM)
        if subject.kind in ("steth", "memory"):
            out, _ = process.communicate(timeout=60)
            said = json.loads(out.strip().splitlines()[-1])
    stored = made.sql("SELECT count(*) FROM reading")[0][0]
    if finished and subject.kind == "steth" and stored != (warm + shape.messages) * shape.readings:
        raise RuntimeError(f"{stored} readings are stored and not {(warm + shape.messages) * shape.readings}")
    return Sample(messages=done, seconds=seconds, rate=done / seconds, cpu=cpu, said=said, stored=stored)


@contextlib.contextmanager
def _running(
    made: Ground, subject: Subject, shape: Shape, *, profile: bool
) -> Iterator[tuple[subprocess.Popen[str], Board]]:
    path = made.folder / "board"
    board = Board.make(path)
    health = free_port()
    spec = Spec(
        kind=subject.kind,
        board=str(path),
        dsn=made.database.ingest,
        port=made.broker.port,
        health=health,
        lane=shape.lane,
        readings=shape.readings,
        messages=shape.messages,
        profile=profile,
        options=subject.options,
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.subject", msgspec.json.encode(spec).decode()],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(
            lambda: process.poll() is not None or board.ready or (subject.kind == "steth" and _ready(health)),
            what=f"the start of {subject.name}",
            seconds=120,
        )
        if process.poll() is not None:
            raise RuntimeError(f"{subject.name} ended at once")
        yield process, board
    finally:
        process.kill()
        process.wait()


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False

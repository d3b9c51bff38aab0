"""One measurement of one subject: the same broker, the same messages, the same rule of what is timed.

The subject runs, has connected, and has seen each device once (peers keep nothing of a device: they see 500 messages).
Then either it is suspended (SIGSTOP) while the whole load is published, and goes on; or the load is published while it
consumes. Timed is from the first tenth of the load, or the first second, to its end, or to `seconds`: what lay in the
subject's sockets already falls into the part that isn't timed.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from bench.ground import Ground, cpu_seconds
from bench.processes import answers
from bench.publisher import Publisher
from bench.subject import Board, Spec
from tests.fixtures.ports import free_port, wait_until
from wire.topics import Lane

_LOOK_S: Final = 0.005
_PEERS_WARM: Final = 500
_HEAD: Final = 0.1
_AHEAD: Final = 20_000
"""Messages that a stream may be ahead of its subject."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A load: `messages` of `readings` readings in `lane`; a subject that can't finish is stopped after `seconds`.

    `stream`: they are published while they are consumed, so that the broker takes in what it gives out; else they wait
    in the broker before, and the generator takes nothing from the subject.
    """

    readings: int
    messages: int
    seconds: float
    lane: str = "bulk"
    stream: bool = False


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


STETH: Final = Subject(name="steth ingest", kind="steth", devices_first=True)


def measure(made: Ground, subject: Subject, shape: Shape, *, profile: bool = False) -> Sample:
    """One trial on an emptied ground."""
    made.empty()
    with _running(made, subject, shape, profile=profile) as (process, board):
        trial = _Trial(made, subject, shape, process, board)
        if not subject.needs_broker:
            made.settle()
            return trial.time(lambda: None)
        publisher = Publisher(
            port=made.broker.port, devices=made.devices, lane=Lane(shape.lane), readings=shape.readings
        )
        if subject.devices_first:
            publisher.publish(publisher.births())
        trial.warm = len(made.devices) if subject.devices_first else _PEERS_WARM
        publisher.publish(publisher.reports(trial.warm))
        wait_until(lambda: board.done >= trial.warm, what=f"{subject.name}, to warm up", seconds=120)
        packets = publisher.reports(shape.messages)
        if shape.stream:
            made.settle()
            return trial.time(
                lambda: publisher.publish(packets, may=lambda: None if trial.over else board.done - trial.warm + _AHEAD)
            )
        os.kill(process.pid, signal.SIGSTOP)
        publisher.publish(packets)
        made.settle()
        return trial.time(lambda: None)


class _Trial:
    def __init__(
        self, made: Ground, subject: Subject, shape: Shape, process: subprocess.Popen[str], board: Board
    ) -> None:
        self._made = made
        self._subject = subject
        self._shape = shape
        self._process = process
        self._board = board
        self.warm = 0
        self.over = False

    def time(self, feed: Callable[[], object]) -> Sample:
        """Let it go, feed it in the background, and look at the clock."""
        board, shape, process = self._board, self._shape, self._process
        pids = {"subject": process.pid, "database": self._made.postmaster}
        if self._subject.needs_broker:
            pids["broker"] = self._made.broker.pid
        began = time.monotonic()
        head, end = self.warm + int(shape.messages * _HEAD), self.warm + shape.messages
        board.say_go()
        os.kill(process.pid, signal.SIGCONT)  # nothing to one that wasn't suspended
        feeding = threading.Thread(target=feed, daemon=True)
        feeding.start()
        while board.done < head and time.monotonic() < began + 1:
            time.sleep(_LOOK_S)
        first, first_at = board.done, time.monotonic()
        cpu = {name: cpu_seconds(pid) for name, pid in pids.items()}
        while board.done < end and time.monotonic() < began + shape.seconds and process.poll() is None:
            time.sleep(_LOOK_S)
        done, seconds = board.done - first, time.monotonic() - first_at
        cpu = {name: round(cpu_seconds(pid) - cpu[name], 2) for name, pid in pids.items()}
        self.over = True
        feeding.join()
        said = self._last_words() if board.done >= end else {}
        return Sample(messages=done, seconds=seconds, rate=done / seconds, cpu=cpu, said=said)

    def _last_words(self) -> dict[str, Any]:
        """What a finished subject reports, after a look at what it stored; a peer is simply killed."""
        if self._subject.kind not in ("steth", "memory"):
            return {}
        if self._subject.kind == "steth":
            self._process.send_signal(signal.SIGTERM)
        out, _ = self._process.communicate(timeout=60)
        stored = self._made.sql("SELECT count(*) FROM reading")[0][0]
        expected = (self.warm + self._shape.messages) * self._shape.readings
        if self._subject.kind == "steth" and stored != expected:
            raise RuntimeError(f"{stored} readings are stored and not {expected}")
        said: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
        return said


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
            lambda: (
                process.poll() is not None
                or board.ready
                or (subject.kind == "steth" and answers(f"http://127.0.0.1:{health}/readyz"))
            ),
            what=f"the start of {subject.name}",
            seconds=120,
        )
        if process.poll() is not None:
            raise RuntimeError(f"{subject.name} ended at once")
        yield process, board
    finally:
        process.kill()
        process.wait()

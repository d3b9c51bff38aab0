"""Stopwatches in the subject `steth`, in a run of its own: where a message's time goes.

A stage that is a function is Python computing; a stage that is a coroutine computes while it runs and waits while it is
suspended. Times are exclusive: a stage inside another counts for itself alone.
"""

import time
from collections.abc import Awaitable, Callable, Generator
from functools import wraps
from typing import Any, Final

from alerts.engine import AlertEngine
from ingest import read, writer
from ingest.admit import Gate
from ingest.judge import Judge
from ingest.memory import Memory
from ingest.mqtt import Session
from ingest.rows import ReadingRows
from ingest.writer import LaneWriter

_clock: Final = time.perf_counter
_cpu: Final = time.thread_time
_FUNCTIONS: Final[list[tuple[str, Any, str]]] = [
    ("MQTT packets", Session, "data_received"),
    ("read: numbers", read, "parse_numbers"),
    ("read: body", read, "decode_report"),
    ("read", writer, "read"),
    ("admit", Gate, "admit"),
    ("rows", writer, "add_readings"),
    ("rows", ReadingRows, "split"),
    ("engine", AlertEngine, "step"),
    ("states", Memory, "packed"),
    ("acknowledge", LaneWriter, "_acknowledge"),
]
_COROUTINES: Final[list[tuple[str, Any, str]]] = [
    ("fence", LaneWriter, "_fence"),
    ("load devices", Memory, "load"),
    ("COPY", LaneWriter, "_store"),
    ("stages", Judge, "run"),
    ("other rows", writer, "write_rest"),
    ("states", LaneWriter, "_checkpoint"),
    ("marks", writer, "write_marks"),
    ("begin, commit", LaneWriter, "_transact"),
    ("the loop itself", LaneWriter, "run"),
]


class Watch:
    """Seconds by stage: computing, and suspended."""

    def __init__(self) -> None:
        self._first = 0
        self.python: dict[str, float] = {}
        self.waiting: dict[str, float] = {}
        self._inside: list[float] = []
        """Of each stage under way, what stages inside it took."""

    def begin(self, done: int) -> None:
        """The measurement begins: what came before doesn't count."""
        self._first = done
        self.python.clear()
        self.waiting.clear()

    def report(self, done: int) -> dict[str, dict[str, float]]:
        """µs a message by stage."""
        messages = max(1, done - self._first)
        return {
            name: {
                "python": round(seconds / messages * 1e6, 2),
                "waiting": round(self.waiting.get(name, 0.0) / messages * 1e6, 2),
            }
            for name, seconds in self.python.items()
        }

    def enter(self) -> float:
        """A stage begins to compute."""
        self._inside.append(0.0)
        return _cpu()

    def leave(self, name: str, began: float) -> None:
        """It stops."""
        took = _cpu() - began
        self.python[name] = self.python.get(name, 0.0) + took - self._inside.pop()
        if self._inside:
            self._inside[-1] += took

    def function(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, timed."""

        @wraps(call)
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = self.enter()
            try:
                return call(*args, **kwargs)
            finally:
                self.leave(name, began)

        return timed

    def coroutine(self, name: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """`call`, timed step by step: what happens elsewhere while it is suspended isn't its own."""

        @wraps(call)
        async def timed(*args: Any, **kwargs: Any) -> Any:
            return await _Stepped(self, name, call(*args, **kwargs))

        return timed


class _Stepped:
    def __init__(self, watch: Watch, name: str, inner: Awaitable[Any]) -> None:
        self._watch = watch
        self._name = name
        self._inner = inner

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._inner.__await__()
        error: BaseException | None = None
        while True:
            began = self._watch.enter()
            try:
                out = steps.send(None) if error is None else steps.throw(error)
            except StopIteration as end:
                return end.value
            finally:
                self._watch.leave(self._name, began)
            suspended = _clock()
            try:
                yield out
                error = None
            except BaseException as thrown:  # noqa: BLE001 - handed on to whom it was meant for
                error = thrown
            waited = self._watch.waiting
            waited[self._name] = waited.get(self._name, 0.0) + _clock() - suspended


def install() -> Watch:
    """Put a stopwatch around every stage of the path."""
    watch = Watch()
    for name, owner, attribute in _FUNCTIONS:
        setattr(owner, attribute, watch.function(name, getattr(owner, attribute)))
    for name, owner, attribute in _COROUTINES:
        setattr(owner, attribute, watch.coroutine(name, getattr(owner, attribute)))
    return watch

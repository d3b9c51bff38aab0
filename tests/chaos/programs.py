"""The processes that are killed: how each is started, ended, stopped and gone on with."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

STOP_S: Final = 20.0


class Program:
    """One process with a log. It may be started again after it ended, however it ended."""

    def __init__(self, *, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None
        self._door = threading.RLock()
        self.expected_down = True
        """Whether it is down because we ended it."""

    @property
    def alive(self) -> bool:
        """Whether it runs (a suspended one does)."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None: it runs, or never did."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it, not waiting until it works."""
        with self._door, self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment,
                start_new_session=True,
            )  # fmt: skip
            self.expected_down = False

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """SIGTERM; the exit code. Killed (and TimeoutError) if it doesn't end."""
        try:
            return self._end(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(f"{self.name} did not end within {STOP_S:.0f} s; see {self.log}") from None

    def _end(self, number: signal.Signals) -> int:
        with self._door:
            self.expected_down = True
            if self._process is None:
                return 0
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
            return self._process.wait(STOP_S)

    def suspend(self) -> None:
        """SIGSTOP."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def last_words(self) -> str:
        """The end of its log."""
        with contextlib.suppress(OSError):
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            return "\n".join(lines[-15:])
        return "it said nothing"


def entry(name: str) -> list[str]:
    """An installed command of this environment."""
    return [str(Path(sys.executable).with_name(name))]


def module(name: str, *arguments: str) -> list[str]:
    """A module of these tests as a program."""
    return [sys.executable, "-m", name, *arguments]


def scrape(address: str) -> dict[str, float]:
    """The samples of a /metrics page by name and labels as written; empty when nobody answers."""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=2) as answer:
            text = answer.read().decode()
    except (OSError, urllib.error.URLError):
        return {}
    samples = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.rpartition(" ")
            samples[key] = float(value)
    return samples


def patiently(seconds: float, *, stop: threading.Event) -> bool:
    """Sleep; False if we are to stop."""
    return not stop.wait(max(seconds, 0.0))


def wall_ms() -> int:
    """This machine's clock, which all of it shares."""
    return time.time_ns() // 1_000_000

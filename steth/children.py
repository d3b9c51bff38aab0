"""The processes that `steth up` starts, watches, starts again, and ends."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import IO, Final

from steth.lifeline import VARIABLE

STOP_S: Final = 10.0
"""A process asked to stop gets so long before it is killed."""
LOG_BYTES: Final = 10 * 1024 * 1024
"""A log larger than this is put aside at the next start, replacing the one before."""
LONGEST_WAIT_S: Final = 30.0


class Child:
    """One process of ours, `python -m steth …`, with a log file of its own.

    It ends with us even when we are killed: its standard input is our end of a pipe (`steth.lifeline`).
    """

    def __init__(self, *, name: str, arguments: Sequence[str], environment: Mapping[str, str], logs: Path) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self._command = [sys.executable, "-m", "steth", *arguments]
        self._environment = {**os.environ, **environment, VARIABLE: "1"}
        self._process: subprocess.Popen[bytes] | None = None
        self._wait_s = 0.0
        self._started = 0.0
        self._retry_at = 0.0

    @property
    def running(self) -> bool:
        """It was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._process = self._spawn(log)
        self._started = monotonic()

    def _spawn(self, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        # A group of its own: Ctrl-C in the terminal is for us, who stop them in order.
        return subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
            self._command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=self._environment,
            start_new_session=True,
        )

    def revive(self) -> str | None:
        """Start it again if it ended, waiting longer each time; what to tell about it, once."""
        if self.running or self._process is None:
            return None
        now = monotonic()
        if self._retry_at == 0.0:
            code = self._process.returncode
            self._wait_s = 0.5 if now - self._started > 60 else min(max(0.5, self._wait_s * 2), LONGEST_WAIT_S)
            self._retry_at = now + self._wait_s
            return f"{self.name} ended (exit {code}); starting it again in {self._wait_s:g} s, see {self.log}"
        if now >= self._retry_at:
            self._retry_at = 0.0
            self.start()
        return None

    async def stop(self) -> None:
        """End it: politely, then by force."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        deadline = monotonic() + STOP_S
        while process.poll() is None:
            if monotonic() > deadline:
                process.kill()
                process.wait()
            await asyncio.sleep(0.02)
        if process.stdin is not None:
            process.stdin.close()

    def last_words(self) -> str:
        """The last line of its log."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines else "it said nothing"

"""The processes that `steth up` starts, watches, starts again, and ends."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import IO, Final

import psutil

from steth.folder import DataFolder
from steth.lifeline import VARIABLE

STOP_S: Final = 10.0
"""A process asked to stop gets so long before it is killed."""
LOG_BYTES: Final = 10 * 1024 * 1024
"""A log that is larger becomes its ``.1``, which replaces the one before."""
LONGEST_WAIT_S: Final = 30.0


class Child:
    """One process of ours, `python -m steth …`, with a log file of its own.

    It works in the data folder, so that what it is told of files there holds nothing of the folder's own name, which
    may be in any encoding. It ends with us even when we are killed: its standard input is our end of a pipe
    (`steth.lifeline`).
    """

    def __init__(
        self, *, name: str, arguments: Sequence[str], environment: Mapping[str, str], folder: DataFolder
    ) -> None:
        self.name = name
        self.log = folder.path / "logs" / f"{name}.log"
        self._folder = folder
        self._command = [sys.executable, "-m", "steth", *arguments]
        # A safe path: a folder such as `agent` where it works must not be taken for the package.
        self._environment = {**os.environ, **environment, VARIABLE: "1", "PYTHONSAFEPATH": "1"}
        self._process: subprocess.Popen[bytes] | None = None
        self._wait_s = 0.0
        self._started = 0.0
        self._retry_at = 0.0

    @property
    def running(self) -> bool:
        """It was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def listens(self, port: int) -> bool:
        """Whether it is this process that listens on the port, and not somebody who was there before it."""
        if self._process is None:
            return False
        try:
            sockets = psutil.Process(self._process.pid).net_connections("tcp4")
        except psutil.Error:
            return False
        return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in sockets)

    def start(self) -> None:
        """Start it."""
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
            cwd=self._folder.path,
            start_new_session=True,
            pass_fds=(self._folder.family,),
        )

    def revive(self) -> str | None:
        """Start it again if it ended, waiting longer each time; what to tell about it, once."""
        if self.running or self._process is None:
            return None
        now = monotonic()
        if self._retry_at == 0.0:
            code = self._process.returncode
            _close(self._process)
            self._wait_s = 0.5 if now - self._started > 60 else min(max(0.5, self._wait_s * 2), LONGEST_WAIT_S)
            self._retry_at = now + self._wait_s
            return f"{self.name} ended (exit {code}: {self.last_words()}); starting it again in {self._wait_s:g} s"
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
        _close(process)

    def last_words(self) -> str:
        """The last line of its log."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - 4096))
                lines = log.read().decode(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines else "it said nothing"


def _close(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()


def bound_log(path: Path) -> None:
    """Keep a log that some process appends to within LOG_BYTES, and one older one beside it, while it is written.

    It is copied and emptied, since whoever writes keeps it open: what is written in between, and what a full disk has
    no room for, is lost.
    """
    with contextlib.suppress(OSError):
        if path.stat().st_size <= LOG_BYTES:
            return
        older = path.with_name(f"{path.name}.1")
        older.unlink(missing_ok=True)
        try:
            shutil.copyfile(path, older)
        except OSError:
            older.unlink(missing_ok=True)
        os.truncate(path, 0)

"""Sends messages to the agent by TCP, in order, each until it is acknowledged."""

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Final

import structlog

from sim.analyzer.dialogue import Dialogue, Outcome, Step

_log = structlog.get_logger("sim.courier")

MAX_QUEUE: Final = 2_000
"""Messages that wait; what comes beyond is given up."""
_CONNECT_S: Final = 3.0
_LOOK_S: Final = 0.2
"""How often a wait looks whether it should end."""
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 10.0


class Courier:
    """A queue of messages and one connection. `dialogue` begins the attempt at a message.

    `run` is for a thread of its own; everything else may be called from others.
    """

    def __init__(
        self, *, host: str, port: int, dialogue: Callable[[bytes], Dialogue], waiting: Iterable[bytes] = ()
    ) -> None:
        self._host, self._port = host, port
        self._dialogue = dialogue
        self._queue = deque(waiting)
        self._lock = threading.Lock()
        self._added = threading.Event()
        self._stop = threading.Event()
        self._socket: socket.socket | None = None
        self._reachable = True
        self.taken = 0
        self.refused = 0
        self.again = 0
        """Attempts after which a message had to be sent once more."""
        self.given_up = 0

    def add(self, message: bytes) -> bool:
        """Queue a message. False when the queue is full."""
        with self._lock:
            if len(self._queue) >= MAX_QUEUE:
                if self.given_up == 0:
                    _log.error("queue_full", port=self._port, messages=MAX_QUEUE)
                self.given_up += 1
                return False
            self._queue.append(message)
        self._added.set()
        return True

    def waiting(self) -> list[bytes]:
        """What isn't taken yet, oldest first."""
        with self._lock:
            return list(self._queue)

    def stop(self) -> None:
        """End `run` within moments; what is under way stays in the queue."""
        self._stop.set()
        self._added.set()

    def run(self) -> None:
        """Send until `stop`."""
        wait = _FIRST_WAIT_S
        while not self._stop.is_set():
            with self._lock:
                message = self._queue[0] if self._queue else None
                if message is None:
                    self._added.clear()
            if message is None:
                self._added.wait()
                continue
            if self._connected():
                wait = _FIRST_WAIT_S
                self._attempt(message)
            else:
                self._stop.wait(wait)
                wait = min(wait * 2, _LONGEST_WAIT_S)
        self._hang_up()

    def _connected(self) -> bool:
        if self._socket is not None:
            return True
        try:
            self._socket = socket.create_connection((self._host, self._port), timeout=_CONNECT_S)
        except OSError as error:
            if self._reachable:
                _log.warning("agent_unreachable", host=self._host, port=self._port, error=error.strerror)
            self._reachable = False
            return False
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(_LOOK_S)
        if not self._reachable:
            _log.info("agent_reachable", port=self._port)
        self._reachable = True
        return True

    def _attempt(self, message: bytes) -> None:
        step = self._converse(self._dialogue(message))
        if step is None:  # the connection broke, or it is time to stop
            self._hang_up()
            self.again += not self._stop.is_set()
            self._stop.wait(_FIRST_WAIT_S)
            return
        if step.broken:
            self._hang_up()
        if step.outcome is Outcome.LATER:
            self.again += 1
            self._stop.wait(step.pause)
            return
        self.taken += step.outcome is Outcome.TAKEN
        self.refused += step.outcome is Outcome.REFUSED
        with self._lock:
            self._queue.popleft()

    def _converse(self, dialogue: Dialogue) -> Step | None:
        """One attempt to its end. None: it ended without one."""
        try:
            self._write(dialogue.start())
            until = monotonic() + dialogue.patience
            while not self._stop.is_set():
                data = self._read()
                if data == b"":
                    return None
                if data is None and monotonic() < until:
                    continue
                step = dialogue.silent() if data is None else dialogue.heard(data)
                self._write(step.write)
                if step.outcome is not None:
                    return step
                if step.write:
                    until = monotonic() + dialogue.patience
        except OSError:
            return None
        return None

    def _write(self, data: bytes) -> None:
        if data and self._socket is not None:
            self._socket.sendall(data)

    def _read(self) -> bytes | None:
        """What arrived; empty: the peer closed; None: nothing yet."""
        if self._socket is None:
            return b""
        try:
            return self._socket.recv(4096)
        except TimeoutError:
            return None

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

"""Ports of the loopback that are held for a run: from the choice to the end nobody else gets them.

A port is held by a socket that is bound and never listens. A child of ours, which sets SO_REUSEADDR as servers do, may
listen beside it, again after it died, while the kernel gives the port to no connection and to nobody who asks for any.
Two runs that want the same one are told apart by a name in the kernel, which no kill leaves behind.
"""

import contextlib
import random
import socket
import sys
from itertools import chain
from typing import Final, Self

_PORTS: Final = range(20_000, 32_000)
"""Below what Linux gives to outgoing connections (from 32768): a port that is kept for the next run is free then."""


class Ports:
    """A context manager that lets go of its ports."""

    def __init__(self) -> None:
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def take(self, port: int) -> bool:
        """Hold this one; False if somebody listens there or another run holds it."""
        with contextlib.ExitStack() as held:
            try:
                if sys.platform == "linux":
                    held.enter_context(socket.socket(socket.AF_UNIX)).bind(f"\0steth-port-{port}")
                bound = held.enter_context(socket.socket())
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                bound.bind(("127.0.0.1", port))
            except OSError:
                return False
            self._held.push(held.pop_all())
        return True

    def new(self) -> int:
        """Hold one that nobody has. Raises OSError where there is none."""
        first = random.randrange(_PORTS.start, _PORTS.stop)  # noqa: S311 - so that runs seldom ask for the same
        for port in chain(range(first, _PORTS.stop), range(_PORTS.start, first)):
            if self.take(port):
                return port
        raise OSError(f"no port of {_PORTS.start} to {_PORTS.stop - 1} is free on 127.0.0.1")

    def kept(self, port: int) -> int:
        """Hold the port of the last run where that is possible, else a new one. 0: there was none."""
        return port if port and self.take(port) else self.new()

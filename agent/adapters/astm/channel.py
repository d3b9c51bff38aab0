"""What bytes travel by: a TCP connection or a serial port, read in pieces with a time limit."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

import serial

from agent.adapters.connection import hang_up, keep_alive, send
from agent.config.shapes import Astm

CHUNK: Final = 4_096
"""Bytes that are read at once: what a flood can cost between two turns of the other devices."""
WRITE_S: Final = 15.0
"""What a serial port may take to take an answer of a byte."""
WAIT_S: Final = 5.0
"""How long a thread waits at a serial port, where it is not called away: on Windows a call may come just too early."""
_TERMIOS: Final = sys.modules.get("termios")
_UNSETTABLE: Final[tuple[type[Exception], ...]] = () if _TERMIOS is None else (_TERMIOS.error,)
"""What says that a port has no such data bits or parity: of termios where there is one, pyserial has imported it then.
Windows says it by ``OSError``."""
_PARITY: Final = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}


class Channel(Protocol):
    """One way to an analyzer. Every method may raise ``OSError`` when it is gone."""

    async def read(self, seconds: float | None) -> bytes | None:
        """Bytes as soon as there are some; empty: the peer has gone; None: nothing came within ``seconds``."""
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes."""
        ...

    async def close(self) -> None:
        """Give it free."""
        ...


class Tcp:
    """A TCP connection. A peer whose machine was switched off is noticed by keep-alives within minutes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        keep_alive(writer)

    async def read(self, seconds: float | None) -> bytes | None:
        """See ``Channel``."""
        try:
            async with asyncio.timeout(seconds):
                return await self._reader.read(CHUNK)
        except TimeoutError:
            return None

    async def write(self, data: bytes) -> None:
        """See ``Channel``."""
        await send(self._writer, data)

    async def close(self) -> None:
        """See ``Channel``."""
        await hang_up(self._writer)


class Serial:
    """A serial port, served by a thread of its own: some systems can't wait for one otherwise. ``as_set``: False: it
    has no such data bits or parity, as a virtual one, whose other end has them; it is open with 8 and none."""

    def __init__(self, config: Astm) -> None:
        """Opens the port. Raises ``OSError``."""
        try:
            self._port = _opened(config, config.data_bits, _PARITY[config.parity])
            self.as_set = True
        except _UNSETTABLE:
            self._port = _opened(config, serial.EIGHTBITS, serial.PARITY_NONE)
            self.as_set = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="astm-serial")
        self._reading: asyncio.Future[bytes] | None = None

    async def read(self, seconds: float | None) -> bytes | None:
        """See ``Channel``. A port has no end: empty never comes."""
        loop = asyncio.get_running_loop()
        until = None if seconds is None else loop.time() + seconds
        while True:
            if self._reading is None:
                self._reading = loop.run_in_executor(self._thread, self._read)
            left = None if until is None else max(until - loop.time(), 0)
            # Not cancelled when the time is over: what the thread is about to read must not be lost.
            done, _ = await asyncio.wait({self._reading}, timeout=left)
            if not done:
                return None
            data, self._reading = self._reading.result(), None
            if data:
                return data

    async def write(self, data: bytes) -> None:
        """See ``Channel``."""
        self._call_away()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, data)

    async def close(self) -> None:
        """See ``Channel``."""
        self._call_away()
        self._thread.submit(self._port.close)
        self._thread.shutdown(wait=False)

    def _call_away(self) -> None:
        """End the thread's waiting for a byte, which whoever wants one asks for again."""
        if self._reading is not None and not self._reading.done():
            self._port.cancel_read()

    def _read(self) -> bytes:
        first = bytes(self._port.read(1))
        return first + bytes(self._port.read(min(self._port.in_waiting, CHUNK - 1))) if first else b""

    def _write(self, data: bytes) -> None:
        self._port.write(data)
        self._port.flush()


def _opened(config: Astm, data_bits: int, parity: str) -> serial.Serial:
    return serial.Serial(
        config.serial,
        baudrate=config.baud,
        bytesize=data_bits,
        parity=parity,
        stopbits=config.stop_bits,
        timeout=WAIT_S,
        write_timeout=WRITE_S,
    )

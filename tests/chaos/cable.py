"""A network cable that can be pulled: passes connections on to a port of the loopback while it is plugged in."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Cables:
    """The loop, in a thread, that all cables run on. A context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cables", daemon=True)
        self._cables: list[Cable] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for cable in self._cables:
            cable.pull()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the loop and wait for the result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def to(self, port: int) -> "Cable":
        """A plugged cable to a port."""
        cable = Cable(cables=self, target=port)
        cable.plug()
        self._cables.append(cable)
        return cable


class Cable:
    """``port`` is where to connect to."""

    def __init__(self, *, cables: Cables, target: int) -> None:
        self.port = 0
        self._cables = cables
        self._target = target
        self._server: asyncio.Server | None = None
        self._pairs: set[asyncio.Task[None]] = set()
        self._ways: set[asyncio.Event] = set()

    def plug(self) -> None:
        """Let connections through, on the same port as before."""
        self._cables.run(self._plug())

    def pull(self) -> None:
        """End what is connected without a farewell, and take no more."""
        self._cables.run(self._pull())

    def freeze(self) -> None:
        """What is connected stays so, and nothing passes on it any more; what connects anew isn't concerned."""
        self._cables.run(self._freeze())

    async def _freeze(self) -> None:
        for way in self._ways:
            way.set()

    async def _plug(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _pull(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        pairs = list(self._pairs)
        for pair in pairs:
            pair.cancel()
        await asyncio.gather(*pairs, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served by a task")
        self._pairs.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
                try:
                    await self._both(reader, writer, far_reader, far_writer)
                finally:
                    far_writer.transport.abort()
        finally:
            writer.transport.abort()
            self._pairs.discard(task)

    async def _both(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        frozen = asyncio.Event()
        self._ways.add(frozen)
        ways = [
            asyncio.create_task(_pass(reader, far_writer, frozen)),
            asyncio.create_task(_pass(far_reader, writer, frozen)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ways.discard(frozen)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, frozen: asyncio.Event) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            if frozen.is_set():
                await asyncio.Event().wait()
            writer.write(data)
            await writer.drain()

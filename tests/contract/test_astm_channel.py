"""`agent.adapters.astm.channel.Channel`: what comes, that nothing comes in time, and that it is gone."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import pytest

from agent.adapters.astm.channel import Channel, Serial, Tcp
from agent.config.shapes import Astm
from tests.fixtures.astm import Instrument

PORT: Final = "agent.adapters.astm.channel.Channel"
Say = Callable[[bytes], None]


@asynccontextmanager
async def tcp() -> AsyncIterator[tuple[Channel, Say, Callable[[], "asyncio.Future[bytes]"]]]:
    """A channel; how its other side says something, and hears some bytes."""
    joined: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    server = await asyncio.start_server(lambda *ends: joined.put_nowait(ends), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    ends = await joined.get()
    yield Tcp(*ends), writer.write, lambda: asyncio.ensure_future(reader.readexactly(3))
    writer.close()
    server.close()


@asynccontextmanager
async def line() -> AsyncIterator[tuple[Channel, Say, Callable[[], "asyncio.Future[bytes]"]]]:
    instrument = Instrument()
    channel = Serial(Astm(serial=instrument.name))
    yield channel, instrument.write, lambda: asyncio.ensure_future(instrument.hear(3))
    instrument.close()


BEHIND: Final = {"agent.adapters.astm.channel.Tcp": tcp, "agent.adapters.astm.channel.Serial": line}
WITHOUT: Final = {
    "agent.adapters.astm.file._Silent": "a file's: nothing is ever read from it",
    "tests.fuzz.astm._Wire": "as above, and what is said is kept",
}


@pytest.mark.parametrize("name", list(BEHIND))
async def test_it_reads_writes_waits_so_long_and_is_given_free(name: str) -> None:
    async with BEHIND[name]() as (channel, say, heard):
        began = time.monotonic()
        assert await channel.read(0.05) is None
        assert 0.04 < time.monotonic() - began < 5
        waiting = asyncio.create_task(channel.read(None))
        await asyncio.sleep(0)
        say(b"one")
        got = await waiting or b""
        while len(got) < 3:
            got += await channel.read(10) or b""
        assert got == b"one"
        hears = heard()
        await channel.write(b"two")
        assert await asyncio.wait_for(hears, 10) == b"two"
        await channel.close()

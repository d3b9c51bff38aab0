"""What `steth up` does while all of it runs: one line a second, and whatever ended is started again."""

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final

import httpx
import psycopg
from psycopg import AsyncConnection

from catalog.model import Catalog, Lang
from steth.children import Child, bound_log
from steth.flow import Flow
from store.embedded import EmbeddedPostgres
from store.errors import StoreError
from store.writes import WriteProbe

_ANSWER_S: Final = 4.0
"""A database that is asked something and says nothing for so long does not answer."""
CALM_S: Final = 3.0
"""A trouble is over when there was none for so long: of a disk on which others write, now this and now that is true."""
_AGAIN_S: Final = 2.0
"""Between two tries to start a database that can't be started, such as on a full disk."""


def say(text: str) -> None:
    """A line for whoever sits at the terminal. That it was closed, or is a file on a full disk, stops nothing."""
    with contextlib.suppress(OSError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


class Trouble:
    """What keeps the database from storing, told once when it begins and once when there was none for a while."""

    def __init__(self) -> None:
        self.lasts = False
        self._last_s = 0.0

    def news(self, trouble: str | None, *, now_s: float) -> str | None:
        """What to say after a look; None: nothing new."""
        if trouble is not None:
            self._last_s = now_s
            began, self.lasts = not self.lasts, True
            said = f"THE DATABASE CAN'T STORE: {trouble}. Make room: the agent goes on taking from the equipment"
            return f"{said}, and what it takes waits in its outbox" if began else None
        if not self.lasts or now_s < self._last_s + CALM_S:
            return None
        self.lasts = False
        return "the database stores again: what waited in the agent's outbox comes in now"


class Watch:
    """Says a trouble once when it begins and once when it is over."""

    def __init__(
        self,
        *,
        folder: Path,
        children: Sequence[Child],
        server: EmbeddedPostgres,
        dsn: str,
        metrics_url: str,
        catalog: Catalog,
        lang: Lang,
    ) -> None:
        self._folder = folder
        self._children = children
        self._server = server
        self._dsn = dsn
        self._flow = Flow(catalog=catalog, lang=lang, metrics_url=metrics_url)
        self._connection: AsyncConnection[Any] | None = None
        self._probe = WriteProbe()
        self._trouble = Trouble()
        self._starting: asyncio.Task[None] | None = None

    async def run(self, stopped: asyncio.Event, *, seconds: float | None) -> None:
        """Until `stopped`, or for so long."""
        deadline = None if seconds is None else monotonic() + seconds
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(httpx.AsyncClient(timeout=2, trust_env=False))
            stack.push_async_callback(self._let_go)
            while not stopped.is_set() and (deadline is None or monotonic() < deadline):
                began = monotonic()
                self._keep_alive()
                await self._look(client)
                try:
                    async with asyncio.timeout(max(0.05, 1.0 - (monotonic() - began))):
                        await stopped.wait()
                except TimeoutError:
                    continue

    async def _let_go(self) -> None:
        if self._starting is not None:
            await self._starting
        await self._disconnect()

    def _keep_alive(self) -> None:
        for child in self._children:
            news = child.revive()
            if news is not None:
                say(news)
        for part in ("logs", "postgres/log"):
            for log in (self._folder / part).glob("*.log"):
                bound_log(log)
        if self._server.pid is None and (self._starting is None or self._starting.done()):
            self._starting = asyncio.create_task(self._start_database(), name="database")

    async def _start_database(self) -> None:
        """Start it again, as often as it takes: what the equipment says waits in the agent's outbox meanwhile."""
        say("the database ended; starting it again")
        while self._server.pid is None:
            try:
                await asyncio.to_thread(self._server.start)
            except StoreError as error:
                self._tell(str(error))
                await asyncio.sleep(_AGAIN_S)

    async def _look(self, client: httpx.AsyncClient) -> None:
        """The line of this second, the tickets that opened, and whether the database can still store."""
        now = datetime.now().astimezone()
        try:
            async with asyncio.timeout(_ANSWER_S):
                if self._connection is None:
                    self._connection = await psycopg.AsyncConnection.connect(
                        self._dsn, autocommit=True, connect_timeout=2
                    )
                for line in await self._flow.opened(self._connection, now):
                    say(line)
                line = await self._flow.line(self._connection, client, now)
                self._tell(await self._probe.trouble(self._connection))
            say(line if not self._trouble.lasts else f"{line}  DATABASE CAN'T STORE")
        except (psycopg.Error, TimeoutError) as error:
            said = str(error).strip().splitlines()
            say(f"{now:%H:%M:%S}  the database does not answer{': ' + said[0] if said else ''}")
            await self._disconnect()

    def _tell(self, trouble: str | None) -> None:
        news = self._trouble.news(trouble, now_s=monotonic())
        if news is not None:
            say(news)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._probe = WriteProbe()
        if connection is not None:
            await connection.close()

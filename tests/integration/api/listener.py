"""Who listens to the stream as a browser does, over a real server; and things that happen meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

from tests.integration.api.world import Hospital, World

SOON_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Told:
    """An event as a browser gets it."""

    name: str
    id: str | None
    data: Any


class EndedError(Exception):
    """The server ended the stream."""


class Listener:
    """One browser tab."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[Told | None] = asyncio.Queue()
        self.last: str | None = None

    async def read(self, lines: AsyncIterator[str]) -> None:
        """Take events as they come."""
        fields: dict[str, str] = {}
        async for line in lines:
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "event" in fields:
                self._told.put_nowait(Told(name=fields["event"], id=fields.get("id"), data=json.loads(fields["data"])))
                fields = {}
        self._told.put_nowait(None)

    async def next(self, *names: str) -> Told:
        """The next event of these names (any, if none is given)."""
        async with asyncio.timeout(SOON_S):
            while (told := await self._told.get()) is not None:
                self.last = told.id or self.last
                if not names or told.name in names:
                    return told
        raise EndedError

    async def nothing_for(self, seconds: float, *names: str) -> None:
        """Fails if one of these comes within so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                raise AssertionError(f"{await self.next(*names)} came")


@asynccontextmanager
async def listening(
    url: str, here: World, *, as_: str = "staff", last: str | None = None, lang: str = "en", devices: str = "all"
) -> AsyncIterator[Listener]:
    headers = {"Authorization": f"Bearer {here.tokens[as_]}", **({} if last is None else {"Last-Event-ID": last})}
    async with (
        httpx.AsyncClient(timeout=SOON_S) as client,
        client.stream("GET", f"{url}/stream?lang={lang}&devices={devices}", headers=headers) as response,
    ):
        assert response.status_code == 200, await response.aread()
        tab = Listener()
        reading = asyncio.create_task(tab.read(response.aiter_lines()))
        try:
            yield tab
        finally:
            reading.cancel()
            await asyncio.wait([reading])


def happens(connection: psycopg.Connection[Any], of: Hospital) -> None:
    """Something happens to the alert of a hospital, in the connection's transaction."""
    connection.execute(
        "INSERT INTO alert_event (dealer_id, alert_id, device_id, org_id, at, learned_at, event, from_state,"
        " to_state, message) "
        "SELECT dealer_id, id, device_id, org_id, now(), now(), 'hold', 'pending', 'active', 'alert.limit.above' "
        "FROM alert WHERE id = %s",
        (of.alert,),
    )


def happens_now(here: World, of: Hospital) -> None:
    with psycopg.connect(here.database.superuser) as connection:
        happens(connection, of)

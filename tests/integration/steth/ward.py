"""What the doctor's tests share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from agent.show.findings import Finding
from steth.doctor.machine import check_catalog
from steth.doctor.run import Place, examine
from steth.settings import Settings
from store.pool import ROLES
from tests.fixtures.deployed import DeployedBroker
from tests.fixtures.ports import free_port
from tests.fixtures.postgres import Database

Found = dict[str, Finding]
SHIPPED_CATALOG = check_catalog(Settings())
"""Looked at once: it takes a second."""


async def found(of: Settings, *, processes: dict[str, str] | None = None, folders: tuple[Path, ...] = ()) -> Found:
    place = Place(settings=of, processes=processes or {}, folders=folders or (Path.cwd(),), together=True)
    every = [finding async for finding in examine(place)]
    for finding in every:
        assert (finding.todo is None) == (finding.level == "ok"), finding
        for text in (finding.said, finding.todo):
            assert text is None or (text.zh.strip() and text.en.strip())
    return {finding.check: finding for finding in every}


def broken(what: Found) -> set[str]:
    return {check for check, finding in what.items() if finding.level == "fail"}


def of_broker(at: DeployedBroker, who: str = "ingest") -> dict[str, Any]:
    folder = at.certificates / who
    return {
        "mqtt": f"mqtts://localhost:{at.ports['services']}",
        "mqtt_ca": str(at.certificates / "broker" / "steth-ca.crt"),
        "mqtt_cert": str(folder / "client.crt"),
        "mqtt_key": str(folder / "client.key"),
    }


@asynccontextmanager
async def peer(answer: bytes, *, close: bool = False) -> AsyncIterator[str]:
    """Something that listens where a broker should."""

    over = asyncio.Event()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        if not close:
            await over.wait()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    async with server:
        yield f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        over.set()


def change(database: Database, *statements: str) -> None:
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def settings(database: Database, **more: Any) -> Settings:
    dsns = {f"dsn_{role}": getattr(database, role) for role in ROLES}
    return Settings(**{"mqtt": f"mqtt://127.0.0.1:{free_port()}", **dsns, **more})

"""`steth api`: REST over the database."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import uvicorn
from starlette.types import ASGIApp

from api.app import create_app
from api.feed.hub import Hub
from api.feed.room import MAX_CLIENTS
from api.settings import Settings as ApiSettings
from catalog.model import Catalog
from steth.guarded import MOST, Guarded, Waiting
from steth.settings import Settings, address
from store.installation import settle_first
from store.pool import open_pool

MAX_REQUESTS: Final = 2 * MOST
"""Connections beside those of live streams: half of them may wait for their clients. One too many is answered 503."""

OTHER_FILES: Final = 100
"""Connections to the database, and what else is open."""


async def run_api(settings: Settings, catalog: Catalog) -> None:
    """Serve until asked to stop."""
    settings.need("dsn_api")
    host, port = address(settings.http)
    async with open_pool(settings.dsn_api, role="api", min_size=2, max_size=10, timeout_s=60) as pool:
        await settle_first(pool)
        app = create_app(
            settings=ApiSettings(
                mqtt_url=settings.told_mqtt(),
                mqtt_user=urlsplit(settings.mqtt).username or "",
                public_url=settings.public_url,
                heartbeat_s=settings.heartbeat_s,
                language=settings.language,
                proxies=settings.proxy_networks(),
            ),
            pool=pool,
            catalog=catalog,
            clock=lambda: datetime.now(UTC),
        )
        server = http_server(app, host=host, port=port, waiting=Waiting(most=min(MOST, open_files() // 4)))
        async with asyncio.TaskGroup() as group:
            closing = group.create_task(_close_streams(server, app.state.hub), name="close-streams")
            await server.serve()
            closing.cancel()


async def _close_streams(server: uvicorn.Server, hub: Hub) -> None:
    """A stream never ends by itself, and the server waits for its connections before it stops."""
    while not server.should_exit:  # noqa: ASYNC110 - a flag is all that uvicorn has
        await asyncio.sleep(0.1)
    hub.close()


def open_files() -> int:
    """Let this process open as many files as connections may need, or as many as it may; how many that is.

    The usual limit is 1,024: who says nothing would take all of them, and nobody else could come in.
    """
    import resource  # noqa: PLC0415 - not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = MAX_CLIENTS + MAX_REQUESTS + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        needed = min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        return needed
    return needed if soft == resource.RLIM_INFINITY else soft


def http_server(app: ASGIApp, *, host: str, port: int, waiting: Waiting) -> uvicorn.Server:
    """The server of the API, or of any app, on an address of this machine."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
            http=partial(Guarded, waiting=waiting),  # type: ignore[arg-type]  # makes what the class does
            ws="none",
            # The app looks at what proxies say (`api.http.forwarded`); uvicorn would ask the environment whom to trust.
            proxy_headers=False,
            limit_concurrency=MAX_CLIENTS + MAX_REQUESTS,
        )
    )

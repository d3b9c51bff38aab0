"""`steth api`: REST over the database."""

import asyncio
from datetime import UTC, datetime

import uvicorn

from api.app import create_app
from api.feed.hub import Hub
from api.settings import Settings as ApiSettings
from catalog.model import Catalog
from steth.settings import Settings, address
from store.installation import settle_first
from store.pool import open_pool


async def run_api(settings: Settings, catalog: Catalog) -> None:
    """Serve until asked to stop."""
    settings.need("dsn_api")
    host, port = address(settings.http)
    async with open_pool(settings.dsn_api, role="api", min_size=2, max_size=10, timeout_s=60) as pool:
        await settle_first(pool)
        app = create_app(
            settings=ApiSettings(
                mqtt_url=settings.told_mqtt(),
                heartbeat_s=settings.heartbeat_s,
                language=settings.language,
            ),
            pool=pool,
            catalog=catalog,
            clock=lambda: datetime.now(UTC),
        )
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=5,
            )
        )
        async with asyncio.TaskGroup() as group:
            closing = group.create_task(_close_streams(server, app.state.hub), name="close-streams")
            await server.serve()
            closing.cancel()


async def _close_streams(server: uvicorn.Server, hub: Hub) -> None:
    """A stream never ends by itself, and the server waits for its connections before it stops."""
    while not server.should_exit:  # noqa: ASYNC110 - a flag is all that uvicorn has
        await asyncio.sleep(0.1)
    hub.close()

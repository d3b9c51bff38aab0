"""`steth api`: REST over the database."""

from datetime import UTC, datetime

import uvicorn

from api.app import create_app
from api.settings import Settings as ApiSettings
from catalog.model import Catalog
from steth.settings import Settings, address
from store.pool import open_pool


async def run_api(settings: Settings, catalog: Catalog) -> None:
    """Serve until asked to stop."""
    settings.need("dsn_api")
    host, port = address(settings.http)
    async with open_pool(settings.dsn_api, role="api", min_size=2, max_size=10, timeout_s=60) as pool:
        app = create_app(
            settings=ApiSettings(
                mqtt_url=settings.mqtt_public or settings.mqtt,
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
        await server.serve()

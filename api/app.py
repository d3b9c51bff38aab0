"""The application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import psycopg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from psycopg_pool import PoolTimeout
from typing_extensions import override

from api.alerts import lists as alert_lists
from api.alerts import routes as alerts
from api.audit import routes as audit
from api.catalog import routes as models
from api.contract import complete
from api.devices import collected, enrol, move, register, service
from api.devices import lists as device_lists
from api.devices import routes as devices
from api.feed import routes as stream
from api.feed.hub import Hub
from api.http import health
from api.http.answers import add_problem_handlers
from api.http.context import Context
from api.http.forwarded import Forwarded
from api.http.middleware import Head, Measured, SecurityHeaders, Unexpected
from api.http.page import Page
from api.http.rights import PREFIX
from api.people import access, accounts, contacts, dealers, session, sites
from api.readings import routes as readings
from api.recipients import routes as recipients
from api.series import routes as series
from api.settings import Clock, Settings
from api.tickets import gist
from api.tickets import lists as ticket_lists
from api.tickets import routes as tickets
from api.tickets import work as ticket_work
from api.version import VERSION
from catalog.model import Catalog
from people.login.check import Door
from store.editions import Edition
from store.migrate import migrations_for
from store.pool import Pool

_log: Final = structlog.get_logger("api")
TELL_S: Final = 10.0
_PARTS: Final = (
    access,
    enrol,
    session,
    accounts,
    device_lists,
    devices,
    register,
    move,
    collected,
    service,
    readings,
    series,
    stream,
    alert_lists,
    alerts,
    ticket_lists,
    tickets,
    gist,
    ticket_work,
    dealers,
    sites,
    contacts,
    recipients,
    models,
    audit,
    health,
)


class Api(FastAPI):
    """The application with our OpenAPI document. Without `serve` it can only describe itself."""

    def __init__(self) -> None:
        # No docs pages: they load scripts from a foreign network.
        super().__init__(
            title="Steth",
            version=VERSION,
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            generate_unique_id_function=lambda route: route.name,
        )
        for part in _PARTS:
            self.include_router(part.router)
        self.add_route(f"{PREFIX}/openapi.json", self._document, include_in_schema=False)
        self._written: bytes | None = None
        add_problem_handlers(self)

    @override
    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            self.openapi_schema = complete(super().openapi())
        return self.openapi_schema

    async def _document(self, _: Request) -> Response:
        """Written once: a quarter of a megabyte, for everybody who asks."""
        if self._written is None:
            self._written = bytes(JSONResponse(self.openapi()).body)
        return Response(self._written, media_type="application/json")


def _watch(pool: Pool, registry: CollectorRegistry) -> None:
    connections = Gauge("steth_api_pool_connections", "Connections to the database.", ["state"], registry=registry)
    connections.labels("open").set_function(lambda: pool.get_stats().get("pool_size", 0))
    connections.labels("free").set_function(lambda: pool.get_stats().get("pool_available", 0))
    waiting = Gauge("steth_api_pool_waiting_requests", "Requests that wait for a connection.", registry=registry)
    waiting.set_function(lambda: pool.get_stats().get("requests_waiting", 0))


@asynccontextmanager
async def _at_work(hub: Hub, context: Context, _: FastAPI) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(hub.run(), name="stream"), asyncio.create_task(_telling(context), name="failures")]
    try:
        yield
    finally:
        hub.close()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await _told(context, all_=True)


async def _telling(context: Context) -> None:
    while True:
        await asyncio.sleep(TELL_S)
        await _told(context)


async def _told(context: Context, *, all_: bool = False) -> None:
    try:
        await context.door.tell_failures(None if all_ else context.clock())
    except (psycopg.Error, PoolTimeout) as error:  # kept, and tried again
        _log.warning("failures_not_told", error=type(error).__name__)


def create_app(*, settings: Settings, pool: Pool, catalog: Catalog, clock: Clock) -> FastAPI:
    """The API over an open pool of the api role. `clock` gives the time, in UTC."""
    app = Api()
    app.state.context = Context(
        settings=settings,
        pool=pool,
        catalog=catalog,
        clock=clock,
        door=Door(pool=pool),
        schema_version=migrations_for(Edition.PLAIN)[-1].version,  # all editions have the same numbers
    )
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody asks for
    registry = app.state.registry = CollectorRegistry()
    hub = app.state.hub = Hub(
        pool=pool, catalog=catalog, clock=clock, heartbeat_s=settings.heartbeat_s, version=VERSION, registry=registry
    )
    app.router.lifespan_context = partial(_at_work, hub, app.state.context)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    _watch(pool, registry)
    app.add_middleware(Head)  # the innermost first
    app.add_middleware(Unexpected)
    app.add_middleware(Page, folder=settings.console)
    app.add_middleware(SecurityHeaders, clock=clock)
    app.add_middleware(Measured, registry=registry)
    app.add_middleware(Forwarded, proxies=settings.proxies)
    return app

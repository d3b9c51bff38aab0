"""The application."""

from typing import Final

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from api.answers import add_problem_handlers
from api.context import PREFIX, Context
from api.middleware import Measured, SecurityHeaders
from api.routes import access, alerts, devices, health, readings, tickets
from api.settings import Clock, Settings
from catalog.model import Catalog
from store.pool import Pool

VERSION: Final = "1"


def create_app(*, settings: Settings, pool: Pool, catalog: Catalog, clock: Clock) -> FastAPI:
    """The API over an open pool of the api role. `clock` gives the time, in UTC."""
    # No docs pages: they load scripts from a foreign network.
    app = FastAPI(title="Steth", version=VERSION, openapi_url=f"{PREFIX}/openapi.json", docs_url=None, redoc_url=None)
    app.state.context = Context(settings=settings, pool=pool, catalog=catalog, clock=clock)
    registry = app.state.registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    for room in (access, devices, readings, alerts, tickets, health):
        app.include_router(room.router)
    add_problem_handlers(app)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Measured, registry=registry)
    return app

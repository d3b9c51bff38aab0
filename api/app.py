"""The application."""

from typing import Any, Final

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from typing_extensions import override

from api.answers import add_problem_handlers
from api.context import Context
from api.contract import complete
from api.middleware import Measured, SecurityHeaders, Unexpected
from api.roles import PREFIX
from api.routes import access, alerts, audit, devices, health, places, readings, tickets
from api.routes import catalog as models
from api.settings import Clock, Settings
from catalog.model import Catalog
from store.editions import Edition
from store.migrate import migrations_for
from store.pool import Pool

VERSION: Final = "1"


class Api(FastAPI):
    """The application with our OpenAPI document. Without `serve` it can only describe itself."""

    def __init__(self) -> None:
        # No docs pages: they load scripts from a foreign network.
        super().__init__(
            title="Steth",
            version=VERSION,
            openapi_url=f"{PREFIX}/openapi.json",
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            generate_unique_id_function=lambda route: route.name,
        )
        for part in (access, devices, readings, alerts, tickets, places, models, audit, health):
            self.include_router(part.router)
        add_problem_handlers(self)

    @override
    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            self.openapi_schema = complete(super().openapi())
        return self.openapi_schema


def create_app(*, settings: Settings, pool: Pool, catalog: Catalog, clock: Clock) -> FastAPI:
    """The API over an open pool of the api role. `clock` gives the time, in UTC."""
    app = Api()
    app.state.context = Context(
        settings=settings,
        pool=pool,
        catalog=catalog,
        clock=clock,
        schema_version=migrations_for(Edition.PLAIN)[-1].version,  # all editions have the same numbers
    )
    registry = app.state.registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    app.add_middleware(Unexpected)  # the innermost first
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Measured, registry=registry)
    return app

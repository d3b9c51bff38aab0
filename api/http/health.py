"""Whether the process lives, whether it is ready, and its metrics. For the installation's own network: no token."""

from typing import Final

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from api.http.context import Shared
from api.http.problems import Problem, ProblemCode
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)

router = APIRouter(tags=["health"])
PATIENCE_S = 2.0
"""Of whoever asks whether we are ready."""


@router.get("/healthz", include_in_schema=False)
async def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@router.get("/readyz", include_in_schema=False)
async def readyz(context: Shared) -> dict[str, str]:
    """The database answers and is at this code's version. Else 503 that says which of the two."""
    async with context.pool.connection(timeout=PATIENCE_S) as connection:
        found = await _SQL.one(connection, "schema_version", {})
    version = 0 if found is None else found["version"]
    if version != context.schema_version:
        raise Problem(
            ProblemCode.UNAVAILABLE,
            f"The database is at schema version {version} and this code at {context.schema_version}: "
            f"{'run `steth migrate`' if version < context.schema_version else 'upgrade steth'}.",
        )
    return {"status": "ok"}


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Prometheus's text format."""
    registry: CollectorRegistry = request.app.state.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

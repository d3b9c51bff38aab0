"""Whether the process lives, whether it is ready, and its metrics. For the installation's own network: no token."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from api.context import Shared

router = APIRouter(tags=["health"])


@router.get("/healthz", include_in_schema=False)
async def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@router.get("/readyz", include_in_schema=False)
async def readyz(context: Shared) -> dict[str, str]:
    """The database answers. Else 503 (`api.answers`)."""
    async with context.pool.connection(timeout=2.0) as connection:
        await connection.execute("SELECT 1")
    return {"status": "ok"}


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Prometheus's text format."""
    registry: CollectorRegistry = request.app.state.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

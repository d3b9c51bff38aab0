"""`steth ingest`: broker → pipeline → database, for the partitions it can claim."""

import asyncio
import time
from collections.abc import Sequence

import structlog

from alerts.engine import AlertEngine
from alerts.opened import OpenedAlerts
from alerts.recorder import AlertRecorder
from catalog.model import Catalog
from desk.tickets.stage import TicketStage
from ingest.ports import Stage
from ingest.service import Ingest, ease_collector
from remote.prepare import PrepareStage
from remote.replies import ReplyStage
from steth.allowed import AllowList
from steth.expiry import tell_ends
from steth.health import serve_health
from steth.settings import Settings, address
from steth.signals import stop_event
from store.installation import settle_first
from store.pool import open_pool

_log = structlog.get_logger("steth.ingest")


def wall_ms() -> int:
    """The server's clock: milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def stages_of(catalog: Catalog) -> Sequence[Stage]:
    """What happens in a batch's transaction after the engine, in order: record, open, prepare, take replies."""
    return [
        AlertRecorder(),
        TicketStage(catalog=catalog),
        PrepareStage(catalog=catalog),
        ReplyStage(catalog=catalog),
    ]


async def run_ingest(settings: Settings, catalog: Catalog) -> None:
    """Work until asked to stop; then finish the batch, write every state and give the partitions back."""
    settings.need("dsn_ingest")
    settings.endpoint()  # what is wrong with it is said now
    tell_ends(settings)
    ease_collector()
    stopped = stop_event()
    async with open_pool(
        settings.dsn_ingest, role="ingest", min_size=3, max_size=6, timeout_s=60, believed_s=1.0
    ) as pool:
        await settle_first(pool)
        ingest = Ingest(
            name=settings.process_name("ingest"),
            pool=pool,
            endpoint=settings.endpoint,
            engine=AlertEngine(models=catalog.models),
            opened=OpenedAlerts(),
            stages=stages_of(catalog),
            wall_ms=wall_ms,
            allowed=AllowList(catalog),
            reach_days=settings.keep().reach_days,
        )
        if settings.health:
            serve_health(address(settings.health), ready=lambda: ingest.ready)
        working = asyncio.create_task(ingest.run(), name="ingest")
        waiting = asyncio.create_task(stopped.wait(), name="stop")
        await asyncio.wait([working, waiting], return_when=asyncio.FIRST_COMPLETED)
        ingest.stop()
        waiting.cancel()
        await working
        _log.info("stopped")

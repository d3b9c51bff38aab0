"""`steth alerts`: telling people, sending commands, freezing evidence, keeping room for readings. One leads."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import aiomqtt
import psycopg
import structlog
from prometheus_client import Counter, Gauge
from psycopg_pool import PoolTimeout

from catalog.model import Catalog
from desk.channels import AppriseChannel
from desk.evidence import Freezer
from desk.jobs import Leadership
from desk.telling import Teller
from ingest.mqtt import Endpoint
from ingest.rows import AHEAD_MS, BEHIND_MS
from remote.commands import CommandSender, PublishError
from steth.health import serve_health
from steth.run_ingest import wall_ms
from steth.settings import Settings, address
from steth.signals import stop_event
from store.partitions import ensure_partitions
from store.pool import open_pool

_log = structlog.get_logger("steth.alerts")
_DAY_MS: Final = 86_400_000
AHEAD_DAYS: Final = 40 + AHEAD_MS // _DAY_MS
BEHIND_DAYS: Final = 10 + BEHIND_MS // _DAY_MS
"""Room for readings: what ingest takes, and more than a month of this job not running."""
DONE: Final = Counter("steth_jobs_done_total", "Rows that a job acted on", ["job"])
FAILED: Final = Counter("steth_jobs_failed_total", "Rounds of a job that failed", ["job"])
LEADS: Final = Gauge("steth_jobs_leads", "1 while this process leads")


class MqttPublisher:
    """Publishes at QoS 1 over one connection, made when first needed and again after it broke."""

    def __init__(self, *, endpoint: Endpoint, name: str) -> None:
        self._endpoint = endpoint
        self._name = name
        self._client: aiomqtt.Client | None = None

    async def publish(self, topic: str, payload: bytes) -> None:
        """Returns once the broker has it."""
        try:
            if self._client is None:
                client = aiomqtt.Client(
                    self._endpoint.host,
                    self._endpoint.port,
                    identifier=self._name,
                    protocol=aiomqtt.ProtocolVersion.V5,
                    username=self._endpoint.username,
                    password=self._endpoint.password,
                    tls_context=self._endpoint.tls,
                    timeout=10,
                )
                await client.__aenter__()
                self._client = client
            await self._client.publish(topic, payload, qos=1)
        except aiomqtt.MqttError as error:
            await self.close()
            raise PublishError(str(error)) from None

    async def close(self) -> None:
        """Leave the broker."""
        client, self._client = self._client, None
        if client is not None:
            try:
                await client.__aexit__(None, None, None)
            except aiomqtt.MqttError as error:
                _log.info("broker_left", reason=str(error))


async def make_room(dsn_owner: str) -> int:
    """Partitions of ``reading`` ahead of time; how many were made."""
    async with await psycopg.AsyncConnection.connect(dsn_owner, autocommit=True, connect_timeout=10) as connection:
        made = await ensure_partitions(
            connection, now=datetime.now(UTC), behind_days=BEHIND_DAYS, ahead_days=AHEAD_DAYS
        )
    return len(made)


async def run_alerts(settings: Settings, catalog: Catalog) -> None:
    """Work until asked to stop. A job that fails is tried again at its next turn; the others go on."""
    settings.need("dsn_ingest", "dsn_owner")
    stopped = stop_event()
    publisher = MqttPublisher(endpoint=settings.endpoint(), name=settings.process_name("steth-alerts"))
    ready = False
    if settings.health:
        serve_health(address(settings.health), ready=lambda: ready)
    async with (
        open_pool(settings.dsn_ingest, role="ingest", min_size=1, max_size=4, name="alerts", timeout_s=60) as pool,
        Leadership(dsn=settings.dsn_ingest) as leadership,
        Teller(pool=pool, channel=AppriseChannel(), catalog=catalog, public_url=settings.public_url) as teller,
    ):
        sender = CommandSender(pool=pool, publisher=publisher)
        freezer = Freezer(pool=pool)

        async def send() -> int:
            return (await sender.run_once(wall_ms())).sent

        jobs: dict[str, tuple[float, Callable[[], Awaitable[int]]]] = {
            "commands": (0.3, send),
            "telling": (0.5, lambda: teller.run_once(wall_ms())),
            "evidence": (3.0, lambda: freezer.run_once(wall_ms())),
            "partitions": (3600.0, lambda: make_room(settings.dsn_owner)),
        }
        loop = asyncio.get_running_loop()
        due = dict.fromkeys(jobs, 0.0)
        while not stopped.is_set():
            ready = True
            leads = await leadership.leads()
            LEADS.set(leads)
            for name, (every_s, run) in jobs.items() if leads else ():
                if loop.time() >= due[name]:
                    due[name] = loop.time() + await _round(name, run, every_s)
            try:
                async with asyncio.timeout(0.25 if leads else 1.0):
                    await stopped.wait()
            except TimeoutError:
                continue
    await publisher.close()
    _log.info("stopped")


async def _round(name: str, run: Callable[[], Awaitable[int]], every_s: float) -> float:
    """One turn of a job; returns the seconds until the next."""
    try:
        DONE.labels(name).inc(await run())
    except (psycopg.Error, PoolTimeout, OSError) as error:
        FAILED.labels(name).inc()
        _log.warning("job_failed", job=name, error=(str(error).strip().splitlines() or [type(error).__name__])[0])
        return min(every_s, 5.0)
    return every_s

"""`steth alerts`: telling people, sending commands, freezing evidence, upkeep of the database. One leads."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

import aiomqtt
import psycopg
import structlog
from prometheus_client import REGISTRY, Counter, Gauge
from psycopg_pool import PoolTimeout

from catalog.model import Catalog
from desk.channels import AppriseChannel
from desk.evidence import Freezer
from desk.jobs import Leadership
from desk.telling import Teller
from ingest.mqtt import Endpoint
from remote.commands import CommandSender, PublishError
from steth.backlog import Backlog
from steth.fleet import Fleet
from steth.health import serve_health
from steth.maintenance import Upkeep
from steth.run_ingest import wall_ms
from steth.settings import Settings, address
from steth.signals import stop_event
from store.errors import StoreError, one_line
from store.pool import open_pool

_log = structlog.get_logger("steth.alerts")
DONE: Final = Counter("steth_alerts_job_rows_total", "Rows that a job acted on.", ["job"])
FAILED: Final = Counter("steth_alerts_job_failures_total", "Rounds of a job that failed.", ["job"])
LEADS: Final = Gauge("steth_alerts_leads", "1 while this process leads.")


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


async def run_alerts(settings: Settings, catalog: Catalog) -> None:
    """Work until asked to stop. A job that fails is tried again at its next turn; the others go on."""
    settings.need("dsn_ingest", "dsn_owner")
    keep = settings.keep()
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

        upkeep = Upkeep(dsn_owner=settings.dsn_owner, keep=keep)
        backlog = Backlog(pool=pool)
        REGISTRY.register(backlog)
        fleet = Fleet(pool=pool, heartbeat_s=settings.heartbeat_s)
        REGISTRY.register(fleet)
        turns = Turns(
            jobs={
                "commands": (0.3, send),
                "telling": (0.5, lambda: teller.run_once(wall_ms())),
                "evidence": (3.0, lambda: freezer.run_once(wall_ms())),
                "backlog": (10.0, backlog.measure),
                "fleet": (10.0, fleet.measure),
            }
        )
        # Beside the others: what is told doesn't wait for a backlog of roll-ups.
        slow = Turns(
            jobs={
                "partitions": (3600.0, upkeep.make_room),
                "rollup": (10.0, upkeep.roll_up),
                "retention": (3600.0, upkeep.drop_old),
                "policies": (3600.0, upkeep.set_policies),
            }
        )
        leads = False

        async def keep_up() -> None:
            while not stopped.is_set():
                if leads:
                    await slow.run()
                await _wait(stopped, 1.0)

        async with asyncio.TaskGroup() as group:
            upkeeping = group.create_task(keep_up(), name="upkeep")
            while not stopped.is_set():
                ready = True
                leads = await leadership.leads()
                LEADS.set(leads)
                if leads:
                    await turns.run()
                else:
                    backlog.forget()
                    fleet.forget()
                await _wait(stopped, 0.25 if leads else 1.0)
            upkeeping.cancel()  # whatever it is at is undone by the database, and done by the next leader
    await publisher.close()
    _log.info("stopped")


async def _wait(stopped: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopped.wait()


class Turns:
    """Jobs by name, each with the seconds between its turns. One that fails is tried again; the others go on."""

    def __init__(self, *, jobs: Mapping[str, tuple[float, Callable[[], Awaitable[int]]]]) -> None:
        self._jobs = jobs
        self._due = dict.fromkeys(jobs, 0.0)

    async def run(self) -> None:
        """The turn of each job that is due."""
        loop = asyncio.get_running_loop()
        for name, (every_s, run) in self._jobs.items():
            if loop.time() >= self._due[name]:
                self._due[name] = loop.time() + await _round(name, run, every_s)


def _said(error: Exception) -> str:
    """What can be said of an error: of data that the database refused only its code, for the message quotes them."""
    if isinstance(error, psycopg.Error) and not isinstance(error, psycopg.OperationalError):
        return f"{type(error).__name__} {error.sqlstate or ''}".strip()
    return one_line(error)[:300] or type(error).__name__


async def _round(name: str, run: Callable[[], Awaitable[int]], every_s: float) -> float:
    """One turn of a job; returns the seconds until the next."""
    try:
        DONE.labels(name).inc(await run())
    except (psycopg.Error, PoolTimeout, OSError, StoreError) as error:
        FAILED.labels(name).inc()
        _log.warning("job_failed", job=name, error=_said(error))
        return min(every_s, 5.0)
    return every_s

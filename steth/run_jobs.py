"""`steth jobs`: telling people, sending commands, freezing evidence, upkeep of the database. One leads."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import aiomqtt
import structlog
from prometheus_client import REGISTRY, Gauge

from catalog.model import Catalog
from desk.telling.channels import Channels
from desk.telling.teller import Teller
from desk.telling.way import Way
from desk.tickets.evidence import Freezer
from desk.tickets.gaps import GapNotes
from ingest.mqtt import Endpoint
from remote.commands import CommandSender, PublishError
from steth.expiry import tell_ends
from steth.health import serve_health
from steth.jobs.backlog import Backlog
from steth.jobs.fleet import Fleet
from steth.jobs.heads import Heads
from steth.jobs.leadership import Leadership
from steth.jobs.maintenance import Upkeep
from steth.jobs.runner import Job, Jobs
from steth.jobs.service import ServiceChanges
from steth.run_ingest import wall_ms
from steth.settings import Settings, address
from steth.signals import stop_event
from store.installation import Watch, settle_first
from store.pool import open_pool

_log = structlog.get_logger("steth.jobs")
LEADS: Final = Gauge("steth_jobs_leads", "1 while this process leads.")
LEAD_S: Final = 15.0
"""For so long the database may take to say who leads; a dead connection is noticed after eleven seconds."""


class MqttPublisher:
    """Publishes at QoS 1 over one connection, made when first needed and again after it broke. ``endpoint`` is asked
    each time, so that renewed certificates count."""

    def __init__(self, *, endpoint: Callable[[], Endpoint], name: str) -> None:
        self._endpoint = endpoint
        self._name = name
        self._client: aiomqtt.Client | None = None

    async def publish(self, topic: str, payload: bytes) -> None:
        """Returns once the broker has it."""
        try:
            if self._client is None:
                where = self._endpoint()
                client = aiomqtt.Client(
                    where.host,
                    where.port,
                    identifier=self._name,
                    protocol=aiomqtt.ProtocolVersion.V5,
                    username=where.username,
                    password=where.password,
                    tls_context=where.tls,
                    timeout=10,
                )
                await client.__aenter__()
                self._client = client
            await self._client.publish(topic, payload, qos=1)
        except (aiomqtt.MqttError, OSError) as error:
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


async def run_jobs(settings: Settings, catalog: Catalog) -> None:
    """Work until asked to stop. A job's failure is its own (``steth.jobs.runner``)."""
    settings.need("dsn_jobs")
    if settings.dsn_owner:
        _log.warning("owner_address_not_needed", todo="remove dsn_owner from the settings of `steth jobs`")
    keep = settings.keep()
    channels = Channels(way=Way(settings.bounds()), proxy=settings.tell_proxy)
    stopped = stop_event()
    settings.endpoint()  # what is wrong with it is said now
    tell_ends(settings)
    publisher = MqttPublisher(endpoint=settings.endpoint, name=settings.process_name("steth-jobs"))
    async with (
        open_pool(settings.dsn_jobs, role="jobs", min_size=1, max_size=8, timeout_s=60) as pool,
        Leadership(dsn=settings.dsn_jobs) as leadership,
        Teller(pool=pool, channel=channels, catalog=catalog, public_url=settings.public_url) as teller,
    ):
        sender = CommandSender(pool=pool, publisher=publisher)
        freezer = Freezer(pool=pool)
        gaps = GapNotes(pool=pool)
        changes = ServiceChanges(pool=pool, catalog=catalog)
        await settle_first(pool)
        watch = Watch(pool=pool)

        async def send() -> int:
            return (await sender.run_once(wall_ms())).sent

        upkeep = Upkeep(dsn_jobs=settings.dsn_jobs, keep=keep)
        heads = Heads(settings=settings, channel=channels, catalog=catalog)
        backlog = Backlog(pool=pool)
        REGISTRY.register(backlog)
        fleet = Fleet(pool=pool, heartbeat_s=settings.heartbeat_s)
        REGISTRY.register(fleet)
        jobs = Jobs(
            pool=pool,
            jobs=[
                Job(name="commands", every_s=0.3, run=send),
                Job(name="telling", every_s=0.5, run=lambda: teller.run_once(wall_ms())),
                Job(name="evidence", every_s=3.0, run=lambda: freezer.run_once(wall_ms())),
                Job(name="service", every_s=3.0, run=lambda: changes.run_once(wall_ms())),
                Job(name="gaps", every_s=3.0, run=lambda: gaps.run_once(wall_ms())),
                Job(name="copy", every_s=10.0, run=watch.run_once),
                Job(name="backlog", every_s=10.0, run=lambda: backlog.measure(wall_ms())),
                Job(name="fleet", every_s=10.0, run=fleet.measure),
                Job(name="heads", every_s=3600.0, run=heads.run_once, limit_s=3600.0),
                Job(name="rollup", every_s=10.0, run=upkeep.roll_up, limit_s=3600.0),
                Job(name="partitions", every_s=3600.0, run=upkeep.make_room, limit_s=600.0),
                Job(name="retention", every_s=3600.0, run=upkeep.drop_old, limit_s=3600.0),
                Job(name="sweep", every_s=3600.0, run=upkeep.sweep, limit_s=3600.0),
                Job(name="policies", every_s=600.0, run=upkeep.check_policies, limit_s=3600.0),
            ],
        )
        if settings.health:
            serve_health(address(settings.health), ready=lambda: True, more=jobs.failing)
        working = asyncio.create_task(jobs.run(), name="jobs")
        while not (stopped.is_set() or working.done()):
            leads = await _leads(leadership)
            LEADS.set(leads)
            jobs.lead(leads=leads)
            if not leads:
                backlog.forget()
                fleet.forget()
            await _wait(stopped, 0.25 if leads else 1.0)
        working.cancel()  # whatever a job is at is undone by the database, and done by the next leader
        with suppress(asyncio.CancelledError):
            await working
    await publisher.close()
    _log.info("stopped")


async def _leads(leadership: Leadership) -> bool:
    """Whether this process leads; not, when nothing can be known."""
    try:
        async with asyncio.timeout(LEAD_S):
            return await leadership.leads()
    except Exception as error:  # noqa: BLE001 - whatever nobody foresaw: it is asked again in a second
        _log.error("leadership_unknown", error=type(error).__name__)
        await leadership.close()
        return False


async def _wait(stopped: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopped.wait()

"""`ticket`: from publishing a fault to its ticket readable in the API, at half of the maximal load.

Real processes: broker, database, `steth ingest`, `steth api`; this one is the fleet and the reader.
"""

import asyncio
import random
import secrets
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from math import ceil
from typing import Any, Final

import httpx
import msgspec
import psycopg

from bench.ground import MODEL, Ground, cpu_seconds
from bench.processes import command
from bench.report import Aim, Result, Table, number
from bench.run import Run
from bench.trial import STETH, Shape, measure
from people.accounts import create_account, create_token
from people.roles import OPERATOR, Role
from sim.fleet import Fleet
from sim.link import Endpoint
from sim.load import FaultSent, Load
from tests.fixtures.ports import free_port
from wire.topics import Lane

READINGS: Final = 20
FAULTS_A_SECOND: Final = 5.0
_LOOK_S: Final = 0.01
"""Between two questions for the same ticket: latencies are known as exactly as this and one answer of the API."""
_LOST_S: Final = 30.0
_SETTLE_S: Final = 5.0
_EDGES_MS: Final = (20, 30, 40, 50, 60, 80, 100, 125, 150, 200, 250, 300, 400, 500, 750, 1000, 2000, 5000, 30_000)
_BAR: Final = 40


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A fault whose ticket was read. Milliseconds from publishing: `begun_ms` until the transaction that opened it
    began, `ms` until it was readable. `looks`: questions asked."""

    device: str
    code: str
    begun_ms: float
    ms: float
    looks: int


async def _watch(client: httpx.AsyncClient, fault: FaultSent) -> Seen:
    looks = 0
    while True:
        answer = await client.get("/api/v1/tickets", params={"device": fault.device})
        looks += 1
        answer.raise_for_status()
        passed_ms = (time.time_ns() - fault.published_ns) / 1e6
        items = answer.json()["items"]
        if items:
            return Seen(device=fault.device, code=fault.code, begun_ms=0.0, ms=passed_ms, looks=looks)
        if passed_ms > _LOST_S * 1000:
            raise RuntimeError(f"no ticket of {fault.device} ({fault.code}) within {_LOST_S:g} s")
        await asyncio.sleep(_LOOK_S)


async def _published(fleet: Fleet, number: int) -> FaultSent:
    while True:
        if len(fleet.faults) > number:
            return fleet.faults[number]
        await asyncio.sleep(0.001)


async def _lags(made: Ground, lags: list[float]) -> None:
    """How far behind its publishing the newest stored bulk report is, once a second."""
    async with await psycopg.AsyncConnection.connect(made.database.superuser, autocommit=True) as connection:
        while True:
            await asyncio.sleep(1)
            cursor = await connection.execute(
                "SELECT extract(epoch FROM now() - max(reached)) FROM mark WHERE lane = 1"
            )
            row = await cursor.fetchone()
            if row is not None and row[0] is not None:
                lags.append(float(row[0]))


async def _until_born(made: Ground) -> None:
    async with await psycopg.AsyncConnection.connect(made.database.superuser, autocommit=True) as connection:
        async with asyncio.timeout(60):
            born = 0
            while born < len(made.devices):
                await asyncio.sleep(0.2)
                row = await (
                    await connection.execute("SELECT count(*) FROM device_event WHERE kind = 'birth'")
                ).fetchone()
                born = row[0] if row else 0


@asynccontextmanager
async def _load(made: Ground, rate: float, seconds: float) -> AsyncIterator[Fleet]:
    """The fleet at work: every device is born, and the load has run for a while."""
    load = Load(messages=10**9, seconds=seconds, rate=rate, lane=Lane.BULK, readings=READINGS)
    endpoint = Endpoint(host="127.0.0.1", port=made.broker.port)
    fleet = Fleet(devices=made.devices, endpoint=endpoint, model=MODEL, load=load)
    running = asyncio.create_task(fleet.run())
    try:
        await _until_born(made)
        await asyncio.sleep(_SETTLE_S)
        yield fleet
    finally:
        running.cancel()
        await asyncio.wait([running])


async def _drive(made: Ground, *, http: str, token: str, rate: float, faults: int) -> tuple[list[Seen], list[float]]:
    """Load, faults and questions; returns what was seen, and ingest's lag (s) every second."""
    dice = random.Random(7)
    codes = sorted(code for code, fault in MODEL.faults.items() if fault.ticket)
    lags: list[float] = []
    watching: list[asyncio.Task[Seen]] = []
    limits = httpx.Limits(max_connections=20, max_keepalive_connections=20)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(base_url=http, headers=headers, limits=limits, timeout=10) as client,
        _load(made, rate, seconds=600) as fleet,
    ):
        measuring = asyncio.create_task(_lags(made, lags))
        for told, device in enumerate(dice.sample(made.devices, faults)):
            fleet.raise_fault(device, dice.choice(codes))
            watching.append(asyncio.create_task(_watch(client, await _published(fleet, told))))
            await asyncio.sleep(dice.expovariate(FAULTS_A_SECOND))
        seen = list(await asyncio.gather(*watching))
        measuring.cancel()
    published = {fault.device: fault.published_ns for fault in fleet.faults}
    opened = made.sql("SELECT d.uid, t.opened_at FROM ticket t JOIN device d ON d.id = t.device_id")
    begun = {uid: (at.timestamp() * 1e9 - published[uid]) / 1e6 for uid, at in opened}
    return [
        msgspec.structs.replace(one, begun_ms=round(begun[one.device], 1), ms=round(one.ms, 1)) for one in seen
    ], lags


async def _token(made: Ground) -> str:
    now = datetime.now(UTC)
    async with await psycopg.AsyncConnection.connect(made.database.owner) as connection:
        account = await create_account(
            connection,
            name=f"bench-{now.timestamp():.0f}",
            password=secrets.token_urlsafe(),
            role=Role.STAFF,
            org=OPERATOR,
            now=now,
        )
        _, token = await create_token(connection, account=account, label="bench", now=now, expires_at=None)
    return token


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all doesn't exceed."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def histogram(values: Sequence[float]) -> list[tuple[int, int, int]]:
    """(from, below, how many), in ms, from the first that isn't empty to the last; the last edge has all beyond it."""
    counts = [0] * len(_EDGES_MS)
    for value in values:
        counts[min(bisect_right(_EDGES_MS, value), len(counts) - 1)] += 1
    bins = list(zip((0, *_EDGES_MS), _EDGES_MS, counts, strict=False))
    filled = [i for i, count in enumerate(counts) if count]
    return bins[filled[0] : filled[-1] + 1]


def _bars(bins: list[tuple[int, int, int]]) -> Table:
    most = max(count for *_, count in bins)
    return Table(
        title="Faults by ms from publishing to readable",
        head=("ms", "faults", "".ljust(_BAR)),
        rows=[
            (f"{low:>6,} – {high:<6,}", str(count), ("█" * round(_BAR * count / most)).ljust(_BAR))
            for low, high, count in bins
        ],
    )


def ticket(run: Run) -> Result:
    """At least 300 faults, a few a second."""
    made = run.made
    if READINGS not in run.rates:
        shape = Shape(readings=READINGS, messages=30_000 if run.quick else 80_000, seconds=30)
        run.rates[READINGS] = measure(made, STETH, shape).rate
    rate = run.rates[READINGS] / 2
    faults = 60 if run.quick else 300
    made.empty()
    token = asyncio.run(_token(made))
    http, health = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    environment = {
        "STETH_DSN_INGEST": made.database.ingest,
        "STETH_DSN_API": made.database.api,
        "STETH_MQTT": f"mqtt://127.0.0.1:{made.broker.port}",
        "STETH_HTTP": http,
    }
    log = made.folder / "ticket.log"
    api_ready = f"http://{http}/readyz"
    with (
        command(["steth", "api"], environment=environment, log=log, ready=api_ready) as api,
        command(
            ["steth", "ingest"],
            environment={**environment, "STETH_HEALTH": health},
            log=log,
            ready=f"http://{health}/readyz",
        ) as ingest,
    ):
        pids = {"ingest": ingest.pid, "api": api.pid, "broker": made.broker.pid, "database": made.postmaster}
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        began = time.monotonic()
        seen, lags = asyncio.run(_drive(made, http=f"http://{http}", token=token, rate=rate, faults=faults))
        seconds = time.monotonic() - began
        cpu = {name: (cpu_seconds(pid) - before[name]) / seconds for name, pid in pids.items()}
    return _result(seen, lags, rate, cpu)


def _result(seen: list[Seen], lags: list[float], rate: float, cpu: dict[str, float]) -> Result:
    ms = [one.ms for one in seen]
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    parts = {
        "published → transaction begun": [one.begun_ms for one in seen],
        "begun → readable in the API": [one.ms - one.begun_ms for one in seen],
        "published → readable in the API": ms,
    }
    rows = [(name, *(number(percentile(values, share)) for share in shares.values())) for name, values in parts.items()]
    bins = histogram(ms)
    looks = max(one.looks for one in seen)
    load = (
        f"{len(seen)} faults at as many devices, {FAULTS_A_SECOND:g} a second, under {number(rate)} messages/s of"
        f" {READINGS} readings (half of the maximum); up to {looks} questions a ticket."
    )
    lag = (
        f"Storing that load was behind publishing it by {number(percentile(lags, 0.5))} s (median),"
        f" {number(max(lags))} s (most)."
    )
    cores = (
        "Of a core: " + ", ".join(f"{name} {share:.0%}" for name, share in cpu.items()) + "; fleet and reader besides."
    )
    data: dict[str, Any] = {
        "rate": rate,
        "percentiles_ms": {name: percentile(ms, share) for name, share in shares.items()},
        "histogram_ms": [{"from": low, "below": high, "faults": count} for low, high, count in bins],
        "lags_s": lags,
        "cpu_of_a_core": cpu,
        "faults": msgspec.to_builtins(seen),
    }
    return Result(
        name="ticket",
        tables=[Table(title="Milliseconds", head=("way", *shares), rows=rows), _bars(bins)],
        aims=[
            Aim(
                what="p99 from publishing to readable",
                value=percentile(ms, 0.99),
                target=200,
                at_least=False,
                unit=" ms",
            )
        ],
        notes=[load, lag, cores],
        data=data,
    )

"""Two hospitals with a device each, at which everything has happened once, and an account for each role."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import psycopg
from fastapi import FastAPI

from api.app import create_app
from api.settings import Settings
from catalog.load import load
from people.login.credentials import mint_token, token_hash
from people.roles import OPERATOR, Kind, Role
from store.partitions import ensure_partitions
from store.pool import open_pool
from tests.fixtures.postgres import Database

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
CATALOG = load()
MODEL = CATALOG.models["generic-dr"]
METRIC = "detector.temperature"
FAMILY = MODEL.signals[METRIC].rules[0].family
RUNBOOK = next(iter(CATALOG.runbooks.values()))
READINGS = 7
DEALER = 1
"""The one that a new database has."""


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True, kw_only=True)
class Hospital:
    """What a hospital has, by the ids that the API uses."""

    org: int
    site: int
    device: str
    alert: UUID
    ticket: str
    recipient: int
    account: int
    token: int
    contact: int
    name: str


@dataclass(kw_only=True)
class World:
    """The app over a database, and a client with a token for each account."""

    app: FastAPI
    http: httpx.AsyncClient
    clock: Clock
    database: Database
    a: Hospital
    b: Hospital
    tokens: dict[str, str]

    async def ask(
        self, method: str, path: str, *, as_: str = "staff", headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """A request below /api/v1 with the token of an account: a role's name (a hospital's is the first's), or
        `hospital-a`, `hospital-b`."""
        token = {"Authorization": f"Bearer {self.tokens[as_]}"}
        return await self.http.request(method, f"/api/v1{path}", headers={**token, **(headers or {})}, **more)

    def look(self, query: str, *params: object) -> list[tuple[Any, ...]]:
        """Rows, seen by the superuser."""
        with psycopg.connect(self.database.superuser, autocommit=True) as connection:
            return connection.execute(query.encode(), params).fetchall()

    def restored(self) -> bool:
        """The database becomes a copy of itself, and notices it."""
        self.look("SELECT settle_installation()")
        self.look("UPDATE installation SET timeline = 99 RETURNING 1")
        return self.look("SELECT settle_installation()") == [(True,)]


async def pages(here: World, path: str, *, as_: str = "staff") -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    found: list[dict[str, Any]] = []
    joint = "&" if "?" in path else "?"
    page = (await here.ask("GET", path, as_=as_)).json()
    found += page["items"]
    while page["next"] is not None:
        page = (await here.ask("GET", f"{path}{joint}next={page['next']}", as_=as_)).json()
        assert page["items"], "a page that was promised is not empty"
        found += page["items"]
    return found


@dataclass(frozen=True, kw_only=True)
class Arranged:
    """A database in which it has happened, and the tokens of its accounts."""

    name: str
    a: Hospital
    b: Hospital
    tokens: Mapping[str, str]


async def arrange(database: Database) -> Arranged:
    """Make it happen in a fresh database."""
    tokens: dict[str, str] = {}
    async with await psycopg.AsyncConnection.connect(database.owner) as owner:
        await ensure_partitions(owner, now=NOW, behind_days=1, ahead_days=1)
    with psycopg.connect(database.superuser) as connection:
        a = _hospital(connection, "第一人民医院", "da00000000001", "WX20261122-001")
        b = _hospital(connection, "Second Hospital", "db00000000001", "WX20261122-002")
        connection.execute("INSERT INTO ticket_day (dealer_id, day, last) VALUES (%s, '2026-11-22', 2)", [DEALER])
        for role in Role:
            org = {Kind.OPERATOR: OPERATOR, Kind.DEALER: DEALER, Kind.HOSPITAL: a.org}[role.kind]
            tokens[role], _ = new_account(connection, role, role, org)
        tokens["hospital-a"] = tokens[Role.EQUIPMENT]
        tokens["hospital-b"], _ = new_account(connection, "hospital-b", Role.EQUIPMENT, b.org)
    return Arranged(name=database.name, a=a, b=b, tokens=tokens)


@asynccontextmanager
async def world(database: Database, arranged: Arranged) -> AsyncIterator[World]:
    """Open a copy of what was arranged."""
    clock = Clock()
    async with open_pool(database.api, role="api") as pool:
        settings = Settings(mqtt_url="mqtts://steth.example:8883")
        app = create_app(settings=settings, pool=pool, catalog=CATALOG, clock=clock)
        transport = httpx.ASGITransport(app, client=("192.0.2.7", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://steth.example") as http:
            yield World(
                app=app,
                http=http,
                clock=clock,
                database=database,
                a=arranged.a,
                b=arranged.b,
                tokens=dict(arranged.tokens),
            )


def new_account(
    connection: psycopg.Connection[tuple[Any, ...]], name: str, role: Role, org: int
) -> tuple[str, tuple[int, int]]:
    """A token of a new account, and their ids."""
    token = mint_token()
    ids = connection.execute(
        "WITH a AS (INSERT INTO account (org_id, org_kind, name, role, password_hash) VALUES (%s, %s, %s, %s, 'none')"
        " RETURNING id) "
        "INSERT INTO api_token (account_id, hash, label, created_at, expires_at) SELECT id, %s, 'test', %s, %s FROM a "
        "RETURNING account_id, id",
        (org, role.kind, name, role, token_hash(token), NOW, NOW + timedelta(days=30)),
    ).fetchone()
    assert ids is not None
    return token, (ids[0], ids[1])


def _insert(connection: psycopg.Connection[tuple[Any, ...]], table: str, **row: Any) -> Any:
    names = ", ".join(row)
    places = ", ".join("%s" for _ in row)
    values = [
        json.dumps(value) if isinstance(value, dict | list) and name != "scopes" else value
        for name, value in row.items()
    ]
    statement = f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING *"  # noqa: S608 - names of this module
    found = connection.execute(statement.encode(), values).fetchone()
    assert found is not None
    return found[0]


def _hospital(connection: psycopg.Connection[tuple[Any, ...]], name: str, uid: str, number: str) -> Hospital:
    org = _insert(connection, "org", name=name)
    site = _insert(connection, "site", org_id=org, name="放射科")
    device = _insert(
        connection,
        "device",
        uid=uid,
        org_id=org,
        site_id=site,
        partition=0,
        model=MODEL.key,
        name=f"DR of {name}",
        inventory={"software": "4.2"},
        created_at=NOW - timedelta(days=2),
    )
    began = NOW - timedelta(minutes=5)
    connection.execute("INSERT INTO metric (name) VALUES (%s) ON CONFLICT DO NOTHING", (METRIC,))
    metric = connection.execute("SELECT id FROM metric WHERE name = %s", (METRIC,)).fetchone()
    assert metric is not None
    _insert(connection, "org_metric", metric_id=metric[0], org_id=org)
    for nth in range(READINGS):
        at = began - timedelta(minutes=READINGS - nth)
        _insert(connection, "reading", ts=at, device_id=device, metric_id=metric[0], value=40.0 + nth, quality=0)
    for lane in (0, 1):
        _insert(
            connection,
            "device_state",
            device_id=device,
            lane=lane,
            org_id=org,
            dealer_id=DEALER,
            engine=b"",
            latest=msgspec.msgpack.encode({metric[0]: [int(began.timestamp() * 1000) - 60_000 * lane, 46.0 - lane, 0]}),
            connected=lane == 0,
            interval_s=15.0,
            agent="0.1.0",
            boot=3,
            seen_at=NOW - timedelta(seconds=10),
            heartbeat={"live": 0},
            as_of=NOW,
        )
    _insert(
        connection, "mark", device_id=device, lane=0, epoch="e" * 16, seq=9, digest=b"d", at=NOW - timedelta(seconds=4)
    )
    event = {"org_id": org, "device_id": device}
    mine = {**event, "dealer_id": DEALER}
    for kind, reason in (("refused", "connection-lost"), ("untold", "other-storage")):
        since = NOW - timedelta(hours=3)
        told = {"kind": kind, "source": "dicom", "reason": reason, "count": 2, "form": "", "since": since}
        _insert(connection, "device_refusal", **mine, **told, last=since + timedelta(hours=1), told_at=NOW)
    _insert(connection, "device_event", **event, at=began, learned_at=began, kind="fault", body={"code": "X"})
    alert = UUID(bytes=hashlib.sha256(uid.encode()).digest()[:16])
    said = {"message": "alert.limit.above", "params": {"signal": METRIC, "value": 46.0, "limit": 42, "unit": "Cel"}}
    _insert(
        connection,
        "alert",
        id=alert,
        **mine,
        lane=0,
        rule="limit:detector-hot",
        kind="limit",
        subject=METRIC,
        family=FAMILY,
        severity="major",
        condition="active",
        occurred_at=began,
        learned_at=began,
        changed_at=began,
        **said,
    )
    _insert(
        connection,
        "alert_event",
        alert_id=alert,
        **mine,
        at=began,
        learned_at=began,
        event="hold",
        from_state="pending",
        to_state="active",
        **said,
    )
    ticket = _insert(
        connection,
        "ticket",
        number=number,
        **mine,
        site_id=site,
        family=FAMILY,
        severity="major",
        occurred_at=began,
        detected_at=began,
        opened_at=began,
        evidence_from=began - timedelta(minutes=5),
        evidence_to=began,
        causes=[{"zh": "散热风扇损坏", "en": "Fan defective"}],
        parts=[
            {
                "key": "fan",
                "name": {"zh": "风扇", "en": "fan"},
                "spec": {"zh": "12 V 直流", "en": "12 V DC"},
                "quantity": 1,
                "probability": 0.4,
            }
        ],
        message="ticket.title.limit",
        params={"family": FAMILY, "signal": METRIC, "rule": "limit:detector-hot"},
    )
    _insert(connection, "ticket_alert", ticket_id=ticket, alert_id=alert, org_id=org, dealer_id=DEALER)
    opened = {"message": "ticket.opened", "params": {"family": FAMILY}}
    _insert(
        connection, "ticket_event", ticket_id=ticket, org_id=org, dealer_id=DEALER, at=began, event="opened", **opened
    )
    _insert(
        connection,
        "remote_session",
        ticket_id=ticket,
        **mine,
        scopes=["diagnose", "view"],
        runbook=RUNBOOK.key,
        minutes=60,
        at=began,
    )
    _insert(
        connection,
        "command",
        id=f"c-{uid}",
        **mine,
        ticket_id=ticket,
        body={"do": {"t": "run", "runbook": RUNBOOK.key}},
        issued_at=began,
        expires_at=began + timedelta(minutes=10),
        status="done",
        replied_at=began + timedelta(seconds=2),
        verdict={
            "runbook": RUNBOOK.key,
            "outcome": "warn",
            "began": 1,
            "ended": 2,
            "steps": [
                {
                    "id": RUNBOOK.steps[0].id,
                    "outcome": "warn",
                    "reason": "remote.step.disk_high",
                    "values": {"used": 88.0},
                }
            ],
        },
    )
    recipient = _insert(connection, "recipient", org_id=org, name="NOC", address="jsons://user:hunter2@example.com/x")
    _insert(
        connection,
        "telling",
        ticket_id=ticket,
        step="opened",
        recipient_id=recipient,
        org_id=org,
        owner_id=DEALER,
        message="m",
    )
    contact = _insert(connection, "contact", org_id=org, name=f"Caller of {name}", part="equipment", phone="010 5555")
    _, (account, token) = new_account(connection, f"doctor of {name}", Role.EQUIPMENT, org)
    return Hospital(
        org=org,
        site=site,
        device=uid,
        alert=alert,
        ticket=number,
        recipient=recipient,
        account=account,
        token=token,
        contact=contact,
        name=name,
    )

"""What is attacked: everything that a deployment runs, from its own files, on the loopback.

The broker with docker/mosquitto's configuration and certificates, a database with its roles' passwords, and `steth
ingest`, `jobs` and `api` as processes of their own, with settings such as docker/prepare writes. Two hospitals, a
device each, accounts of every role.
"""

import asyncio
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg

from store.partitions import ensure_partitions
from tests.fixtures.deployed import DeployedBroker, device_certificate
from tests.fixtures.ports import free_port
from tests.fixtures.postgres import Database

PATIENCE_S: Final = 60.0
PREFIX: Final = "/api/v1"


@dataclass(frozen=True, kw_only=True)
class Insider:
    """Somebody with an account: an attacker who came in by the door."""

    name: str
    password: str
    token: str


@dataclass(kw_only=True)
class Installation:
    """`log`: the processes' own, by name. `devices`: of each hospital, its device's id."""

    folder: Path
    broker: DeployedBroker
    database: Database
    api: str
    log: Mapping[str, Path]
    health: Mapping[str, str]
    insiders: dict[str, Insider]
    devices: dict[str, str]
    hospitals: dict[str, int]

    def ask(self, method: str, path: str, *, as_: str | None = "staff", **more: Any) -> httpx.Response:
        """A request below /api/v1 with somebody's token; `as_` None: nobody's."""
        headers = {**more.pop("headers", {})}
        if as_ is not None:
            headers["Authorization"] = f"Bearer {self.insiders[as_].token}"
        return httpx.request(method, f"{self.api}{PREFIX}{path}", headers=headers, timeout=20, trust_env=False, **more)

    def sql(self, query: str, *params: object) -> list[tuple[Any, ...]]:
        """Rows, seen by the superuser."""
        with psycopg.connect(self.database.superuser, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), params)
            return cursor.fetchall() if cursor.description else []

    def said(self) -> str:
        """All that any process logged, the broker too."""
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in self.log.values()) + (
            self.broker.said()
        )

    def stored(self) -> Iterator[tuple[str, str]]:
        """Every row of every table, as text: (table, row)."""
        names = self.sql(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY 1"
        )
        for (table,) in names:
            for (row,) in self.sql(f"SELECT t::text FROM {table} t"):  # noqa: S608 - a name of the catalog
                yield table, row


def until(look: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    """What `look` finds, once it finds anything."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return found


def toml(path: Path, values: Mapping[str, object]) -> Path:
    """A file of settings, as docker/prepare writes one."""
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()), encoding="utf-8")
    path.chmod(0o600)
    return path


def _process(stack: ExitStack, name: str, config: Path, health: str, log: Path) -> None:
    """A service as it is installed; it must live to the end and then stop by itself when asked."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("STETH_")}
    output = stack.enter_context(log.open("ab"))
    started = subprocess.Popen(
        [sys.executable, "-m", "steth", name, "--config", str(config)], stdout=output, stderr=output, env=environment
    )

    def stop() -> None:
        assert started.poll() is None, f"{name} ended: {log.read_text(encoding='utf-8')[-2000:]}"
        started.terminate()
        try:
            started.wait(30)
        finally:
            started.kill()

    stack.callback(stop)

    def ready() -> bool:
        assert started.poll() is None, f"{name} ended: {log.read_text(encoding='utf-8')[-2000:]}"
        try:
            return httpx.get(f"{health}/readyz", timeout=5, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    until(ready)


def _broker_settings(broker: DeployedBroker, service: str) -> dict[str, object]:
    place = broker.certificates / service
    return {
        "mqtt": f"mqtts://localhost:{broker.ports['services']}",
        "mqtt_ca": str(place / "ca.crt"),
        "mqtt_cert": str(place / "client.crt"),
        "mqtt_key": str(place / "client.key"),
    }


async def _room(database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.owner) as connection:
        await ensure_partitions(connection, now=datetime.now(UTC), behind_days=100, ahead_days=40)


STAFF: Final = ("staff", "manager", "noc", "engineer")
HOSPITALS: Final = ("hospital-a", "hospital-b")


@contextmanager
def installed(broker: DeployedBroker, database: Database, folder: Path) -> Iterator[Installation]:
    """Start it, with two hospitals, `hospital-a` and `hospital-b`, and an insider of each role."""
    asyncio.run(_room(database))
    ports = {name: free_port() for name in ("ingest", "jobs", "api")}
    health = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    log = {name: folder / f"{name}.log" for name in ports}
    settings: dict[str, dict[str, object]] = {
        "ingest": {
            "dsn_ingest": database.ingest,
            "health": f"127.0.0.1:{ports['ingest']}",
            **_broker_settings(broker, "ingest"),
        },
        "jobs": {
            "dsn_jobs": database.jobs,
            "health": f"127.0.0.1:{ports['jobs']}",
            **_broker_settings(broker, "jobs"),
        },
        "api": {
            "dsn_api": database.api,
            "http": f"127.0.0.1:{ports['api']}",
            "mqtt_public": "mqtts://steth.example:8883",
        },
    }
    with ExitStack() as stack:
        for name, values in settings.items():
            _process(stack, name, toml(folder / f"{name}.toml", values), health[name], log[name])
        made = Installation(
            folder=folder,
            broker=broker,
            database=database,
            api=health["api"],
            log=log,
            health=health,
            insiders={},
            devices={},
            hospitals={},
        )
        _people(made)
        yield made


def _people(made: Installation) -> None:
    owner = toml(made.folder / "owner.toml", {"dsn_owner": made.database.owner})

    def enter(name: str, role: str, org: int | None = None) -> None:
        which = [] if org is None else ["--org", str(org)]
        command = [
            sys.executable,
            "-m",
            "steth",
            "account",
            "add",
            name,
            "--role",
            role,
            *which,
            "--config",
            str(owner),
        ]
        password = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        login = made.ask("POST", "/login", as_=None, json={"user": name, "password": password}).raise_for_status()
        token, chosen = login.json()["token"], secrets.token_urlsafe(12)
        made.insiders[name] = Insider(name=name, password=chosen, token=token)
        changed = {"old": password, "new": chosen}
        made.ask("POST", "/account/password", as_=name, json=changed).raise_for_status()

    for role in STAFF:
        enter(role, role)
    for name in HOSPITALS:
        site = {"hospital": f"Hospital {name[-1].upper()}", "site": "Radiology"}
        device = {"name": f"DR of {name}", "model": "generic-dr", "site": site}
        answer = made.ask("POST", "/devices", json=device).raise_for_status().json()
        made.devices[name] = answer["id"]
        made.hospitals[name] = made.sql("SELECT org_id FROM device WHERE uid = %s", answer["id"])[0][0]
        device_certificate(made.broker.certificates, answer["id"])
        enter(name, "equipment", made.hospitals[name])

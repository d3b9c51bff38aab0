"""`steth up`: database, broker, services and a simulated hospital on one machine, in one folder."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final
from urllib.parse import quote

import httpx
import psycopg
from msgspec import Struct
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api.accounts import create_account, create_token
from api.roles import Role as AccountRole
from catalog.load import load
from catalog.model import Catalog, Lang
from steth import hospital
from steth.broker import write_config
from steth.children import Child
from steth.flow import Flow
from steth.folder import (
    DOCTOR,
    RUN,
    SECRETS,
    UpError,
    data_folder,
    free_port,
    kept_port,
    load_secrets,
    require_free,
    write_private,
)
from steth.maintenance import Upkeep
from steth.signals import stop_event
from store.embedded import EmbeddedPostgres
from store.errors import StoreError, StoreErrorCode
from store.migrate import migrate
from store.pool import role_dsn
from store.retention import Keep
from store.roles import set_passwords

DATABASE: Final = "steth"
ADMIN: Final = "admin"
READY_S: Final = 90.0
HEARTBEAT_S: Final = 5.0


class Options(Struct, frozen=True, kw_only=True):
    """What the command line says; ``mqtt`` None: a free port, ``catalog`` None: the shipped one, ``seconds`` None:
    until asked to stop."""

    data: Path
    http: int
    mqtt: int | None
    devices: int
    catalog: Path | None
    seconds: float | None
    lang: Lang


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def run_up(options: Options) -> int:
    """Run everything until asked to stop; 0 after a clean stop. Raises UpError, StoreError, CatalogError: one line."""
    stopped = stop_event()
    catalog = load(options.catalog)
    with data_folder(options.data) as folder:
        require_free(options.http, "--http")
        if options.mqtt is not None:
            require_free(options.mqtt, "--mqtt")
        _say(f"steth up: everything is kept in {folder}")
        server = await asyncio.to_thread(_start_database, folder)
        try:
            everything = Everything(options=options, folder=folder, server=server, stopped=stopped, catalog=catalog)
            await everything.run()
        finally:
            for left in (RUN, DOCTOR):
                (folder / left).unlink(missing_ok=True)
            await asyncio.to_thread(server.stop)
    _say("stopped; the same command goes on where this ended")
    return 0


def _start_database(folder: Path) -> EmbeddedPostgres:
    """The database, on the port of the last run: an orphan of ours that still holds it is stopped first."""
    known = load_secrets(folder)
    port = int(known.get("postgres_port", "0")) or free_port()
    server = EmbeddedPostgres(folder=folder / "postgres", port=port)
    try:
        server.start()
    except StoreError as error:
        if error.code is not StoreErrorCode.PORT_IN_USE:
            raise
        port = free_port()
        server = EmbeddedPostgres(folder=folder / "postgres", port=port)
        server.start()
    write_private(folder / SECRETS, {**known, "postgres_port": str(port)})
    return server


class _StoppedError(Exception):
    """Asked to stop before everything was there."""


class Everything:
    """The processes on a running database."""

    def __init__(
        self, *, options: Options, folder: Path, server: EmbeddedPostgres, stopped: asyncio.Event, catalog: Catalog
    ) -> None:
        self._stopped = stopped
        self._options = options
        self._folder = folder
        self._server = server
        self._catalog = catalog
        self._http = f"http://127.0.0.1:{options.http}"
        self._mqtt_port = options.mqtt or kept_port(folder, "mqtt_port")
        self._secrets = load_secrets(folder)
        self._health = {name: free_port() for name in ("ingest", "alerts", "agent")}
        self._children: list[Child] = []

    async def run(self) -> None:
        """Prepare, start, watch, stop."""
        superuser = make_conninfo(self._server.dsn, dbname=DATABASE)
        await asyncio.to_thread(self._prepare_database, superuser)
        dsns = {
            role: role_dsn(superuser, role=role, password=self._secrets[role]) for role in ("owner", "ingest", "api")
        }
        await Upkeep(dsn_owner=dsns["owner"], keep=Keep()).make_room()
        token = await self._first_account(dsns["owner"])
        mqtt = f"mqtt://127.0.0.1:{self._mqtt_port}"
        environment = {
            **{f"STETH_DSN_{role.upper()}": dsn for role, dsn in dsns.items()},
            "STETH_MQTT": mqtt,
            "STETH_HTTP": f"127.0.0.1:{self._options.http}",
            "STETH_PUBLIC_URL": self._http,
            "STETH_HEARTBEAT_S": str(HEARTBEAT_S),
            "STETH_LOG": "json",
            "STETH_CATALOG": str(self._options.catalog or ""),
        }
        try:
            await self._start_services(environment)
            await self._start_hospital(mqtt, token)
            write_private(
                self._folder / RUN,
                {
                    "http": self._http,
                    "mqtt": mqtt,
                    "dsn": self._tool_dsn(),
                    "user": ADMIN,
                    "password": self._secrets["admin"],
                    "token": token,
                },
            )
            self._tell_doctor(environment)
            _say(f"PAGE     {self._http}/   user {ADMIN}   password {self._secrets['admin']}   API {self._http}/api/v1")
            _say(f"MQTT     {mqtt}   logs {self._folder / 'logs'}   addresses and token {self._folder / RUN}")
            await self._watch(dsns["owner"])
        except _StoppedError:
            pass
        finally:
            _say("stopping")
            for child in reversed(self._children):
                await child.stop()

    def _tell_doctor(self, environment: Mapping[str, str]) -> None:
        """What `steth doctor --data` looks at: the settings of the services, their addresses, the agent's file."""
        processes = {"api": self._http, **{n: f"http://127.0.0.1:{self._health[n]}" for n in ("ingest", "alerts")}}
        settings = {name.removeprefix("STETH_").lower(): value for name, value in environment.items()}
        agent = str(self._folder / "agent.toml") if self._options.devices else None
        write_private(self._folder / DOCTOR, {"settings": settings, "processes": processes, "agent": agent})

    # before anything runs ---------------------------------------------------------------------------------------------

    def _prepare_database(self, superuser: str) -> None:
        with psycopg.connect(self._server.dsn, autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        migrate(superuser)
        with psycopg.connect(superuser, autocommit=True) as connection:
            set_passwords(
                connection,
                {
                    "owner": self._secrets["owner"],
                    "ingest": self._secrets["ingest"],
                    "api": self._secrets["api"],
                },
            )

    async def _first_account(self, dsn: str) -> str:
        """The administrator's account and a token for programs; made once, kept in the folder's secrets."""
        kept = self._secrets.get("token")
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            now = datetime.now(UTC)
            row = await (await connection.execute("SELECT id FROM account WHERE name = %s", (ADMIN,))).fetchone()
            if row is not None and kept is not None:
                return kept
            if row is None:
                account = await create_account(
                    connection, name=ADMIN, password=self._secrets["admin"], role=AccountRole.ADMIN, now=now
                )
            else:
                account = int(row[0])
            _, token = await create_token(connection, account=account, label="steth up", now=now, expires_at=None)
            # Kept before the commit: a token nobody knows is worse than one that isn't there yet.
            self._secrets["token"] = token
            write_private(self._folder / SECRETS, self._secrets)
        return token

    def _tool_dsn(self) -> str:
        """The owner's address over TCP as a URL, for tools of this machine."""
        where = conninfo_to_dict(self._server.tcp_dsn)
        return f"postgresql://steth_owner:{quote(self._secrets['owner'])}@127.0.0.1:{where['port']}/{DATABASE}"

    # processes --------------------------------------------------------------------------------------------------------

    def _child(self, name: str, arguments: list[str], environment: dict[str, str]) -> Child:
        child = Child(name=name, arguments=arguments, environment=environment, logs=self._folder / "logs")
        self._children.append(child)
        child.start()
        return child

    async def _start_services(self, environment: dict[str, str]) -> None:
        broker = self._child("broker", ["broker", str(write_config(self._folder, self._mqtt_port))], {})
        api = self._child("api", ["api"], environment)
        started = {api: f"{self._http}/readyz"}
        await self._until(broker, partial(_listens, self._mqtt_port))
        for name in ("ingest", "alerts"):
            where = f"127.0.0.1:{self._health[name]}"
            child = self._child(name, [name], {**environment, "STETH_HEALTH": where})
            started[child] = f"http://{where}/readyz"
        async with httpx.AsyncClient(timeout=2) as client:
            for child, url in started.items():
                await self._until(child, partial(_answers, client, url))

    async def _start_hospital(self, mqtt: str, token: str) -> None:
        if self._options.devices == 0:
            return
        devices = await asyncio.to_thread(
            hospital.mint_devices, self._folder, self._options.devices, http=self._http, token=token
        )
        where = f"127.0.0.1:{self._health['agent']}"
        config = hospital.write_agent_config(
            self._folder,
            devices,
            http=self._http,
            mqtt=mqtt,
            health=where,
            now=datetime.now(UTC),
            heartbeat_s=HEARTBEAT_S,
            catalog=self._options.catalog,
        )
        agent = self._child("agent", ["agent", str(config)], {})
        async with httpx.AsyncClient(timeout=2) as client:
            await self._until(agent, partial(_answers, client, f"http://{where}/readyz"))
        lives = hospital.write_sim_config(self._folder, devices, catalog=self._options.catalog)
        self._child("hospital", ["sim", "hospital", str(lives)], {})

    async def _until(self, child: Child, ready: Callable[[], Awaitable[bool]]) -> None:
        deadline = monotonic() + READY_S
        while not await ready():
            if self._stopped.is_set():
                raise _StoppedError
            if not child.running:
                raise UpError(f"{child.name} ended at once: {child.last_words()} (see {child.log})")
            if monotonic() > deadline:
                raise UpError(f"{child.name} was not ready within {READY_S:g} s: see {child.log}")
            await asyncio.sleep(0.05)

    # while it runs ----------------------------------------------------------------------------------------------------

    async def _watch(self, dsn: str) -> None:
        """One line a second; what ended is started again."""
        flow = Flow(
            catalog=self._catalog,
            lang=self._options.lang,
            metrics_url=f"http://127.0.0.1:{self._health['ingest']}/metrics",
        )
        deadline = None if self._options.seconds is None else monotonic() + self._options.seconds
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(httpx.AsyncClient(timeout=2))
            connection: AsyncConnection[Any] | None = None
            while not self._stopped.is_set() and (deadline is None or monotonic() < deadline):
                began = monotonic()
                for child in self._children:
                    news = child.revive()
                    if news is not None:
                        _say(news)
                if self._server.pid is None:
                    _say("the database ended; starting it again")
                    await asyncio.to_thread(self._server.start)
                now = datetime.now().astimezone()
                try:
                    if connection is None or connection.closed:
                        connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=2)
                        stack.push_async_callback(connection.close)
                    for line in await flow.opened(connection, now):
                        _say(line)
                    _say(await flow.line(connection, client, now))
                except psycopg.Error as error:
                    _say(f"{now:%H:%M:%S}  the database does not answer: {str(error).strip().splitlines()[0]}")
                    if connection is not None:
                        await connection.close()
                        connection = None
                try:
                    async with asyncio.timeout(max(0.05, 1.0 - (monotonic() - began))):
                        await self._stopped.wait()
                except TimeoutError:
                    continue


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False

"""`steth up`: database, broker, services and a simulated hospital on one machine, in one folder."""

import asyncio
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

import httpx
import psycopg
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from catalog.load import load
from catalog.model import Catalog, Lang
from people.accounts import create_account, create_token
from people.audit.heads import make_key
from people.roles import Role as AccountRole
from steth import hospital
from steth.accounts import org_for
from steth.broker import USER, write_config
from steth.children import Child
from steth.folder import DOCTOR, RUN, SECRETS, DataFolder, UpError, data_folder, load_secrets, write_private
from steth.jobs.maintenance import Groundwork
from steth.ports import Ports
from steth.signals import stop_event
from steth.statements import QUERIES
from steth.watch import Watch, say
from store.embedded import EmbeddedPostgres
from store.errors import StoreError, StoreErrorCode, one_line
from store.migrate import migrate
from store.pool import ROLES, Role, role_dsn
from store.retention import Keep
from store.roles import make_database, set_passwords

DATABASE: Final = "steth"
ADMIN: Final = "admin"
STAFF: Final = "demo-staff"
DESK: Final = "demo-desk"
"""Who mends the simulated hospital, and closes its tickets."""
READY_S: Final = 90.0
HEARTBEAT_S: Final = 5.0
_SERVICES: Final[Mapping[str, Role]] = MappingProxyType({"ingest": "ingest", "jobs": "jobs"})


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


async def run_up(options: Options) -> int:
    """Run everything until asked to stop; 0 after a clean stop. Raises UpError, StoreError, CatalogError: one line."""
    stopped = stop_event()
    catalog = load(options.catalog)
    with data_folder(options.data) as folder, Ports() as ports:
        for port, option in ((options.http, "--http"), (options.mqtt, "--mqtt")):
            if port is not None and not ports.take(port):
                raise UpError(f"port {port} is in use on 127.0.0.1: choose another with {option}")
        say(f"steth up: everything is kept in {folder.path}")
        server = await asyncio.to_thread(_start_database, folder.path, ports)
        try:
            everything = Everything(
                options=options, folder=folder, server=server, stopped=stopped, catalog=catalog, ports=ports
            )
            await everything.run()
        except (psycopg.Error, httpx.HTTPError) as error:
            raise UpError(f"it could not be prepared, see {folder.path / 'logs'}: {one_line(error)}") from None
        finally:
            for left in (RUN, DOCTOR):
                (folder.path / left).unlink(missing_ok=True)
            await asyncio.to_thread(server.stop)
    say("stopped; the same command goes on where this ended")
    return 0


def _start_database(folder: Path, ports: Ports) -> EmbeddedPostgres:
    """The database, on the port of the last run: an orphan of ours that still holds it is stopped first."""
    known = load_secrets(folder)
    kept = int(known.get("postgres_port", "0"))
    if kept:
        ports.take(kept)
    port = kept or ports.new()
    server = EmbeddedPostgres(folder=folder / "postgres", port=port)
    try:
        server.start()
    except StoreError as error:
        if error.code is not StoreErrorCode.PORT_IN_USE:
            raise
        port = ports.new()
        server = EmbeddedPostgres(folder=folder / "postgres", port=port)
        server.start()
    write_private(folder / SECRETS, {**known, "postgres_port": str(port)})
    return server


class _StoppedError(Exception):
    """Asked to stop before everything was there."""


class Everything:
    """The processes on a running database."""

    def __init__(
        self,
        *,
        options: Options,
        folder: DataFolder,
        server: EmbeddedPostgres,
        stopped: asyncio.Event,
        catalog: Catalog,
        ports: Ports,
    ) -> None:
        self._stopped = stopped
        self._options = options
        self._whole = folder
        self._folder = folder.path
        self._server = server
        self._catalog = catalog
        self._ports = ports
        self._http = f"http://127.0.0.1:{options.http}"
        self._secrets = load_secrets(folder.path)
        self._mqtt_port = options.mqtt or ports.kept(int(self._secrets.get("mqtt_port", "0")))
        if options.mqtt is None:  # whoever comes from outside finds it again
            self._secrets["mqtt_port"] = str(self._mqtt_port)
            write_private(folder.path / SECRETS, self._secrets)
        self._health = {name: ports.new() for name in ("ingest", "jobs", "agent")}
        self._children: list[Child] = []

    async def run(self) -> None:
        """Prepare, start, watch, stop."""
        # By TCP: the socket's folder has the data folder's name, and another one after a start that failed.
        superuser = make_conninfo(self._server.tcp_dsn, dbname=DATABASE)
        await asyncio.to_thread(self._prepare_database, superuser)
        dsns = {role: role_dsn(superuser, role=role, password=self._secrets[role]) for role in ROLES}
        ground = Groundwork(dsn_owner=dsns["owner"], keep=Keep())
        await ground.make_room()
        await ground.set_ages()
        token = await self._account(
            dsns["owner"], ADMIN, AccountRole.STAFF, password=self._secrets["admin"], kept_as="token"
        )
        mqtt = f"mqtt://127.0.0.1:{self._mqtt_port}"
        environment = {
            "STETH_MQTT": mqtt.replace("://", f"://{USER}:{self._secrets['mqtt']}@"),
            "STETH_HTTP": f"127.0.0.1:{self._options.http}",
            "STETH_PUBLIC_URL": self._http,
            "STETH_HEARTBEAT_S": str(HEARTBEAT_S),
            "STETH_LOG": "json",
            "STETH_CATALOG": str(self._options.catalog or ""),
            "STETH_AUDIT_KEY": str(self._audit_key()),
            "STETH_AUDIT_HEADS": str(self._folder / "audit.heads"),
        }
        try:
            await self._start_services(environment, dsns)
            await self._start_hospital(mqtt, token, dsns["owner"])
            write_private(
                self._folder / RUN,
                {
                    "http": self._http,
                    "mqtt": mqtt,
                    "mqtt_user": USER,
                    "mqtt_password": self._secrets["mqtt"],
                    "dsn": self._tool_dsn(),
                    "user": ADMIN,
                    "password": self._secrets["admin"],
                    "token": token,
                },
            )
            self._tell_doctor({**environment, **{f"STETH_DSN_{role.upper()}": dsn for role, dsn in dsns.items()}})
            say(f"PAGE     {self._http}/   user {ADMIN}   password {self._secrets['admin']}   API {self._http}/api/v1")
            say(f"MQTT     {mqtt}   logs {self._folder / 'logs'}   addresses, passwords, token {self._folder / RUN}")
            say("TO TRY   all share the broker's one password, without TLS; for real equipment: docs/deploy.md")
            watch = Watch(
                folder=self._folder,
                children=self._children,
                server=self._server,
                dsn=dsns["owner"],
                metrics_url=f"http://127.0.0.1:{self._health['ingest']}/metrics",
                catalog=self._catalog,
                lang=self._options.lang,
            )
            await watch.run(self._stopped, seconds=self._options.seconds)
        except _StoppedError:
            pass
        finally:
            say("stopping")
            for child in reversed(self._children):
                await child.stop()

    def _tell_doctor(self, environment: Mapping[str, str]) -> None:
        """What `steth doctor --data` looks at: the settings of the services, their addresses, the agent's file."""
        processes = {"api": self._http, **{n: f"http://127.0.0.1:{self._health[n]}" for n in ("ingest", "jobs")}}
        settings = {name.removeprefix("STETH_").lower(): value for name, value in environment.items()}
        agent = "agent.toml" if self._options.devices else None
        write_private(self._folder / DOCTOR, {"settings": settings, "processes": processes, "agent": agent})

    # before anything runs ---------------------------------------------------------------------------------------------

    def _prepare_database(self, superuser: str) -> None:
        with psycopg.connect(self._server.dsn, autocommit=True) as connection:
            make_database(connection, DATABASE)
        migrate(superuser)
        with psycopg.connect(superuser, autocommit=True) as connection:
            set_passwords(
                connection,
                {role: self._secrets[role] for role in ROLES},
            )

    def _audit_key(self) -> Path:
        """The key that signs the audit log's heads; made once."""
        path = self._folder / "audit.key"
        if not path.exists():
            make_key(path)
        return path

    async def _account(self, dsn: str, name: str, role: AccountRole, *, password: str, kept_as: str) -> str:
        """An account, and a token of it for programs, kept in the folder's secrets; made once."""
        kept = self._secrets.get(kept_as)
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            now = datetime.now(UTC)
            row = await (await connection.execute(QUERIES["account_of"], (name,))).fetchone()
            if row is not None and kept is not None:
                return kept
            if row is None:
                org = await org_for(connection, role, None)
                account = await create_account(connection, name=name, password=password, role=role, org=org, now=now)
            else:
                account = int(row[0])
            _, made = await create_token(connection, account=account, label="steth up", now=now, expires_at=None)
            # Kept before the commit: a token nobody knows is worse than one that isn't there yet.
            self._secrets[kept_as] = made
            write_private(self._folder / SECRETS, self._secrets)
        return made

    def _tool_dsn(self) -> str:
        """The owner's address over TCP as a URL, for tools of this machine."""
        where = conninfo_to_dict(self._server.tcp_dsn)
        return f"postgresql://steth_owner:{quote(self._secrets['owner'])}@127.0.0.1:{where['port']}/{DATABASE}"

    # processes --------------------------------------------------------------------------------------------------------

    def _child(self, name: str, arguments: list[str], environment: dict[str, str]) -> Child:
        child = Child(name=name, arguments=arguments, environment=environment, folder=self._whole)
        self._children.append(child)
        child.start()
        return child

    async def _start_services(self, environment: dict[str, str], dsns: Mapping[Role, str]) -> None:
        """Each with the address of its own role."""
        broker = self._child(
            "broker", ["broker", write_config(self._folder, self._mqtt_port, self._secrets["mqtt"]).name], {}
        )
        api = self._child("api", ["api"], {**environment, "STETH_DSN_API": dsns["api"]})
        started = {api: self._options.http}
        await self._until(broker, self._mqtt_port, None)
        for name, role in _SERVICES.items():
            port = self._health[name]
            its = {f"STETH_DSN_{role.upper()}": dsns[role], "STETH_HEALTH": f"127.0.0.1:{port}"}
            started[self._child(name, [name], {**environment, **its})] = port
        for child, port in started.items():
            await self._until(child, port, "/readyz")

    async def _start_hospital(self, mqtt: str, token: str, dsn: str) -> None:
        if self._options.devices == 0:
            return
        # Nobody signs in as the staff: their passwords are thrown away.
        password, other = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        staff = await self._account(dsn, STAFF, AccountRole.ENGINEER, password=password, kept_as="staff_token")
        desk = await self._account(dsn, DESK, AccountRole.NOC, password=other, kept_as="desk_token")
        devices = await asyncio.to_thread(
            hospital.mint_devices,
            self._folder,
            self._options.devices,
            ports=self._ports,
            http=self._http,
            token=token,
        )
        config = hospital.write_agent_config(
            self._folder,
            devices,
            http=self._http,
            mqtt=mqtt,
            login=(USER, self._secrets["mqtt"]),
            health=f"127.0.0.1:{self._health['agent']}",
            now=datetime.now(UTC),
            heartbeat_s=HEARTBEAT_S,
            catalog=self._options.catalog,
        )
        agent = self._child("agent", ["agent", config.name], {})
        await self._until(agent, self._health["agent"], "/readyz")
        lives = hospital.write_sim_config(
            self._folder, devices, http=self._http, token=staff, desk=desk, catalog=self._options.catalog
        )
        self._child("hospital", ["sim", "hospital", str(lives.relative_to(self._folder))], {})

    async def _until(self, child: Child, port: int, path: str | None) -> None:
        """Wait for the child to be ready on its port. Raises UpError when it ended, for somebody else may answer there,
        or another did, for which it may wait in vain."""
        deadline = monotonic() + READY_S
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            while not await _ready(child, port, client, path):
                if self._stopped.is_set():
                    raise _StoppedError
                for one in self._children:
                    if not one.running:
                        raise UpError(f"{one.name} ended at once: {one.last_words()} (see {one.log})")
                if monotonic() > deadline:
                    raise UpError(f"{child.name} was not ready within {READY_S:g} s: see {child.log}")
                await asyncio.sleep(0.05)


async def _ready(child: Child, port: int, client: httpx.AsyncClient, path: str | None) -> bool:
    """Whether the child listens on its port and, asked there for ``path``, says that it is ready."""
    if not child.listens(port):
        return False
    if path is None:
        return True
    try:
        return (await client.get(f"http://127.0.0.1:{port}{path}")).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False

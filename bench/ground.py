"""What every benchmark stands on: a real broker, a durable database with 10,000 devices, facts of the machine."""

import asyncio
import contextlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import psutil
import psycopg

from catalog.load import load
from store.embedded import EmbeddedPostgres
from store.partitions import ensure_partitions
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.parts import versions
from tests.fixtures.postgres import Cluster, Database
from tests.fixtures.timescale import Timescale
from tests.fixtures.trixie import Tree
from wire.ids import DeviceId, bucket, mint_device_id, partition

EngineName = Literal["plain", "timescale"]
DEVICES: Final = 10_000
CATALOG: Final = load()
MODEL: Final = CATALOG.models["generic-dr"]
_BROKER: Final = [
    # Its own saving of hundreds of thousands of queued messages every second would be what is measured. No subject
    # needs it: what a broker forgets is sent again.
    "autosave_interval 1800",
    "max_queued_bytes 4294967295",
]
_EMPTIED: Final = (
    "reading, reading_1m, reading_1h, reading_1d, rollup_dirty, reading_aside, mark, gap, dead_letter, recent_digest,"
    " to_judge, device_state, device_event, alert,"
    " alert_event, alert_operator, ticket_alert, ticket_event, telling, command, remote_session, ticket, ingest_process"
)


class GroundError(Exception):
    """A part is missing; the text says which and how to get it."""


@dataclass(kw_only=True)
class Ground:
    """`database`: migrated, with room for readings and `devices` enrolled devices of the model generic-dr."""

    tree: Tree
    broker: Mosquitto
    database: Database
    engine: EngineName
    postmaster: int
    folder: Path
    devices: list[DeviceId] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)
    metrics: dict[str, int] = field(default_factory=dict)

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of a statement, run as the superuser."""
        with psycopg.connect(self.database.superuser, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def empty(self) -> None:
        """Forget everything but the devices and the metrics' names: in the database, and in the broker."""
        self.sql(f"TRUNCATE {_EMPTIED} CASCADE")
        self.sql("UPDATE partition_lease SET owner = NULL, lease_until = NULL, clock_ms = 0")
        self.broker.wipe()
        self.broker.start()

    def settle(self) -> None:
        """Have the database write out what earlier work left, so that it doesn't fall into the next measurement."""
        self.sql("CHECKPOINT")


@contextlib.contextmanager
def ground(*, engine: EngineName = "plain", devices: int = DEVICES) -> Iterator[Ground]:
    """Start everything and in the end remove it. Raises GroundError when a part is missing."""
    tree = Tree.find()
    if tree is None:
        raise GroundError("mosquitto 2.0.21 is missing: sudo make test-deps, then run as root")
    folder = Path(tempfile.mkdtemp(prefix="steth-bench-"))  # on a disk: fsync must cost what it costs
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        if engine == "plain":
            server = EmbeddedPostgres(folder=folder / "postgres")
            server.start()
            stack.callback(server.stop)
            dsn, postmaster = server.dsn, server.pid or 0
        else:
            timescale = stack.enter_context(Timescale(tree=tree, durable=True))
            dsn, postmaster = timescale.dsn(), timescale.pid
        database = Cluster(superuser_dsn=dsn).create()
        broker = stack.enter_context(Mosquitto(tree=tree, config=_BROKER))
        made = Ground(tree=tree, broker=broker, database=database, engine=engine, postmaster=postmaster, folder=folder)
        _furnish(made, devices)
        yield made


async def _room(database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.owner, autocommit=True) as owner:
        await ensure_partitions(owner, now=datetime.now(UTC), behind_days=100, ahead_days=40)


def _furnish(made: Ground, devices: int) -> None:
    asyncio.run(_room(made.database))
    made.devices = [mint_device_id() for _ in range(devices)]
    made.sql("INSERT INTO org (name) VALUES ('hospital')")
    made.sql("INSERT INTO site (org_id, name) SELECT id, 'radiology' FROM org WHERE kind = 'hospital'")
    rows = made.sql(
        "INSERT INTO device (uid, org_id, site_id, partition, model, name, enrolled_at)"
        " SELECT u.uid, s.org_id, s.id, u.partition, 'generic-dr', u.uid, now()"
        " FROM site s, unnest(%s::text[], %s::smallint[]) AS u (uid, partition) RETURNING uid, id",
        made.devices,
        [partition(bucket(uid)) for uid in made.devices],
    )
    made.ids = dict(rows)
    names = sorted(MODEL.signals)
    made.metrics = dict(made.sql("INSERT INTO metric (name) SELECT unnest(%s::text[]) RETURNING name, id", names))
    made.sql("ANALYZE")


def facts(made: Ground) -> dict[str, Any]:
    """The machine, and the versions of what was measured."""
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607
        capture_output=True, text=True, check=False, cwd=Path(__file__).parent,
    ).stdout.strip()  # fmt: skip
    settings = made.sql(
        "SELECT name, setting FROM pg_settings WHERE name IN"
        " ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers')"
    )
    timescale = made.sql("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "load_before": os.getloadavg(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "parts": versions(),
        "database": dict(settings) | ({"timescaledb": timescale[0][0]} if timescale else {}),
        "revision": revision,
        "devices": len(made.devices),
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process, its living children, and the children it has buried."""
    total = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        buried = parent.cpu_times()
        total += buried.children_user + buried.children_system
    return total

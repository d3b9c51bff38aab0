"""Restored copies, made for real: a dump in a new cluster, a base backup brought to another timeline, an older state
put back in place. Each must notice by itself, and what is read and numbered afterwards must be right."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api.feed.log import Boundary, boundary, read_after
from api.feed.position import Away, Position, decode, encode
from store.embedded import EmbeddedPostgres
from store.errors import StoreError
from store.installation import Watch, settle_first
from store.migrate import MIGRATIONS, migrate
from store.pool import EVERY_ORG, Role, open_pool, role_dsn, scoped
from store.roles import ensure_roles, set_passwords
from tests.fixtures.folders import thrown_away
from tests.fixtures.postgres import Cluster, Database
from tests.fixtures.timescale import Timescale
from tests.fixtures.trixie import Tree
from tests.integration.desk.arrange import NOW, batch, episode, rows
from tests.integration.desk.test_tickets import run
from tests.integration.store.copies import OLD, restored_by, settled, with_a_past

DAY_MS: Final = 86_400_000
_names = count(1)


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """Where a database is, and another cluster; with the programs of either."""

    here: str
    there: str
    run: tuple[str, ...]
    """What to put before a program's name and its arguments."""

    def dump(self, database: Database) -> bytes:
        return self._do(self.here, "pg_dump", "--format=custom", database.name)

    def restore(self, dump: bytes) -> Database:
        """A new database of a dump, by the steps of docs/deploy.md."""
        name = f"restored_{next(_names)}"
        with psycopg.connect(self.there, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        made = _database(self.there, name)
        with psycopg.connect(made.superuser, autocommit=True) as connection:
            ensure_roles(connection)
            set_passwords(connection, {"owner": "o", "ingest": "i", "jobs": "j", "api": "a"})
            timescale = self.run[0] != "embedded"
            if timescale:
                connection.execute("CREATE EXTENSION timescaledb")
                connection.execute("SELECT timescaledb_pre_restore()")
        self._do(self.there, "pg_restore", f"--dbname={name}", given=dump)
        if timescale:
            with psycopg.connect(made.superuser, autocommit=True) as connection:
                connection.execute("SELECT timescaledb_post_restore()")
        return made

    def _do(self, dsn: str, program: str, *arguments: str, given: bytes = b"") -> bytes:
        where = conninfo_to_dict(dsn)
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(where["port"]),
            "PGPASSWORD": str(where["password"]),
        }
        before = [f"{self.run[1]}/{program}"] if self.run[0] == "embedded" else [*self.run, program]
        done = subprocess.run(
            [*before, "--username=postgres", *arguments], env=environment, input=given, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


def _database(superuser: str, name: str) -> Database:
    dsn = make_conninfo(superuser, dbname=name)
    roles: dict[Role, str] = {"owner": "o", "ingest": "i", "jobs": "j", "api": "a"}
    return Database(
        name=name, superuser=dsn, **{role: role_dsn(dsn, role=role, password=word) for role, word in roles.items()}
    )


@pytest.fixture(scope="module")
def plain_clusters(embedded: EmbeddedPostgres) -> Iterator[Clusters]:
    with thrown_away() as folder:
        server = EmbeddedPostgres(folder=folder / "postgres", shared_buffers_mb=16, settings={"fsync": "off"})
        server.start()
        yield Clusters(here=embedded.tcp_dsn, there=server.tcp_dsn, run=("embedded", str(server.binaries)))
        server.stop()


@pytest.fixture(scope="module")
def timescale_clusters(trixie: Tree, timescale: Timescale) -> Iterator[Clusters]:
    with Timescale(tree=trixie) as server:
        before = trixie.command("/usr/bin/env", user="postgres")
        yield Clusters(here=timescale.dsn(), there=server.dsn(), run=tuple(before))


@pytest.fixture(params=["plain", "timescale"])
def clusters(request: pytest.FixtureRequest) -> Clusters:
    found: Clusters = request.getfixturevalue(f"{request.param}_clusters")
    return found


@pytest.fixture
def source(clusters: Clusters, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database of the cluster that `clusters` dumps from."""
    name = "plain" if clusters.run[0] == "embedded" else "timescale"
    cluster: Cluster = request.getfixturevalue(f"{name}_cluster")
    made = cluster.create()
    yield made
    cluster.drop(made.name)


async def now_of(database: Database) -> Boundary:
    async with open_pool(database.api, role="api") as pool, scoped(pool, EVERY_ORG) as connection:
        return await boundary(connection)


async def told(database: Database, after: Position) -> list[int]:
    """The rows of the log that a reader gets who was at a position."""
    async with open_pool(database.api, role="api") as pool, scoped(pool, EVERY_ORG) as connection:
        return [row.position.row for row in (await read_after(connection, after)).rows]


# a dump in another cluster --------------------------------------------------------------------------------------------


async def test_a_dump_restored_into_a_new_cluster_is_read_in_order_and_numbered_anew(
    clusters: Clusters, source: Database
) -> None:
    hospital = await with_a_past(source)
    dump = clusters.dump(source)
    numbers = []
    now_ms = int(time.time() * 1000)
    for _ in range(2):
        made = clusters.restore(dump)
        rows(made, "SELECT pg_sleep(1.1)")  # two restores of one backup lie more than a second apart
        assert settled(made)
        assert not settled(made), "once"
        assert not settled(made, dsn=made.api)
        assert restored_by(made) == [(1, "dump")]
        start = await now_of(made)
        assert await told(made, Position(xid=0, table=0, row=0)) == [1], "what is old can be read"
        await run(made, batch((hospital.devices[1], [episode()]), now_ms=now_ms))
        assert await told(made, start.position) == [2], "and nothing of it is told as new"
        assert [xid > OLD for (xid,) in rows(made, "SELECT xid::text::bigint FROM ticket_event WHERE id > 1")] == [True]
        numbers.append(rows(made, "SELECT number FROM ticket WHERE id > 1")[0][0])
        later = batch((hospital.devices[2], [episode()]), now_ms=now_ms + 2 * DAY_MS)
        await run(made, later)
        [(plain,)] = rows(made, "SELECT number FROM ticket ORDER BY id DESC LIMIT 1")
        assert (len(plain), plain[-4:]) == (14, "-001"), "the next days are numbered as ever"
    day = time.strftime("%Y%m%d", time.gmtime(now_ms / 1000 + 8 * 3600))
    assert all(number.startswith(f"WX{day}-") and len(number) == 19 for number in numbers), numbers
    assert numbers[0] != numbers[1], "what the first gave out, the second can't know"


async def test_a_screen_that_was_open_before_the_restore_loads_again(clusters: Clusters, source: Database) -> None:
    await with_a_past(source)
    before = encode(Position(xid=OLD + 3, table=2, row=9), NOW)
    made = clusters.restore(clusters.dump(source))
    assert settled(made)
    now = await now_of(made)
    assert decode(before, head=now.position, begins=now.begins, now_ms=NOW) is Away.UNKNOWN
    after = Position(xid=now.position.xid - 1, table=2, row=9)
    assert decode(encode(after, NOW), head=now.position, begins=now.begins, now_ms=NOW) == after


async def test_a_restore_of_a_restore_goes_on_beyond_both(plain_clusters: Clusters, database: Database) -> None:
    await with_a_past(database)
    first = plain_clusters.restore(plain_clusters.dump(database))
    assert settled(first)
    backwards = Clusters(here=plain_clusters.there, there=plain_clusters.there, run=plain_clusters.run)
    beyond = (await now_of(first)).position
    second = backwards.restore(backwards.dump(first))
    assert settled(second)
    assert restored_by(second) == [(2, "dump")]
    assert (await now_of(second)).begins > beyond.xid
    assert decode(encode(beyond, NOW), head=beyond, begins=(await now_of(second)).begins, now_ms=NOW) is Away.UNKNOWN


async def test_a_backup_of_the_version_before_shows_by_its_rows_that_it_is_a_copy(
    plain_cluster: Cluster, tmp_path: Path
) -> None:
    for path in MIGRATIONS.glob("*.sql"):
        if int(path.name[:4]) < 8:
            shutil.copy(path, tmp_path)
    name = plain_cluster.create_empty()
    made = plain_cluster.database(name)
    migrate(made.superuser, folder=tmp_path)
    rows(made, "INSERT INTO org (name) VALUES ('h')")
    rows(made, "INSERT INTO site (org_id, name) SELECT id, 's' FROM org")
    rows(
        made,
        "INSERT INTO device (uid, org_id, site_id, partition, model, name)"
        " SELECT 'd1', org_id, id, 0, 'generic-dr', 'DR' FROM site",
    )
    rows(
        made,
        "INSERT INTO device_event (xid, device_id, org_id, at, learned_at, kind, body)"
        " VALUES ('9000000000', 1, 1, now(), now(), 'fault', '{}')",
    )
    rows(made, "INSERT INTO ticket_day VALUES ('2026-11-22', 7)")
    rows(made, "INSERT INTO gap (device_id, lane, epoch, first_seq, last_seq, at) VALUES (1, 0, 'e', 1, 2, now())")
    migrate(made.superuser)
    assert settled(made)
    assert (await now_of(made)).position.xid > 9_000_000_000
    assert rows(made, "SELECT day::text, block, last FROM ticket_day") == [("2026-11-22", 0, 7)]
    assert rows(made, "SELECT said FROM gap") == [(True,)], "nothing is said of what is long past"
    plain_cluster.drop(name)


async def test_a_copy_of_what_has_no_devices_is_a_new_installation(
    plain_clusters: Clusters, database: Database
) -> None:
    assert not settled(database)
    made = plain_clusters.restore(plain_clusters.dump(database))
    assert not settled(made)
    assert restored_by(made) == [(0, None)]


async def test_a_writer_that_is_under_way_is_waited_for(database: Database) -> None:
    """A number by the old base that commits after a reader went on by the new one would be skipped."""
    await with_a_past(database)
    rows(database, "UPDATE installation SET timeline = 99")
    with psycopg.connect(database.ingest) as writer, psycopg.connect(database.ingest, autocommit=True) as other:
        writer.execute("SELECT row_xid()")
        other.execute("SET lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("SELECT settle_installation()")
        writer.rollback()
        assert other.execute("SELECT settle_installation()").fetchone() == (True,)


# a server of one's own ------------------------------------------------------------------------------------------------


@pytest.fixture
def own() -> Iterator[tuple[EmbeddedPostgres, Path, Database]]:
    """A server to stop, and its folder, with a migrated database."""
    with thrown_away() as folder:
        server = EmbeddedPostgres(
            folder=folder / "postgres", shared_buffers_mb=16, settings={"fsync": "off", "restore_command": "false"}
        )
        server.start()
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("CREATE DATABASE own")
        made = _database(server.tcp_dsn, "own")
        migrate(made.superuser)
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            set_passwords(connection, {"owner": "o", "ingest": "i", "jobs": "j", "api": "a"})
        yield server, folder / "postgres" / "data", made
        server.stop()


def _again(server: EmbeddedPostgres) -> Database:
    server.start()
    return _database(server.tcp_dsn, "own")


async def test_a_base_backup_brought_to_a_point_in_time_is_a_copy(
    own: tuple[EmbeddedPostgres, Path, Database],
) -> None:
    server, data, made = own
    await with_a_past(made)
    beyond = (await now_of(made)).position
    server.stop()
    (data / "recovery.signal").touch()
    shutil.chown(data / "recovery.signal", data.stat().st_uid, data.stat().st_gid)
    made = _again(server)
    async with open_pool(made.jobs, role="jobs") as pool:
        await settle_first(pool)  # waits until the server has recovered
    assert not settled(made)
    assert restored_by(made) == [(1, "timeline")]
    assert (await now_of(made)).begins > beyond.xid


async def test_an_older_state_put_back_under_a_running_process_is_seen_at_once(
    own: tuple[EmbeddedPostgres, Path, Database],
) -> None:
    server, data, made = own
    await with_a_past(made)
    server.stop()
    await asyncio.to_thread(subprocess.run, ["cp", "-a", str(data), str(data.with_name("snapshot"))], check=True)
    made = _again(server)
    async with open_pool(made.jobs, role="jobs", max_size=1) as pool:
        watch = Watch(pool=pool)
        for _ in range(50):
            rows(made, "SELECT pg_current_xact_id()")
        assert await watch.run_once() == 0
    server.stop()
    shutil.rmtree(data)
    data.with_name("snapshot").rename(data)
    made = _again(server)
    async with open_pool(made.jobs, role="jobs") as pool:
        watch._pool = pool
        assert await watch.run_once() == 1
        assert await watch.run_once() == 0
    assert restored_by(made) == [(1, "gaps")]


# reports that never came ----------------------------------------------------------------------------------------------


async def test_who_settles_needs_a_schema_of_this_version(plain_cluster: Cluster) -> None:
    name = plain_cluster.create_empty()
    api = plain_cluster.database(name).api
    async with open_pool(api, role="api", min_size=1, max_size=1, name="early", timeout_s=10) as pool:
        with pytest.raises(StoreError, match="steth migrate"):
            await settle_first(pool)
    plain_cluster.drop(name)

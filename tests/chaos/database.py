"""The database of the run: embedded PostgreSQL with fsync, its faults, and what is read of it in the end."""

import os
import secrets
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, LiteralString, Self

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from steth.jobs.maintenance import Groundwork
from store.embedded import EmbeddedPostgres
from store.migrate import migrate
from store.pool import ROLES, Role, role_dsn
from store.retention import Keep
from store.roles import set_passwords
from tests.chaos.ledger import Reading, Stored, StoredFault
from tests.chaos.verdicts import Restored
from wire.ids import DeviceId, bucket, mint_device_id, partition

Connection = psycopg.Connection[tuple[Any, ...]]
_NAME: Final = "chaos"
_ARMED: Final = 7_701
"""The advisory lock under which a COMMIT that opened a ticket fails."""

# At every second hit the server ends the session in its COMMIT, so that nobody can tell how it went; at the others the
# COMMIT is refused. The sequence counts hits: it alone survives the rollback.
_FAILING_COMMIT: Final[LiteralString] = """
CREATE SEQUENCE chaos_hits;
CREATE FUNCTION chaos_commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7701 AND granted) THEN
        IF nextval('chaos_hits') % 2 = 0 THEN
            PERFORM pg_terminate_backend(pg_backend_pid());
            PERFORM pg_sleep(5);
        END IF;
        RAISE EXCEPTION 'chaos: this COMMIT fails' USING ERRCODE = '40001';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER chaos_commit AFTER INSERT ON ticket DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION chaos_commit();
"""


class Database:
    """A server of the run's own. A context manager that starts, migrates, and in the end stops it."""

    def __init__(self, *, folder: Path) -> None:
        self._server = EmbeddedPostgres(folder=folder / "postgres", shared_buffers_mb=64)
        self._copy = folder / "copy.dump"
        self._passwords = {role: secrets.token_urlsafe() for role in ROLES}

    def __enter__(self) -> Self:
        self._server.start()
        try:
            with psycopg.connect(self._server.dsn, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {_NAME}")
            migrate(self.dsn)
            with self.connect() as connection:
                set_passwords(connection, self._passwords)
                connection.execute(_FAILING_COMMIT)
        except BaseException:
            self._server.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._signal(signal.SIGCONT)
        self._server.stop()

    @property
    def dsn(self) -> str:
        """The superuser's address."""
        return make_conninfo(self._server.dsn, dbname=_NAME)

    def role_dsn(self, role: Role) -> str:
        """A login role's address."""
        return role_dsn(self.dsn, role=role, password=self._passwords[role])

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A superuser's connection in autocommit."""
        with psycopg.connect(self.dsn, autocommit=True, connect_timeout=20) as connection:
            yield connection

    async def make_room(self) -> None:
        """Partitions for the readings."""
        await Groundwork(dsn_owner=self.role_dsn("owner"), keep=Keep()).make_room()

    def add_devices(self, count: int) -> list[DeviceId]:
        """Devices of one hospital."""
        made = [mint_device_id() for _ in range(count)]
        with self.connect() as connection:
            connection.execute("INSERT INTO org (name) VALUES ('chaos')")
            connection.execute("INSERT INTO site (org_id, name) SELECT id, 'site' FROM org WHERE kind = 'hospital'")
            for uid in made:
                connection.execute(
                    "INSERT INTO device (uid, org_id, site_id, partition, model, name, enrolled_at)"
                    " SELECT %s, org_id, id, %s, 'generic-dr', 'DR', now() FROM site",
                    (uid, partition(bucket(uid))),
                )
        return made

    # faults -----------------------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """SIGKILL to the postmaster; its children see that it is gone and end."""
        pid = self._server.pid
        if pid is None:
            raise RuntimeError("the database server is down already")
        children = psutil.Process(pid).children(recursive=True)
        os.kill(pid, signal.SIGKILL)
        while self._server.pid is not None:  # reaped
            time.sleep(0.01)
        psutil.wait_procs(children, timeout=20)

    def start(self) -> None:
        """Start it again; it recovers."""
        self._server.start()

    def suspend(self) -> None:
        """SIGSTOP to the postmaster and its children."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after ``suspend``."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._server.pid is None:
            return
        parent = psutil.Process(self._server.pid)
        parent.send_signal(number)
        for child in parent.children(recursive=True):
            try:
                child.send_signal(number)
            except psutil.NoSuchProcess:
                continue

    @contextmanager
    def failing_commits(self) -> Iterator[None]:
        """While inside, whoever opens a ticket fails in the COMMIT."""
        with self.connect() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (_ARMED,))
            yield

    def failed_commits(self) -> int:
        """How many COMMITs failed so far."""
        with self.connect() as connection:
            row = connection.execute("SELECT last_value, is_called FROM chaos_hits").fetchone()
            return int(row[0]) if row is not None and row[1] else 0

    @contextmanager
    def locked_marks(self) -> Iterator[None]:
        """While inside, a batch can't write its marks: it waits in the middle of its transaction."""
        with self.connect() as connection, connection.transaction():
            connection.execute("SET LOCAL lock_timeout = '5s'")
            connection.execute("LOCK TABLE mark IN EXCLUSIVE MODE")
            yield

    def waiting_batches(self) -> int:
        """Transactions of ingest that wait for a lock."""
        with self.connect() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'steth_ingest' AND wait_event_type = 'Lock'"
            ).fetchone()
            return int(row[0]) if row is not None else 0

    def postpone_leases(self, seconds: float) -> None:
        """As if the server's clock had been put back by so long since they were given."""
        with self.connect() as connection:
            connection.execute(
                "UPDATE partition_lease SET lease_until = lease_until + make_interval(secs => %s)", (seconds,)
            )
            connection.execute("UPDATE ingest_process SET seen_at = seen_at + make_interval(secs => %s)", (seconds,))

    def cut_sessions(self) -> int:
        """End all sessions of ingest; how many."""
        with self.connect() as connection:
            row = connection.execute(
                "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE usename = 'steth_ingest'"
            ).fetchone()
            return int(row[0]) if row is not None else 0

    def copy(self) -> None:
        """Dump all of it into a file beside the server."""
        self._tool("pg_dump", "--format=custom", f"--file={self._copy}", f"--dbname={self.dsn}")

    def put_back(self) -> None:
        """What is there gives way to the copy, in a database of its own, as after a loss."""
        with psycopg.connect(self._server.dsn, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {_NAME} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {_NAME}")
            connection.execute(f"ALTER DATABASE {_NAME} OWNER TO steth_owner")
        self._tool("pg_restore", "--exit-on-error", f"--dbname={self.dsn}", str(self._copy))
        self._copy.unlink()

    def _tool(self, name: str, *arguments: str) -> None:
        command = [str(self._server.binaries / name), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stderr.strip()}")

    # what is there ----------------------------------------------------------------------------------------------------

    def marks(self) -> dict[tuple[str, int], tuple[str, int]]:
        """(device, lane) → (epoch, seq)."""
        with self.connect() as connection:
            rows = connection.execute(
                "SELECT d.uid, k.lane, k.epoch, k.seq FROM mark k JOIN device d ON d.id = k.device_id"
            ).fetchall()
        return {(uid, lane): (epoch, seq) for uid, lane, epoch, seq in rows}

    def acknowledged(self) -> int:
        """Reports of all devices by their numbers."""
        return int(self._one("SELECT coalesce(sum(seq), 0) FROM mark"))

    def newest_mark(self) -> float:
        """When a mark was last written, s; 0: never."""
        return float(self._one("SELECT coalesce(extract(epoch FROM max(at)), 0)::float8 FROM mark"))

    def heard_since(self, at: float) -> bool:
        """Whether something of every device was stored since."""
        return not self._one(
            "SELECT count(*) FROM device d"
            " WHERE NOT EXISTS (SELECT FROM mark k WHERE k.device_id = d.id AND k.at > to_timestamp(%s))",
            at,
        )

    def _one(self, statement: LiteralString, *given: object) -> Any:
        try:
            with self.connect() as connection:
                row = connection.execute(statement, given).fetchone()
        except psycopg.errors.AdminShutdown:  # it is ended with all others
            return 0
        return row[0] if row is not None else 0

    def numbers(self) -> dict[str, tuple[str, str]]:
        """Ticket number → (device, family)."""
        with self.connect() as connection:
            rows = connection.execute(
                "SELECT t.number, d.uid, t.family FROM ticket t JOIN device d ON d.id = t.device_id"
            ).fetchall()
        return {number: (uid, family) for number, uid, family in rows}

    def verdicts(self, restored_ms: int) -> Restored:
        """What it says of each fault, after it was put back."""
        with self.connect() as connection:
            conditions = connection.execute(
                "SELECT DISTINCT ON (d.uid, a.subject) d.uid, a.subject, a.condition FROM alert a"
                " JOIN device d ON d.id = a.device_id WHERE a.kind = 'fault'"
                " ORDER BY d.uid, a.subject, a.condition = 'ok', a.occurred_at DESC"
            ).fetchall()
            gapped = connection.execute(
                "SELECT DISTINCT d.uid FROM gap g JOIN device d ON d.id = g.device_id"
                " WHERE g.lane = 0 AND g.at > to_timestamp(%s / 1000.0)",
                (restored_ms,),
            ).fetchall()
            tickets = connection.execute(
                "SELECT t.number, d.uid, t.family, t.status <> 'closed', t.opened_at > to_timestamp(%s / 1000.0)"
                " FROM ticket t JOIN device d ON d.id = t.device_id",
                (restored_ms,),
            ).fetchall()
        return Restored(
            conditions={(uid, code): condition for uid, code, condition in conditions},
            gapped={uid for (uid,) in gapped},
            open=[(number, uid, family) for number, uid, family, still, _ in tickets if still],
            fresh={number: (uid, family) for number, uid, family, _, late in tickets if late},
        )

    @staticmethod
    def ticket_and_images(connection: Connection, device: str, family: str) -> tuple[bool, int, int]:
        """In one snapshot: whether the ticket is there, and of how many images the bulk and the live part is stored."""
        row = connection.execute(
            "SELECT EXISTS (SELECT FROM ticket t WHERE t.device_id = d.id AND t.family = %s),"
            " (SELECT count(*) FROM reading r JOIN metric m ON m.id = r.metric_id"
            "  WHERE r.device_id = d.id AND m.name = 'detector.exposures_total'),"
            " (SELECT count(*) FROM reading r JOIN metric m ON m.id = r.metric_id"
            "  WHERE r.device_id = d.id AND m.name = 'detector.temperature')"
            " FROM device d WHERE d.uid = %s",
            (family, device),
        ).fetchone()
        if row is None:
            raise LookupError(device)
        return bool(row[0]), int(row[1]), int(row[2])

    def read(self) -> Stored:
        """Everything that the ledger is held against."""
        with self.connect() as connection:

            def rows(statement: LiteralString) -> list[tuple[Any, ...]]:
                return connection.execute(statement).fetchall()

            readings = Counter(
                Reading(*row)
                for row in rows(
                    "SELECT d.uid, m.name, (extract(epoch FROM r.ts) * 1000)::bigint, r.value FROM reading r"
                    " JOIN device d ON d.id = r.device_id JOIN metric m ON m.id = r.metric_id"
                )
            )
            faults = [
                StoredFault(uid, code, state, at, first or at, last or at, count or 1)
                for uid, code, state, at, first, last, count in rows(
                    "SELECT d.uid, e.body->>'code', e.body->>'state', (extract(epoch FROM e.at) * 1000)::bigint,"
                    " (e.body->>'first')::bigint, (e.body->>'last')::bigint, (e.body->>'count')::bigint"
                    " FROM device_event e JOIN device d ON d.id = e.device_id WHERE e.kind = 'fault'"
                )
            ]
            alerts: dict[tuple[str, str], list[int]] = defaultdict(list)
            for uid, code, count in rows(
                "SELECT d.uid, a.subject, a.count FROM alert a JOIN device d ON d.id = a.device_id"
                " WHERE a.kind = 'fault'"
            ):
                alerts[uid, code].append(count)
            return Stored(
                readings=readings,
                faults=faults,
                dropped=dict(
                    rows(
                        "SELECT d.uid, sum((e.body->>'reports')::bigint)::bigint FROM device_event e"
                        " JOIN device d ON d.id = e.device_id WHERE e.kind = 'dropped' GROUP BY d.uid"
                    )
                ),
                gaps=dict(
                    rows(
                        "SELECT d.uid, sum(g.last_seq - g.first_seq + 1)::bigint FROM gap g"
                        " JOIN device d ON d.id = g.device_id WHERE g.lane = 1 GROUP BY d.uid"
                    )
                ),
                tickets=Counter(
                    (uid, family)
                    for uid, family in rows("SELECT d.uid, t.family FROM ticket t JOIN device d ON d.id = t.device_id")
                ),
                alerts=alerts,
                dead_letters=rows("SELECT coalesce(sum(count), 0)::bigint FROM dead_letter")[0][0],
                to_judge=rows("SELECT count(*) FROM to_judge")[0][0],
                asides=rows("SELECT count(*) FROM reading_aside")[0][0],
            )

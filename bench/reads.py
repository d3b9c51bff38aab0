"""Hot reads of a platform, 200 dealers, 10,000 hospitals and devices, beside the same of the version before the tree.

One database is filled at version 9 of the schema and copied; the copy is migrated and its hospitals are given to
dealers, of whom the greatest serves a sixth. The statements of version 9, which git still has, and today's run by turns
on one server, as requests do: one transaction of steth_api, first who asks. Compared with the former operator, who saw
everything, are staff and dealers, and a hospital with itself. What the session's process ran for is counted, so that
what else the machine does falls on neither.
"""

import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg

from bench.ground import GroundError
from bench.report import Aim, Result, Table, number
from bench.run import Run
from store.embedded import EmbeddedPostgres
from store.migrate import migrate
from store.sql import load_queries
from tests.fixtures.filled import fill, migrate_to
from tests.fixtures.folders import thrown_away
from tests.fixtures.postgres import Cluster

BEFORE: Final = "41ca30c"
"""The last revision of version 9."""
DEVICES: Final = 10_000
WORSE: Final = 1.3
_ROOT: Final = Path(__file__).parents[1]
_ROOMS: Final = ("people", "desk", "api")
_SQL: Final = load_queries(Path(__file__).with_name("reads.sql"))
_AVERAGE, _GREATEST = 2001, 3001  # devices that reads.sql gives to such dealers
_WARM: Final = 6  # after five times a statement is prepared
_FILTERS: Final = (
    "ids", "number", "device", "severity", "hospital", "hospitals", "dealer", "site", "conditions", "watched",
    "operator", "acknowledged", "age", "holder", "sought", "many", "ticketed", "numbered", "subjects", "families",
    "families_of_codes", "before_at", "before_id", "above", "uid", "model", "status", "family", "open", "below",
    "kind", "after_at", "after_id", "metric", "wanted", "urgency", "rank", "how", "by", "most", "after", "after_rank",
    "after_hospital", "after_site", "after_name",
)  # fmt: skip
_ANEW: Final = frozenset(
    ("alerts", "alerts_counted", "tickets", "tickets_counted", "devices", "devices_listed", "devices_counted")
)
"""What the API plans each time for its values (`store.sql`)."""
_SIZES: Final = {
    "org": DEVICES, "device": DEVICES, "account": 1_000, "metric": 50, "recipient": 300, "api_token": 50_000,
    "alert": 1_000_000, "alert_event": 1_000_000, "alert_operator": 200_000, "device_event": 1_000_000, "gap": 100_000,
    "ticket": 100_000, "ticket_alert": 150_000, "ticket_event": 500_000, "telling": 300_000, "remote_session": 100_000,
    "command": 100_000, "ticket_evidence": 200_000, "ticket_evidence_event": 100_000, "reading": 1_000_000,
    "reading_1m": 500_000, "reading_1h": 500_000, "reading_1d": 200_000,
}  # fmt: skip

Sync = psycopg.Connection[tuple[Any, ...]]
Statements = Mapping[str, bytes]
Step = tuple[str, Any]
"""A statement and its parameters."""
Found = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Who asks: their organisation then (`*`: all) and now, a device of theirs, whose lists they read."""

    name: str
    then: str
    now: str
    device: int
    hospital: int | None = None
    dealer: int | None = None


def reads(run: Run) -> Result:
    """Both versions by turns on plain PostgreSQL."""
    share = 10 if run.quick else 1
    sizes = {table: rows if table in ("org", "device") else rows // share for table, rows in _SIZES.items()}
    now = datetime.now(UTC)
    with _server() as cluster, ExitStack() as stack:
        before = cluster.create_empty()
        with tempfile.TemporaryDirectory() as folder:
            migrate_to(cluster.dsn(before), Path(folder))
        fill(cluster.dsn(before), sizes, now=now, sessions=2)
        after = cluster.create_empty(template=before)
        migrate(cluster.dsn(after))
        readers = _give_to_dealers(cluster.dsn(after))
        for name in (before, after):
            with psycopg.connect(cluster.dsn(name), autocommit=True) as connection:
                connection.execute("VACUUM (FULL, ANALYZE)")
        sessions = {
            which: stack.enter_context(psycopg.connect(cluster.database(name).api, autocommit=True))
            for which, name in (("then", before), ("now", after))
        }
        data = _measure(sessions, readers, now=now, rounds=11 if run.quick else 101)
    return _result(data, readers)


def _measure(sessions: Mapping[str, Sync], readers: Sequence[Reader], *, now: datetime, rounds: int) -> Found:
    """By reader and request. `sessions`: of steth_api, then and now."""
    statements = {"then": _statements_of(BEFORE), "now": _statements_of(None)}
    return {
        reader.name: {
            name: _compare(reader, steps, sessions, statements, rounds)
            for name, steps in _reads(reader, now=now).items()
        }
        for reader in readers
    }


def _give_to_dealers(dsn: str) -> list[Reader]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_SQL["give"])
        rows = connection.execute(_SQL["dealers_of"], ([_AVERAGE, _GREATEST],)).fetchall()
    ((average,), (greatest,)) = rows
    return [
        Reader(name="staff", then="*", now="0", device=1),
        Reader(name="average dealer", then="*", now=str(average), dealer=average, device=_AVERAGE),
        Reader(name="greatest dealer", then="*", now=str(greatest), dealer=greatest, device=_GREATEST),
        Reader(name="hospital", then="4001", now="4001", hospital=4001, device=4001),
    ]


def _reads(reader: Reader, *, now: datetime) -> dict[str, tuple[list[Step], list[Step]]]:
    """By request the statements with their parameters, then and now: those of the routes."""
    device, uid = reader.device, f"d{reader.device:012}"
    k = (device - 1) * pow(
        7919, -1, DEVICES
    ) % DEVICES or DEVICES  # of `filled.sql`: an alert and a ticket of the device
    no = {**dict.fromkeys(_FILTERS), "now": now, "heartbeat_s": 60.0, "lost_from": now - timedelta(days=1)}
    whose = {"hospital": reader.hospital, "dealer": reader.dealer}
    listed = {**no, **whose, "limit": 101}
    kept: dict[str, Any] = {"kept": ["nothing"]}
    known: Step = ("device_by_uid", {"uid": uid})
    named: Step = ("metrics_named", {"name": "signal.1"})
    page = {"device": device, "metrics": [1, 2], "from": now - timedelta(days=1), "to": now, "bad": 2, "limit": 1000}
    of = {"ticket": k, "limit": 500, "prepared": now - timedelta(days=1)}
    parts = ("events", "alerts", "sessions", "commands", "tellings")
    evidence: list[Step] = [(f"desk.evidence_{what}", [k]) for what in ("range", "signals", "events")]
    limited = ("events", "alerts", "tellings")
    same: dict[str, list[Step]] = {
        "authenticate": [],
        "a device": [
            ("devices", {**no, **kept, "uid": uid, "limit": 1}),
            ("device_latest", {"device": device}),
            ("device_gaps", {"device": device, "limit": 20}),
            ("device_refusals", {"device": device}),
            ("open_tickets", {"device": device}),
            ("metrics", {"ids": [1, 2, 3, 4, 5]}),
        ],
        "events of a device": [
            known,
            ("device_events", {**no, "device": device, "from": now - timedelta(days=60), "to": now, "limit": 101}),
        ],
        "alerts": [("alerts", listed)],
        "an alert": [
            ("alerts", {**no, "ids": [UUID(md5(str(k).encode(), usedforsecurity=False).hexdigest())], "limit": 1}),
            ("alert_events", {"alert": UUID(md5(str(k).encode(), usedforsecurity=False).hexdigest()), "limit": 1000}),
        ],
        "tickets": [("tickets", listed)],
        "readings": [known, ("device_readings", {**no, **page, "from_metric": 0, "skip": 0})],
        "series of a day": [
            known,
            named,
            ("series_1m", {**page, "width": timedelta(minutes=5)}),
            ("series_marks", page),
        ],
        "series of a month": [
            known,
            named,
            ("series_1h", {**page, "from": now - timedelta(days=30), "width": timedelta(hours=2)}),
        ],
    }
    if reader.now == "0":  # the live stream reads for all of them at once
        same |= {
            "stream, devices": [("stream_devices", {**kept, "lost_from": now - timedelta(days=1)})],
            "stream, events": [
                ("stream_boundary", {}),
                ("stream_alert_events", {"xid": "1", "row": 0, "boundary": "1", "limit": 500}),
                ("stream_ticket_events", {"xid": "1", "row": 0, "boundary": "1", "limit": 500}),
            ],
        }
    number = f"WX{k:012}"
    ticket: tuple[list[Step], list[Step]] = (
        [
            ("ticket_by_number", {"number": number}),
            ("desk.ticket", [k]),
            *((f"desk.ticket_{part}", [k, 500] if part in limited else [k]) for part in parts),
            *evidence,
        ],
        [
            ("tickets", {**no, "number": number, "limit": 1}),
            ("ticket_bring", of),
            *((f"ticket_{part}", of) for part in parts),
            *evidence,
        ],
    )
    return {**{name: (steps, steps) for name, steps in same.items()}, "a ticket": ticket, **_lists(reader, no)}


def _lists(reader: Reader, no: Mapping[str, Any]) -> dict[str, tuple[list[Step], list[Step]]]:
    """What became lists of the database: then the console loaded a thousand to count and to sort them (ADR 0039)."""
    listed = {**no, "hospital": reader.hospital, "dealer": reader.dealer, "limit": 101}
    loaded = {**listed, "limit": 1001}
    wrong = {"conditions": ["active", "clearing", "no-data", "unconfirmed"]}
    kept: dict[str, Any] = {"kept": ["nothing"]}
    site, undone = {"by": "site"}, {"open": True}
    place = {**listed, **kept, "judged": False, "urgency": False, "by_name": False}
    middle = {"after": 1, "after_rank": 0, "after_hospital": "hospital 5", "after_site": "main", "after_name": "DR"}
    rows: Step = ("devices", {**no, **kept, "ids": list(range(reader.device, reader.device + 101))})
    uid = f"d{reader.device:012}"
    one = {**no, "hospital": reader.hospital, "limit": 101}
    return {
        "devices": ([("devices", {**listed, **kept})], [("devices_listed", place), rows]),
        "devices, from the middle": (
            [("devices", {**listed, **kept, "above": DEVICES // 2})],
            [("devices_listed", {**place, **middle}), rows],
        ),
        "devices, counted": (
            [("devices", {**loaded, **kept})],
            [("devices_counted", {**listed, **kept, "by": "site"})],
        ),
        "open alerts": ([("alerts", {**listed, **wrong})], [("alerts", {**listed, **wrong, "urgency": True})]),
        "open alerts, counted": (
            [("alerts", {**loaded, **wrong})],
            [("alerts_counted", {**listed, **wrong, **site})],
        ),
        "alerts of a device": ([("alerts", {**one, "device": uid})], [("alerts", {**one, "device": [uid]})]),
        "open tickets": (
            [("tickets", {**listed, **undone})],
            [("tickets", {**listed, **undone, "urgency": True})],
        ),
        "open tickets, counted": (
            [("tickets", {**loaded, **undone})],
            [("tickets_counted", {**listed, **undone, **site})],
        ),
    }


def _compare(
    reader: Reader,
    steps: tuple[list[Step], list[Step]],
    sessions: Mapping[str, Sync],
    statements: Mapping[str, Statements],
    rounds: int,
) -> dict[str, Any]:
    """Medians in milliseconds, then and now, and how many rows came."""
    took: dict[str, list[float]] = {which: [] for which in sessions}
    rows: dict[str, int] = {}
    for turn in range(rounds + _WARM):
        for (which, connection), wanted in zip(sessions.items(), steps, strict=True):
            anew = _ANEW if which == "now" else frozenset()
            ms, rows[which] = _once(connection, getattr(reader, which), wanted, statements[which], anew)
            if turn >= _WARM:
                took[which].append(ms)
    medians = {which: statistics.median(times) for which, times in took.items()}
    return {**medians, "rows": rows, "ratio": medians["now"] / medians["then"]}


def _once(
    connection: Sync, viewer: str, steps: Sequence[Step], statements: Statements, anew: frozenset[str]
) -> tuple[float, int]:
    rows = 0
    began = _ran_ns(connection)
    with connection.transaction():
        connection.execute(statements["authenticate"], {"hash": sha256(b"token 77").digest(), "now": datetime.now(UTC)})
        connection.execute("SELECT set_config('steth.org', %s, true)", (viewer,))  # the token is somebody else's
        for name, parameters in steps:
            prepare = False if name in anew else None
            rows += len(connection.execute(statements[name], parameters, prepare=prepare).fetchall())
    return (_ran_ns(connection) - began) / 1e6, rows


def _ran_ns(connection: Sync) -> int:
    """How long the session's process has run: what else the machine does is no part of it."""
    return int(Path(f"/proc/{connection.info.backend_pid}/schedstat").read_text().split()[0])


def _statements_of(revision: str | None) -> Statements:
    """What requests run, by name, desk's as desk.NAME: of a revision, or as it is."""
    found: dict[str, bytes] = {}
    for file in _files(revision):
        room = "desk." if file.startswith("desk/") else ""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "queries.sql"
            path.write_bytes((_ROOT / file).read_bytes() if revision is None else _git("show", f"{revision}:{file}"))
            queries = load_queries(path)
        found |= {f"{room}{name}": queries[name] for name in queries.names}
    return found


def _files(revision: str | None) -> list[str]:
    if revision is None:
        return [str(path.relative_to(_ROOT)) for room in _ROOMS for path in (_ROOT / room).rglob("queries.sql")]
    names = _git("ls-tree", "-r", "--name-only", revision, *_ROOMS).decode().split()
    return [name for name in names if name.endswith("queries.sql")]


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(_ROOT), *arguments], capture_output=True, check=False)  # noqa: S607
    if done.returncode:
        raise GroundError(f"git {' '.join(arguments)}: {done.stderr.decode().strip()}")
    return done.stdout


@contextmanager
def _server() -> Iterator[Cluster]:
    with thrown_away() as folder:
        server = EmbeddedPostgres(
            folder=folder / "postgres", settings={"autovacuum": "off", "max_parallel_workers_per_gather": "0"}
        )
        server.start()
        try:
            yield Cluster(superuser_dsn=server.dsn)
        finally:
            server.stop()


def _result(data: Found, readers: Sequence[Reader]) -> Result:
    names = list(data[readers[0].name])
    cells = {
        name: [
            f"{number(data[r.name][name]['then'])} → {number(data[r.name][name]['now'])}"
            if name in data[r.name]
            else "–"
            for r in readers
        ]
        for name in names
    }
    worst = {r.name: max(data[r.name].items(), key=lambda item: item[1]["ratio"]) for r in readers}
    return Result(
        name="reads",
        tables=[
            Table(
                title="milliseconds of the processor a request takes in the database, then → now, medians",
                head=("", *(reader.name for reader in readers)),
                rows=[(name, *cells[name]) for name in names],
            )
        ],
        aims=[
            Aim(
                what=f"{who}, {name}: of the former time", value=found["ratio"], target=WORSE, at_least=False, unit=" ×"
            )
            for who, (name, found) in worst.items()
        ],
        notes=[f"Then: revision {BEFORE}, where all belonged to one dealer."],
        data={"reads": data},
    )

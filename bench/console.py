"""`console`: the page before ten thousand devices, two thousand open alerts and fifty changes a second, in Chromium.

Beside it, by turns, the page of the revision `BEFORE` with its own API, on the same rows in its own schema: that page
shows at most the first thousand of each. Everything is real but ingest, whose part statements play: they commit what
it would, and its clock.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.console_churn import Churn, arrange
from bench.console_page import Measured, Served, Ways, measure
from bench.ground import GroundError
from bench.processes import command
from bench.report import Aim, Result, Table, number
from bench.run import Run
from bench.ticket import percentile
from store.embedded import EmbeddedPostgres
from store.migrate import migrate
from tests.fixtures.browser import browser, built_console
from tests.fixtures.fleet import Fleet, fill
from tests.fixtures.folders import thrown_away
from tests.fixtures.ports import free_port
from tests.fixtures.postgres import Cluster, Database

BEFORE: Final = "fb9a737"
FLEET: Final = Fleet()
_ROOT: Final = Path(__file__).parents[1]
_THEN: Final = Ways(
    first="/",
    alerts="/",
    devices="/",
    ticket="/#/ticket/{}",
    said=".row.alert .said",
    switch=".bar button[lang]",
    search="input.search",
    newest=True,
)
_NOW: Final = Ways(
    first="/",
    alerts="/alerts",
    devices="/devices",
    ticket="/tickets/{}",
    said=".row.alert .said",
    switch=".bar button[lang]",
    search="input[type=search]",
    newest=False,
    further=("/alerts", "/tickets", "/devices", "/wall", "/overview", "/jobs", "/ours", "/catalog", "/admin/accounts"),
)
_ROWS: Final[tuple[tuple[str, str, float | None], ...]] = (
    ("live", "ms from opening the page until it is live", None),
    ("idle", "ms of tasks in 10 s that nobody does anything", 500.0),
    ("typing", "ms, the longest task while searching a device (0: none over 50)", 50.0),
    ("heap", "MB of JavaScript", 80.0),
    ("late", "ms from a commit to the screen, p95", 300.0),
    ("language", "ms to the other language", 200.0),
    ("cold", "ms to a ticket's words on a new phone at 400 kbit/s", 5_000.0),
    ("cold kB", "kB on the line before them", 70.0),
    ("warm", "ms to a ticket's words on that phone again", 2_000.0),
    ("first", "kB of script of the first page", 170.0),
    ("further", "kB of script more of the greatest further page", 60.0),
)


def console(run: Run) -> Result:
    """Rounds by turns; medians."""
    rounds = 1 if run.quick else 3
    found: dict[str, list[Measured]] = {"then": [], "now": []}
    with both() as served, browser() as launched:
        for turn in range(rounds):
            for which, each in served.items():
                with Churn(each.dsn, FLEET.devices) as churn:
                    found[which].append(measure(launched, each, churn, probes=10 if run.quick else 40))
                print(f"  round {turn + 1}: {which}", flush=True)
    return _result(found)


@contextmanager
def both() -> Iterator[dict[str, Served]]:
    """The page and API of `BEFORE` and of now, each over its own copy of the fleet."""
    built_console()
    with _server() as cluster, _checkout() as folder, ExitStack() as stack:
        before = cluster.create_empty()
        fill(cluster.dsn(before), FLEET)
        after = cluster.create_empty(template=before)
        migrate(cluster.dsn(after))
        served = {}
        for which, name, ways, root in (("then", before, _THEN, folder), ("now", after, _NOW, _ROOT)):
            database = cluster.database(name)
            arrange(database.superuser)
            address = stack.enter_context(_api(root, database))
            served[which] = Served(address=address, dsn=database.superuser, ways=ways)
        yield served


@contextmanager
def _api(root: Path, database: Database) -> Iterator[str]:
    http = f"127.0.0.1:{free_port()}"
    settings = {"STETH_DSN_API": database.api, "STETH_HTTP": http, "PYTHONPATH": str(root)}
    with tempfile.TemporaryDirectory() as logs:
        log = Path(logs) / "api.log"
        with command(
            ["python", "-m", "steth", "api"], environment=settings, log=log, ready=f"http://{http}/readyz", folder=root
        ):
            yield f"http://{http}"


@contextmanager
def _checkout() -> Iterator[Path]:
    """`BEFORE`, with its page built by today's packages: other dependencies than today's are not measured."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "then"
        _done("git", "-C", str(_ROOT), "worktree", "add", "--detach", str(folder), BEFORE)
        try:
            # Which told people of tickets, and is gone: no part of what is measured.
            (folder / "apprise.py").write_text(
                "import sys\nfrom unittest.mock import MagicMock\nsys.modules[__name__] = MagicMock()\n",
                encoding="utf-8",
            )
            packages = folder / "console" / "node_modules"
            packages.symlink_to(_ROOT / "console" / "node_modules")
            _done(str(_ROOT / "tools" / "console.sh"), "install")
            stamp = _ROOT / "console" / "node_modules" / ".installed"
            for file in ("package.json", "package-lock.json"):  # older than what is installed
                os.utime(folder / "console" / file, (0, stamp.stat().st_mtime - 1))
            python = {"STETH_PYTHON": str(_ROOT / ".venv" / "bin" / "python")}
            _done(str(folder / "tools" / "console.sh"), "build", **python)
            yield folder
        finally:
            _done("git", "-C", str(_ROOT), "worktree", "remove", "--force", str(folder))


def _done(*arguments: str, **environment: str) -> None:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    if done.returncode:
        raise GroundError(f"{' '.join(arguments)}: {(done.stderr or done.stdout).strip()[-2000:]}")


@contextmanager
def _server() -> Iterator[Cluster]:
    with thrown_away() as folder:
        server = EmbeddedPostgres(folder=folder / "postgres", settings={"autovacuum": "off"})
        server.start()
        try:
            yield Cluster(superuser_dsn=server.dsn)
        finally:
            server.stop()


def figure(rounds: list[Measured], name: str) -> float | None:
    """The median of the rounds; of `late` the value that 95 of 100 of all don't exceed; None: it has none."""
    values: list[float] = []
    for measured in rounds:
        if name == "further":
            of = [value for key, value in measured.items() if key.startswith("further ") and isinstance(value, float)]
            values += [max(of)] if of else []
            continue
        value = measured[name]
        values += value if isinstance(value, list) else [value]
    if not values:
        return None
    return percentile(values, 0.95) if name == "late" else median(values)


def _result(found: dict[str, list[Measured]]) -> Result:
    rows: list[tuple[str, ...]] = []
    aims: list[Aim] = []
    for name, what, target in _ROWS:
        now, then = figure(found["now"], name), figure(found["then"], name)
        rows.append((what, *("–" if value is None else number(value) for value in (now, then))))
        if now is not None and target is not None:
            aims.append(Aim(what=what, value=now, target=target, at_least=False))
    data: dict[str, Any] = {"before": BEFORE, "rounds": found}
    return Result(
        name="console",
        tables=[Table(title="Medians", head=("", "now", BEFORE), rows=rows)],
        aims=aims,
        notes=[
            f"{FLEET.devices:,} devices, {FLEET.alerts:,} open alerts, 50 commits/s; {BEFORE} shows a thousand of each."
        ],
        data=data,
    )

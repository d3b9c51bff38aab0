"""`python -m bench --against REV`: this revision and another one by turns, each with the benchmarks it came with.

Both are checked out into folders of their own and run by the interpreter of this one: other dependencies than today's
are not measured. Compared are medians of whole short runs, taken A B, A B, …, so that what else the machine does falls
on both; uncommitted changes don't count.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.ground import GroundError
from bench.report import Aim, Result, Table, number
from bench.ticket import percentile

_ROOT: Final = Path(__file__).parent.parent
NAMES: Final = ("ingest20", "ingest1", "ticket")
"""What can be compared: a rate, or a latency, of the whole way."""
OURS: Final = "steth ingest"
NOISE: Final = 0.95
"""Of the former rate: what two equal revisions differ by on a machine that isn't idle."""
LATEST_MS: Final = 200.0
"""From a fault to its ticket, 99 of 100, at half of the rate."""

Found = dict[str, Any]


@contextlib.contextmanager
def _checkout(revision: str, folder: Path) -> Iterator[Path]:
    _git("worktree", "add", "--detach", str(folder), revision)
    try:
        yield folder
    finally:
        _git("worktree", "remove", "--force", str(folder))


def _git(*arguments: str) -> None:
    git = ["git", "-C", str(_ROOT), *arguments]  # of PATH, as whoever measures has it
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GroundError(f"git {' '.join(arguments)}: {done.stderr.strip()}")


def _once(folder: Path, name: str) -> Found:
    """One short run of a checkout's benchmark: what it wrote."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", name, "--quick"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise GroundError(f"{name} of {folder.name}: {(done.stderr or done.stdout).strip()[-2000:]}")
    newest = max((folder / "bench" / "results").glob(f"*-{name}.json"), key=lambda path: path.stat().st_mtime_ns)
    found: Found = json.loads(newest.read_text(encoding="utf-8"))["data"]
    return found


def rate(runs: Sequence[Found]) -> float:
    """Messages a second of `steth ingest`: the median of the runs' rounds."""
    rates: list[float] = [sample["rate"] for run in runs for sample in run["rounds"][OURS]]
    return median(rates)


def late(runs: Sequence[Found], share: float) -> float:
    """Milliseconds from a fault to its ticket within which this share of all runs' faults lies."""
    return percentile([fault["ms"] for run in runs for fault in run["faults"]], share)


def against(revision: str, *, names: Sequence[str], rounds: int) -> Result:
    """Compare. Raises GroundError where git doesn't know the revision, or a benchmark can't run."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = {"now": Path(scratch) / "now", "before": Path(scratch) / "before"}
        runs: dict[tuple[str, str], list[Found]] = {}
        with _checkout("HEAD", folders["now"]), _checkout(revision, folders["before"]):
            for turn in range(rounds):
                for name in names:
                    for which, folder in folders.items():
                        runs.setdefault((name, which), []).append(_once(folder, name))
                        print(f"  round {turn + 1}: {name}, {which}", flush=True)
    rows: list[tuple[str, ...]] = []
    aims: list[Aim] = []
    for name in names:
        now, before = runs[name, "now"], runs[name, "before"]
        if name == "ticket":
            rows += [
                (f"p{share * 100:g}, ms", number(late(now, share)), number(late(before, share)))
                for share in (0.5, 0.99)
            ]
            aims.append(
                Aim(what="p99 from a fault to its ticket", value=late(now, 0.99), target=LATEST_MS, at_least=False)
            )
            rows.append(
                ("under messages/s", number(median(r["rate"] for r in now)), number(median(r["rate"] for r in before)))
            )
        else:
            rows.append((f"{name}, messages/s", number(rate(now)), number(rate(before))))
            aims.append(Aim(what=f"{name}: of the rate of {revision}", value=rate(now) / rate(before), target=NOISE))
    return Result(
        name="against",
        tables=[Table(title=f"medians of {rounds} run(s) each", head=("", "now", revision), rows=rows)],
        aims=aims,
        notes=[],
        data={"revision": revision, "runs": {f"{name}, {which}": found for (name, which), found in runs.items()}},
    )

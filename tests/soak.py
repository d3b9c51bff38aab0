"""A small hospital on `steth up` for as long as one likes: `make soak ARGS='--minutes 60'`. No process of ours may go
on growing once it has warmed up, and `steth doctor` must find nothing broken in the end."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import psutil

from tests.fixtures.ports import free_port
from tests.fixtures.up import Up, running

_MB: Final = 1024 * 1024
_OURS: Final = ("up", "broker", "ingest", "jobs", "api", "agent", "sim")
_SAMPLES: Final = 60


class Sample(NamedTuple):
    """Of one process at one moment. Memory in MB that is its own (USS), open files, threads."""

    memory: float
    files: float
    threads: float


_MORE: Final = Sample(memory=5.0, files=5, threads=3)
"""By how much the last third may be above the third before it."""


def sample(up: Up) -> dict[str, Sample]:
    """Our processes by the command that each runs."""
    parent = psutil.Process(up.process.pid)
    found: dict[str, Sample] = {}
    for process in [parent, *parent.children(recursive=True)]:
        words = process.cmdline()
        name = words[3] if words[1:3] == ["-m", "steth"] else ""
        if name in _OURS:
            memory = process.memory_full_info().uss / _MB
            found[name] = Sample(memory=memory, files=process.num_fds(), threads=process.num_threads())
    return found


def grown(samples: list[Sample]) -> dict[str, tuple[float, float]]:
    """What went on growing after the first third: (median of the second third, of the last one) by its name."""
    third = len(samples) // 3
    found = {}
    for name, more, values in zip(Sample._fields, _MORE, zip(*samples, strict=True), strict=True):
        before, after = median(values[third : 2 * third]), median(values[2 * third :])
        if after > before + more:
            found[name] = (before, after)
    return found


def main() -> int:
    """0: nothing grew, and nothing is broken."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    seconds = parser.parse_args().minutes * 60
    series: dict[str, list[Sample]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="steth-soak-") as folder:
        data = Path(folder, "data")
        with running(data, free_port()) as up:
            up.ready()
            for _ in range(_SAMPLES):
                time.sleep(seconds / _SAMPLES)
                for name, one in sample(up).items():
                    series[name].append(one)
            doctor = subprocess.run([sys.executable, "-m", "steth", "doctor", "--data", str(data)], check=False)
    failed = [f"steth doctor: {doctor.returncode}"] if doctor.returncode else []
    failed += [f"steth {name} was missing" for name in _OURS if len(series[name]) < _SAMPLES]
    for name, samples in sorted(series.items()):
        first, last = samples[0], samples[-1]
        sys.stdout.write(
            f"steth {name:7} {first.memory:7.1f} → {last.memory:6.1f} MB  {first.files:4.0f} → {last.files:4.0f} files"
            f"  {first.threads:3.0f} → {last.threads:3.0f} threads\n"
        )
        failed += [f"steth {name}: {what} {a:.1f} → {b:.1f}" for what, (a, b) in grown(samples).items()]
    sys.stdout.write("".join(f"GREW OR BROKE  {line}\n" for line in failed) or "nothing grew, nothing is broken\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

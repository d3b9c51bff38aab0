"""`promtool check metrics` on what each process emits."""

import subprocess

import pytest

from tests.fixtures.trixie import Tree
from tests.unit.steth.test_metrics import texts


@pytest.mark.parametrize("process", ["ingest, jobs", "jobs, leading", "api", "agent"])
def test_promtool_finds_nothing_wrong(trixie: Tree, process: str) -> None:
    done = subprocess.run(
        trixie.command("promtool", "check", "metrics", user="prometheus"),
        input=texts()[process],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("steth_")]
    assert said == []
    assert done.returncode in {0, 3}, (
        done.stderr
    )  # 3: the client library's own process_* and python_* have their quirks

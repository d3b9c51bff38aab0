"""The rules of Prometheus under promtool."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.trixie import Tree

FILES = Path(__file__).resolve().parents[3] / "docker" / "prometheus"


@pytest.mark.parametrize(
    "arguments",
    [["check", "config", "prometheus.yml"], ["check", "rules", "rules.yml"], ["test", "rules", "rules.test.yml"]],
)
def test_promtool_finds_nothing_wrong(trixie: Tree, arguments: list[str]) -> None:
    inside = trixie.make_directory(user="prometheus")
    outside = trixie.outside(inside)
    try:
        for path in FILES.iterdir():
            shutil.copy(path, outside)
            (outside / path.name).chmod(0o644)
        *command, name = arguments
        done = subprocess.run(
            trixie.command("promtool", *command, str(inside / name), user="prometheus"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        shutil.rmtree(outside)

"""The agent installs from its own lock, and then runs without anything of the server."""

import json
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.fixtures.parts import missing

ROOT = Path(__file__).resolve().parents[2]
SERVER_ROOMS = {"sim", "store", "ingest", "alerts", "desk", "remote", "api", "steth"}


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode and "connection broken" in done.stderr:
        missing("a package index", get="connect to the network")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def agent_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a new environment with the agent's lock and the project's wheel."""
    folder = tmp_path_factory.mktemp("agent")
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / "bin"
    pip = ("-m", "pip", "--disable-pip-version-check")
    wheels = folder / "wheels"
    run(sys.executable, *pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, ROOT, cwd=folder)
    lock = ROOT / "requirements" / "agent.lock"
    run(programs / "python", *pip, "install", "--require-hashes", "-r", lock, cwd=folder)
    run(programs / "python", *pip, "install", "--no-deps", *wheels.iterdir(), cwd=folder)
    return programs


def test_only_what_the_lock_names_is_installed(agent_environment: Path) -> None:
    lock = (ROOT / "requirements" / "agent.lock").read_text()
    locked = set(re.findall(r"^([a-z0-9._-]+)==", lock, re.MULTILINE))
    listed = run(agent_environment / "python", "-m", "pip", "list", "--format=json", cwd=agent_environment)
    installed = {re.sub(r"[-_.]+", "-", entry["name"]).lower() for entry in json.loads(listed)}
    assert installed - {"pip", "setuptools"} <= locked | {"steth"}


def test_the_agent_loads_nothing_of_the_server(agent_environment: Path) -> None:
    script = "import agent.cli, json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    loaded = set(json.loads(run(agent_environment / "python", "-W", "error", "-c", script, cwd=agent_environment)))
    assert {"agent", "wire"} <= loaded
    assert not loaded & SERVER_ROOMS


def test_its_own_command_starts(agent_environment: Path) -> None:
    assert "usage: steth-agent" in run(agent_environment / "steth-agent", "--help", cwd=agent_environment)


def test_the_catalog_travels_with_it(agent_environment: Path) -> None:
    script = "import catalog, pathlib; print(*pathlib.Path(catalog.__file__).parent.rglob('*.yaml'))"
    assert "generic-dr.yaml" in run(agent_environment / "python", "-c", script, cwd=agent_environment)

"""What every test may ask for; the real parts are in `tests/fixtures`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.parts import missing, versions

pytest_plugins = [
    "tests.fixtures.former",
    "tests.fixtures.mosquitto",
    "tests.fixtures.deployed",
    "tests.fixtures.timescale",
    "tests.fixtures.postgres",
    "tests.fixtures.pglite",
]

ROOT = Path(__file__).resolve().parent.parent


def pytest_report_header() -> str:
    """The parts' versions, for the day when one of them behaves otherwise."""
    return "parts: " + ", ".join(f"{name} {version}" for name, version in versions().items())


@pytest.fixture(autouse=True)
def own_umask() -> Iterator[None]:
    """The agent's command line narrows the process's umask; the next test must not inherit it."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real samples: `STETH_SHARED_DATA`, or beside the repository. Never part of the project."""
    named = os.environ.get("STETH_SHARED_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if folder.is_dir() else missing(f"the real samples in {folder}", get="set STETH_SHARED_DATA")

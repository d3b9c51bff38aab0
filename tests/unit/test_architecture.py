"""What holds over the whole tree: names, sizes, imports, and what must never be committed."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

# Modules of the standard library whose "Availability" in the Python Library Reference is Unix alone.
POSIX_ONLY = {"curses", "fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}

# Written so that this file does not match itself.
REGISTRY = re.compile(
    r"https?://[a-z0-9.-]*(py[p]i\.|python[h]osted|npm[j]s|deb[.]debian|debian[.]org/debian)", re.IGNORECASE
)
THIS_MACHINE = re.compile(r"/(wor[k]|far[m])/(main|shared|steering|in|\.library)\b|/tm[p]/(brief|probe)\b")


def project_files() -> list[Path]:
    """What is, or with the next `git add` would be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def imported(path: Path) -> Iterator[str]:
    """The top-level names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("name", [*ROOMS, "bench", "tests"])
def test_a_folder_shares_its_name_with_nobody(name: str) -> None:
    assert (ROOT / name / "__init__.py").is_file()
    assert name not in sys.stdlib_module_names
    assert set(packages_distributions().get(name, [])) <= {"steth"}


def test_every_package_is_a_room_that_the_import_contracts_and_mypy_know() -> None:
    packages = {
        path.parent.name for path in project_files() if path.parent.parent == ROOT and path.name == "__init__.py"
    }
    assert packages == {*ROOMS, "bench", "tests"}
    linter = PROJECT["tool"]["importlinter"]
    assert linter["root_packages"] == ROOMS
    layers = {room.strip() for layer in linter["contracts"][0]["layers"] for room in layer.split("|")}
    assert layers == set(ROOMS)
    assert not any(contract.get("ignore_imports") for contract in linter["contracts"])
    assert set(PROJECT["tool"]["mypy"]["files"]) == packages


def test_modules_stay_small() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in project_files()
        if path.suffix == ".py" and (lines := len(path.read_text().splitlines())) > 400
    }
    assert not long


def test_what_the_agent_runs_needs_no_posix() -> None:
    posix = ROOT / "agent" / "posix"
    found = {
        str(path.relative_to(ROOT)): names
        for room in ("wire", "catalog", "agent")
        for path in (ROOT / room).rglob("*.py")
        if not path.is_relative_to(posix) and path != posix.with_suffix(".py")
        if (names := POSIX_ONLY & set(imported(path)))
    }
    assert not found


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in project_files()
        for pattern in (REGISTRY, THIS_MACHINE)
        if (match := pattern.search(path.read_bytes().decode(errors="replace")))
    ]
    assert not found


def test_every_locked_requirement_is_hashed_and_the_agent_gets_a_part_of_the_whole() -> None:
    pinned = re.compile(r"^([a-z0-9._-]+)==(\S+?)(?: ;.*)? \\\n    --hash=sha256:[0-9a-f]{64}", re.MULTILINE)
    locks = {name: (ROOT / "requirements" / f"{name}.lock").read_text() for name in ("all", "agent")}
    requirements = {name: set(pinned.findall(text)) for name, text in locks.items()}
    for name, text in locks.items():
        assert len(requirements[name]) == sum(line[:1].isalnum() for line in text.splitlines())
    assert requirements["agent"] < requirements["all"]


def test_the_licence_of_every_direct_dependency_is_named() -> None:
    extras: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
    declared = {
        re.split(r"[^A-Za-z0-9._-]", requirement)[0]
        for requirement in [*PROJECT["project"]["dependencies"], *(each for extra in extras.values() for each in extra)]
    }
    rows = re.findall(r"^\| ([\w.-]+) \|", (ROOT / "docs" / "licences.md").read_text(), re.MULTILINE)
    assert set(rows) - {"package"} == declared

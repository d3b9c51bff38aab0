"""The console's own tests, and what must agree between it and the rest of the project."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

from catalog.units import SYMBOLS
from people.roles import RIGHTS
from tests.fixtures.parts import missing

ROOT = Path(__file__).resolve().parents[3]
CONSOLE = ROOT / "console"
MODULES = CONSOLE / "node_modules"


def test_the_pages_logic_passes_its_own_tests() -> None:
    if not (MODULES / ".installed").exists():
        missing("the console's packages", get="make console")
    done = subprocess.run(
        [ROOT / "tools" / "console.sh", "test"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    passed = re.search(r"^\s*Tests +(\d+) passed", done.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) > 30


def test_units_are_shown_as_the_catalog_shows_them() -> None:
    assert json.loads((CONSOLE / "src" / "words" / "units.json").read_text(encoding="utf-8")) == SYMBOLS


def test_the_lock_names_no_registry_and_holds_every_package_by_its_hash() -> None:
    lock = json.loads((CONSOLE / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert len(packages) > 20
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
    settings = (CONSOLE / ".npmrc").read_text(encoding="utf-8").splitlines()
    assert {"omit-lockfile-registry-resolved=true", "ignore-scripts=true"} <= set(settings)


def test_the_licence_of_every_direct_package_is_named() -> None:
    package = json.loads((CONSOLE / "package.json").read_text(encoding="utf-8"))
    rows = re.findall(
        r"^\| (`[@\w./-]+`(?:, `[@\w./-]+`)*) \|",
        (ROOT / "docs" / "licences.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    named = re.findall(r"`([^`]+)`", "\n".join(rows))
    assert sorted(named) == sorted({**package["dependencies"], **package["devDependencies"]})


def test_the_page_has_the_projects_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert json.loads((CONSOLE / "package.json").read_text(encoding="utf-8"))["version"] == project["version"]


def test_rights_that_pages_ask_for_are_rights() -> None:
    pages = [path.read_text(encoding="utf-8") for path in (CONSOLE / "src").rglob("*.tsx")]
    asked = set(re.findall(r"useMay\('([^']*)'\)", "\n".join(pages)))
    assert len(asked) > 2
    assert asked <= set(RIGHTS.roles)


def test_no_text_of_others_can_become_markup() -> None:
    """React writes text. What could write markup, run text or follow an address that a device sent is not used."""
    unsafe = re.compile(
        r"dangerouslySetInnerHTML|\.(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcDoc"
    )
    sources = [path for path in (CONSOLE / "src").rglob("*.ts*") if not path.name.startswith("contract")]
    assert len(sources) > 20
    for path in sources:
        source = path.read_text(encoding="utf-8")
        assert not unsafe.search(source), path
        for address in re.findall(r"href=\{([^}]*)", source):
            assert address.startswith("`tel:"), (path, address)  # a link of ours is the router's

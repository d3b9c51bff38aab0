"""Bills of materials: of the standard's form, and with all that the locks have."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
REQUIREMENT: Final = re.compile(r"^([a-z0-9._-]+)==([^ ;]+)((?:.*\\\n)+.*)", re.MULTILINE)
VALID: Final = """
import json, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
text = sys.stdin.read()
print(JsonStrictValidator(SchemaVersion.from_version(json.loads(text)["specVersion"])).validate_str(text))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sbom")
    done = subprocess.run([ROOT / "tools" / "sbom.sh", folder], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def bill(folder: Path, part: str) -> Any:
    return json.loads((folder / f"{part}.cdx.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("part", ["agent", "server", "console"])
def test_it_is_what_the_standard_says_and_names_no_place_to_load_from(made: Path, part: str) -> None:
    text = (made / f"{part}.cdx.json").read_text(encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", VALID], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "None\n"), done.stderr
    places = [ref["url"] for one in bill(made, part)["components"] for ref in one.get("externalReferences", ())]
    assert [place for place in places if "://" in place] == []
    assert str(ROOT) not in text


@pytest.mark.parametrize("part", ["agent", "server"])
def test_each_package_of_a_lock_is_in_it_with_its_hashes(made: Path, part: str) -> None:
    lock = (ROOT / "requirements" / f"{part}.lock").read_text(encoding="utf-8")
    locked = {
        (name, version, frozenset(re.findall("sha256:([0-9a-f]{64})", rest)))
        for name, version, rest in REQUIREMENT.findall(lock)
    }
    assert len(locked) == sum(line[:1].isalnum() for line in lock.splitlines())
    found = {
        (
            one["name"],
            one["version"],
            frozenset(sum_["content"] for ref in one["externalReferences"] for sum_ in ref["hashes"]),
        )
        for one in bill(made, part)["components"]
    }
    assert found == locked
    assert bill(made, part)["metadata"]["component"]["name"] == "steth"


def test_the_console_s_has_what_is_delivered_and_no_tool(made: Path) -> None:
    lock = json.loads((ROOT / "console" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    delivered = {
        (path.rpartition("node_modules/")[2], package["version"])
        for path, package in lock.items()
        if path and not package.get("dev") and not package.get("devOptional") and not package.get("peer")
    }
    components = bill(made, "console")["components"]
    found = {(one["name"], one["version"]) for one in components}
    assert delivered <= found
    assert "vite" not in {name for name, _ in found}
    assert all(one["hashes"] for one in components)

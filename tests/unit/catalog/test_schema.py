"""The schema in docs/contract is what the structs say, and takes and refuses what they do."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from catalog.load import SHIPPED
from catalog.schema import FILE, schema, text
from tests.unit.catalog.conftest import FILES


def test_the_file_is_what_the_structs_say() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run: python -m catalog.schema --write"


@pytest.mark.parametrize("file", sorted(SHIPPED.rglob("*.yaml")), ids=lambda file: file.name)
def test_every_shipped_file_is_valid(file: Path) -> None:
    value = json.loads(json.dumps(yaml.safe_load(file.read_text(encoding="utf-8"))))  # editors see keys as strings
    assert [str(error) for error in jsonschema_rs.validator_for(schema()).iter_errors(value)] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    unit: Cel\n    title", "    unit: degC\n    title"),
        ("  - code: T-02\n", "  - code: T 02\n"),
        ("en: Too hot", "en: ''"),
        ("    lane: live\n", "    lane: slow\n"),
        ("kind: dr\n", "kind: dr\nmore: 1\n"),
        ('{raw: "16",', '{raw: " 16",'),
        ('{raw: "16",', "{raw: 16,"),
        ("[astm.comment, astm.flag]", "[]"),
        ("also: {mg/dL: 0.0555}", "also: {mg/dL: 0}"),
        ("ids: [GLU, Glucose]", "ids: []"),
    ],
)
def test_it_refuses_what_the_structs_refuse(old: str, new: str) -> None:
    validator = jsonschema_rs.validator_for(schema())
    clean = FILES["models/thing.yaml"]
    assert validator.is_valid(yaml.safe_load(clean))
    assert old in clean
    assert not validator.is_valid(yaml.safe_load(clean.replace(old, new)))

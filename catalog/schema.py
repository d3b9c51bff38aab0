"""The JSON Schema of the catalog's files, made from their structs: `python -m catalog.schema [--write]`.

It serves editors; what spans entries and files (names, doubles, hysteresis) only `catalog.check` finds.
"""

import inspect
import json
import sys
from pathlib import Path
from typing import Any, Final

from msgspec.json import schema_components

from catalog.source import MessagesFile, ModelFile, PartsFile, RepairsFile, RunbooksFile
from catalog.units import SYMBOLS

FILE: Final = Path(__file__).resolve().parent.parent / "docs" / "contract" / "catalog.schema.json"
_FILES: Final = {
    "models/*.yaml": ModelFile,
    "parts.yaml": PartsFile,
    "runbooks.yaml": RunbooksFile,
    "repairs.yaml": RepairsFile,
    "messages.yaml": MessagesFile,
}


def schema() -> dict[str, Any]:
    """The schema as a JSON value: `$defs` of all structs, and any of the five kinds of file at the top."""
    roots, components = schema_components(_FILES.values(), ref_template="#/$defs/{name}")
    for name, root in zip(_FILES, roots, strict=True):
        components[root["$ref"].rpartition("/")[2]]["title"] = name
    components["Signal"]["properties"]["unit"]["enum"] = list(SYMBOLS)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Steth catalog file",
        "anyOf": list(roots),
        "$defs": {name: _portable(component) for name, component in sorted(components.items())},
    }


def _portable(value: Any) -> Any:
    r"""Patterns as ECMA-262 writes them (`\Z` is Python's), descriptions without their source's indentation."""
    if isinstance(value, dict):
        return {
            key: inner.replace(r"\Z", "$")
            if key == "pattern" and isinstance(inner, str)
            else inspect.cleandoc(inner)
            if key == "description" and isinstance(inner, str)
            else _portable(inner)
            for key, inner in value.items()
        }
    return [_portable(inner) for inner in value] if isinstance(value, list) else value


def text() -> str:
    """The schema as it is kept in `FILE`."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(text(), encoding="utf-8")
    else:
        sys.stdout.write(text())

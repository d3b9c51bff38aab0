"""`python -m wire.contract --write`: JSON Schemas and the AsyncAPI document into docs/contract.

They are generated and committed; a test holds them equal to what the structs say. Without `--write`: their names.
"""

import json
import sys
from pathlib import Path
from typing import Final

from wire.asyncapi import document
from wire.jsonschema import MESSAGES, message_schema

FOLDER: Final = Path(__file__).parent.parent / "docs" / "contract"


def files() -> dict[str, str]:
    """Each file's name and text, as committed."""
    contents = {f"{name}.schema.json": message_schema(name) for name in MESSAGES}
    contents["asyncapi.json"] = document()
    return {name: json.dumps(content, ensure_ascii=False, indent=1) + "\n" for name, content in contents.items()}


def main(arguments: list[str]) -> int:
    """Exit code 2 for arguments it doesn't know."""
    if arguments not in ([], ["--write"]):
        sys.stderr.write("usage: python -m wire.contract [--write]\n")
        return 2
    for name, text in files().items():
        if arguments:
            FOLDER.mkdir(parents=True, exist_ok=True)
            (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{FOLDER / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

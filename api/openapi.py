"""`python -m api.openapi`: the OpenAPI document on stdout; with `--write` into docs/contract/openapi.json."""

import json
import sys
from pathlib import Path
from typing import Final

from api.app import Api

COMMITTED: Final = Path(__file__).parent.parent / "docs" / "contract" / "openapi.json"


def document() -> str:
    """The document as it is committed."""
    return json.dumps(Api().openapi(), ensure_ascii=False, indent=1) + "\n"


def main(arguments: list[str]) -> int:
    """Exit code 2 for arguments it doesn't know."""
    if arguments == ["--write"]:
        COMMITTED.parent.mkdir(parents=True, exist_ok=True)
        COMMITTED.write_text(document(), encoding="utf-8")
    elif arguments:
        sys.stderr.write("usage: python -m api.openapi [--write]\n")
        return 2
    else:
        sys.stdout.write(document())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

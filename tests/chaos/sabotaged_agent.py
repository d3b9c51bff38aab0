"""`steth-agent` with an outbox that breaks delivery 2 on purpose: `make chaos` must notice.

python -m tests.chaos.sabotaged_agent NAME CONFIG.toml
"""

import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from agent.cli import main
from agent.outbox.storage import Storage


def never_synchronises() -> Mapping[str, Any]:
    """What was committed is not on the disk."""
    return {"PRAGMAS": {**Storage.PRAGMAS, "synchronous": "OFF"}}


def keeps_nothing() -> Mapping[str, Any]:
    """No reserve, and nothing is done about a full disk."""
    return {"RESERVE": 0, "look": lambda _: None, "squeeze": lambda _: None}


SABOTAGES: Final[Mapping[str, Callable[[], Mapping[str, Any]]]] = MappingProxyType(
    {"outbox-without-fsync": never_synchronises, "no-reserve": keeps_nothing}
)


if __name__ == "__main__":
    for name, what in SABOTAGES[sys.argv.pop(1)]().items():
        setattr(Storage, name, what)
    main()

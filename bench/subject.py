"""A subject in a process of its own: `python -m bench.subject SPEC`, started and timed by `bench.trial`."""

import json
import mmap
import struct
import sys
from pathlib import Path
from typing import Final

import msgspec

_SLOT: Final = struct.Struct("<q")
_DONE, _READY, _GO = 0, 8, 16
SIZE: Final = 24


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """What a subject is told. `kind`: a key of `KINDS`; `lane` and `readings`: of the load; `profile`: measure stages
    (never in a round that counts)."""

    kind: str
    board: str
    dsn: str
    port: int
    health: int
    lane: str
    readings: int
    messages: int
    profile: bool = False
    options: dict[str, int] = {}


class Board:
    """Three numbers that subject and driver share in a small file: messages done, ready, go."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), SIZE)

    @classmethod
    def make(cls, path: Path) -> "Board":
        path.write_bytes(bytes(SIZE))
        return cls(path)

    @property
    def done(self) -> int:
        return int(_SLOT.unpack_from(self._memory, _DONE)[0])

    @done.setter
    def done(self, value: int) -> None:
        _SLOT.pack_into(self._memory, _DONE, value)

    @property
    def ready(self) -> bool:
        return bool(_SLOT.unpack_from(self._memory, _READY)[0])

    def say_ready(self) -> None:
        _SLOT.pack_into(self._memory, _READY, 1)

    @property
    def go(self) -> bool:
        return bool(_SLOT.unpack_from(self._memory, _GO)[0])

    def say_go(self) -> None:
        _SLOT.pack_into(self._memory, _GO, 1)


def main() -> None:
    spec = msgspec.json.decode(sys.argv[1].encode(), type=Spec)
    board = Board(Path(spec.board))
    match spec.kind:
        case "steth":
            from bench import ours  # noqa: PLC0415 - a subject loads its own libraries only

            report = ours.run(spec, board)
        case "paho":
            from bench import peers  # noqa: PLC0415

            report = peers.run_rows(spec, board)
        case "pool":
            from bench import peers  # noqa: PLC0415

            report = peers.run_pool(spec, board)
        case "memory":
            from bench import limits  # noqa: PLC0415

            report = limits.run_memory(spec, board)
        case "puback":
            from bench import limits  # noqa: PLC0415

            report = limits.run_puback(spec, board)
        case _:
            raise SystemExit(f"no such subject: {spec.kind}")
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()

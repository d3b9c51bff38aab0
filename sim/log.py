"""The log file of the simulated DR: lines that the patterns of the catalog's model `generic-dr` read, and rotation."""

import contextlib
import errno
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO, assert_never

from sim.events import Event, Exposure, LogLine, Status, Step
from sim.patients import MARK, patient

_STATES: Final = {"active": "SET", "cleared": "CLR", "event": "EVT"}
_IRAY: Final = "IRAY-"


def lines(event: Event, *, at: datetime, seed: int) -> list[str]:
    """What the DR writes about `event`; `at`: what its clock shows. The local time has no zone, as in real logs.

    Lines about a patient are canaries.
    """
    stamp = at.strftime("%Y-%m-%d %H:%M:%S")
    match event:
        case Exposure():
            who = patient(seed, event.patient)
            return [f"{stamp} INFO exposure {event.protocol.name} patient={who.id} name={who.name}"]
        case Step():
            return []
        case LogLine():
            if event.code.startswith(_IRAY):
                return [f"{stamp} FPD ERROR {event.code.removeprefix(_IRAY)} {event.words}".rstrip()]
            rest = f"{event.words} operator={MARK}-Otto" if event.state == "active" else event.words
            return [f"{stamp} ALARM {event.code} {_STATES[event.state]} {rest}".rstrip()]
        case Status():
            return [f"{stamp} {_status(event)}"]
        case _ as never:
            assert_never(never)


def _status(event: Status) -> str:
    match event.name:
        case "tube.heat":
            return f"STATUS tube_heat={event.value:.1f}%"
        case "tube.exposures_total":
            return f"STATUS tube_exposures={event.value:.0f}"
        case "generator.arcs":
            return f"STATUS arcs_today={event.value:.0f}"
        case "detector.battery":
            return f"FPD STATUS battery={event.value:.0f}"
        case "detector.defect_pixels":
            return f"FPD STATUS defects={event.value:.0f}"
        case _ as never:
            assert_never(never)


@contextlib.contextmanager
def going_on_when_full() -> Iterator[None]:
    """Leaves off what a full disk has no room for; any other OSError is raised."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise


class LogFile:
    """Appends lines to `path` in `encoding`; beyond `max_bytes` it becomes `path.1`, that `path.2`, `keep` of them.

    What a full disk has no room for waits as far as the file's buffer goes; equipment stops for no log.
    """

    def __init__(self, *, path: Path, max_bytes: int = 1_000_000, keep: int = 3, encoding: str = "utf-8") -> None:
        self._path = path
        self._encoding = encoding
        self._max_bytes = max_bytes
        self._keep = keep
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open()

    def write(self, text: list[str]) -> None:
        """Append `text` as lines, at once visible to a reader. A rotation never parts one call's lines."""
        with going_on_when_full():
            if self._file.tell() > self._max_bytes:
                self._rotate()
            self._file.write("".join(f"{line}\n" for line in text))
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        with going_on_when_full():
            self._file.close()

    def _open(self) -> TextIO:
        return self._path.open("a", encoding=self._encoding, newline="\n")

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._keep - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        self._file = self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

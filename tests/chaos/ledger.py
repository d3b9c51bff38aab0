"""What the equipment knows that it said, and how the database is held against it. Pure but for a lock."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Reading(NamedTuple):
    """One number: values and times are unique in a device and metric, so that each fact is known again."""

    device: str
    metric: str
    at_ms: int
    value: float


class FaultLine(NamedTuple):
    """One line of a log that names a code."""

    device: str
    code: str
    state: str
    at_ms: int


class StoredFault(NamedTuple):
    """A fault as stored: repeats that waited in the outbox are folded into one (delivery 2)."""

    device: str
    code: str
    state: str
    at_ms: int
    first_ms: int
    last_ms: int
    times: int


class Image(NamedTuple):
    """An acknowledged image: what of it travels live, and what is one report of the bulk lane."""

    live: tuple[Reading, ...]
    bulk: tuple[Reading, ...]


class Ledger:
    """Written by the equipment's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.readings: Counter[Reading] = Counter()
        self.faults: list[FaultLine] = []
        self.images: dict[str, list[Image]] = defaultdict(list)
        self.tickets: set[tuple[str, str]] = set()
        """(device, fault family) with a fault that deserves a ticket."""
        self.once: set[tuple[str, str]] = set()
        """(device, code) that was said exactly once, so that judging it twice shows."""

    def add_image(self, device: str, image: Image) -> None:
        """An image was acknowledged."""
        with self._lock:
            self.images[device].append(image)
            self.readings.update(image.live)
            self.readings.update(image.bulk)

    def add_lines(self, readings: Iterable[Reading], faults: Iterable[FaultLine]) -> None:
        """Lines were written."""
        with self._lock:
            self.readings.update(readings)
            self.faults += faults

    def expect_ticket(self, device: str, family: str, *, once: str | None = None) -> None:
        """A fault of this family was said; ``once``: its code, if it will never be said again."""
        with self._lock:
            self.tickets.add((device, family))
            if once is not None:
                self.once.add((device, once))

    def sent(self) -> int:
        """How many facts were said so far."""
        with self._lock:
            return self.readings.total() + len(self.faults)

    def images_of(self, device: str) -> int:
        """How many images of a device were acknowledged so far."""
        with self._lock:
            return len(self.images[device])


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What the database holds."""

    readings: Counter[Reading]
    faults: Sequence[StoredFault]
    dropped: Mapping[str, int]
    """Reports that a device's agent said its full outbox dropped."""
    gaps: Mapping[str, int]
    """Numbers of a device's bulk lane that can never come, by the gap rows."""
    tickets: Counter[tuple[str, str]]
    """Tickets of any kind by (device, family), closed ones included."""
    alerts: Mapping[tuple[str, str], Sequence[int]]
    """(device, code) → the counts of its episodes."""
    dead_letters: int
    to_judge: int
    asides: int


@dataclass(kw_only=True)
class Comparison:
    """The verdict; ``lost`` and ``duplicated`` name each fact, ``wrong`` what else must not be."""

    sent: int
    stored: int
    tickets: int
    expected: int
    dropped: int
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """The line by which a run is known."""
        return (
            f"sent {self.sent} stored {self.stored} lost {len(self.lost)} duplicated {len(self.duplicated)} "
            f"tickets {self.tickets} expected {self.expected}"
        )

    @property
    def clean(self) -> bool:
        """Whether nothing is lost, doubled or wrong."""
        return not self.lost and not self.duplicated and not self.wrong and self.tickets == self.expected


def compare(ledger: Ledger, stored: Stored) -> Comparison:
    """Hold the database against the ledger. What an outbox dropped is subtracted exactly as its agent counted it."""
    excused, dropped = _excused(ledger, stored)
    expected = ledger.readings - excused
    lost = [str(fact) for fact in (expected - stored.readings).elements()]
    duplicated = [str(fact) for fact in (stored.readings - expected).elements()]
    missing, doubled = _faults(ledger.faults, stored.faults)
    lost += missing
    duplicated += doubled
    sent = expected.total() + len(ledger.faults)
    verdict = Comparison(
        sent=sent,
        stored=sent - len(lost),
        tickets=stored.tickets.total(),
        expected=len(ledger.tickets),
        dropped=dropped,
        lost=lost,
        duplicated=duplicated,
    )
    _judgement(ledger, stored, verdict)
    return verdict


def _excused(ledger: Ledger, stored: Stored) -> tuple[Counter[Reading], int]:
    """The readings of images whose one bulk report was dropped, if agent, gap rows and ledger agree on how many."""
    excused: Counter[Reading] = Counter()
    total = 0
    for device, count in stored.dropped.items():
        missing = [image for image in ledger.images[device] if not any(r in stored.readings for r in image.bulk)]
        if len(missing) == count == stored.gaps.get(device, 0):
            total += count
            for image in missing:
                excused.update(image.bulk)
    return excused, total


def _faults(said: Iterable[FaultLine], stored: Iterable[StoredFault]) -> tuple[list[str], list[str]]:
    """Lines that are in no stored fault, and stored faults that tell of more lines than there were."""
    waiting: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for line in said:
        waiting[line.device, line.code, line.state].append(line.at_ms)
    doubled: list[str] = []
    # Single ones first: a folded one then takes what is left between its first and its last.
    for fault in sorted(stored, key=lambda f: (f.last_ms - f.first_ms, f.at_ms)):
        times = waiting[fault.device, fault.code, fault.state]
        taken = sorted(at for at in times if fault.first_ms <= at <= fault.last_ms)[: fault.times]
        for at in taken:
            times.remove(at)
        doubled += [str(fault)] * (fault.times - len(taken))
    lost = [str(FaultLine(*key, at)) for key, times in waiting.items() for at in times]
    return lost, doubled


def _judgement(ledger: Ledger, stored: Stored, verdict: Comparison) -> None:
    """What was made of the facts."""
    for device, count in stored.gaps.items():
        if count != stored.dropped.get(device, 0):
            verdict.wrong.append(
                f"gap rows of {device}: {count} reports, its agent dropped {stored.dropped.get(device, 0)}"
            )
    expected = Counter(ledger.tickets)
    verdict.wrong += [f"no ticket for {key}" for key in (expected - stored.tickets)]
    verdict.wrong += [f"a ticket too many for {key}" for key in (stored.tickets - expected).elements()]
    for key in sorted(ledger.once):
        counts = list(stored.alerts.get(key, ()))
        if counts != [1]:
            verdict.wrong.append(f"{key} was said once, its episodes count {counts}")
    for name, number in (
        ("dead letters", stored.dead_letters),
        ("reports left to judge", stored.to_judge),
        ("readings set aside", stored.asides),
    ):
        if number:
            verdict.wrong.append(f"{number} {name}")

from collections.abc import Sequence

import psutil
import pytest

from agent.adapters.host import Changes, HostAdapter, fullest, temperature, uptime_s
from agent.adapters.port import Entry
from agent.clock import Clock, Now
from agent.config.shapes import Host
from agent.errors import OutboxFull
from catalog.load import load
from wire.items import Readings
from wire.topics import Lane

MODEL = load().models["generic-dr"]


def changes(every_s: float = 60.0) -> Changes:
    return Changes(model=MODEL, every_s=every_s)


def due(tracker: Changes, metric: str, value: float, *, seconds: float) -> bool:
    found = tracker.due({metric: value}, now_ms=int(seconds * 1000))
    tracker.sent(dict.fromkeys(found, value), now_ms=int(seconds * 1000))
    return bool(found)


def test_a_value_is_sent_when_it_changed_beyond_its_deadband_or_was_silent_for_long() -> None:
    signal = MODEL.signals["host.disk_used"]
    assert (signal.deadband, signal.cadence, signal.stands) == (0.5, 60, 600)
    tracker = changes()
    assert due(tracker, "host.disk_used", 50.0, seconds=0)
    assert not due(tracker, "host.disk_used", 50.5, seconds=60)
    assert due(tracker, "host.disk_used", 50.6, seconds=120)
    assert not due(tracker, "host.disk_used", 51.0, seconds=120 + 500)
    assert due(tracker, "host.disk_used", 51.0, seconds=120 + 600)


def test_no_value_is_sent_more_often_than_its_cadence() -> None:
    assert MODEL.signals["host.uptime"].cadence == 300
    tracker = changes()
    sent = [seconds for seconds in range(0, 1800, 60) if due(tracker, "host.uptime", float(seconds), seconds=seconds)]
    assert sent == [0, 300, 600, 900, 1200, 1500]


def test_a_timer_that_is_a_little_early_counts() -> None:
    tracker = changes()
    assert due(tracker, "host.cpu", 10.0, seconds=0)
    assert due(tracker, "host.cpu", 90.0, seconds=59.9)


def test_what_the_catalog_does_not_know_is_never_due() -> None:
    assert not due(changes(), "host.colour", 1.0, seconds=0)


class Kept:
    """A sink that keeps entries, or refuses them."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.full = False
        self.key = b""

    def put(self, entry: Entry) -> bool:
        raise NotImplementedError

    async def aput(self, entry: Entry) -> bool:
        if self.full:
            raise OutboxFull("full")
        self.entries.append(entry)
        return True

    def position(self, name: str) -> bytes | None:
        raise NotImplementedError

    def refused(self, source: str, reason: str, *, form: str = "") -> None:
        raise NotImplementedError

    def untold(self, source: str, reason: str) -> None:
        raise NotImplementedError


def now() -> Now:
    return Now(wall=1_800_000_000_000, elapsed=5_000)


def adapter(sink: Kept, disks: Sequence[str] = ()) -> HostAdapter:
    clock = Clock(segments=[], now=now(), machine="m")
    segment = clock.peek(now()).segment
    clock.answered(sent=now().wall, server=now().wall + 7_000, held=0, segment=segment, now=now())
    return HostAdapter(config=Host(disks=tuple(disks)), certificates=(), model=MODEL, sink=sink, clock=clock, now=now)


def lanes(entry: Entry) -> dict[Lane, list[str]]:
    return {
        lane: [metric for item in items if isinstance(item, Readings) for metric in item.metric]
        for lane, items in ((Lane.LIVE, entry.live), (Lane.BULK, entry.bulk))
    }


async def test_what_is_read_here_is_of_the_catalog_and_goes_into_its_lane() -> None:
    sink = Kept()
    host = adapter(sink)
    values = host._read()
    await host.sample(values)
    found = lanes(sink.entries[0])
    assert set(found[Lane.LIVE]) | set(found[Lane.BULK]) == set(values)
    assert set(values) >= {"host.cpu", "host.memory", "host.disk_used", "host.disk_free", "host.uptime"}
    for metric, value in values.items():
        signal = MODEL.signals[metric]
        assert metric in found[signal.lane]
        assert signal.min <= value <= signal.max
    assert values["host.clock_offset"] == -7_000  # device less server


async def test_nothing_due_enters_nothing_and_what_was_refused_comes_again() -> None:
    sink = Kept()
    host = adapter(sink)
    values = {"host.cpu": 10.0, "host.disk_used": 40.0}
    sink.full = True
    await host.sample(values)
    sink.full = False
    await host.sample(values)
    await host.sample(values)
    assert len(sink.entries) == 1


def test_the_fullest_disk_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type(psutil.disk_usage("/"))
    disks = {"/a": usage(100, 40, 60, 40.0), "/b": usage(100, 90, 10, 90.0)}
    monkeypatch.setattr(psutil, "disk_usage", disks.__getitem__)
    assert fullest(["/a", "/b"]) == (90.0, 10)


def test_the_machine_tells_something_plausible() -> None:
    assert uptime_s() > 0
    celsius = temperature()
    assert celsius is None or -20 < celsius < 150

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.adapters.form import form_of
from agent.adapters.port import Entry
from agent.clock import Clock, Moment, Now
from agent.errors import OutboxFull
from agent.outbox.outbox import Entered, Outbox
from agent.outbox.states import Limits
from agent.sink import POSITION, DeviceSink
from agent.tally import BURST_MS
from catalog.load import load
from wire.codec import decode_report
from wire.items import ClockStep, Fault, Heartbeat, Inventory, Item, Readings, Refusal, StateChange
from wire.topics import Lane

MODEL = load().models["generic-dr"]
CODE = min(MODEL.faults)
START = 1_800_000_000_000


class World:
    def __init__(self, path: Path) -> None:
        self.ahead = 0
        self.elapsed = 0
        self.outbox = Outbox(path=path, limits=Limits(live_items=3))
        self.clock = Clock(segments=[], now=self.now(), machine="m")
        self.sink = DeviceSink(device="d", model=MODEL, outbox=self.outbox, clock=self.clock, now=self.now)

    def now(self) -> Now:
        return Now(wall=START + self.elapsed + self.ahead, elapsed=self.elapsed)

    async def sent(self, lane: Lane = Lane.LIVE) -> list[Item]:
        held = await self.outbox.fetch(lane, seq=1, reports=1000, size=10**9, alone=True)
        return [item for report in held for item in decode_report(report.body).items]

    async def segments(self) -> list[int]:
        held = await self.outbox.fetch(Lane.LIVE, seq=1, reports=1000, size=10**9, alone=True)
        return [report.segment for report in held]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path / "d.outbox")
    yield made
    made.outbox.close()


def counts(sink: DeviceSink) -> dict[tuple[str, str], int]:
    return {(each.source, each.reason): each.count for each in sink.refusals() if each.kind == "refused"}


def fault(code: str = CODE, source: str = "log") -> Fault:
    return Fault(at=START, code=code, state="active", source=source)


async def test_what_the_catalog_does_not_declare_never_reaches_the_outbox(world: World) -> None:
    entry = Entry(
        live=[fault("WHO-KNOWS"), StateChange(at=START, name="patient.name", value="Doe^Jane"), fault()],
        bulk=[
            Readings(at=START, metric=["exposure.mas", "patient.weight"], value=[2.5, 70.0]),
            Inventory(at=START, fields={"patient.id": "4711", "device.serial": "SN-1"}),
        ],
    )
    assert await world.sink.aput(entry)
    assert await world.sent() == [fault()]
    assert await world.sent(Lane.BULK) == [
        Readings(at=START, metric=["exposure.mas"], value=[2.5]),
        Inventory(at=START, fields={"device.serial": "SN-1"}),
    ]
    assert counts(world.sink) == {
        ("gate", "unknown-code"): 1,
        ("gate", "unknown-state"): 1,
        ("gate", "unknown-metric"): 1,
        ("gate", "unknown-field"): 1,
    }
    assert b"Doe" not in b"".join(path.read_bytes() for path in world.outbox._storage._path.parent.iterdir())


async def test_a_repeat_is_told_as_such_and_counts_nothing(world: World) -> None:
    entry = Entry(live=[fault("WHO-KNOWS"), fault()], seen=[b"x" * 16])
    assert await world.sink.aput(entry)
    assert not await world.sink.aput(entry)
    assert not world.sink.put(entry)
    assert counts(world.sink) == {("gate", "unknown-code"): 1}


async def test_a_full_outbox_raises_counts_and_is_told_in_the_heartbeat(world: World) -> None:
    codes = sorted(MODEL.faults)[:4]
    for code in codes[:3]:
        await world.sink.aput(Entry(live=[fault(code)]))
    for _ in range(2):
        with pytest.raises(OutboxFull):
            await world.sink.aput(Entry(live=[fault(codes[3])]))
    with pytest.raises(OutboxFull):
        world.sink.put(Entry(live=[fault(codes[3])]))
    world.sink.refused("dicom", "oversize")
    assert counts(world.sink) == {("outbox", "full"): 3, ("dicom", "oversize"): 1}
    await world.sink.heartbeat(uptime_s=5.0, connected=None)
    await world.sink.heartbeat(uptime_s=6.0, connected=None)
    beats = [item for item in await world.sent() if isinstance(item, Heartbeat)]
    assert [beat.refused for beat in beats] == [4, 4]


async def test_what_was_refused_is_told_in_the_next_heartbeat_once_and_again_when_asked(world: World) -> None:
    world.sink.refused("astm", "unknown-code", form=form_of("BTH-TMP-01"))
    world.elapsed = 2_000
    world.sink.refused("astm", "unknown-code", form="Doe^Jane")
    world.sink.untold("dicom", "other-storage")
    for _ in range(2):
        await world.sink.heartbeat(uptime_s=1.0, connected=None)
    world.sink.tell_again()
    await world.sink.heartbeat(uptime_s=1.0, connected=None)
    both = [
        Refusal(source="astm", reason="unknown-code", count=2, since=START, last=START + 2_000, form="Aaa^Aaaa"),
        Refusal(
            kind="untold", source="dicom", reason="other-storage", count=1, since=START + 2_000, last=START + 2_000
        ),
    ]
    beats = [item for item in await world.sent() if isinstance(item, Heartbeat)]
    assert [beat.refusals for beat in beats] == [both, None, both]
    assert [beat.refused for beat in beats] == [2, 2, 2], "what told nothing was not refused"


async def test_a_small_report_takes_some_and_the_next_heartbeats_take_the_rest(world: World) -> None:
    await world.outbox.bound_reports(1024)
    for number in range(5):
        world.sink.refused("astm", f"unknown-signal:{'signal.' * 8}{number}", form="A" * 24)
    for _ in range(6):
        await world.sink.heartbeat(uptime_s=1.0, connected=None)
    told = [item.refusals or [] for item in await world.sent() if isinstance(item, Heartbeat)]
    assert [len(each) for each in told] == [1, 1, 1, 1, 1, 0]
    assert len({each.reason for beat in told for each in beat}) == 5


async def test_counts_go_on_after_a_restart_also_when_no_heartbeat_could_be_told(world: World) -> None:
    world.sink.refused("astm", "unknown-code", form="AAA-AAA-99")
    world.sink.keep()
    world.outbox.close()
    world.elapsed = 60_000
    world.outbox = Outbox(path=world.outbox._storage._path)
    world.sink = DeviceSink(device="d", model=MODEL, outbox=world.outbox, clock=world.clock, now=world.now)
    world.sink.refused("astm", "unknown-code")
    assert world.sink.refusals() == [
        Refusal(source="astm", reason="unknown-code", count=2, since=START, last=START + 60_000, form="AAA-AAA-99")
    ]


async def test_the_tally_is_written_only_when_it_changed(world: World) -> None:
    written: list[object] = []
    put = world.outbox.put

    def noted(entry: Entry, moment: Moment) -> Entered:
        written.append(entry)
        return put(entry, moment)

    world.outbox.put = noted  # type: ignore[method-assign]
    world.sink.keep()
    world.sink.refused("astm", "unknown-code")
    world.sink.keep()
    world.sink.keep()
    assert len(written) == 1


async def test_a_tally_that_cannot_be_read_is_counted_anew(world: World) -> None:
    await world.outbox.aput(Entry(positions={POSITION: b"\xc1"}), world.clock.moment(world.now()))
    sink = DeviceSink(device="d", model=MODEL, outbox=world.outbox, clock=world.clock, now=world.now)
    assert sink.refusals() == []


async def test_the_log_has_the_form_and_never_the_text(world: World) -> None:
    with capture_logs() as logged:
        for _ in range(1000):
            world.sink.refused("astm", "unknown-code", form="Doe^Jane")
        world.elapsed = BURST_MS
        world.sink.keep()
    assert [(line["event"], line["times"], line["form"]) for line in logged] == [
        ("input refused", 1, "Aaa^Aaaa"),
        ("input refused no more", 1000, "Aaa^Aaaa"),
    ]
    assert "Doe" not in repr(logged)


async def test_a_clock_that_steps_is_told_once_with_the_first_report_after(world: World) -> None:
    await world.sink.aput(Entry(live=[fault()]))
    world.elapsed, world.ahead = 1_000, -3_600_000
    other = sorted(MODEL.faults)[1]
    await world.sink.aput(Entry(live=[fault(other)]))
    found = await world.sent()
    assert found[1] == ClockStep(at=START + 1_000 - 3_600_000, segment=1, step_ms=-3_600_000)
    assert await world.segments() == [0, 1, 1]
    await world.sink.heartbeat(uptime_s=1.0, connected=None)
    assert sum(isinstance(item, ClockStep) for item in await world.sent()) == 1


async def test_a_step_that_could_not_be_kept_comes_with_the_next(world: World) -> None:
    codes = sorted(MODEL.faults)
    for code in codes[:3]:
        await world.sink.aput(Entry(live=[fault(code)]))
    world.ahead = 60_000
    with pytest.raises(OutboxFull):
        await world.sink.aput(Entry(live=[fault(codes[3])]))
    await world.sink.heartbeat(uptime_s=1.0, connected=None)
    assert [item.step_ms for item in await world.sent() if isinstance(item, ClockStep)] == [60_000]


async def test_segments_that_nothing_waits_in_are_forgotten(world: World) -> None:
    for turn in range(1, 4):
        world.ahead = turn * 60_000
        await world.sink.heartbeat(uptime_s=1.0, connected=None)
    await world.outbox._write(lambda book: book._delete(Lane.LIVE, 0, world.outbox.state.live.next - 1))
    await world.sink.heartbeat(uptime_s=1.0, connected=None)
    await world.sink.heartbeat(uptime_s=1.0, connected=None)
    assert [segment.number for segment in world.clock.segments()] == [3]
    world.outbox.close()
    world.outbox = Outbox(path=world.outbox._storage._path)
    assert [segment.number for segment in world.outbox.segments] == [3]

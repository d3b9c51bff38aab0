from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.adapter import Entry
from agent.clock import Clock, Now
from agent.errors import OutboxFull
from agent.outbox import Outbox
from agent.sink import DeviceSink
from agent.states import Limits
from catalog.load import load
from wire.codec import decode_report
from wire.items import ClockStep, Fault, Heartbeat, Inventory, Item, Readings, StateChange
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
    assert world.sink.refusals() == {
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
    assert world.sink.refusals() == {("gate", "unknown-code"): 1}


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
    assert world.sink.refusals() == {("outbox", "full"): 3, ("dicom", "oversize"): 1}
    await world.sink.heartbeat(uptime_s=5.0, connected=None)
    await world.sink.heartbeat(uptime_s=6.0, connected=None)
    beats = [item for item in await world.sent() if isinstance(item, Heartbeat)]
    assert [beat.refused for beat in beats] == [4, 4]


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

"""What ingest learns of a device beside its facts, and keeps over a restart."""

from collections.abc import Sequence

from ingest.ports import Applied, Device, Effect, Now, Presence
from tests.integration.ingest.harness import Bench, Client, Counted, CountingEngine, until, wall_ms
from wire.items import Fault, Heartbeat, Readings
from wire.topics import Lane


class Listening(CountingEngine):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[Applied] = []
        self.presences: list[tuple[bool | None, int | None]] = []
        self.restarted: list[int] = []

    def step(
        self, device: Device, lane: Lane, state: Counted, presence: Presence, applied: Sequence[Applied], now: Now
    ) -> tuple[Counted, list[Effect]]:
        """Note, and count as ever."""
        self.heard += applied
        self.presences.append((presence.equipment_connected, presence.clock_offset_ms))
        self.restarted.append(presence.restarted_ms)
        return super().step(device, lane, state, presence, applied, now)


async def test_an_agent_that_does_not_reach_its_equipment_says_so_to_the_engine_and_the_row(bench: Bench) -> None:
    """The newest heartbeat holds; one that can't tell makes it unknown again; it outlives a restart."""
    uid = bench.device()
    engine = Listening()
    connected = "SELECT equipment_connected FROM device_state WHERE lane = 0"
    async with bench.ingest(engine=engine), Client(bench=bench, uid=uid) as device:
        await device.send(1, Heartbeat(at=wall_ms(), connected=True))
        await until(lambda: bench.sql(connected) == [(True,)])
        await device.send(2, Heartbeat(at=wall_ms(), connected=False))
        await until(lambda: bench.sql(connected) == [(False,)])
        assert engine.presences[-1] == (False, None)
    again = Listening()
    async with bench.ingest(engine=again), Client(bench=bench, uid=uid) as device:
        device.epoch = engine.heard[0].numbers.epoch if engine.heard[0].numbers else device.epoch
        await device.send(3, Fault(at=wall_ms(), code="E", state="active"))
        await device.acked(3)
        assert again.presences[0] == (False, None), "as it was stored"
        await device.send(4, Heartbeat(at=wall_ms()))
        await until(lambda: bench.sql(connected) == [(None,)])


async def test_rule_4_the_report_after_a_gap_says_how_many_numbers_are_lost_before_it(bench: Bench) -> None:
    """Also when the mark was moved by a report that had to wait."""
    uid = bench.device()
    engine = Listening()
    async with bench.ingest(engine=engine), Client(bench=bench, uid=uid) as device:
        for seq, floor in ((1, 1), (5, 5), (10, 8), (8, 8), (9, 8)):
            await device.send(seq, Readings(at=wall_ms(), metric=["a"], value=[seq]), floor=floor)
        await device.acked(9)
        told = [(one.numbers.seq, one.gap) for one in engine.heard if one.numbers is not None]
        assert told == [(1, 0), (5, 3), (8, 2), (9, 0)]

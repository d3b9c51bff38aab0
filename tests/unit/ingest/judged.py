"""A judge of one lane without a database: its statements are kept as they would be committed."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

from msgspec import Struct
from psycopg import AsyncConnection

from ingest.admitted import Admitted
from ingest.judge import Judge
from ingest.later import Later
from ingest.latest import Latest
from ingest.memory import SQL, DeviceMemory, Memory
from ingest.ports import Applied, Batch, Device, Effect, HandOver, Now, OpenAlert, Presence, Work
from ingest.slices import Pace
from tests.unit.ingest.test_acks import Clock
from wire.ids import bucket, mint_device_id, partition
from wire.items import Fault
from wire.report import Report
from wire.topics import Lane

WALL = 1_795_000_000_000
_NAMES = {SQL[name]: name for name in SQL.names}


class Lines:
    """A connection that writes down the statements of what wasn't undone, and answers what it was told to."""

    def __init__(self) -> None:
        self.closed = self.broken = False
        self.said: list[tuple[str, Any]] = []
        self.answers: dict[str, list[tuple[Any, ...]]] = {}
        self.undone = 0

    @property
    def names(self) -> list[str]:
        """The statements kept, but for the limits of what is tried alone."""
        return [name for name, _ in self.said if name != "wait_less"]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        before = len(self.said)
        try:
            yield
        except BaseException:
            del self.said[before:]
            self.undone += 1
            raise

    @asynccontextmanager
    async def pipeline(self) -> AsyncIterator[None]:
        yield

    @asynccontextmanager
    async def cursor(self) -> AsyncIterator[Self]:
        yield self

    async def execute(self, statement: Any, given: Any = None) -> Self:
        self.said.append((_NAMES[statement], given))
        return self

    async def executemany(self, statement: bytes, given: Sequence[Any], *, returning: bool = False) -> None:
        self.said += [(_NAMES[statement], each) for each in given]

    async def fetchall(self) -> list[tuple[Any, ...]]:
        return self.answers.pop(self.said[-1][0], [])

    async def fetchone(self) -> tuple[Any, ...]:
        return (1,)

    def nextset(self) -> None:
        pass


class Seen(Effect, frozen=True, kw_only=True):
    """A fault was judged."""

    code: str


class Engine:
    """The state is how many faults were judged. Code X can't be judged, H is the other lane's, Q says nothing."""

    def __init__(self) -> None:
        self.ticks: set[int] = set()
        """Devices whose tick fails."""
        self.next: dict[int, int] = {}
        """By state when a device is due."""
        self.stepped: list[tuple[int, int, int]] = []
        """Device, reports, and the partition's clock."""

    def fresh(self, device: Device, lane: Lane) -> int:
        return 0

    def unpack(self, device: Device, lane: Lane, packed: bytes) -> int:
        return int(packed)

    def adopt(self, device: Device, lane: Lane, state: int | None, opened: Sequence[OpenAlert]) -> int:
        return state or 0

    def pack(self, state: int) -> bytes:
        return b"%d" % state

    def step(
        self, device: Device, lane: Lane, state: int, presence: Presence, applied: Sequence[Applied], now: Now
    ) -> tuple[int, list[Effect]]:
        self.stepped.append((device.id, len(applied), now.clock_ms))
        if not applied and device.id in self.ticks:
            raise ZeroDivisionError
        effects: list[Effect] = []
        for one in applied:
            for item in one.report.items:
                assert isinstance(item, Fault)
                if item.code == "X":
                    raise ZeroDivisionError
                state += 1
                if item.code == "H":
                    effects.append(HandOver(applied=one))
                elif item.code != "Q":
                    effects.append(Seen(code=item.code))
        return state, effects

    def urgent(self, before: int, after: int) -> bool:
        """An even state can wait."""
        return after % 2 == 1

    def due(self, state: int, presence: Presence) -> int | None:
        return self.next.get(state)


class Stage:
    """Writes what was seen; fails with the error of a code."""

    name = "test"

    def __init__(self) -> None:
        self.errors: dict[str, Exception] = {}
        self.batches: list[list[int]] = []

    async def run(self, connection: AsyncConnection, batch: Batch) -> None:
        self.batches.append([work.device.id for work in batch.works])
        for work in batch.works:
            for effect in work.effects:
                if isinstance(effect, Seen):
                    await connection.execute(SQL["judged"], {"seen": (work.device.id, effect.code)})
                    if (error := self.errors.get(effect.code)) is not None:
                        raise error


class Devices(Memory[int]):
    """Devices that are loaded."""

    def __init__(self) -> None:
        self.here: dict[str, DeviceMemory[int]] = {}

    def get(self, uid: str) -> DeviceMemory[int] | None:
        return self.here.get(uid)


class Court(Struct, kw_only=True):
    """A judge and all that it works with."""

    lane: Lane
    judge: Judge[int]
    engine: Engine
    stage: Stage
    devices: Devices
    steady: Clock
    probed: Clock
    lines: Lines

    @classmethod
    def open(cls, lane: Lane = Lane.LIVE) -> Self:
        engine, stage, devices, steady, probed = Engine(), Stage(), Devices(), Clock(), Clock()
        judge: Judge[int] = Judge(
            lane=lane,
            engine=engine,
            stages=[stage],
            memory=devices,
            later=Later(lane=lane, steady_ms=steady),
            clock_ms=lambda partition: probed.ms,
            pace=Pace(),
        )
        return cls(
            lane=lane,
            judge=judge,
            engine=engine,
            stage=stage,
            devices=devices,
            steady=steady,
            probed=probed,
            lines=Lines(),
        )

    def device(self, fits: Callable[[int], bool] = lambda _: True) -> DeviceMemory[int]:
        """One more device that is loaded, of a partition that fits."""
        uid = next(uid for _ in iter(int, 1) if fits(partition(bucket(uid := mint_device_id()))))
        number = len(self.devices.here) + 1
        device = Device(
            id=number, uid=uid, org_id=1, site_id=1, partition=partition(bucket(uid)), model="dr", name="DR"
        )
        memory = DeviceMemory(
            device=device, mark=None, reached_ms=None, state=0, presence=Presence(), latest=Latest(), backlog=False
        )
        self.devices.here[uid] = memory
        return memory

    @property
    def now(self) -> Now:
        return Now(wall_ms=WALL, clock_ms=0)

    async def hear(
        self, *told: tuple[DeviceMemory[int], str], ticks: Sequence[str] = (), eventful: bool = False
    ) -> None:
        """Judge a batch in a transaction of its own: of each device reports of one fault, a letter each."""
        self.judge.begin()
        admitted: Admitted[int] = Admitted()
        for memory, codes in told:
            uid = memory.device.uid
            admitted.touched[uid] = memory
            applied = [fault(code) for code in codes]
            admitted.works[uid] = Work(device=memory.device, lane=self.lane, applied=applied, effects=[])
        await self.judge.run(self.connection, admitted, ticks=ticks, now=self.now, eventful=eventful)

    async def take_up(self, *uids: str) -> None:
        """Judge what waits of devices."""
        await self.judge.take_up(self.connection, uids, self.now)

    @property
    def connection(self) -> AsyncConnection[Any]:
        return self.lines  # type: ignore[return-value]

    @property
    def seen(self) -> list[tuple[int, str]]:
        """What the stage wrote that wasn't undone."""
        return [given["seen"] for name, given in self.lines.said if name == "judged" and "seen" in given]


def fault(code: str) -> Applied:
    """A report of one fault."""
    report = Report(at=WALL, items=[Fault(at=WALL, code=code, state="event")])
    return Applied(report=report, numbers=None, received_ms=WALL, offset_ms=0, caught_up=True)

"""Which devices one lane of this process is responsible for, and what people changed of them."""

from collections.abc import Iterable
from typing import Any, Final, Generic

import structlog
from msgspec import Struct
from psycopg import AsyncConnection

from ingest.directory import read_devices
from ingest.judge import Judge
from ingest.later import Later
from ingest.memory import SQL, DeviceMemory, Memory
from ingest.message import Message
from ingest.owed import Owed
from ingest.ports import Now, S
from wire.topics import Lane

_log: Final = structlog.get_logger("ingest.roster")


class ChangedMeanwhileError(Exception):
    """An operator changed a device between the two transactions of a batch."""


class Turn(Struct, kw_only=True):
    """What one transaction is about. ``joined``: partitions just claimed. ``later``: devices of which something was set
    aside. ``poison``: id() of a message → why the database refused it. ``retired``: devices seen for the last time.
    ``written``: devices whose states were written; ``written_s``: when all was, before the commit."""

    messages: list[Message]
    ticks: set[str]
    joined: set[int]
    poison: dict[int, str]
    now: Now
    later: list[str] = []
    retired: set[str] = set()
    written: list[str] = []
    written_s: float = 0.0


class Roster(Generic[S]):
    """Brings devices into memory for a transaction, and lets them go after it."""

    def __init__(self, *, lane: Lane, memory: Memory[S], judge: Judge[S], later: Later, owed: Owed) -> None:
        self._lane = lane
        self._memory = memory
        self._judge = judge
        self._later = later
        self._owed = owed
        self._partitions: set[int] = set()
        self._joined: set[int] = set()

    # partitions -------------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """Whether a partition was joined whose devices aren't here yet."""
        return bool(self._joined)

    def join(self, partition: int) -> None:
        """A partition was claimed."""
        self._partitions.add(partition)
        self._joined.add(partition)

    def leave(self, partitions: set[int]) -> None:
        """Partitions have another owner."""
        self._partitions -= partitions
        self._joined -= partitions
        self._memory.forget_partitions(partitions)
        self._judge.forget_partitions(partitions)
        self._later.forget_partitions(partitions)

    def take_joined(self) -> set[int]:
        """Those joined since; whoever takes them gives them back if its transaction fails."""
        joined, self._joined = self._joined, set()
        return joined

    def give_back(self, joined: set[int]) -> None:
        """The transaction failed."""
        self._joined |= joined & self._partitions

    # devices ----------------------------------------------------------------------------------------------------------

    async def bring(
        self, connection: AsyncConnection[Any], turn: Turn, changed: list[int], wanted: Iterable[str]
    ) -> None:
        """Load what is needed, and take over what an operator changed: each device of it is judged once, though nothing
        of it arrived. One that is retired meets its end by that, and nothing else of it is judged."""
        found: list[str] = []
        for partition in turn.joined:
            await self._later.find(connection, partition)
            # Those retired while nobody was here to end what is open of them.
            found += await self._memory.opened.of_retired(connection, partition)
            if self._lane is Lane.LIVE:
                rows = await connection.execute(SQL["watched_devices"], {"partition": partition})
                found += [uid async for (uid,) in rows]
        for device, enrolled in await read_devices(connection, changed) if changed else ():
            if device.partition not in self._partitions:
                continue
            memory = self._memory.get(device.uid)
            if memory is not None and memory.device.model == device.model:
                memory.device = device
            elif memory is not None:
                self._memory.forget([device.uid])  # which metrics it may make is its model's
                found.append(device.uid)
            elif device.retired or (enrolled and self._lane is Lane.LIVE):
                found.append(device.uid)
            else:
                continue
            turn.ticks.add(device.uid)
            _log.info("device_changed", lane=self._lane.value, device=device.uid, retired=device.retired)
        now_ms = turn.now.wall_ms
        loaded = await self._memory.load(connection, found, now_ms=now_ms, retired=True) if found else []
        loaded += await self._memory.load(connection, [*wanted, *turn.ticks, *turn.later], now_ms=now_ms)
        for memory in loaded:
            self._took(memory, turn)
        for uid in turn.ticks:
            memory = self._memory.get(uid)
            if memory is not None and memory.device.retired:
                turn.retired.add(uid)
        if turn.retired:
            await self._later.drop(connection, list(turn.retired))

    def _took(self, memory: DeviceMemory[S], turn: Turn) -> None:
        uid = memory.device.uid
        if memory.device.retired:
            turn.ticks.add(uid)
            return
        if memory.backlog:
            self._later.add(uid)
        if memory.adopted:  # what is open of it may be over by time alone
            turn.ticks.add(uid)
            self._owed.add(uid)
        if self._lane is Lane.LIVE:
            self._judge.watch(memory)

    def committed(self, turn: Turn) -> None:
        """The transaction is in the database."""
        for uid in turn.written:
            self._owed.written(uid)
            memory = self._memory.get(uid)
            if memory is not None:
                memory.must_write = False
        for uid in turn.retired:
            if not self._judge.failing(uid):
                self._memory.forget([uid])
                self._owed.written(uid)


def devices_of(messages: Iterable[Message]) -> list[str]:
    """Those whose reports these are, each once."""
    return list({m.content.uid for m in messages if m.content is not None} - {""})

"""Acknowledgements to the agents: after the commit, at once where something waits for them, else one a second."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from psycopg import AsyncConnection

from ingest.admitted import Admitted
from ingest.memory import LANES, SQL, DeviceMemory
from ingest.message import Message, Ways
from ingest.numbers import Mark
from wire.codec import encode
from wire.commands import Ack
from wire.ids import DeviceId
from wire.topics import Down, Lane, down

COALESCE_MS: Final = 1_000
_LANE_OF: Final = {number: lane for lane, number in LANES.items()}


@lru_cache(maxsize=65_536)
def _topic(uid: DeviceId) -> str:
    return down(uid, Down.ACK)


class Acks:
    """What one lane still owes its devices. Its second is measured by ``steady_ms``, a clock that nobody sets."""

    def __init__(self, *, lane: Lane, ways: Ways, wall_ms: Callable[[], int], steady_ms: Callable[[], int]) -> None:
        self._lane = lane
        self._ways = ways
        self._wall_ms = wall_ms
        self._steady_ms = steady_ms
        self._owed: dict[str, tuple[DeviceMemory[Any], Mark]] = {}
        """With the mark as it was committed: that of the memory may be on its way, or rolled back by now."""
        self._marks: dict[int, list[Ack]] = {}

    async def read_hello(self, connection: AsyncConnection[Any], devices: Iterable[DeviceMemory[Any]]) -> None:
        """The marks of both lanes, for the births of this transaction."""
        self._marks = {memory.device.id: [] for memory in devices}
        rows = await connection.execute(SQL["both_marks"], {"devices": list(self._marks)})
        async for device_id, lane, epoch, seq, digest in rows:
            self._marks[device_id].append(
                Ack(lane=_LANE_OF[lane], epoch=epoch, seq=seq, digest=digest.hex(), now=0, hello=True)
            )

    def after(self, admitted: Admitted[Any], messages: Sequence[Message]) -> None:
        """Send what can't wait, note what can."""
        now = self._wall_ms()
        steady = self._steady_ms()
        heard = {m.partition for m in messages}
        out: dict[int, list[tuple[str, bytes]]] = {}
        for uid, memory in admitted.touched.items():
            if memory.device.partition not in heard:
                continue
            if uid in admitted.hello:
                self._hello(memory, now, out.setdefault(memory.device.partition, []))
            mark = memory.mark
            if mark is None:
                continue
            if uid in admitted.urgent or steady - memory.acked_ms >= COALESCE_MS:
                self._owed.pop(uid, None)
                self._one(memory, mark, (now, steady), out.setdefault(memory.device.partition, []))
            else:
                self._owed[uid] = (memory, mark)
        self._publish(out)

    def flush(self) -> None:
        """Send what was put off, where its second is over."""
        steady = self._steady_ms()
        times = (self._wall_ms(), steady)
        due = [uid for uid, (memory, _) in self._owed.items() if steady - memory.acked_ms >= COALESCE_MS]
        out: dict[int, list[tuple[str, bytes]]] = {}
        for uid in due:
            memory, mark = self._owed.pop(uid)
            self._one(memory, mark, times, out.setdefault(memory.device.partition, []))
        self._publish(out)

    def _publish(self, out: Mapping[int, Sequence[tuple[str, bytes]]]) -> None:
        for partition, acks in out.items():
            if (way := self._ways.get(partition)) is not None:
                way.publish(acks)

    def _one(self, memory: DeviceMemory[Any], mark: Mark, times: tuple[int, int], out: list[tuple[str, bytes]]) -> None:
        now, steady = times
        ack = Ack(
            lane=self._lane,
            epoch=mark.epoch,
            seq=mark.seq,
            digest=mark.digest.hex(),
            now=now,
            echo=memory.echo_ms,
            held_ms=max(0, now - memory.echoed_at_ms),
            back=mark.seq + 1 if memory.refused_back else None,
        )
        memory.refused_back = False
        memory.acked_ms = steady
        memory.unacked = 0
        out.append((_topic(memory.device.uid), encode(ack)))

    def _hello(self, memory: DeviceMemory[Any], now: int, out: list[tuple[str, bytes]]) -> None:
        known = {ack.lane: ack for ack in self._marks.get(memory.device.id, [])}
        for lane in Lane:
            found = known.get(lane)
            ack = Ack(
                lane=lane,
                epoch="" if found is None else found.epoch,
                seq=0 if found is None else found.seq,
                digest="" if found is None else found.digest,
                now=now,
                echo=memory.echo_ms,
                held_ms=max(0, now - memory.echoed_at_ms),
                hello=True,
            )
            out.append((_topic(memory.device.uid), encode(ack)))

"""Retries of judging: what failed is set aside, retried ever more seldom, and finally given up visibly (delivery 13).

``to_judge`` has the facts; here is only when to look. A partition's owner is the only one that writes its devices'
rows, so nothing is looked for but what was set aside here or found when a partition or a device was loaded.
"""

import contextlib
import heapq
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import structlog
from msgspec import Struct
from psycopg import AsyncConnection

from ingest import stats
from ingest.letters import Letter, write_letters
from ingest.memory import LANES, SQL, DeviceMemory
from ingest.ports import Applied, Device
from ingest.record import moment
from wire.codec import MSGPACK
from wire.ids import DeviceId, partition_of
from wire.times import ms_of
from wire.topics import Lane

_log: Final = structlog.get_logger("ingest.later")
_pack: Final = msgspec.msgpack.Encoder().encode
unpack: Final = msgspec.msgpack.Decoder(Applied).decode

DEVICES: Final = 20
"""Devices taken up in one transaction, those that have waited longest first,"""
ROWS: Final = 10
"""and reports of each."""
FIRST_MS: Final = 250
"""Until the first try; each further one waits twice as long."""
TRIES: Final = 8
"""Then a report is given up, about a minute after it came: what comes behind it must not wait for ever."""
TRIES_THEN: Final = 2
"""As long as a device's last report given up is younger than ``REMEMBERED_MS``: it sends more of the kind."""
REMEMBERED_MS: Final = 3_600_000
MOST: Final = 500
"""Reports of one device that wait; the oldest beyond are given up."""
GIVEN_UP: Final = b""
"""In the live lane, instead of facts: a report of the other lane was given up."""
CODE: Final = "unjudged"
"""Of the dead letter."""


class Waiting(Struct, frozen=True, kw_only=True):
    """A row of ``to_judge``. ``attempts``: how often it was taken up in vain."""

    id: int
    device_id: int
    attempts: int
    facts: bytes


class Later:
    """When to look at the devices of one lane of which something waits. ``steady_ms`` is a clock that nobody sets."""

    def __init__(self, *, lane: Lane, steady_ms: Callable[[], int]) -> None:
        self._lane = lane
        self._steady_ms = steady_ms
        self._at: dict[str, int] = {}
        self._gave_up: dict[str, int] = {}
        self._said: dict[str, str] = {}
        self.handed: dict[str, int] = {}
        """Devices, and their partitions, of which the present transaction put something into the live lane."""

    # when -------------------------------------------------------------------------------------------------------------

    def add(self, uid: str, delay_ms: int = 0) -> None:
        """Something of this device waits: look after so long, or earlier if that was known already."""
        at = self._steady_ms() + delay_ms
        self._at[uid] = min(at, self._at.get(uid, at))

    @property
    def due(self) -> bool:
        """Whether there is something to take up now."""
        now = self._steady_ms()
        return any(at <= now for at in self._at.values())

    def take(self) -> list[str]:
        """The devices whose turn it is, those first that have waited longest. Whoever takes them adds them again, if
        something is left or the transaction failed."""
        now = self._steady_ms()
        due = heapq.nsmallest(DEVICES, ((at, uid) for uid, at in self._at.items() if at <= now))
        for _, uid in due:
            del self._at[uid]
        return [uid for _, uid in due]

    def forget_partitions(self, partitions: set[int]) -> None:
        """Another process looks after them now."""
        self._said = {}
        self._at = {uid: at for uid, at in self._at.items() if partition_of(DeviceId(uid)) not in partitions}

    # rows -------------------------------------------------------------------------------------------------------------

    async def find(self, connection: AsyncConnection[Any], partition: int) -> None:
        """Look once at everything that waits in a partition just claimed."""
        of = {"partition": partition, "lane": LANES[self._lane]}
        for (uid,) in await (await connection.execute(SQL["waiting_devices"], of)).fetchall():
            self.add(uid)

    async def set_aside(
        self, connection: AsyncConnection[Any], memory: DeviceMemory[Any], applied: Sequence[Applied], why: str
    ) -> None:
        """Facts that are stored, but not judged. What of the device comes from now on waits behind them."""
        device = memory.device
        if not memory.backlog:
            memory.backlog = True
            self.add(device.uid, FIRST_MS)
        await self._write(connection, self._lane, [(device, a.received_ms, why, _pack(a)) for a in applied])
        stats.TO_JUDGE.labels(self._lane.value).inc(len(applied))
        of = {"device": device.id, "lane": LANES[self._lane], "most": MOST}
        for id_, attempts, facts in await (await connection.execute(SQL["too_many_to_judge"], of)).fetchall():
            row = Waiting(id=id_, device_id=device.id, attempts=attempts, facts=facts)
            memory.presence.unjudged_ms = applied[-1].received_ms
            await self.give_up(connection, device, row, "too many wait", moment(applied[-1].received_ms))

    async def hand_over(self, connection: AsyncConnection[Any], given: Iterable[tuple[Device, Applied]]) -> None:
        """Facts of the bulk lane whose state belongs to the device: the live lane judges them, in order."""
        rows = [(device, one.received_ms, "handed over", _pack(one)) for device, one in given]
        await self._write(connection, Lane.LIVE, rows)
        self.handed.update({device.uid: device.partition for device, _, _, _ in rows})

    async def _write(
        self, connection: AsyncConnection[Any], lane: Lane, rows: Sequence[tuple[Device, int, str, bytes]]
    ) -> None:
        if rows:
            columns = [(device.id, LANES[lane], moment(at_ms), why, facts) for device, at_ms, why, facts in rows]
            async with connection.cursor() as cursor:
                await cursor.executemany(SQL["write_to_judge"], columns)

    async def first(self, connection: AsyncConnection[Any], devices: Sequence[int]) -> dict[int, list[Waiting]]:
        """What waits first of each device."""
        of = {"devices": list(devices), "lane": LANES[self._lane], "most": ROWS}
        found: dict[int, list[Waiting]] = {}
        for id_, device, attempts, facts in await (await connection.execute(SQL["first_to_judge"], of)).fetchall():
            row = Waiting(id=id_, device_id=device, attempts=attempts, facts=facts)
            found.setdefault(device, []).append(row)
        return found

    async def done(self, connection: AsyncConnection[Any], row: Waiting) -> None:
        """It is judged, or given up."""
        await connection.execute(SQL["judged"], {"id": row.id})

    def none_left(self, memory: DeviceMemory[Any]) -> None:
        """Everything that waited is judged or given up: what comes now is judged at once."""
        memory.backlog = False
        self._said.pop(memory.device.uid, None)
        _log.info("device_judged_again", lane=self._lane.value, device=memory.device.uid)

    async def drop(self, connection: AsyncConnection[Any], uids: Sequence[str]) -> None:
        """Of devices that are watched no longer nothing is judged."""
        await connection.execute(SQL["drop_to_judge"], {"uids": list(uids), "lane": LANES[self._lane]})

    async def failed(self, connection: AsyncConnection[Any], uid: str, row: Waiting, error: str) -> bool:
        """It failed once more. Whether it is to be tried again; else it has to be given up."""
        gave_up = self._gave_up.get(uid)
        lately = gave_up is not None and self._steady_ms() - gave_up < REMEMBERED_MS
        attempts = row.attempts + 1
        if attempts >= (TRIES_THEN if lately else TRIES):
            return False
        await connection.execute(SQL["judge_failed"], {"id": row.id, "error": error})
        self.add(uid, FIRST_MS << attempts)
        return True

    async def give_up(
        self, connection: AsyncConnection[Any], device: Device, row: Waiting, error: str, at: datetime
    ) -> None:
        """Make a dead letter of it; if it is none of the live lane, that lane is told, which raises the alert."""
        numbers = None
        with contextlib.suppress(msgspec.MsgspecError):  # that may be the very reason
            numbers = unpack(row.facts).numbers
        letter = Letter(
            partition=device.partition,
            device_id=device.id,
            uid=device.uid,
            lane=self._lane,
            numbers=numbers,
            code=CODE,
            place="to_judge",
            detail=error,
            content_type=MSGPACK,
            body=row.facts,
        )
        await self.done(connection, row)
        await write_letters(connection, [letter], at=at)
        self._gave_up[device.uid] = self._steady_ms()
        if self._lane is not Lane.LIVE:
            at_ms = ms_of(at)
            await self._write(connection, Lane.LIVE, [(device, at_ms, "given up in bulk", GIVEN_UP)])
            self.handed[device.uid] = device.partition
        stats.DEAD.labels(CODE).inc()
        if error == self._said.get(device.uid):
            return  # a flood of them is no flood of lines
        self._said[device.uid] = error
        said = {} if numbers is None else {"epoch": numbers.epoch, "seq": numbers.seq}
        _log.error("report_given_up", lane=self._lane.value, device=device.uid, error=error, **said)

"""The register of devices: what they are, whose, where, and on which box. Each in the caller's transaction."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from itertools import pairwise
from typing import Final

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from people.errors import DatesError
from store.pool import Connection
from store.sql import queries_beside
from wire.ids import DeviceId, bucket, partition

_SQL: Final = queries_beside(__file__)


@dataclass(frozen=True, kw_only=True)
class Entered:
    """What people enter of a device. `asset_number`: the hospital's own (院内资产编号); `registration_number`: of the
    authority (注册证号); `use_until`: the last day that it may be used (使用期限)."""

    name: str
    department: str = ""
    serial: str = ""
    asset_number: str = ""
    registration_number: str = ""
    udi: str = ""
    made_on: date | None = None
    in_use_since: date | None = None
    use_until: date | None = None

    def check(self) -> None:
        """Raises DatesError: it is made before it is used, and used before its use ends."""
        days = [("made_on", self.made_on), ("in_use_since", self.in_use_since), ("use_until", self.use_until)]
        given = [(name, day) for name, day in days if day is not None]
        for (_, before), (name, after) in pairwise(given):
            if after < before:
                raise DatesError(name)


def entered_of(row: DictRow) -> Entered:
    """What a device's row has of it."""
    return Entered(**{field.name: row[field.name] for field in fields(Entered)})


async def add_device(
    connection: Connection,
    entered: Entered,
    *,
    uid: DeviceId,
    org: int,
    dealer: int,
    site: int,
    model: str,
    code_hash: bytes | None,
    code_expires_at: datetime,
    now: datetime,
    moved_from: int | None = None,
) -> None:
    """A new device, to be enrolled by its code. `moved_from`: the row of the same equipment at the hospital before."""
    where = {"uid": uid, "org": org, "dealer": dealer, "site": site, "partition": partition(bucket(uid))}
    code = {"code_hash": code_hash, "code_expires_at": code_expires_at}
    of = {"model": model, "now": now, "moved_from": moved_from}
    await _SQL.run(connection, "add_device", {**where, **asdict(entered), **code, **of})


async def change_device(connection: Connection, entered: Entered, *, uid: str, version: int) -> bool:
    """False: it has another version by now."""
    return await _SQL.run(connection, "change_device", {"uid": uid, "version": version, **asdict(entered)}) == 1


async def retire_device(connection: Connection, *, uid: str, version: int, reason: str, now: datetime) -> bool:
    """It is watched no longer. False: it has another version by now, or is retired."""
    what = {"uid": uid, "version": version, "reason": reason, "now": now}
    return await _SQL.run(connection, "retire_device", what) == 1


async def reactivate_device(connection: Connection, *, uid: str, version: int) -> bool:
    """It is watched again. False: it has another version by now, or is active."""
    return await _SQL.run(connection, "reactivate_device", {"uid": uid, "version": version}) == 1


async def move_device(connection: Connection, *, uid: str, version: int, site: int) -> bool:
    """To another site of its hospital; its agent names its box anew. False: it has another version by now."""
    return await _SQL.run(connection, "move_device", {"uid": uid, "version": version, "site": site}) == 1


async def set_code(connection: Connection, *, uid: str, code_hash: bytes | None, expires_at: datetime) -> None:
    """Another one-time code in place of the one before."""
    await _SQL.run(connection, "set_code", {"uid": uid, "code_hash": code_hash, "code_expires_at": expires_at})


async def enrol(connection: Connection, *, code_hash: bytes, now: datetime) -> DictRow | None:
    """The device (`uid`, `org_id`) of a code, which is good no more; None: the code is wrong, used or expired."""
    return await _SQL.one(connection, "enrol", {"code_hash": code_hash, "now": now})


async def note_inventory(connection: Connection, device: int, fields: Mapping[str, str]) -> None:
    """What the equipment says of itself, beside what it said before."""
    what = {"device": device, "fields": Jsonb(dict(fields)), "serial": fields.get("device.serial")}
    await connection.execute(_SQL["note_inventory"], what)


async def note_boxes(connection: Connection, told: Mapping[int, str], *, at: datetime) -> None:
    """By device the box that it reports from, '' where it names none. A box that no device names is forgotten."""
    of = {"devices": list(told), "boxes": list(told.values()), "at": at}
    left = await (await connection.execute(_SQL["note_boxes"], of)).fetchall()
    for site, former in sorted({row for row in left if row[1] is not None}):
        await connection.execute(_SQL["forget_box"], {"site": site, "box": former})

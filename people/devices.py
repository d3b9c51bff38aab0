"""The register of devices: what they are, whose, where, and on which box. Each in the caller's transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from store.pool import Connection
from store.sql import queries_beside
from wire.ids import DeviceId, bucket, partition

_SQL: Final = queries_beside(__file__)


async def add_device(
    connection: Connection,
    *,
    uid: DeviceId,
    org: int,
    dealer: int,
    site: int,
    model: str,
    name: str,
    department: str,
    serial: str,
    code_hash: bytes | None,
    code_expires_at: datetime,
    now: datetime,
) -> None:
    """A new device, to be enrolled by its code."""
    where = {"uid": uid, "org": org, "dealer": dealer, "site": site, "partition": partition(bucket(uid))}
    what = {"model": model, "name": name, "department": department, "serial": serial}
    code = {"code_hash": code_hash, "code_expires_at": code_expires_at}
    await _SQL.run(connection, "add_device", {**where, **what, **code, "now": now})


async def change_device(
    connection: Connection,
    *,
    uid: str,
    version: int,
    name: str | None,
    department: str | None,
    serial: str | None,
    status: str | None,
) -> bool:
    """What is None stays. False: it has another version by now."""
    what = {"name": name, "department": department, "serial": serial, "status": status}
    return await _SQL.run(connection, "change_device", {"uid": uid, "version": version, **what}) == 1


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

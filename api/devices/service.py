"""Who serves a device, since when, and who is to."""

from typing import Final

from fastapi import APIRouter, Response
from psycopg.rows import DictRow

from api.devices.read import DeviceUid, find_device
from api.devices.shapes import Service, ServiceChange, ServicePlanned, ServiceTime
from api.http.context import Asked, Session
from api.http.documented import problems
from api.http.problems import Problem, ProblemCode, invalid, not_found
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import NamedId, of_row
from people import dealers
from people.errors import ServiceError

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["service"])
_REFUSED: Final = {
    "past": ("body.at", "It lies in the past: what a dealer was told it was told. Leave `at` out for from now on."),
    "too-far": ("body.at", "It lies more than a year ahead."),
    "unknown": ("body.dealer", "There is no such dealer: GET /api/v1/dealers lists them."),
    "same": ("body.dealer", "This dealer serves the device already."),
}


@router.get("/devices/{id}/service", responses=problems(ProblemCode.NOT_FOUND))
async def get_service(id: DeviceUid, asked: Asked) -> Service:  # noqa: A002 - the path's name
    """Who served a device from when until when, and a change that was asked for.

    A dealer is shown its own times alone: who came before and who comes after is the hospital's and the operator's.
    """
    return await _service(asked, await _found(asked, id))


@router.post(
    "/devices/{id}/service",
    status_code=202,
    responses=problems(
        ProblemCode.NOT_FOUND, ProblemCode.CONFLICT, ProblemCode.BUSY, ProblemCode.KEY_REUSED, body=True
    ),
)
async def change_service(id: DeviceUid, body: ServiceChange, asked: Asked) -> Service:  # noqa: A002
    """Have another dealer serve a device, from now on or from a moment to come; it replaces what was asked for before.

    `steth jobs` carries it out within a minute. Then the former dealer sees nothing that comes after, and the new one
    what the device said and what was done, but not by whom, nor notes: docs/adr/0036.
    """
    device = await _found(asked, id)
    try:
        await dealers.ask_for_change(
            asked.connection, device, dealer=body.dealer, due=body.at, actor=asked.account.name, now=asked.now
        )
    except ServiceError as error:
        raise invalid(*_REFUSED[error.code]) from None
    return await _service(asked, device)


@router.delete(
    "/devices/{id}/service", status_code=204, responses=problems(ProblemCode.NOT_FOUND, ProblemCode.CONFLICT)
)
async def withdraw_service_change(id: DeviceUid, asked: Asked) -> Response:  # noqa: A002
    """Take back a change that was asked for and isn't carried out yet."""
    device = await _found(asked, id)
    if not await dealers.withdraw_change(asked.connection, device, actor=asked.account.name, now=asked.now):
        raise Problem(ProblemCode.CONFLICT, "No change of this device's dealer is asked for.", where="path")
    return Response(status_code=204)


async def _found(asked: Session, uid: str) -> DictRow:
    device = await find_device(asked.connection, uid)
    if device is None:
        raise not_found("device")
    return device


async def _service(asked: Session, device: DictRow) -> Service:
    def named(row: DictRow) -> NamedId:
        return NamedId(id=row["dealer_id"], name=row["dealer"])

    rows = await dealers.services(asked.connection, device["key"])
    planned = await dealers.planned(asked.connection, device["key"])
    return Service(
        history=[of_row(ServiceTime, row, dealer=named(row)) for row in rows],
        planned=None if planned is None else of_row(ServicePlanned, planned, dealer=named(planned)),
    )

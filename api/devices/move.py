"""A device is moved: to another site of its hospital, or to another hospital of the same dealer (ADR 0043)."""

from fastapi import APIRouter, Request

from api.devices.read import DeviceUid, find_device
from api.devices.register import code_made, expiry, model_of, retire, site_given
from api.devices.register_shapes import Move, Moved
from api.http.conditions import IfMatch, changed_meanwhile, require_match
from api.http.context import Asked
from api.http.documented import problems
from api.http.language import InWords
from api.http.problems import Problem, ProblemCode, not_found
from api.http.rights import PREFIX
from api.http.route import Route
from desk.tickets.operate import device_moved
from people import devices as register
from people.devices import entered_of
from people.login.credentials import code_hash, mint_code
from wire.ids import mint_device_id
from wire.times import ms_of

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["devices"])


@router.post(
    "/devices/{id}/move",
    responses=problems(
        ProblemCode.NOT_FOUND,
        ProblemCode.CHANGED_MEANWHILE,
        ProblemCode.IF_MATCH_MISSING,
        ProblemCode.CONFLICT,
        ProblemCode.BUSY,
        ProblemCode.KEY_REUSED,
        body=True,
    ),
)
async def move_device(
    *,
    id: DeviceUid,  # noqa: A002
    body: Move,
    asked: Asked,
    words: InWords,
    request: Request,
    if_match: IfMatch = None,
) -> Moved:
    """Move a device to another place of the same dealer.

    Within its hospital it stays itself: history, open alerts and tickets go along. At another hospital it is a new
    device with a new code, and the one before is retired with all that was said and done there: what a hospital's
    equipment told stays the hospital's.
    """
    device = await find_device(asked.connection, id)
    if device is None:
        raise not_found("device")
    require_match(if_match, device["version"])
    if device["status"] != "active":
        raise Problem(ProblemCode.CONFLICT, "The device is retired: make it active first.", where="path")
    site = await site_given(asked, body.site)
    if site["id"] == device["site_id"]:
        raise Problem(ProblemCode.CONFLICT, "It is at this site already.", where="body.site")
    detail = {"from": device["site_id"], "to": site["id"], "reason": body.reason}
    if site["org_id"] == device["org_id"]:
        if not await register.move_device(asked.connection, uid=id, version=device["version"], site=site["id"]):
            raise changed_meanwhile()
        await device_moved(
            asked.connection,
            device_id=device["key"],
            site_id=site["id"],
            site=site["name"],
            actor=asked.account.name,
            now_ms=ms_of(asked.now),
        )
        await asked.audit(org=device["org_id"], action="device-moved", subject=f"device:{id}", detail=detail)
        return Moved(id=id, site=site["id"], hospital=site["org_id"], code=None)
    model = model_of(asked, device["model"])
    if model is None:
        raise Problem(ProblemCode.CONFLICT, "The catalog has its model no more, so no agent can read it.", where="path")
    if not await retire(asked, device, version=device["version"], reason=body.reason):
        raise changed_meanwhile()
    # Nothing in the former hospital's chain says where it went, nor in the new one's whence it came.
    await asked.audit(
        org=device["org_id"], action="device-moved", subject=f"device:{id}", detail={"reason": body.reason}
    )
    uid, code = mint_device_id(), mint_code()
    await register.add_device(
        asked.connection,
        entered_of(device),
        uid=uid,
        org=site["org_id"],
        dealer=device["dealer_id"],
        site=site["id"],
        model=device["model"],
        code_hash=code_hash(code),
        code_expires_at=expiry(asked),
        now=asked.now,
        moved_from=device["key"],
    )
    await asked.audit(
        org=site["org_id"],
        action="device-minted",
        subject=f"device:{uid}",
        detail={"model": device["model"], "site": site["id"], "dealer": device["dealer_id"]},
    )
    new = {"uid": uid, "name": device["name"], "time_zone": site["time_zone"]}
    made = code_made(asked, words, request, device=new, model=model, code=code, sources=[])
    return Moved(id=uid, site=site["id"], hospital=site["org_id"], code=made)

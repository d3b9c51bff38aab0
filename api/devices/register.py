"""Devices are registered: minted with a code and a configuration, changed, retired."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from psycopg.rows import DictRow

from api.devices.read import DeviceUid, find_device
from api.devices.register_shapes import (
    CodeMade,
    DeviceChange,
    DeviceMade,
    NewDevice,
    SiteById,
    SiteByName,
    Source,
)
from api.devices.routes import get_device
from api.devices.setup import setup, sources_of
from api.devices.shapes import DeviceDetail
from api.http.conditions import IfMatch, changed_meanwhile, require_match
from api.http.context import Asked, Session
from api.http.documented import problems
from api.http.language import InWords, Reader
from api.http.problems import Problem, ProblemCode, invalid, not_found
from api.http.rights import PREFIX
from api.http.route import Route
from api.people.dealers import dealer_for
from api.people.sites import hospital_hidden
from catalog.model import Model
from desk.tickets.operate import device_retired
from desk.zones import DEFAULT_ZONE
from people import devices as register
from people.devices import Entered, entered_of
from people.errors import DatesError, HospitalHiddenError
from people.login.credentials import code_hash, mint_code
from people.places import find_or_make_site, find_site
from wire.ids import mint_device_id
from wire.times import ms_of

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["devices"])
ENTERED: Final = [field.name for field in fields(Entered)]


@router.post(
    "/devices",
    status_code=201,
    responses=problems(ProblemCode.CONFLICT, ProblemCode.BUSY, ProblemCode.KEY_REUSED, body=True),
)
async def mint_device(
    body: NewDevice, asked: Asked, words: InWords, request: Request, response: Response
) -> DeviceMade:
    """Mint a device and a one-time code, which its agent exchanges by POST /enrol; with the file to start it with."""
    model = model_of(asked, body.model)
    if model is None:
        raise invalid("body.model", "The catalog has no such model: GET /api/v1/catalog/models lists them.")
    _readable(model, body.sources, where="body.sources")
    dealer = await dealer_for(asked, body.dealer)
    site = await site_given(asked, body.site)
    uid = mint_device_id()
    code = mint_code()
    await register.add_device(
        asked.connection,
        _checked(Entered(**{name: getattr(body, name) for name in ENTERED})),
        uid=uid,
        org=site["org_id"],
        dealer=dealer,
        site=site["id"],
        model=body.model,
        code_hash=code_hash(code),
        code_expires_at=expiry(asked),
        now=asked.now,
    )
    await asked.audit(
        org=site["org_id"],
        action="device-minted",
        subject=f"device:{uid}",
        detail={"model": body.model, "site": site["id"], "dealer": dealer},
    )
    response.headers["Location"] = f"{PREFIX}/devices/{uid}"
    given = {"uid": uid, "name": body.name, "time_zone": site["time_zone"]}
    made = code_made(asked, words, request, device=given, model=model, code=code, sources=body.sources)
    return DeviceMade(**dict(made), id=uid, site=site["id"], hospital=site["org_id"])


@router.patch(
    "/devices/{id}",
    responses=problems(ProblemCode.NOT_FOUND, ProblemCode.CHANGED_MEANWHILE, ProblemCode.IF_MATCH_MISSING, body=True),
)
async def change_device(
    id: DeviceUid,  # noqa: A002
    body: DeviceChange,
    asked: Asked,
    words: InWords,
    response: Response,
    if_match: IfMatch = None,
) -> DeviceDetail:
    """Change what people enter of a device; retire it, for a reason, or take it back.

    The open tickets of one that is retired note it and stay for a person to close; its alerts end.
    """
    before = await find_device(asked.connection, id)
    if before is None:
        raise not_found("device")
    require_match(if_match, before["version"])
    version = before["version"]
    given = {name: getattr(body, name) for name in body.model_fields_set.intersection(ENTERED)}
    if body.name is None:
        given.pop("name", None)
    done = True
    if given:
        entered = _checked(replace(entered_of(before), **given))
        done = await register.change_device(asked.connection, entered, uid=id, version=version)
        version += 1
    if done and body.status not in (None, before["status"]):
        if body.status == "active":
            done = await register.reactivate_device(asked.connection, uid=id, version=version)
        else:
            done = await retire(asked, before, version=version, reason=body.reason)
    if not done:
        raise changed_meanwhile()
    await asked.audit(
        org=before["org_id"],
        action="device-changed",
        subject=f"device:{id}",
        detail={
            "changed": ", ".join(sorted(body.model_fields_set)),
            **({} if body.reason is None else {"reason": body.reason}),
        },
    )
    return await get_device(id, asked, words, response)


async def retire(asked: Session, device: DictRow, *, version: int, reason: str | None) -> bool:
    """Retire a device, and note it in its open tickets. False: it has another version by now."""
    if reason is None:
        raise invalid("body.reason", "Say why it is retired: scrapped, exchanged, lent out, sold …")
    done = await register.retire_device(
        asked.connection, uid=device["uid"], version=version, reason=reason, now=asked.now
    )
    if done:
        now_ms = ms_of(asked.now)
        await device_retired(asked.connection, device_id=device["key"], actor=asked.account.name, now_ms=now_ms)
    return done


@router.post(
    "/devices/{id}/code",
    status_code=201,
    responses=problems(ProblemCode.NOT_FOUND, ProblemCode.CONFLICT, ProblemCode.BUSY, ProblemCode.KEY_REUSED),
)
async def new_code(
    *,
    id: DeviceUid,  # noqa: A002
    asked: Asked,
    words: InWords,
    request: Request,
    sources: Annotated[list[Source], Query(alias="source", max_length=4, description="As of POST /devices.")] = [],  # noqa: B006 - FastAPI copies it
) -> CodeMade:
    """Make a new one-time code, such as for an exchanged workstation. The one before is good no more."""
    device = await find_device(asked.connection, id)
    if device is None:
        raise not_found("device")
    if device["status"] != "active":
        raise Problem(ProblemCode.CONFLICT, "The device is retired: make it active first.", where="path")
    model = model_of(asked, device["model"])
    if model is None:
        raise Problem(ProblemCode.CONFLICT, "The catalog has its model no more, so no agent can read it.", where="path")
    _readable(model, sources, where="query.source")
    code = mint_code()
    await register.set_code(asked.connection, uid=id, code_hash=code_hash(code), expires_at=expiry(asked))
    await asked.audit(org=device["org_id"], action="code-created", subject=f"device:{id}")
    return code_made(asked, words, request, device=device, model=model, code=code, sources=sources)


def _checked(entered: Entered) -> Entered:
    try:
        entered.check()
    except DatesError as error:
        raise invalid(
            f"body.{error.field}",
            "It lies before a day that must come earlier: made, then in use, then use ends.",
        ) from None
    return entered


def model_of(asked: Session, key: str) -> Model | None:
    """The model of a device by its key; None: the catalog has none that equipment can be of."""
    model = asked.context.catalog.models.get(key)
    return None if model is None or model.kind == "base" else model


def _readable(model: Model, sources: Sequence[Source], *, where: str) -> None:
    if not set(sources) <= set(sources_of(model)):
        raise invalid(where, f"Equipment of this model is read by {' or '.join(sources_of(model))}.")


def expiry(asked: Session) -> datetime:
    """When a code that is made now is good no more."""
    return asked.now + asked.context.settings.code_lasts


def code_made(
    asked: Session,
    words: Reader,
    request: Request,
    *,
    device: Mapping[str, str],
    model: Model,
    code: str,
    sources: Sequence[Source],
) -> CodeMade:
    """The code, and what the agent of a device (`uid`, `name`, `time_zone`) is started with."""
    settings, zone = asked.context.settings, device["time_zone"]
    started = setup(
        model,
        uid=device["uid"],
        name=device["name"],
        code=code,
        until=f"{expiry(asked).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})",
        api=settings.public_url.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}",
        mqtt=settings.mqtt_url,
        user=settings.mqtt_user,
        zone=zone,
        sources=sources,
        lang=words.lang,
    )
    return CodeMade(code=code, expires_at=expiry(asked), setup=started)


async def site_given(asked: Session, given: SiteById | SiteByName) -> DictRow:
    """The site that was given by id, or by names and made if new."""
    if isinstance(given, SiteById):
        found = await find_site(asked.connection, given.id)
        if found is None:
            raise invalid("body.site.id", "There is no such site: GET /api/v1/sites lists them.")
        return found
    try:
        return await find_or_make_site(
            asked.connection,
            hospital=given.hospital,
            site=given.site,
            time_zone=DEFAULT_ZONE,
            actor=asked.account.name,
            now=asked.now,
        )
    except HospitalHiddenError:
        raise hospital_hidden("body.site.hospital") from None

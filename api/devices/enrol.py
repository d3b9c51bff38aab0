"""Enrolment: a device's one-time code becomes what its agent needs."""

from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.devices.register_shapes import Enrol, Enrolled
from api.http.context import Address, Context, Shared
from api.http.documented import problems
from api.http.idempotency import KEY_HEADER, NOBODY, Attempt, check_key, once
from api.http.problems import Problem, ProblemCode, too_many
from api.http.rights import PREFIX
from api.http.route import Route
from people.audit.chain import Entry, append
from people.devices import enrol as enrol_by
from people.login.credentials import code_hash
from people.login.limits import network_of
from store.pool import EVERY_ORG, scoped

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["access"])


@router.post(
    "/enrol",
    responses=problems(
        ProblemCode.CODE_REFUSED,
        ProblemCode.TOO_MANY,
        ProblemCode.CONFLICT,
        ProblemCode.KEY_REUSED,
        body=True,
        token=False,
    ),
    response_model=Enrolled,
)
async def enrol(body: Enrol, request: Request, context: Shared, address: Address) -> Response:
    """Exchange a device's one-time code for what its agent needs.

    A code is good once. An agent whose answer got lost sends the same request with the same Idempotency-Key again.
    """
    now = context.clock()
    network = network_of(address)
    hashed = code_hash(body.code)
    key = check_key(request.headers.get(KEY_HEADER))
    # Each code is looked for, whatever was tried before: 60 random bits aren't guessed, and behind one address a whole
    # hospital may be. Too many wrong ones are told to wait.
    try:
        return await _enrolled(context, hashed, key, network=network, address=address, now=now)
    except Problem as refused:
        if refused.code is ProblemCode.CODE_REFUSED:
            await context.door.code_refused(body.code, address=address, now=now)
        raise


async def _enrolled(
    context: Context, hashed: bytes | None, key: str | None, *, network: str, address: str, now: datetime
) -> Response:
    async with context.code_turns.turn(network), scoped(context.pool, EVERY_ORG) as connection:

        async def work() -> Response:
            device = None if hashed is None else await enrol_by(connection, code_hash=hashed, now=now)
            if device is None:
                if wait_s := context.codes.wait_s(network, now):
                    raise too_many(wait_s)
                context.codes.begin(network, now)
                raise Problem(
                    ProblemCode.CODE_REFUSED,
                    "This code is wrong, used or expired: ask for a new one (POST /api/v1/devices/{id}/code).",
                    where="body.code",
                )
            uid, settings = device["uid"], context.settings
            entry = Entry(
                org=device["org_id"],
                at=now,
                actor=uid,
                action="device-enrolled",
                subject=f"device:{uid}",
                detail={"address": address},
            )
            await append(connection, entry)
            answer = Enrolled(device=uid, mqtt=settings.mqtt_url, heartbeat_s=settings.heartbeat_s)
            return JSONResponse(answer.model_dump(mode="json"))

        if key is None or hashed is None:
            response = await work()
        else:
            attempt = Attempt(
                principal=NOBODY, by=NOBODY, key=key, secret=hashed.hex(), method="POST", target="/enrol", body=hashed
            )
            response = await once(connection, attempt, now=now, work=work)
    return response

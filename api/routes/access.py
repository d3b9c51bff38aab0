"""Login, tokens and enrolment: where a credential becomes a right."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from psycopg.rows import DictRow

from api.accounts import create_token
from api.audit import Detail, Entry, append
from api.context import Address, Asked, Shared
from api.credentials import code_hash
from api.database import many, one
from api.documented import problems
from api.idempotency import KEY_HEADER, NOBODY, Attempt, check_key, once
from api.limits import network_of
from api.paging import ById, Cursor, Limit, Page, decode, id_of, page
from api.problems import Problem, ProblemCode, not_found
from api.roles import PREFIX, Role
from api.route import Route
from api.shapes.access import Enrol, Enrolled, Login, LoginAnswer, NewToken, Token, TokenMade
from api.shapes.base import Id
from store.pool import EVERY_ORG, scoped

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["access"])


@router.post("/login", responses=problems(ProblemCode.LOGIN_FAILED, ProblemCode.TOO_MANY, body=True, token=False))
async def login(body: Login, context: Shared, address: Address) -> LoginAnswer:
    """Exchange user and password for a short-lived token.

    Failures are counted by account and address, and by address. After too many: 429, with the seconds to wait.
    """
    now = context.clock()
    account, network = (body.user, network_of(address)), network_of(address)
    _wait(max(context.per_account.wait_s(account, now), context.per_network.wait_s(network, now)))
    context.per_account.begin(account, now)
    context.per_network.begin(network, now)
    async with context.pool.connection() as connection:
        found = await one(connection, "account_by_name", {"name": body.user})
    # Outside of a transaction: hashing is slow on purpose, and must not hold a connection.
    stored = None if found is None else found["password_hash"]
    if not await context.passwords.verify(stored, body.password.get_secret_value()) or found is None:
        if found is not None:
            async with scoped(context.pool, EVERY_ORG) as connection:
                await append(connection, _entry(now, found, "login-failed", {"address": address}))
        raise Problem(
            ProblemCode.LOGIN_FAILED,
            "User or password is wrong: check both.",
            where="body",
            headers={"WWW-Authenticate": "Bearer"},
        )
    context.per_account.forget(account)
    context.per_network.succeeded(network, now)
    expires_at = now + context.settings.login_lasts
    async with scoped(context.pool, EVERY_ORG) as connection:
        token_id, token = await create_token(
            connection, account=found["id"], label="login", now=now, expires_at=expires_at
        )
        await append(connection, _entry(now, found, "login", {"address": address, "token": token_id}))
    return LoginAnswer(
        id=token_id,
        token=token,
        expires_at=expires_at,
        user=found["name"],
        role=Role(found["role"]),
        hospital=found["org_id"],
    )


def _wait(wait_s: int) -> None:
    if wait_s:
        raise Problem(
            ProblemCode.TOO_MANY, f"Too many failures: try again in {wait_s} s.", headers={"Retry-After": str(wait_s)}
        )


def _entry(now: datetime, account: DictRow, action: str, detail: Detail) -> Entry:
    return Entry(
        org=account["org_id"],
        at=now,
        actor=account["name"],
        action=action,
        subject=f"account:{account['name']}",
        detail=detail,
    )


@router.get("/tokens", responses=problems())
async def list_tokens(asked: Asked, limit: Limit = 100, after: Cursor = None) -> Page[Token]:
    """The tokens of this account that are good, newest first. The tokens themselves are never shown again."""
    rows = await many(
        asked.connection,
        "tokens",
        {
            "account": asked.account.id,
            "now": asked.now,
            "below": id_of(decode("tokens", after, ById)),
            "limit": limit + 1,
        },
    )
    return page(
        "tokens",
        rows,
        limit,
        item=lambda row: Token(**row, current=row["id"] == asked.account.token_id),
        key=lambda row: ById(row["id"]),
    )


@router.post("/tokens", status_code=201, responses=problems(ProblemCode.KEY_REUSED, ProblemCode.BUSY, body=True))
async def make_token(body: NewToken, asked: Asked) -> TokenMade:
    """Make a token for a program. It has this account's rights."""
    expires_at = asked.now + timedelta(days=body.days)
    token_id, token = await create_token(
        asked.connection, account=asked.account.id, label=body.label, now=asked.now, expires_at=expires_at
    )
    await asked.audit(
        org=asked.account.org, action="token-created", subject=f"token:{token_id}", detail={"label": body.label}
    )
    return TokenMade(id=token_id, token=token, label=body.label, expires_at=expires_at)


@router.delete("/tokens/{id}", status_code=204, responses=problems(ProblemCode.NOT_FOUND))
async def revoke_token(id: Annotated[Id, Path()], asked: Asked) -> Response:  # noqa: A002 - the path's name
    """Revoke a token of this account; the one in use, to log out."""
    row = await one(asked.connection, "revoke_token", {"id": id, "account": asked.account.id, "now": asked.now})
    if row is None:
        raise not_found("token")
    await asked.audit(org=asked.account.org, action="token-revoked", subject=f"token:{id}")
    return Response(status_code=204)


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
    _wait(context.per_network.wait_s(network, now))
    context.per_network.begin(network, now)
    hashed = code_hash(body.code)
    key = check_key(request.headers.get(KEY_HEADER))
    async with scoped(context.pool, EVERY_ORG) as connection:

        async def work() -> Response:
            device = None if hashed is None else await one(connection, "enrol", {"code_hash": hashed, "now": now})
            if device is None:
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
                principal=NOBODY, key=key, secret=hashed.hex(), method="POST", target="/enrol", body=hashed
            )
            response = await once(connection, attempt, now=now, work=work)
    context.per_network.succeeded(network, now)
    return response

"""Login, tokens and enrolment: where a credential becomes a right."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path, Response
from psycopg.rows import DictRow

from api.accounts import create_token
from api.audit import Detail, Entry, append
from api.context import PREFIX, Address, Asked, Context, Shared
from api.credentials import code_hash
from api.database import QUERIES, many, one
from api.documented import problems
from api.paging import ById, Cursor, Limit, Page, decode, id_of, page
from api.problems import Problem, ProblemCode, not_found
from api.roles import Role
from api.route import Route
from api.shapes.access import Enrol, Enrolled, Login, LoginAnswer, NewToken, Token, TokenMade
from api.shapes.base import Id
from store.pool import EVERY_ORG, Connection

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["access"])
_CODES: Final = "(codes)"


@router.post("/login", responses=problems(ProblemCode.LOGIN_FAILED, ProblemCode.TOO_MANY, body=True, token=False))
async def login(body: Login, context: Shared, address: Address) -> LoginAnswer:
    """Exchange user and password for a short-lived token.

    Failures are counted by account and address, and by address. After too many: 429, with the seconds to wait.
    """
    now = context.clock()
    _wait(context, now, (body.user, address), address)
    async with context.pool.connection() as connection:
        found = await one(connection, "account_by_name", {"name": body.user})
    # Outside of a transaction: hashing is slow on purpose, and must not hold a connection.
    right = await context.passwords.verify(
        None if found is None else found["password_hash"], body.password.get_secret_value()
    )
    if found is None or not right:
        context.per_account.failed((body.user, address), now)
        context.per_address.failed(address, now)
        if found is not None:
            await _tell(context, now, found, "login-failed", {"address": address})
        raise Problem(
            ProblemCode.LOGIN_FAILED,
            "User or password is wrong: check both.",
            where="body",
            headers={"WWW-Authenticate": "Bearer"},
        )
    context.per_account.succeeded((body.user, address))
    expires_at = now + context.settings.login_lasts
    async with context.pool.connection() as connection, connection.transaction():
        await _see(connection, EVERY_ORG)
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


def _wait(context: Context, now: datetime, account: tuple[str, str], address: str) -> None:
    wait_s = max(context.per_account.wait_s(account, now), context.per_address.wait_s(address, now))
    if wait_s:
        raise Problem(
            ProblemCode.TOO_MANY, f"Too many failures: try again in {wait_s} s.", headers={"Retry-After": str(wait_s)}
        )


async def _see(connection: Connection, org: str) -> None:
    await connection.execute(QUERIES["see"], {"org": org})


def _entry(now: datetime, account: DictRow, action: str, detail: Detail) -> Entry:
    return Entry(
        org=account["org_id"],
        at=now,
        actor=account["name"],
        action=action,
        subject=f"account:{account['name']}",
        detail=detail,
    )


async def _tell(context: Context, now: datetime, account: DictRow, action: str, detail: Detail) -> None:
    async with context.pool.connection() as connection, connection.transaction():
        await _see(connection, EVERY_ORG)
        await append(connection, _entry(now, account, action, detail))


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


@router.post("/enrol", responses=problems(ProblemCode.CODE_REFUSED, ProblemCode.TOO_MANY, body=True, token=False))
async def enrol(body: Enrol, context: Shared, address: Address) -> Enrolled:
    """Exchange a device's one-time code for what its agent needs. A code is good once."""
    now = context.clock()
    _wait(context, now, (_CODES, address), address)
    hashed = code_hash(body.code)
    device: DictRow | None = None
    if hashed is not None:
        async with context.pool.connection() as connection, connection.transaction():
            await _see(connection, EVERY_ORG)
            device = await one(connection, "enrol", {"code_hash": hashed, "now": now})
            if device is not None:
                entry = Entry(
                    org=device["org_id"],
                    at=now,
                    actor=device["uid"],
                    action="device-enrolled",
                    subject=f"device:{device['uid']}",
                    detail={"address": address},
                )
                await append(connection, entry)
    if device is None:
        context.per_account.failed((_CODES, address), now)
        context.per_address.failed(address, now)
        raise Problem(
            ProblemCode.CODE_REFUSED,
            "This code is wrong, used or expired: ask for a new one (POST /api/v1/devices/{id}/code).",
            where="body.code",
        )
    settings = context.settings
    return Enrolled(device=device["uid"], mqtt=settings.mqtt_url, heartbeat_s=settings.heartbeat_s)

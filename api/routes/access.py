"""Login, tokens and enrolment: where a credential becomes a right."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse

from api import accounts
from api.accounts import create_token
from api.audit import Entry, append
from api.context import Address, Asked, Session, Shared
from api.credentials import code_hash
from api.database import many, one
from api.documented import problems
from api.idempotency import KEY_HEADER, NOBODY, Attempt, check_key, once
from api.limits import network_of
from api.login import check_password, confirm_password, issue, too_many
from api.paging import ById, Cursor, Limit, Page, decode, id_of, page
from api.problems import Problem, ProblemCode, not_found, unauthenticated
from api.roles import PREFIX
from api.route import Route
from api.shapes.access import Enrol, Enrolled, Login, LoginAnswer, NewToken, Token, TokenMade
from api.shapes.base import Id
from store.pool import EVERY_ORG, scoped

PASSWORD: Final = "body.password"  # noqa: S105 - where it stands
router = APIRouter(prefix=PREFIX, route_class=Route, tags=["access"])


@router.post("/login", responses=problems(ProblemCode.LOGIN_FAILED, ProblemCode.TOO_MANY, body=True, token=False))
async def login(body: Login, context: Shared, address: Address) -> LoginAnswer:
    """Exchange user and password for a short-lived token: for programs. A browser uses POST /session.

    Failures are counted by account, by address and by both. After too many: 429, with the seconds to wait. Where a
    password was right lately, failures elsewhere hold nobody up.
    """
    now = context.clock()
    found, _ = await check_password(
        context, user=body.user, password=body.password.get_secret_value(), address=address, now=now
    )
    token_id, token, expires_at = await issue(context, found, browser=False, address=address, now=now)
    return LoginAnswer(
        id=token_id,
        token=token,
        expires_at=expires_at,
        user=found.name,
        role=found.role,
        hospital=found.org,
    )


@router.get("/tokens", responses=problems())
async def list_tokens(asked: Asked, limit: Limit = 100, after: Cursor = None) -> Page[Token]:
    """The tokens of this account that are good, newest first. The tokens themselves are never shown again."""
    return await tokens_of(asked, asked.account.id, limit, after)


async def tokens_of(asked: Session, account: int, limit: int, after: str | None) -> Page[Token]:
    """A page of the tokens of an account that are good."""
    given = {"account": account, "now": asked.now, "below": id_of(decode("tokens", after, ById)), "limit": limit + 1}
    return page(
        "tokens",
        await many(asked.connection, "tokens", given),
        limit,
        item=lambda row: Token(**row, current=row["id"] == asked.account.token_id),
        key=lambda row: ById(row["id"]),
    )


@router.post(
    "/tokens",
    status_code=201,
    responses=problems(
        ProblemCode.PASSWORD_NEEDED, ProblemCode.TOO_MANY, ProblemCode.KEY_REUSED, ProblemCode.BUSY, body=True
    ),
)
async def make_token(body: NewToken, asked: Asked, address: Address) -> TokenMade:
    """Make a token for a program. It has this account's rights.

    What is to last longer than the token or session it is made with needs the account's password too: whoever found an
    open browser, or a token, can't prolong it.
    """
    account = asked.account
    expires_at = asked.now + timedelta(days=body.days)
    if body.password is not None:
        await confirm_password(asked, password=body.password.get_secret_value(), address=address, where=PASSWORD)
    elif account.expires_at is not None and expires_at > account.expires_at:
        raise Problem(
            ProblemCode.PASSWORD_NEEDED,
            "It would last longer than what it is made with: give the account's password too, or fewer days.",
            where=PASSWORD,
        )
    if await one(asked.connection, "hold_account", {"id": account.id, "version": account.version}) is None:
        raise unauthenticated("The account was changed meanwhile: sign in again.")
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
    account = asked.account
    if not await accounts.revoke_token(asked.connection, account, id, actor=account.name, now=asked.now):
        raise not_found("token")
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
    hashed = code_hash(body.code)
    key = check_key(request.headers.get(KEY_HEADER))
    # Each code is looked for, whatever was tried before: 60 random bits aren't guessed, and behind one address a whole
    # hospital may be. Too many wrong ones are told to wait.
    async with context.code_turns.turn(network), scoped(context.pool, EVERY_ORG) as connection:

        async def work() -> Response:
            device = None if hashed is None else await one(connection, "enrol", {"code_hash": hashed, "now": now})
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

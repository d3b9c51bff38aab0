"""Accounts: who manages them makes, disables, resets them and ends their tokens; everybody changes their own password.

Whose accounts somebody sees, the policies of the database say: the operator's staff all, a dealer's manager the
dealer's, a hospital's 信息科 the hospital's.
"""

from typing import Annotated

import psycopg
from fastapi import APIRouter, Path, Query, Response
from psycopg.rows import DictRow

from api.http.conditions import IfMatch, changed_meanwhile, etag, require_match
from api.http.context import Address, Asked, Session
from api.http.documented import problems
from api.http.paging import ById, Cursor, Limit, Page, decode, id_of, page
from api.http.problems import Problem, ProblemCode, invalid, not_found, unauthenticated
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import Id, Search
from api.people.access import org_of, tokens_of
from api.people.confirm import confirm_password
from api.people.shapes import Account, AccountChange, AccountPassword, NewAccount, PasswordChange, Token
from people import accounts
from people.accounts import find_account, holder
from people.errors import AccountChangedError, LastKeeperError
from people.login.credentials import mint_password
from people.login.passwords import too_easy
from people.places import find_org
from people.roles import OPERATOR, Role

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["accounts"])
_POST = (ProblemCode.CONFLICT, ProblemCode.BUSY, ProblemCode.KEY_REUSED)
AccountId = Annotated[Id, Path()]


@router.get("/accounts", responses=problems())
async def list_accounts(
    *,
    asked: Asked,
    org: Annotated[int | None, Query(ge=0, le=2**31 - 1, description="Of this organisation only.")] = None,
    role: Role | None = None,
    active: Annotated[bool | None, Query(description="Only those that may, or may not, sign in.")] = None,
    q: Annotated[Search | None, Query(description="Part of the account's name or its organisation's.")] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[Account]:
    """The accounts, those that are disabled too, in the order they were made."""
    above = id_of(decode("accounts", after, ById))
    rows = await accounts.list_accounts(
        asked.connection, org=org, role=role, active=active, part=q, above=above, limit=limit + 1
    )
    return page("accounts", rows, limit, item=_account, key=lambda row: ById(row["id"]))


@router.get("/accounts/{id}", responses=problems(ProblemCode.NOT_FOUND))
async def get_account(id: AccountId, asked: Asked, response: Response) -> Account:  # noqa: A002
    """One account; the ETag is `version` in quotes."""
    row = await _found(asked, id)
    response.headers["ETag"] = etag(row["version"])
    return _account(row)


@router.post("/accounts", status_code=201, responses=problems(*_POST, body=True))
async def make_account(body: NewAccount, asked: Asked, response: Response) -> AccountPassword:
    """Make an account. The answer has its password, once. The operator's own are made by `steth account add` alone."""
    role = Role(body.role)
    org = asked.account.org if body.org is None else body.org
    if asked.account.org not in {OPERATOR, org} or await find_org(asked.connection, org, role.kind) is None:
        raise invalid("body.org", f"Name one that this account manages, and that is a {role.kind}, as the role asks.")
    password = mint_password()
    try:
        id_ = await accounts.create_account(
            asked.connection,
            name=body.name,
            password=password,
            made=True,
            role=role,
            org=org,
            actor=asked.account.name,
            now=asked.now,
            passwords=asked.context.door.passwords,
        )
    except psycopg.errors.UniqueViolation:
        raise Problem(ProblemCode.CONFLICT, "There is an account of this name already.", where="body.name") from None
    return _with_password(await _found(asked, id_), password, response)


@router.patch(
    "/accounts/{id}",
    responses=problems(
        ProblemCode.NOT_FOUND,
        ProblemCode.CONFLICT,
        ProblemCode.CHANGED_MEANWHILE,
        ProblemCode.IF_MATCH_MISSING,
        body=True,
    ),
)
async def change_account(
    id: AccountId,  # noqa: A002 - the path's name
    body: AccountChange,
    asked: Asked,
    response: Response,
    if_match: IfMatch = None,
) -> Account:
    """Give an account another role, disable it, or enable it again; the ETag is `version` in quotes.

    What was signed in ends within 5 s, live streams too, and stays ended. One's own can't be changed, nor can an
    organisation's people end the last of them that manages its accounts.
    """
    before = await _found(asked, id)
    require_match(if_match, before["version"])
    if id == asked.account.id and (body.role is not None or body.active is False):
        raise Problem(ProblemCode.CONFLICT, "This is your own account: let somebody else change or disable it.")
    role = None if body.role is None else Role(body.role)
    if role is not None and role.kind is not Role(before["role"]).kind:
        raise invalid("body.role", f"This account is of a {Role(before['role']).kind}: name one of its roles.")
    who, by, now = asked.account.name, asked.account.org, asked.now
    try:
        if role is not None and role != before["role"]:
            await accounts.set_role(asked.connection, holder(before), role=role, actor=who, by=by, now=now)
            before = await _found(asked, id)
        if body.active is not None and body.active != before["active"]:
            await accounts.set_active(asked.connection, holder(before), active=body.active, actor=who, by=by, now=now)
    except LastKeeperError:
        raise Problem(
            ProblemCode.CONFLICT,
            "This is the last active account of its organisation that manages accounts: make another one first.",
        ) from None
    except AccountChangedError:
        raise changed_meanwhile() from None
    row = await _found(asked, id)
    response.headers["ETag"] = etag(row["version"])
    return _account(row)


@router.post("/accounts/{id}/reset", responses=problems(ProblemCode.NOT_FOUND, *_POST))
async def reset_password(id: AccountId, asked: Asked, response: Response) -> AccountPassword:  # noqa: A002
    """Give an account a new password. The answer has it, once. All its tokens and sessions end within 5 s."""
    account = holder(await _found(asked, id))
    if id == asked.account.id:
        raise Problem(
            ProblemCode.CONFLICT, "This is your own account: change its password by POST /api/v1/account/password."
        )
    try:
        password = await accounts.reset_password(
            asked.connection, account, actor=asked.account.name, now=asked.now, passwords=asked.context.door.passwords
        )
    except AccountChangedError:
        raise Problem(ProblemCode.CONFLICT, "Somebody else changed this account just now: look at it again.") from None
    return _with_password(await _found(asked, id), password, response)


@router.get("/accounts/{id}/tokens", responses=problems(ProblemCode.NOT_FOUND))
async def list_tokens_of_account(id: AccountId, asked: Asked, limit: Limit = 100, after: Cursor = None) -> Page[Token]:  # noqa: A002
    """The tokens and sessions of an account that are good, newest first."""
    await _found(asked, id)
    return await tokens_of(asked, id, limit, after)


@router.delete("/accounts/{id}/tokens/{token}", status_code=204, responses=problems(ProblemCode.NOT_FOUND))
async def revoke_token_of_account(id: AccountId, token: Annotated[Id, Path()], asked: Asked) -> Response:  # noqa: A002
    """Revoke a token or session of an account; it ends within 5 s."""
    account = holder(await _found(asked, id))
    if not await accounts.revoke_token(asked.connection, account, token, actor=asked.account.name, now=asked.now):
        raise not_found("token")
    return Response(status_code=204)


@router.post(
    "/account/password",
    status_code=204,
    responses=problems(
        ProblemCode.PASSWORD_NEEDED, ProblemCode.TOO_MANY, ProblemCode.KEY_REUSED, ProblemCode.BUSY, body=True
    ),
)
async def change_password(body: PasswordChange, asked: Asked, address: Address) -> Response:
    """Change one's own password. All other tokens and sessions of the account end; the one of this request stays.

    A wrong old password counts as a failed login.
    """
    old, new = body.old.get_secret_value(), body.new.get_secret_value()
    if new == old:
        raise invalid("body.new", "This is the old one: take another.")
    if (why := too_easy(new, user=asked.account.name)) is not None:
        raise invalid("body.new", why)
    await confirm_password(asked, password=old, address=address, where="body.old")
    try:
        await accounts.change_password(
            asked.connection,
            asked.account,
            stored=await asked.context.door.passwords.hash(new),
            token=asked.account.token_id,
            now=asked.now,
        )
    except AccountChangedError:
        raise unauthenticated("The account was changed meanwhile: sign in again.") from None
    return Response(status_code=204)


async def _found(asked: Session, id_: int) -> DictRow:
    row = await find_account(asked.connection, id_=id_)
    if row is None:
        raise not_found("account")
    return row


def _account(row: DictRow) -> Account:
    return Account(
        id=row["id"],
        name=row["name"],
        role=Role(row["role"]),
        org=org_of(holder(row)),
        active=row["active"],
        password_made=row["password_made"],
        created_at=row["created_at"],
        last_login_at=row["last_login_at"],
        version=row["version"],
    )


def _with_password(row: DictRow, password: str, response: Response) -> AccountPassword:
    response.headers["ETag"] = etag(row["version"])
    return AccountPassword(**dict(_account(row)), password=password)

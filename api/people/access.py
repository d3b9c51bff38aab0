"""Login and tokens: where a credential becomes a right."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response
from psycopg.rows import DictRow

from api.http.context import Address, Asked, Session, Shared
from api.http.documented import problems
from api.http.paging import ById, Cursor, Limit, Page, decode, id_of, page
from api.http.problems import Problem, ProblemCode, not_found, unauthenticated
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import Id, NamedId, Org, Search, of_row
from api.people.confirm import confirm_password
from api.people.shapes import Credential, Login, LoginAnswer, NewToken, Token, TokenKind, TokenMade
from people import accounts
from people.roles import Role

PASSWORD: Final = "body.password"  # noqa: S105 - where it stands
router = APIRouter(prefix=PREFIX, route_class=Route, tags=["access"])


@router.post("/login", responses=problems(ProblemCode.LOGIN_FAILED, ProblemCode.TOO_MANY, body=True, token=False))
async def login(body: Login, context: Shared, address: Address) -> LoginAnswer:
    """Exchange user and password for a short-lived token: for programs. A browser uses POST /session.

    Failures are counted by account, by address and by both. After too many: 429, with the seconds to wait. Where a
    password was right lately, failures elsewhere hold nobody up.
    """
    now = context.clock()
    found, _ = await context.door.check(
        user=body.user, password=body.password.get_secret_value(), address=address, now=now
    )
    token_id, token, expires_at = await context.door.issue(
        found, browser=False, address=address, now=now, lasts=context.settings.login_lasts
    )
    return LoginAnswer(
        id=token_id,
        token=token,
        expires_at=expires_at,
        user=found.name,
        role=found.role,
        org=org_of(found),
    )


def org_of(account: accounts.Holder) -> Org:
    """Whose account it is."""
    return Org(id=account.org, name=account.org_name, kind=account.role.kind)


@router.get("/tokens", responses=problems())
async def list_tokens(asked: Asked, limit: Limit = 100, after: Cursor = None) -> Page[Token]:
    """The tokens of this account that are good, newest first. The tokens themselves are never shown again."""
    return await tokens_of(asked, asked.account.id, limit, after)


async def tokens_of(asked: Session, account: int, limit: int, after: str | None) -> Page[Token]:
    """A page of the tokens of an account that are good."""
    below = id_of(decode("tokens", after, ById))
    return page(
        "tokens",
        await accounts.list_tokens(asked.connection, account, now=asked.now, below=below, limit=limit + 1),
        limit,
        item=lambda row: of_row(Token, row, current=row["id"] == asked.account.token_id),
        key=lambda row: ById(row["id"]),
    )


@router.get("/credentials", responses=problems())
async def list_credentials(
    *,
    asked: Asked,
    kind: TokenKind | None = None,
    q: Annotated[Search | None, Query(description="Part of its label or the account's name; its address.")] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[Credential]:
    """Every token and session that is good, of all accounts that this one manages, newest first."""

    def item(row: DictRow) -> Credential:
        role = Role(row["role"])
        return of_row(
            Credential,
            row,
            current=row["id"] == asked.account.token_id,
            account=NamedId(id=row["account_id"], name=row["account"]),
            role=role,
            org=Org(id=row["org_id"], name=row["org"], kind=role.kind),
        )

    below = id_of(decode("credentials", after, ById))
    rows = await accounts.list_tokens(
        asked.connection, None, now=asked.now, kind=kind, part=q, below=below, limit=limit + 1
    )
    return page("credentials", rows, limit, item=item, key=lambda row: ById(row["id"]))


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
    if not await accounts.hold(asked.connection, account):
        raise unauthenticated("The account was changed meanwhile: sign in again.")
    token_id, token = await accounts.create_token(
        asked.connection,
        account=asked.account.id,
        label=body.label,
        now=asked.now,
        expires_at=expires_at,
        address=address,
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

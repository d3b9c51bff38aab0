"""The browser's login, beside the tokens of programs: same accounts, roles and limits."""

from fastapi import APIRouter, Request, Response

from api.http.browser import CSRF_HEADER, end_session, give_known, give_session, known_browser
from api.http.context import Address, Asked, Shared
from api.http.documented import problems
from api.http.language import InWords
from api.http.problems import Problem, ProblemCode
from api.http.rights import PREFIX
from api.http.route import Route
from api.people.access import org_of
from api.people.shapes import Login, WhoAmI
from api.version import VERSION
from people.accounts import end_token
from people.roles import rights_of

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["session"])


@router.post("/session", responses=problems(ProblemCode.LOGIN_FAILED, ProblemCode.TOO_MANY, body=True, token=False))
async def begin_session(
    body: Login, context: Shared, address: Address, words: InWords, request: Request, response: Response
) -> WhoAmI:
    """Log a browser in: the answer sets an HttpOnly, SameSite=Strict cookie. Programs use POST /login instead.

    From then on the cookie stands for the account. Requests other than GET must carry `X-Steth-Csrf: 1` with it.
    Failures are counted together with those of POST /login. A browser that signed in before isn't held up by failures
    elsewhere: a second cookie says so, which opens nothing.
    """
    now = context.clock()
    found, known = await context.door.check(
        user=body.user,
        password=body.password.get_secret_value(),
        address=address,
        now=now,
        browser=known_browser(request),
    )
    lasts = context.settings.login_lasts
    _, session, expires_at = await context.door.issue(found, browser=True, address=address, now=now, lasts=lasts)
    give_session(request, response, session, lasts=lasts)
    give_known(request, response, known)
    return WhoAmI(
        user=found.name,
        role=found.role,
        org=org_of(found),
        expires_at=expires_at,
        browser=True,
        choose_password=found.password_made,
        rights=rights_of(found.role),
        csrf_header=CSRF_HEADER,
        language=words.lang,
        now=now,
        version=VERSION,
    )


@router.get("/session", responses=problems())
async def get_session(asked: Asked, words: InWords) -> WhoAmI:
    """The account that is signed in, by cookie or token, its language, and the server's time."""
    return WhoAmI(
        user=asked.account.name,
        role=asked.account.role,
        org=org_of(asked.account),
        expires_at=asked.account.expires_at,
        browser=asked.account.browser,
        choose_password=asked.account.password_made,
        rights=rights_of(asked.account.role),
        csrf_header=CSRF_HEADER,
        language=words.lang,
        now=asked.now,
        version=VERSION,
    )


@router.delete("/session", status_code=204, responses=problems(ProblemCode.CONFLICT))
async def end_this_session(asked: Asked, request: Request) -> Response:
    """Log out: the session of this request's cookie is good no more. A token is revoked by DELETE /tokens/{id}."""
    account = asked.account
    if not account.browser:
        raise Problem(
            ProblemCode.CONFLICT,
            "This request came with a token: revoke it with DELETE /api/v1/tokens/{id}.",
            where="header.authorization",
        )
    await end_token(asked.connection, account, account.token_id, now=asked.now)
    await asked.audit(org=account.org, action="logout", subject=f"account:{account.name}")
    response = Response(status_code=204)
    end_session(request, response)
    return response

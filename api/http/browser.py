"""A browser's session: a cookie that no script can read, for the page that we serve ourselves.

A browser sends cookies by itself, whoever made it ask. Two things keep other pages from using that: the cookie is
SameSite=Strict (RFC 6265bis, 5.5), and every request that changes something must carry the header `X-Steth-Csrf: 1`,
which a page of another origin can't add without asking us first (CORS preflight), and we allow none.
The cookie's secret is of another kind than a bearer token: neither can be used as the other.
A second cookie, `steth_browser`, stays when the session ends. It opens nothing (`people.login.limits.Logins`).
"""

from datetime import timedelta
from typing import Final

from fastapi import Request, Response

from api.http.problems import Problem, ProblemCode
from api.http.rights import PREFIX
from people.login.credentials import is_session
from people.login.limits import KNOWN_FOR

COOKIE: Final = "steth_session"
KNOWN: Final = "steth_browser"
CSRF_HEADER: Final = "X-Steth-Csrf"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def give_session(request: Request, response: Response, session: str, *, lasts: timedelta) -> None:
    """Set the cookie; Secure where the browser came by https, through a proxy of ours or not."""
    response.set_cookie(
        COOKIE,
        session,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def known_browser(request: Request) -> str:
    """What the browser kept of an earlier login."""
    return request.cookies.get(KNOWN, "")


def give_known(request: Request, response: Response, browser: str) -> None:
    """Have the browser show at the next login that it proved the password: it goes nowhere else."""
    response.set_cookie(
        KNOWN,
        browser,
        max_age=int(KNOWN_FOR.total_seconds()),
        path=f"{PREFIX}/session",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def end_session(request: Request, response: Response) -> None:
    """Take the cookie back."""
    secure = request.url.scheme == "https"
    response.delete_cookie(COOKIE, path="/", secure=secure, httponly=True, samesite="strict")


def session_of(request: Request) -> str | None:
    """The session of the request's cookie; None without one. Raises Problem 403 if it could be another page's doing."""
    session = request.cookies.get(COOKIE, "")
    if not is_session(session):
        return None
    if request.method not in _SAFE and not request.headers.get(CSRF_HEADER):
        raise Problem(
            ProblemCode.CSRF,
            f"With a session's cookie, send the header `{CSRF_HEADER}: 1` too.",
            where=f"header.{CSRF_HEADER.lower()}",
        )
    return session

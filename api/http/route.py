"""One request is one transaction: what happens around every handler, in this order.

Token → body, bounded → role → names of the query → Idempotency-Key → handler → commit. Whatever raises rolls back,
unless it says that what was written stays.
"""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, get_args, get_origin

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from typing_extensions import override

from api.http.answers import problem_answer
from api.http.browser import session_of
from api.http.context import Session, context_of
from api.http.idempotency import KEY_HEADER, Attempt, check_key, once
from api.http.problems import Problem, ProblemCode, invalid, unauthenticated
from api.http.rights import PREFIX, PUBLIC, right_of
from people.accounts import authenticate
from people.login.credentials import is_token
from people.roles import RIGHTS, Role

MAX_BODY: Final = 1024 * 1024
"""Bytes of a request's body."""
BODY_S: Final = 20.0
"""Seconds in which a body must have come."""
_UNWRITABLE: Final = re.compile("[\0\ud800-\udfff]")
MAX_DEPTH: Final = 16
"""Levels of lists and objects in a request's body; ours need three."""

CHOOSING: Final = frozenset({"/session", "/account/password"})
"""All that is open to an account whose password was made for it: who it is, another password, and the way out."""


class BoundedRequest(Request):
    """A request whose body has a size and a depth."""

    _bounded: bytes | None = None

    @override
    async def body(self) -> bytes:
        if self._bounded is None:
            try:
                async with asyncio.timeout(BODY_S):
                    self._bounded = await self._read()
            except TimeoutError:
                raise Problem(ProblemCode.TOO_SLOW, f"Send the body within {BODY_S:g} s.", where="body") from None
        return self._bounded

    async def _read(self) -> bytes:
        pieces = bytearray()
        async for piece in self.stream():
            pieces += piece
            if len(pieces) > MAX_BODY:
                raise Problem(ProblemCode.TOO_LARGE, f"Send at most {MAX_BODY} bytes.", where="body")
        return bytes(pieces)

    @override
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = self._parsed(await self.body())
        return self._json

    def _parsed(self, body: bytes) -> Any:
        try:
            value = json.loads(body, parse_constant=_no_number, object_pairs_hook=_each_once)
        except (ValueError, RecursionError):
            raise Problem(
                ProblemCode.MALFORMED,
                f"The body must be JSON in UTF-8, at most {MAX_DEPTH} levels deep, each member of an object once.",
                where="body",
            ) from None
        if _deeper(value, MAX_DEPTH):
            raise Problem(ProblemCode.MALFORMED, f"The body is more than {MAX_DEPTH} levels deep.", where="body")
        if (where := _unwritable(value, "body")) is not None:
            raise invalid(where, "A text has a NUL or half of a surrogate pair: send whole characters.")
        return value


def _query_names(dependant: Dependant) -> dict[str, bool]:
    """The names of the query, and whether each may be repeated."""
    names = {parameter.alias: _is_list(parameter.field_info.annotation) for parameter in dependant.query_params}
    for inner in dependant.dependencies:
        names |= _query_names(inner)
    return names


def _is_list(annotation: object) -> bool:
    return any(get_origin(one) is list for one in (annotation, *get_args(annotation)))


def _no_number(_: str) -> float:
    raise ValueError("NaN and Infinity are not JSON")


def _each_once(members: list[tuple[str, object]]) -> dict[str, object]:
    """Of two members of a name one would be ignored, and not the same one by everybody who reads it (RFC 8259, 4)."""
    value = dict(members)
    if len(value) < len(members):
        raise ValueError("a name stands twice")
    return value


def _unwritable(value: object, where: str) -> str | None:
    """Where in a body a text stands that no database or answer can hold: NUL, or half of a surrogate pair.

    JSON can spell both (RFC 8259, 8.2). The names of members are the caller's own: what is said of one is where it is.
    """
    if isinstance(value, str):
        return where if _UNWRITABLE.search(value) else None
    if isinstance(value, dict):
        if any(_UNWRITABLE.search(name) for name in value):
            return where
        return next(filter(None, (_unwritable(inner, f"{where}.{name[:40]}") for name, inner in value.items())), None)
    if isinstance(value, list):
        return next(filter(None, (_unwritable(inner, f"{where}.{nth}") for nth, inner in enumerate(value))), None)
    return None


def _deeper(value: object, levels: int) -> bool:
    here: list[object] = [value]
    for _ in range(levels):
        here = [inner for outer in here for inner in _inside(outer)]
    return any(isinstance(inner, dict | list) for inner in here)


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


class Route(APIRoute):
    """A route that opens the request's transaction and lets only the roles in that have its right."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        names = _query_names(self.dependant)
        takes_body = self.body_field is not None
        # Looked up here, when the route is made: one that rights.toml doesn't know never starts.
        (right,) = {right_of(method, self.path_format.removeprefix(PREFIX)) for method in self.methods or ()}
        roles = RIGHTS.roles.get(right, PUBLIC)
        choosing = self.path_format.removeprefix(PREFIX) in CHOOSING

        async def answer(request: Request) -> Response:
            bounded = BoundedRequest(request.scope, request.receive)
            if roles is PUBLIC:
                await _check(bounded, names, takes_body)
                return await handle(bounded)
            context = await context_of(bounded)
            now = context.clock()
            token = _credential(bounded)
            body = await bounded.body()  # before a connection is taken: who sends slowly holds up nobody
            async with context.pool.connection() as connection, connection.transaction():
                account = await authenticate(connection, token, now)
                if account is None:
                    raise unauthenticated(
                        "This token is unknown, expired or revoked: get a new one with POST /api/v1/login."
                    )
                if account.role not in roles:
                    raise _forbidden(account.role, right)
                if account.password_made and not choosing:
                    raise Problem(
                        ProblemCode.PASSWORD_TO_CHOOSE,
                        "This account's password was made for it: choose your own with POST /api/v1/account/password.",
                        where="header.authorization",
                    )
                await _check(bounded, names, takes_body)
                bounded.state.session = Session(connection=connection, account=account, now=now, context=context)
                key = check_key(bounded.headers.get(KEY_HEADER)) if request.method == "POST" else None
                try:
                    if key is None:
                        return await handle(bounded)
                    attempt = Attempt(
                        principal=account.id,
                        by=account.token_id,
                        key=key,
                        secret=token,
                        method=request.method,
                        target=str(request.url.path) + "?" + request.url.query,
                        body=body,
                    )
                    return await once(connection, attempt, now=now, work=lambda: handle(bounded))
                except Problem as problem:
                    if not problem.kept:
                        raise
                    return problem_answer(problem)

        return answer


def _credential(request: Request) -> str:
    """The bearer token if the request says that it has one, else the session of its cookie."""
    given = request.headers.get("authorization")
    if given is None and (session := session_of(request)) is not None:
        return session
    scheme, _, token = (given or "").partition(" ")
    if scheme.lower() != "bearer" or not is_token(token):
        raise unauthenticated("Send `Authorization: Bearer st_…` with a token of POST /api/v1/login.")
    return token


def _forbidden(role: Role, right: str) -> Problem:
    may = ", ".join(sorted(RIGHTS.roles[right]))
    return Problem(
        ProblemCode.FORBIDDEN,
        f"This asks for the right {right}. The role {role} hasn't got it; these have: {may}.",
        where="header.authorization",
    )


async def _check(request: BoundedRequest, names: Mapping[str, bool], takes_body: bool) -> None:
    """Refuse what the contract doesn't know, rather than ignore what the caller meant by it."""
    seen = set[str]()
    for name, _ in request.query_params.multi_items():
        if name not in names:
            raise invalid("query", f"A parameter is unknown here; known: {', '.join(sorted(names)) or 'none'}.")
        if name in seen and not names[name]:
            raise invalid(f"query.{name}", "Give this parameter once.")
        seen.add(name)
    body = await request.body()
    if takes_body:
        content = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content != "application/json":
            raise Problem(
                ProblemCode.MEDIA_TYPE,
                "Send the body as `Content-Type: application/json`.",
                where="header.content-type",
            )
        if body:
            await request.json()  # here: whatever goes wrong in it later, FastAPI answers without saying what
    elif body:
        raise invalid("body", "This address takes no body.")

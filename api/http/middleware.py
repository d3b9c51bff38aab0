"""What every answer gets, whatever made it: security headers, and a count in the metrics."""

import time
from traceback import format_tb
from typing import Final

import psycopg
import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.answers import problem_answer
from api.http.problems import Problem, ProblemCode
from api.settings import Clock
from wire.times import ms_of

_log: Final = structlog.get_logger("api")
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
TIME: Final = "Steth-Time"
"""Header of every answer: the server's time, ms since 1970 UTC."""
_BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Head:
    """Answers HEAD wherever GET is: the same headers, no body (RFC 9110, 9.3.2). A stream ends with its head."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        # Once the body has ended, the server tells whoever still receives that the client left: so a stream ends.

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["method"] = "HEAD"  # the server's own look at it decides what belongs to an answer
                await send(message)
                await send({"type": "http.response.body", "body": b""})

        scope["method"] = "GET"
        try:
            await self._app(scope, receive, headed)
        finally:
            scope["method"] = "HEAD"


class SecurityHeaders:
    """Adds headers that keep a browser from doing anything with an answer but hand it to our own page, and the time
    of ours by which ages are to be measured: the reader's own clock may be wrong."""

    def __init__(self, app: ASGIApp, *, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                now = (TIME.lower().encode(), str(ms_of(self._clock())).encode())
                added = (pair for pair in _HEADERS if pair[0] not in there)
                message["headers"] = [*message["headers"], now, *added]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class Unexpected:
    """Answers what nobody foresaw with a problem, and logs where it happened but no values: they may be secrets."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - the outermost: whatever it is, it is logged and answered
            _log.error(
                "request_failed",
                method=scope.get("method"),
                route=template(scope),
                error=type(error).__qualname__,
                sqlstate=error.sqlstate if isinstance(error, psycopg.Error) else None,
                where=format_tb(error.__traceback__),
            )
            if not begun:
                problem = Problem(ProblemCode.INTERNAL, "It is our fault and was logged: try again later.")
                await problem_answer(problem)(scope, receive, send)


def template(scope: Scope) -> str:
    """The path of the route that took a request, such as /api/v1/devices/{id}; "none" if none did."""
    return getattr(scope.get("route"), "path", "none")


class Measured:
    """Counts and times requests by method, route template and status: labels that a caller can't multiply."""

    def __init__(self, app: ASGIApp, *, registry: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter(
            "steth_api_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "steth_api_request_seconds",
            "From request to answer.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = template(scope)
            self._requests.labels(method, route, str(status)).inc()
            self._seconds.labels(method, route).observe(time.perf_counter() - began)

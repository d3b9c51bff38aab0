"""One HTTP request whose receiver may do as it likes: its time and memory are bounded."""

import asyncio
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Final

import httpx
from msgspec import Struct

from desk.telling.reasons import RefusedError, TellingError

MOST_BYTES: Final = 65_536
"""Of an answer that are read: what a robot says takes a hundred."""


class Answer(Struct, frozen=True, kw_only=True):
    """What came back. `headers` by lower-case name; `start`: at most MOST_BYTES of the body, as they were sent."""

    status: int
    headers: Mapping[str, str]
    start: bytes


async def post(
    url: str,
    body: bytes,
    *,
    limit_s: float,
    method: str = "POST",
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    check: bool = True,
) -> Answer:
    """Send, and return the answer. Raises TellingError when there is none within `limit_s` from the first step.

    A client for each request: no receiver takes a place in a pool, or sets a cookie, that another would see. No
    redirect is followed, since it would carry the token elsewhere; nothing is unpacked.
    """
    try:
        async with (
            asyncio.timeout(limit_s),
            httpx.AsyncClient(verify=_tls(check), timeout=_phases(limit_s), follow_redirects=False) as client,
            client.stream(
                method,
                url,
                content=body,
                params=dict(params) if params else None,
                headers={
                    "User-Agent": "Steth",
                    "Content-Type": "application/json",
                    "Accept-Encoding": "identity",
                    **(headers or {}),
                },
                auth=auth,
            ) as response,
        ):
            start = b""
            async for piece in response.aiter_raw():
                start += piece
                if len(start) >= MOST_BYTES:
                    break
            return Answer(status=response.status_code, headers=response.headers, start=start[:MOST_BYTES])
    except (TimeoutError, httpx.TimeoutException):
        raise TellingError("telling.no_answer", seconds=round(limit_s)) from None
    except httpx.ProtocolError:
        raise TellingError("telling.unreadable") from None
    except httpx.TransportError as error:
        untrusted = _is_caused_by(error, ssl.SSLCertVerificationError)
        raise TellingError("telling.certificate" if untrusted else "telling.no_connection") from None
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise RefusedError("telling.address") from None


def _phases(limit_s: float) -> httpx.Timeout:
    """TCP and TLS end by themselves before the limit: cancelled within the handshake, the socket would stay open."""
    return httpx.Timeout(limit_s, connect=limit_s / 3)


@cache
def _tls(check: bool) -> ssl.SSLContext:
    return httpx.create_ssl_context(verify=check)


def _is_caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False

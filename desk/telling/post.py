"""One HTTP request to an untrusted receiver: its time and memory are bounded, and its target is validated."""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Final

import httpx
from msgspec import Struct

from desk.telling.reasons import RefusedError, TellingError
from desk.telling.way import MOST_ADDRESSES, Way

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
    way: Way,
    limit_s: float,
    params: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    proxy: str | None = None,
) -> Answer:
    """Send JSON, and return the answer. Raises TellingError when there is none within `limit_s` from the first step.

    The address that was checked is called, with the name in `Host`, in TLS and against the certificate. Through a
    `proxy`, which resolves by itself, goes only what nobody can choose: the robots.
    """
    try:
        named = httpx.URL(url, params=dict(params or {}))
        async with asyncio.timeout(limit_s):
            if proxy is not None:
                return await _ask(named, named.host, body, auth=auth, limit_s=limit_s, proxy=proxy)
            port = named.port or (443 if named.scheme == "https" else 80)
            *others, last = await way.addresses(named.host, port, "web")
            for address in others:
                with suppress(httpx.ConnectError, httpx.ConnectTimeout):  # nothing was sent yet
                    return await _ask(named, address, body, auth=auth, limit_s=limit_s)
            return await _ask(named, last, body, auth=auth, limit_s=limit_s)
    except (TimeoutError, httpx.TimeoutException):
        raise TellingError("telling.no_answer", seconds=round(limit_s)) from None
    except httpx.ProtocolError:
        raise TellingError("telling.unreadable") from None
    except httpx.TransportError as error:
        untrusted = _is_caused_by(error, ssl.SSLCertVerificationError)
        raise TellingError("telling.certificate" if untrusted else "telling.no_connection") from None
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise RefusedError("telling.address_not_allowed") from None


async def _ask(
    named: httpx.URL, host: str, body: bytes, *, auth: tuple[str, str] | None, limit_s: float, proxy: str | None = None
) -> Answer:
    """A client for each request: no receiver takes a place in a pool, or sets a cookie, that another would see. No
    redirect is followed, nothing is unpacked, and no proxy of the environment is asked."""
    async with (
        httpx.AsyncClient(
            verify=tls(), timeout=_phases(limit_s), follow_redirects=False, trust_env=False, proxy=proxy
        ) as client,
        client.stream(
            "POST",
            named.copy_with(host=host),
            content=body,
            headers={
                "Host": named.netloc.decode(),
                "User-Agent": "Steth",
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
            },
            auth=auth,
            extensions={"sni_hostname": named.host},
        ) as response,
    ):
        start = b""
        async for piece in response.aiter_raw():
            start += piece
            if len(start) >= MOST_BYTES:
                break
        return Answer(status=response.status_code, headers=response.headers, start=start[:MOST_BYTES])


def _phases(limit_s: float) -> httpx.Timeout:
    """TCP and TLS end by themselves before the limit: cancelled within the handshake, the socket would stay open."""
    return httpx.Timeout(limit_s, connect=limit_s / (MOST_ADDRESSES + 1))


@cache
def tls() -> ssl.SSLContext:
    """Trusts the usual authorities, or those of the process's SSL_CERT_FILE."""
    return httpx.create_ssl_context()


def _is_caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False

"""The client's address behind a reverse proxy: forwarded headers are trusted from configured proxies only."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

Network = IPv4Network | IPv6Network
_FOR: Final = b"x-forwarded-for"
_PROTO: Final = b"x-forwarded-proto"


def caller(peer: str, forwarded: Iterable[str], proxies: Sequence[Network]) -> str | None:
    """The address of who asks, by the values of X-Forwarded-For; None: the peer is no proxy of ours, or says nothing
    that can be used, and is itself who asks.

    Each proxy adds whom it heard on the right. So the first from there that is no proxy of ours is who asks, and what
    stands further left was written by it. What is no address is nobody: then the peer's own stands for it.
    """
    if not _is_in(parsed(peer), proxies):
        return None
    found = None
    for hop in reversed(",".join(forwarded).split(",")):
        address = parsed(hop.strip())
        if address is None:
            return found
        found = str(address)
        if not _is_in(address, proxies):
            return found
    return found


def parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address, `address:port`, `[address]` or `[address]:port`; None: it is none. An IPv4 address stays one."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    # A zone is any text, and of no use beyond its own link.
    return None if address.scope_id is not None else address.ipv4_mapped or address


def _is_in(address: IPv4Address | IPv6Address | None, networks: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in networks)


class Forwarded:
    """Puts the caller and the scheme that a proxy tells of in the place of its own."""

    def __init__(self, app: ASGIApp, *, proxies: Sequence[Network]) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope.get("client") and _is_in(parsed(scope["client"][0]), self._proxies):
            told: dict[bytes, list[str]] = {_FOR: [], _PROTO: []}
            for name, value in scope["headers"]:
                if name in told:
                    told[name].append(value.decode("latin-1"))
            asks = caller(scope["client"][0], told[_FOR], self._proxies)
            if asks is not None:
                scope["client"] = (asks, 0)
            if told[_PROTO] in (["http"], ["https"]):
                scope["scheme"] = told[_PROTO][0]
        await self._app(scope, receive, send)

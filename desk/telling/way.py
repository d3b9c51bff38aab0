"""Outgoing connections: a host is resolved once, its addresses are validated, and one of these is connected to."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

import psutil

from desk.telling.reasons import RefusedError, TellingError
from desk.telling.targets import Address, Bounds, Use, may_go

MOST_ADDRESSES = 3
"""Of a host are tried, one after another."""

Resolve = Callable[[str], Awaitable[list[str]]]


async def resolve(host: str) -> list[str]:
    """Every address of a host, in the order to try them (RFC 6724). Raises OSError or UnicodeError: it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class Way:
    """Says which addresses may be called. `resolve`: how names become addresses, for tests."""

    def __init__(self, bounds: Bounds, *, resolve: Resolve = resolve) -> None:
        self._bounds = bounds
        self._resolve = resolve

    async def addresses(self, host: str, port: int, use: Use) -> list[str]:
        """The addresses of `host` to call, checked: whoever calls the name again is answered by somebody else.

        Raises RefusedError: a message may not go there. Raises TellingError: the host has no address for now.
        """
        found, *own = await asyncio.gather(self._found(host), *(self._found(name) for name in self._bounds.own))
        if not found:
            raise TellingError("telling.no_connection")
        ours = {ip_address(address) for each in own for address in each} | _of_this_machine()
        if not may_go(host, port, found, use, listed=self._bounds.listed, own=ours):
            raise RefusedError("telling.target")
        return found[:MOST_ADDRESSES]

    async def connect(self, host: str, port: int, use: Use) -> socket.socket:
        """A connected socket that doesn't block. Raises TellingError."""
        loop = asyncio.get_running_loop()
        for address in await self.addresses(host, port, use):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            made = socket.socket(family, socket.SOCK_STREAM)
            made.setblocking(False)
            try:
                await loop.sock_connect(made, (address, port))
            except OSError:
                made.close()
            except BaseException:
                made.close()
                raise
            else:
                return made
        raise TellingError("telling.no_connection")

    async def _found(self, host: str) -> list[str]:
        try:
            return await self._resolve(host)
        except (OSError, UnicodeError):
            return []


def _of_this_machine() -> set[Address]:
    families = {socket.AF_INET, socket.AF_INET6}
    return {
        ip_address(each.address)
        for interface in psutil.net_if_addrs().values()
        for each in interface
        if each.family in families
    }

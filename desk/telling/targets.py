"""Where on the network a message may go. Pure: nothing is resolved here.

A recipient's address is what somebody with a manager's account wrote, and our server calls it: without a rule it would
reach what only the server can reach. So a message goes to public addresses, and to what the operator lists.
"""

import re
from collections.abc import Container, Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, Literal

from msgspec import Struct

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Use = Literal["web", "mail"]

_MAIL_PORTS: Final = frozenset({25, 465, 587, 2525})
_WEB_PORTS: Final = frozenset({80, 443})
_OPEN_PORTS: Final = 1024
"""From here on a web server may have any port; below are the ports of other services."""

_NOT_PUBLIC: Final = tuple(
    ip_network(text)
    for text in (
        # IANA's registry of special-purpose IPv4 addresses (RFC 6890), multicast, and what is reserved.
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT; a cloud keeps its metadata at 100.100.100.200
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",  # a cloud's host agent, at an address that looks public
        # Of IPv6, where only 2000::/3 is given out: protocols, documentation, 6to4 (any IPv4 address inside), AS112.
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_GIVEN_OUT: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LOOKS_LIKE_A_NUMBER: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
"""What the resolver takes for an IPv4 address: its last label is a number (WHATWG URL, "ends in a number")."""


class Listed(Struct, frozen=True, kw_only=True):
    """What the operator lists: a host by its name, or a network; at one port, or at all."""

    name: str = ""
    network: Network | None = None
    port: int | None = None

    def names(self, host: str, port: int) -> bool:
        """Whether this very host is meant: by its name, or by its one address."""
        alone = self.network is not None and self.network.num_addresses == 1
        known = str(self.network.network_address) if alone and self.network is not None else self.name
        return known == host and self.port in {None, port}

    def holds(self, address: Address, port: int) -> bool:
        """Whether an address lies in this network."""
        return self.network is not None and address in self.network and self.port in {None, port}


class Bounds(Struct, frozen=True, kw_only=True):
    """Where messages of this deployment may go. `own`: hosts of its database, broker and API, by name or address."""

    listed: tuple[Listed, ...] = ()
    own: tuple[str, ...] = ()


def host_of(text: str) -> str | None:
    """A host as it is to be resolved: a lower-case ASCII name, or an address in its usual form. None: it is none.

    One way to write each, so that what is checked is what is called: no IPv4 address in octal, in hex or with fewer
    than four numbers, no dot at the end, no zone of an IPv6 address, no letter that another program would fold.
    """
    if not text.isascii():
        return None
    host = text.lower()
    try:
        if host.startswith("[") and host.endswith("]"):
            return None if "%" in host else str(IPv6Address(host[1:-1]))
        if _LOOKS_LIKE_A_NUMBER.fullmatch(host):
            return str(IPv4Address(host))
    except ValueError:
        return None
    return host if len(host) <= 253 and _NAME.fullmatch(host) else None


def port_of(text: str) -> int | None:
    """A TCP port in decimal. None: it is none."""
    known = text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65_536
    return int(text) if known else None


def read_listed(text: str) -> tuple[Listed, ...]:
    """The operator's list: names, addresses and networks, each with or without `:port`, between commas or spaces.

    Raises ValueError with the entry that isn't one.
    """
    return tuple(_read_entry(entry) for entry in re.split(r"[,\s]+", text) if entry)


def _read_entry(entry: str) -> Listed:
    what, port = entry, ""
    if bracketed := re.fullmatch(r"\[([^\]]*)\](?::(.*))?", entry):
        what, port = bracketed[1], bracketed[2] or ""
    elif entry.count(":") == 1:
        what, _, port = entry.partition(":")
    number = port_of(port) if port else None
    if entry.endswith(":") or (port and number is None):
        raise ValueError(f"{entry}: the port is a number from 1 to 65535")
    try:
        return Listed(network=ip_network(what), port=number)
    except ValueError:
        name = host_of(what)
        if name is None or "/" in what:
            raise ValueError(
                f"{entry}: give a host's name, an address or a network, such as 10.1.0.0/16 or hook.example:8443"
            ) from None
        return Listed(name=name, port=number)


def is_public(address: Address) -> bool:
    """Whether it is one of the internet's, and means no other within itself."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:  # how a host without IPv4 calls an IPv4 address
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        if address not in _GIVEN_OUT or address.scope_id is not None:
            return False
    return not any(address in network for network in _NOT_PUBLIC)


def may_go(
    host: str, port: int, addresses: Iterable[str], use: Use, *, listed: tuple[Listed, ...], own: Container[Address]
) -> bool:
    """Whether a message may go to `host`, which has these addresses. `own`: addresses of the deployment itself.

    Each of them must be allowed: which one is called is for the network to say. What the operator names one by one may
    be anything; a network that is listed doesn't open what of it is the deployment's own.
    """
    if any(entry.names(host, port) for entry in listed):
        return True
    return all(_may_go(ip_address(address), port, use, listed, own) for address in addresses)


def _may_go(address: Address, port: int, use: Use, listed: tuple[Listed, ...], own: Container[Address]) -> bool:
    if any(entry.names(str(address), port) for entry in listed):
        return True
    if address in own:
        return False
    if any(entry.holds(address, port) for entry in listed):
        return True
    usual = port in _MAIL_PORTS if use == "mail" else port in _WEB_PORTS or port >= _OPEN_PORTS
    return usual and is_public(address)

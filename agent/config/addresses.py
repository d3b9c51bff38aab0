"""Addresses as the configuration writes them: the broker's, the proxy's, those of peers. Pure."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
_PATH: Final = "/mqtt"
"""Of a WebSocket where the address names none: what brokers listen on."""
PROXY_PORT: Final = 3128
"""Where the address names none: squid's, which most others took over."""

Ip = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Broker(Struct, frozen=True, kw_only=True):
    """The parts of ``[server] mqtt``. ``path``: of the WebSocket; None: plain TCP."""

    host: str
    port: int
    tls: bool
    path: str | None = None


class Proxy(Struct, frozen=True, kw_only=True):
    """Where the proxy is, and as whom we ask it."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def broker(url: str) -> Broker:
    """The parts of ``mqtt(s)://host:port`` or ``ws(s)://host:port/path``. Raises ``ValueError`` for anything else."""
    parts = urlsplit(url)
    web = parts.scheme in {"ws", "wss"}
    path = parts.path.rstrip("/")
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc or parts.query or (path and not web):
        raise ValueError(f"{parts.scheme}://… is no address of a broker")
    if not path.isascii() or not (path + parts.hostname).isprintable() or " " in path + parts.hostname:
        raise ValueError("it has characters that an address can't have")
    return Broker(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        tls=parts.scheme in {"mqtts", "wss"},
        path=(path or _PATH) if web else None,
    )


def proxy_of(url: str, *, username: str | None = None, password: str | None = None) -> Proxy:
    """The proxy of ``http://host:port``. Raises ``ValueError`` for anything else."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or parts.path.strip("/") or parts.query or "@" in parts.netloc:
        raise ValueError("is no address of an HTTP proxy")
    return Proxy(host=parts.hostname, port=parts.port or PROXY_PORT, username=username, password=password)


def network_of(text: str) -> Network:
    """An address or a network of a list of peers, mapped ones as those they are. Raises ``ValueError`` saying why."""
    try:
        network = ip_network(text, strict=False)
        first = ip_address(text.partition("/")[0])
    except ValueError:
        raise ValueError(f"{text!r} is neither an address nor a network") from None
    if first != network.network_address:
        raise ValueError(f"{text!r} is an address within the network {network}")
    mapped = getattr(first, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen >= 96:
        return IPv4Network((mapped, network.prefixlen - 96))
    return network

"""The broker's address and credentials, from ``[server]``: certificates and passwords are read for each connection."""

import ssl
from pathlib import Path

from msgspec.structs import replace

from agent.config.addresses import Proxy, broker, proxy_of
from agent.config.shapes import Device, Server
from agent.uplink.link import Endpoint, LinkError


def endpoint(server: Server, mqtt: str, client_id: str) -> Endpoint:
    """Where to connect, with whatever certificates and passwords there are now: they may have been renewed.

    ``mqtt``: the broker's address. Raises ``LinkError`` where a file can't be read.
    """
    try:
        at = broker(mqtt)
        return Endpoint(
            host=at.host,
            port=at.port,
            client_id=client_id,
            username=server.username,
            password=_first_line(server.password_file),
            tls=_tls(server, plain=at.path is None) if at.tls else None,
            path=at.path,
            proxy=proxy(server),
        )
    except (OSError, ValueError) as error:
        what = getattr(error, "filename", None) or "[server]"
        raise LinkError(f"certificates or passwords can't be read ({what}: {error})") from None


def own(server: Server, device: Device) -> Server:
    """The section with the device's own certificate, if it has one."""
    return server if device.cert is None else replace(server, cert=device.cert, key=device.key)


def proxy(server: Server) -> Proxy | None:
    """The proxy with its password of now. Raises ``OSError`` or ``ValueError`` where that can't be read."""
    if server.proxy is None:
        return None
    password = _first_line(server.proxy_password_file)
    return proxy_of(server.proxy, username=server.proxy_username, password=password)


def _first_line(file: str | None) -> str | None:
    if file is None:
        return None
    lines = Path(file).read_text("utf-8").splitlines()
    if not lines:
        raise ValueError(f"{file} is empty")
    return lines[0]


def _tls(server: Server, *, plain: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=server.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if plain:
        context.set_alpn_protocols(["mqtt"])  # what tells it from console and API where both have one port (ADR 0037)
    if server.cert is not None:
        context.load_cert_chain(server.cert, server.key)
    return context

"""The hospital's HTTP proxy: a way through it by CONNECT, for the uplink and for enrolment.

RFC 9110, 9.3.6 (CONNECT) and 11.7 (proxy authentication); RFC 7617 (Basic). A name is resolved by the proxy. What is
asked and answered within the tunnel is not the proxy's business; what the proxy says is never quoted, but its number.

Why not PySocks, which paho would use: it takes the proxy's answer for over after its first line, so that one that comes
in two pieces ends up within the TLS handshake, and it waits for ever for a proxy that sends a byte now and then.
"""

import re
import socket
import ssl
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any, Final

from agent.config.addresses import Proxy

TIMEOUT_S: Final = 10.0
"""Seconds from the first packet to the proxy till its whole answer."""
MAX_ANSWER: Final = 16_384
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r\n|\Z)")


class ProxyError(OSError):
    """There is no way through the proxy; one line for the person who runs the agent."""


def tunnel(proxy: Proxy, host: str, port: int) -> socket.socket:
    """A connection to ``host:port`` through the proxy, blocking at most ``TIMEOUT_S``. Raises ``ProxyError``."""
    deadline = time.monotonic() + TIMEOUT_S
    try:
        sock = socket.create_connection((proxy.host, proxy.port), timeout=TIMEOUT_S)
    except OSError as error:
        raise ProxyError(f"the proxy {proxy} can't be reached ({error.strerror or error})") from None
    try:
        sock.settimeout(TIMEOUT_S)
        sock.sendall(asked(proxy, host, port))
        status = _status(_answer(sock, deadline))
        if status != 200:
            raise ProxyError(_refusal(proxy, host, port, status))
    except TimeoutError:
        sock.close()
        raise ProxyError(f"the proxy {proxy} doesn't answer") from None
    except OSError as error:
        sock.close()
        if isinstance(error, ProxyError):
            raise
        raise ProxyError(f"the proxy {proxy} hung up ({error.strerror or type(error).__name__})") from None
    except ValueError:
        sock.close()
        raise ProxyError(f"{proxy} doesn't answer as an HTTP proxy does; is it one?") from None
    return sock


def asked(proxy: Proxy, host: str, port: int) -> bytes:
    """The request for a tunnel."""
    name = f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")
    if not name.isprintable() or " " in name:
        raise ValueError("no name of a host")
    lines = [f"CONNECT {name}:{port} HTTP/1.1", f"Host: {name}:{port}"]
    if proxy.username is not None:
        who = b64encode(f"{proxy.username}:{proxy.password or ''}".encode()).decode("ascii")
        lines.append(f"Proxy-Authorization: Basic {who}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def opener(proxy: Proxy | None) -> urllib.request.OpenerDirector:
    """Opens http(s) addresses through the proxy; None: directly, whatever the environment says."""
    direct = urllib.request.ProxyHandler({})
    if proxy is None:
        return urllib.request.build_opener(direct)
    return urllib.request.build_opener(direct, _Http(proxy), _Https(proxy))


def _answer(sock: socket.socket, deadline: float) -> bytes:
    """The head of the answer. Nothing follows it: in each of our protocols the client speaks first."""
    found = b""
    while not found.endswith(b"\r\n\r\n"):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        part = sock.recv(4096)
        if not part:
            raise ConnectionResetError
        found += part
        if len(found) > MAX_ANSWER or not b"HTTP/1.".startswith(found[:7]):
            raise ValueError
        status = _STATUS.match(found)
        if status is not None and status[1] != b"200":
            break  # a refusal may have a body, which nobody reads
    return found


def _status(head: bytes) -> int:
    found = _STATUS.match(head)
    if found is None:
        raise ValueError
    return int(found[1])


def _refusal(proxy: Proxy, host: str, port: int, status: int) -> str:
    if status == 407:
        known = "no user" if proxy.username is None else "another user or password"
        return f"the proxy {proxy} wants {known} (407); correct proxy_username and proxy_password_file"
    return f"the proxy {proxy} refuses the way to {host}:{port} ({status}); ask who runs it to allow that address"


class _Plain(HTTPConnection):
    """Through the proxy."""

    def __init__(self, host: str, *, proxy: Proxy, timeout: float) -> None:
        super().__init__(host, timeout=timeout)
        self._way = proxy

    def connect(self) -> None:
        self.sock = tunnel(self._way, self.host, self.port)
        self.sock.settimeout(self.timeout)


class _Secure(HTTPSConnection):
    """Through the proxy, with TLS to the server."""

    def __init__(self, host: str, *, proxy: Proxy, timeout: float) -> None:
        self._trust = ssl.create_default_context()
        super().__init__(host, timeout=timeout, context=self._trust)
        self._way = proxy

    def connect(self) -> None:
        sock = tunnel(self._way, self.host, self.port)
        sock.settimeout(self.timeout)
        self.sock = self._trust.wrap_socket(sock, server_hostname=self.host)


class _Http(urllib.request.HTTPHandler):
    def __init__(self, proxy: Proxy) -> None:
        super().__init__()
        self._proxy = proxy

    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        return _opened(self, _Plain, self._proxy, req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, proxy: Proxy) -> None:
        super().__init__()
        self._proxy = proxy

    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        return _opened(self, _Secure, self._proxy, req)


def _opened(
    handler: urllib.request.AbstractHTTPHandler,
    kind: Callable[..., HTTPConnection],
    proxy: Proxy,
    request: urllib.request.Request,
) -> HTTPResponse:
    def made(host: str, *, timeout: Any) -> HTTPConnection:
        return kind(host, proxy=proxy, timeout=timeout)

    # The types of the standard library know classes here, where any callable does.
    return handler.do_open(made, request)  # type: ignore[arg-type]

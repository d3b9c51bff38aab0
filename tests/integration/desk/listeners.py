"""Receivers of what is told: a webhook and a mail server on the loopback."""

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session, TLSSetupException
from typing_extensions import override

from desk.telling.targets import Bounds, read_listed
from desk.telling.way import Way
from tests.fixtures.ports import free_port

HERE: Final = Way(Bounds(listed=read_listed("127.0.0.1")))
"""What an operator says who has receivers on this machine."""


class Webhook:
    """Takes JSON; `status` is what it answers; while `open` isn't set it answers nothing at all."""

    def __init__(self) -> None:
        self.status = 200
        self.open = threading.Event()
        self.open.set()
        self.bodies: list[dict[str, Any]] = []
        self.hosts: list[str] = []
        self.port = 0

    def address(self) -> str:
        return f"json://user:s3cret-Passw0rd@127.0.0.1:{self.port}/hook"


@contextmanager
def webhook(tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[Webhook]:
    state = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.open.wait(20)
            state.bodies.append(body)
            state.hosts.append(self.headers["Host"])
            self.send_response(state.status)
            self.end_headers()

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        @override
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Who doesn't trust us breaks off."""

    server = Server((host, port), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        state.open.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Mailbox:
    """Keeps what arrives, parsed. Who logs in must know the password."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.logins = 0
        self.password = "s3cret-Passw0rd"
        self.port = free_port()

    def address(self, *, password: str) -> str:
        return (
            f"mailto://steth:{password}@127.0.0.1:{self.port}/duty@hospital.example"
            "?smtp=127.0.0.1&mode=insecure&from=steth@dealer.example"
        )

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        letter = BytesParser(policy=default).parsebytes(envelope.content)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        return "250 OK"


class _Smtp(SMTP):
    @override
    async def smtp_STARTTLS(self, arg: str) -> None:
        try:
            await super().smtp_STARTTLS(arg)
        except TLSSetupException:
            assert isinstance(self._original_transport, asyncio.Transport)
            self._original_transport.abort()  # which it forgets
            raise


class _Controller(Controller):
    @override
    def factory(self) -> SMTP:
        return _Smtp(self.handler, **self.SMTP_kwargs)


@contextmanager
def mail_server(*, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None) -> Iterator[Mailbox]:
    """`tls`: from the first byte on; `starttls`: when asked for, and then before anything else."""
    box = Mailbox()

    def login(_server: SMTP, _session: Session, _envelope: Envelope, _way: str, data: Any) -> AuthResult:
        box.logins += 1
        known = isinstance(data, LoginPassword) and data.password == box.password.encode()
        return AuthResult(success=known, handled=False)

    controller = _Controller(
        box,
        hostname="127.0.0.1",
        port=box.port,
        authenticator=login,
        auth_require_tls=False,
        ssl_context=tls,
        tls_context=starttls,
        require_starttls=starttls is not None,
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()

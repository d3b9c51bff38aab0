"""/healthz, /readyz and /metrics of a process that serves nothing else."""

import threading
from collections.abc import Callable, Iterable, Sequence
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import REGISTRY, disable_created_metrics, make_wsgi_app

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    timeout = 5

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Scrapes are no news."""


def serve_health(
    where: tuple[str, int], *, ready: Callable[[], bool], more: Callable[[], Sequence[str]] = tuple
) -> int:
    """Serve in a thread until the process ends; returns the port. ``more``: lines that /readyz tells beside whether the
    process is ready. OSError if the address is taken."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody asks for
    metrics = make_wsgi_app(REGISTRY)

    def app(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            answer: Iterable[bytes] = metrics(environ, start)
            return answer
        if path == "/healthz":
            return _say(start, "200 OK", b"alive\n")
        if path == "/readyz":
            status, word = ("200 OK", "ready") if ready() else ("503 Not Ready", "not ready")
            return _say(start, status, "".join(f"{line}\n" for line in (word, *more())).encode())
        return _say(start, "404 Not Found", b"here are /healthz, /readyz and /metrics\n")

    server = make_server(*where, app, server_class=_Server, handler_class=_Silent)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return int(server.server_address[1])


def _say(start: "StartResponse", status: str, body: bytes) -> list[bytes]:
    start(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]

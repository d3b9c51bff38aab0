"""The server's enrolment, as far as an agent sees of it."""

import http.server
import json
import ssl
import threading
from typing import Any

import trustme

ANSWER = {"device": "dabc123456789", "mqtt": "mqtts://broker.example"}


class Api:
    """Answers every POST with `status` and `body`; with a `certificate`, over TLS."""

    def __init__(self, *, certificate: trustme.LeafCert | None = None) -> None:
        self.status = 200
        self.body: Any = ANSWER
        self.asked: list[tuple[str, Any]] = []
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                api.asked.append((self.path, json.loads(self.rfile.read(length))))
                body = api.body if isinstance(api.body, bytes) else json.dumps(api.body).encode()
                self.send_response(api.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name in the library
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            certificate.configure_cert(context)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

"""The console: the built files of `console/dist` at `/`, and a plain page that says how to build them where none are.

Vite gives every file of `assets/` a name with a hash of its content: it may be kept for ever. `index.html` names them
and is asked for every time. Every other path of the page (its routes) is `index.html` too; a path of the API never is.
"""

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

BUILT: Final = Path(__file__).parents[2] / "console" / "dist"
INDEX: Final = "index.html"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing from elsewhere, no inline script or style: what equipment sends can't become code."""
FOR_EVER: Final = "public, max-age=31536000, immutable"
EVERY_TIME: Final = "no-cache"
_OURS: Final = re.compile(r"/(api|healthz|readyz|metrics)(/|\Z)")
_FILE: Final = re.compile(r"\.[A-Za-z0-9]{1,8}\Z")
_TEXT: Final = re.compile(r"text/|application/(javascript|json|manifest\+json)|image/svg")
_NOT_BUILT: Final = """\
<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><title>Steth</title></head>
<body><h1>Steth</h1>
<p lang="zh">接口已就绪，网页控制台尚未构建。请运行 <code>make console</code>，然后刷新本页。</p>
<p lang="en">The API is ready; the console has not been built. Run <code>make console</code>, then load this page again.
</p>
<p><a href="/api/v1/openapi.json">/api/v1/openapi.json</a></p>
</body></html>
"""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file as it is sent; `packed` is its gzip, where that is smaller."""

    kind: str
    body: bytes
    packed: bytes | None
    etag: str
    keep: str


def _file(body: bytes, *, kind: str, keep: str) -> File:
    packed = gzip.compress(body, 6, mtime=0) if _TEXT.match(kind) and len(body) > 1000 else None
    return File(kind=kind, body=body, packed=packed, etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"', keep=keep)


def read_files(folder: Path) -> Mapping[str, File]:
    """All files of a built console by their path below `/`. Read whole, so that no path of a request touches a disk."""
    files: dict[str, File] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            name = path.relative_to(folder).as_posix()
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            kind = "text/javascript" if kind == "application/javascript" else kind
            shown = f"{kind}; charset=utf-8" if _TEXT.match(kind) else kind
            keep = FOR_EVER if name.startswith("assets/") else EVERY_TIME
            files["/" + name] = _file(path.read_bytes(), kind=shown, keep=keep)
    return files


class Page:
    """Answers what is not the API's. Files are read again when `index.html` was built anew."""

    def __init__(self, app: ASGIApp, *, folder: Path = BUILT) -> None:
        self._app = app
        self._folder = folder
        self._files: Mapping[str, File] = {}
        self._built: int | None = None
        self._none = _file(_NOT_BUILT.encode(), kind="text/html; charset=utf-8", keep="no-store")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or _OURS.match(scope["path"]):
            await self._app(scope, receive, send)
            return
        scope["route"] = self  # for the metrics: `path` below
        if scope["method"] not in {"GET", "HEAD"}:
            await _send(send, 405, {"allow": "GET, HEAD"}, b"")
            return
        file = self._find(scope["path"])
        if file is None:
            await _send(send, 404, {"content-type": "text/plain; charset=utf-8"}, b"There is no such file.\n")
            return
        headers = {name: value for name, value in scope["headers"] if name in {b"accept-encoding", b"if-none-match"}}
        sent = {
            "content-type": file.kind,
            "cache-control": file.keep,
            "etag": file.etag,
            "vary": "Accept-Encoding",
            "content-security-policy": POLICY,
        }
        if file.etag.encode() in headers.get(b"if-none-match", b""):
            await _send(send, 304, sent, b"")
            return
        body = file.body
        if file.packed is not None and b"gzip" in headers.get(b"accept-encoding", b""):
            body, sent["content-encoding"] = file.packed, "gzip"
        await _send(send, 200, {**sent, "content-length": str(len(body))}, b"" if scope["method"] == "HEAD" else body)

    path: Final = "/{page}"
    """The label of these requests in the metrics."""

    def _find(self, path: str) -> File | None:
        try:
            built = (self._folder / INDEX).stat().st_mtime_ns
        except OSError:
            return None if _FILE.search(path) else self._none
        if built != self._built:
            self._files, self._built = read_files(self._folder), built
        found = self._files.get(path)
        # A route of the page has no ending; a file that is gone must not be answered with a page.
        return self._files["/" + INDEX] if found is None and not _FILE.search(path) else found


async def _send(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    def pairs() -> Iterator[tuple[bytes, bytes]]:
        for name, value in headers.items():
            yield name.encode(), value.encode()

    await send({"type": "http.response.start", "status": status, "headers": list(pairs())})
    await send({"type": "http.response.body", "body": body})

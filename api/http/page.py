"""The console: the built files of `console/dist` at `/`, and a plain page that says how to build them where none are.

Vite gives every file of `assets/` a name with a hash of its content: it may be kept for ever. `index.html` names them
and is asked for every time. Every other path of the page (its routes) is `index.html` too; a path of the API never is.
"""

import os
import re
import stat
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

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


class _Built(StaticFiles):
    """The files of a built console. What isn't built is asked for at each request: `make console` needs no restart."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)
        self.config_checked = True  # a folder that isn't there yet is no mistake

    @override
    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        full, found = super().lookup_path(path)
        if (found is not None and stat.S_ISREG(found.st_mode)) or _FILE.search(path):
            return full, found
        # A route of the page has no ending; a file that is gone must not be answered with a page.
        return super().lookup_path(INDEX)

    @override
    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            return await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code == 404 and not _FILE.search(path):
                return _kept(HTMLResponse(_NOT_BUILT), "no-store")
            return PlainTextResponse(f"{error.detail}.\n", error.status_code, error.headers)

    @override
    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        named = scope["path"].startswith("/assets/")
        return _kept(
            super().file_response(full_path, stat_result, scope, status_code), FOR_EVER if named else EVERY_TIME
        )


def _kept(response: Response, keep: str) -> Response:
    response.headers["cache-control"] = keep
    response.headers["content-security-policy"] = POLICY
    return response


class Page:
    """Answers what is not the API's."""

    def __init__(self, app: ASGIApp, *, folder: Path = BUILT) -> None:
        self._app = app
        self._built = GZipMiddleware(_Built(folder), minimum_size=1000, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or _OURS.match(scope["path"]):
            await self._app(scope, receive, send)
            return
        scope["route"] = self  # for the metrics: `path` below
        await self._built(scope, receive, send)

    path: Final = "/{page}"
    """The label of these requests in the metrics."""

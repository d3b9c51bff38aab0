"""The console at `/`: what is kept for how long, what a browser may do with it, and that no path leads elsewhere."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from api.http.page import BUILT, INDEX, Page

SCRIPT = "export const a = 1;\n" * 200


async def api(scope: Scope, receive: Receive, send: Send) -> None:
    """What is behind the page."""
    del receive
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A built console, with a secret beside it."""
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / INDEX).write_text("<!doctype html><title>Steth</title>")
    (dist / "assets" / "index-3f9a.js").write_text(SCRIPT)
    (dist / "assets" / "font-1.woff2").write_bytes(b"wOF2" * 500)
    (dist / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    (dist / "link.txt").symlink_to(tmp_path / "secret.txt")
    return dist


@pytest.fixture
async def browser(built: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at the page."""
    transport = httpx.ASGITransport(Page(api, folder=built))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        yield client


def test_what_is_served_is_the_consoles() -> None:
    assert (BUILT.parent / "package.json").is_file()


async def test_files_with_a_hash_in_their_name_are_kept_for_ever_and_the_index_never(
    browser: httpx.AsyncClient,
) -> None:
    script = await browser.get("/assets/index-3f9a.js")
    assert (script.status_code, script.text) == (200, SCRIPT)
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    index = await browser.get("/")
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert index.headers["cache-control"] == "no-cache"
    same = await browser.get("/", headers={"If-None-Match": index.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert (await browser.get("/favicon.svg")).headers["cache-control"] == "no-cache"


async def test_text_is_packed_for_who_can_unpack_it(browser: httpx.AsyncClient) -> None:
    async with browser.stream("GET", "/assets/index-3f9a.js", headers={"Accept-Encoding": "gzip"}) as packed:
        raw = b"".join([piece async for piece in packed.aiter_raw()])
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(raw).decode() == SCRIPT
    assert len(raw) == int(packed.headers["content-length"]) < len(SCRIPT) / 10
    plain = await browser.get("/assets/index-3f9a.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    font = await browser.get("/assets/font-1.woff2", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in font.headers


@pytest.mark.parametrize("path", ["/", "/devices", "/devices/d3k9m2q7x1z5a", "/tickets/WX20261122-007", "/apix"])
async def test_a_path_of_the_page_is_the_page(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, "<title>Steth" in answer.text) == (200, True)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("path", ["/api/v1/devices", "/api", "/api/", "/healthz", "/readyz", "/metrics"])
async def test_a_path_of_the_api_never_is(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.text) == (418, path)


@pytest.mark.parametrize(
    "path", ["/assets/gone-1.js", "/link.txt", "/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"]
)
async def test_a_file_that_is_gone_or_elsewhere_is_not_there(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, "secret" in answer.text) == (404, False)


async def test_nothing_can_be_sent_to_a_page(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/", content=b"x")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    head = await browser.head("/")
    assert (head.status_code, head.content) == (200, b"")


async def test_a_new_build_is_served_without_a_restart(browser: httpx.AsyncClient, built: Path) -> None:
    assert "Steth" in (await browser.get("/")).text
    (built / "new.txt").write_text("new")
    (built / INDEX).write_text("<!doctype html><title>Newer</title>")
    assert "Newer" in (await browser.get("/")).text
    assert (await browser.get("/new.txt")).text == "new"


async def test_where_none_is_built_a_plain_page_says_how(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(Page(api, folder=tmp_path / "none"))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get("/")
        assert (answer.status_code, "make console" in answer.text) == (200, True)
        assert answer.headers["cache-control"] == "no-store"
        assert (await client.get("/assets/a.js")).status_code == 404
        assert (await client.get("/api/v1/devices")).status_code == 418

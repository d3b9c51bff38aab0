"""A ticket's words on a phone, before the page: real slow line, real Chromium."""

import time
from collections.abc import Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.fixtures.browser import Console, visitor
from tests.fixtures.maker import Maker
from tests.fixtures.up import Up

PHONE: Final = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SLOW: Final = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
"""400 kbit/s, and 400 ms until an answer begins."""
A_LINE: Final = 24
_SEEN: Final = """
const look = () => {
  const title = document.querySelector('#first h1, #root h1')
  if (title === null) return
  // Within the ticket's part: what stands above it may come later.
  const [{ x, y }, { y: top }] = [title, title.closest('.detail') ?? title].map((each) => each.getBoundingClientRect())
  window.seen ??= []
  const now = [title.closest('#first') ? 'first' : 'page', Math.round(x), Math.round(y - top), title.textContent]
  if (String(window.seen.at(-1)) !== String(now)) window.seen.push(now)
}
new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true })
"""


@pytest.fixture(scope="module")
def number(maker: Maker) -> str:
    device = maker.mint("DR 1")
    maker.fault(device, "DET-TEMP-01")
    found: str = maker.up.until(lambda: maker.up.get(f"/tickets?device={device}")["items"])[0]["number"]
    return found


@pytest.fixture(scope="module")
def signed_in(up: Up, launched: Browser) -> Any:
    """The state of a browser that somebody signed in with."""
    with visitor(launched) as page:
        Console(page, up.run["http"]).open(up.run["user"], up.run["password"])
        return page.context.storage_state()


@pytest.fixture
def phone(launched: Browser, signed_in: Any) -> Iterator[Page]:
    with visitor(launched, storage_state=signed_in, **PHONE) as page:
        page.add_init_script(_SEEN)
        yield page


def test_the_words_come_before_the_page_which_takes_their_place(phone: Page, up: Up, number: str) -> None:
    console = Console(phone, up.run["http"])
    line = phone.context.new_cdp_session(phone)
    received = [0]
    line.on("Network.dataReceived", lambda told: received.append(received[-1] + told["encodedDataLength"]))
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", SLOW)
    began = time.monotonic()
    phone.goto(f"{console.address}/tickets/{number}", wait_until="commit")
    first = phone.locator("#first")
    for words in ("平板探测器", "待受理", number, "DR 1", "影响", "建议", "Test Hospital"):
        expect(first).to_contain_text(words)
    assert received[-1] < 20_000, "and little else came before them"
    assert time.monotonic() - began < 5
    line.send("Network.emulateNetworkConditions", {**SLOW, "latency": 0, "downloadThroughput": -1})
    expect(phone.locator("#root main h1")).to_contain_text("平板探测器")
    expect(first).to_have_count(0)
    console.live()
    seen = [each for each in phone.evaluate("window.seen") if "平板探测器" in each[3]]
    assert [where for where, *_ in seen] == ["first", "page"]
    (_, x, y, words), (_, x_later, y_later, words_later) = seen
    assert (words, x) == (words_later, x_later)
    # That nobody is told of tickets stands above, once the page knows it.
    banner = phone.locator(".untold").evaluate_all("(all) => all.reduce((sum, one) => sum + one.offsetHeight, 0)")
    assert abs(y - y_later) <= A_LINE + banner, "the same words in the same place"
    asked = [url.partition("/api/v1")[2] for url in console.asked]
    assert asked.count("/session") == 1
    assert asked.count(f"/tickets/{number}/gist") == 1
    assert console.complaints == []


def test_who_is_not_signed_in_signs_in_and_a_ticket_that_is_none_is_said(
    launched: Browser, phone: Page, up: Up, number: str
) -> None:
    with visitor(launched, **PHONE) as stranger:
        console = Console(stranger, up.run["http"])
        stranger.goto(f"{console.address}/tickets/{number}")
        expect(stranger.locator("input[name=user]")).to_be_visible()
        expect(stranger.locator("#first")).to_have_count(0)
        console.sign_in(up.run["user"], up.run["password"])
        expect(stranger.locator("main h1")).to_contain_text("平板探测器")
    phone.goto(f"{up.run['http']}/tickets/WX20990101-001")
    expect(phone.locator("#root main")).to_contain_text("没有这张工单")
    expect(phone.locator("#first")).to_have_count(0)


def test_a_page_that_does_not_come_leaves_the_words_and_says_so(phone: Page, up: Up, number: str) -> None:
    phone.route("**/assets/main-*.js", lambda route: route.abort())
    phone.goto(f"{up.run['http']}/tickets/{number}")
    expect(phone.locator("#first")).to_contain_text("页面没有加载完")
    expect(phone.locator("#first")).to_contain_text("DR 1")
    phone.unroute_all()
    phone.locator("#first button").tap()
    expect(phone.locator("#root main h1")).to_contain_text("平板探测器")

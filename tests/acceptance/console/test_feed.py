"""A dead feed never looks alive: silence, sleep, a wrong clock, an ended session, a platform that hears no devices."""

import os
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import psutil
import pytest
from playwright.sync_api import Page, Route, expect

from tests.fixtures.browser import Console
from tests.fixtures.line import Line
from tests.fixtures.maker import Maker
from tests.fixtures.up import Up

LATELY = re.compile("刚刚|^[0-9]{1,2} (秒|分钟)前")


@pytest.fixture(scope="module")
def device(maker: Maker) -> str:
    made = maker.mint("DR 1")
    maker.fault(made, "GEN-KV-01")
    maker.up.until(lambda: maker.up.get(f"/alerts?device={made}")["items"])
    return made


@pytest.fixture
def line(up: Up) -> Iterator[Line]:
    with Line(int(up.run["http"].rpartition(":")[2])) as made:
        yield made


@pytest.fixture
def far(page: Page, up: Up, line: Line, device: str) -> Console:
    """The page over a line that can fail, with a clock that can be moved; signed in and live."""
    page.clock.install()
    return opened(Console(page, f"http://127.0.0.1:{line.port}"), up)


def opened(console: Console, up: Up, path: str = "/alerts") -> Console:
    console.open(up.run["user"], up.run["password"], path)
    expect(console.page.locator(".row").first).to_contain_text("DR 1")
    # Every state that the page went through from here on.
    console.page.evaluate("""() => {
      const page = document.querySelector('.page')
      window.views = []
      const note = () => window.views.push(page.dataset.feed)
      new MutationObserver(note).observe(page, { attributes: true, attributeFilter: ['data-feed'] })
    }""")
    return console


def views(console: Console) -> list[str]:
    seen: list[str] = console.page.evaluate("window.views")
    return seen


def acknowledge(up: Up, device: str, what: str = "acknowledge") -> None:
    alert = up.get(f"/alerts?device={device}&state=open")["items"][0]
    match = {"If-Match": f'"{alert["version"]}"'}
    up.ask("POST", f"/alerts/{alert['id']}/{what}", json={"note": ""}, headers=match)


def test_a_silent_stream_makes_the_whole_page_old_and_it_catches_up(
    far: Console, line: Line, up: Up, device: str
) -> None:
    page = far.page
    row = far.alert("DR 1")
    expect(row).not_to_contain_text("✓ admin")
    before = row.bounding_box()
    line.silence()
    page.clock.fast_forward(11_000)
    far.feed("silent")
    assert row.bounding_box() == before, "nothing moves under a cursor because the network broke"
    expect(page.get_by_role("alert").first).to_contain_text(re.compile(r"实时数据中断，已 1\d 秒"))
    assert page.title().startswith("✕ 数据中断")
    expect(page.locator(".panel-alerts")).to_have_attribute("data-stale", "true")
    expect(page.locator(".panel-alerts .stale-note")).to_contain_text("旧数据，截至")
    acknowledge(up, device)  # what the page can't know
    line.restore()
    line.cut()
    far.live()
    expect(row).to_contain_text("✓ admin")
    seen = views(far)
    assert "silent" in seen
    assert seen[-2:] == ["catching-up", "live"], "not live before everything was fetched"
    acknowledge(up, device, "unacknowledge")


def test_a_short_break_is_resumed_from_the_last_event(far: Console, line: Line, up: Up, device: str) -> None:
    asked: list[str | None] = []
    far.page.on(
        "request",
        lambda request: asked.append(request.headers.get("last-event-id")) if "/stream" in request.url else None,
    )
    lists = [url for url in far.asked if "/alerts?" in url]
    line.cut()
    acknowledge(up, device)
    expect(far.alert("DR 1")).to_contain_text("✓ admin")
    far.live()
    assert asked[0], "it goes on where it ended"
    assert "silent" not in views(far)
    assert [url for url in far.asked if "/alerts?" in url] == lists, "and nothing is fetched anew"
    acknowledge(up, device, "unacknowledge")


def test_a_tab_that_slept_for_a_day_is_not_live_until_it_has_caught_up(far: Console, up: Up, device: str) -> None:
    page = far.page
    acknowledge(up, device)
    page.clock.fast_forward(timedelta(days=1) // timedelta(milliseconds=1))
    expect(page.locator(".page")).to_have_attribute("data-feed", "live")
    seen = views(far)
    assert seen[0] in {"silent", "catching-up"}, "its first word after the sleep was not that all is well"
    assert seen[-2:] == ["catching-up", "live"]
    expect(far.alert("DR 1")).to_contain_text("✓ admin")
    # The browser's clock is a day ahead of the server's now: ages still are what they are.
    expect(far.alert("DR 1").locator(".age").first).to_have_text(LATELY)
    acknowledge(up, device, "unacknowledge")


@pytest.mark.parametrize("hours", [-7, 30])
def test_ages_are_right_on_a_browser_whose_clock_is_wrong(page: Page, up: Up, device: str, hours: int) -> None:
    page.clock.install(time=datetime.now(UTC) + timedelta(hours=hours))
    console = opened(Console(page, up.run["http"]), up, "/alerts")
    expect(console.alert("DR 1").locator(".age").first).to_have_text(LATELY)
    expect(page.locator(".clock")).to_contain_text(f"{datetime.now(UTC) + timedelta(hours=8):%H:%M}"[:4])


def test_a_platform_that_hears_no_devices_is_not_live(page: Page, up: Up, device: str) -> None:
    console = opened(Console(page, up.run["http"]), up, "/devices")
    ingest = [each for each in psutil.Process(up.process.pid).children(recursive=True) if "ingest" in each.cmdline()]
    assert ingest
    for each in ingest:
        os.kill(each.pid, signal.SIGSTOP)
    try:
        console.feed("blind")
        expect(page.get_by_role("alert").first).to_contain_text("平台现在收不到设备的数据")
        expect(console.device("DR 1").locator(".how")).to_have_text("情况不明")
    finally:
        for each in ingest:
            os.kill(each.pid, signal.SIGCONT)
    console.live()


def test_an_ended_session_asks_again_and_what_was_not_sent_goes_out_after_it(far: Console, up: Up, device: str) -> None:
    page = far.page

    def end_session(route: Route) -> None:
        page.context.clear_cookies()
        route.fulfill(status=401, json={"code": "unauthenticated"})

    page.route("**/acknowledge", end_session, times=1)
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.keyboard.type("登录前写的")
    page.keyboard.press("Enter")
    expect(page.locator(".login")).to_contain_text("登录已失效")
    far.sign_in(up.run["user"], up.run["password"])
    far.live()
    far.alert("DR 1").locator(".go").click()
    expect(page.locator(".detail")).to_contain_text("登录前写的")
    acknowledge(up, device, "unacknowledge")


def test_a_session_that_others_end_is_noticed(far: Console, up: Up) -> None:
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in far.page.context.cookies())
    ended = httpx.delete(
        f"{up.run['http']}/api/v1/session", headers={"Cookie": cookie, "X-Steth-Csrf": "1"}, timeout=10
    )
    assert ended.status_code == httpx.codes.NO_CONTENT
    expect(far.page.locator(".login")).to_contain_text("登录已失效")


def test_a_platform_out_of_reach_from_the_start_says_so(page: Page, up: Up, line: Line) -> None:
    console = Console(page, f"http://127.0.0.1:{line.port}")
    page.goto(console.address)
    page.route("**/api/**", lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("连不上平台")
    page.unroute_all()
    expect(page.locator("input[name=user]")).to_be_visible()

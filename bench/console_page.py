"""What is measured of the page, in Chromium: real time of real pages. All times are milliseconds."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
from playwright.sync_api import Browser, CDPSession, Page

from bench.console_churn import SQL, Churn
from tests.fixtures.browser import Console, visitor
from tests.fixtures.fleet import PASSWORD, USER

IDLE_S: Final = 10
SEARCHED: Final = "DR 12"
PATIENCE_MS: Final = 180_000
KEY_MS: Final = 150
"""Between two keys: someone who types quickly."""
SLOW: Final = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
"""400 kbit/s both ways, 400 ms until each answer."""
PHONE: Final = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
_SCRIPT: Final = Path(__file__).with_name("console.js").read_text(encoding="utf-8")

Measured = dict[str, float | list[float]]


@dataclass(frozen=True, kw_only=True)
class Ways:
    """How a version's page is used. Addresses are behind the host; `first`, `alerts`, `devices`: of those pages.

    `said`: matches the text that an alert's row says in the reader's language. `switch`: the button of the other
    language. `search`: the field. `newest`: whether the newest alert stands first, or the worst.
    """

    first: str
    alerts: str
    devices: str
    ticket: str
    said: str
    switch: str
    search: str
    newest: bool
    further: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Served:
    """A version's page and its API at `address`, over a database whose superuser's address is `dsn`."""

    address: str
    dsn: str
    ways: Ways
    state: Any = field(default=None)
    """Of a browser that has signed in."""


@contextmanager
def _opened(launched: Browser, served: Served, path: str) -> Iterator[tuple[Page, CDPSession]]:
    with visitor(launched, storage_state=served.state) as page:
        page.add_init_script(_SCRIPT)
        cdp = page.context.new_cdp_session(page)
        cdp.send("Performance.enable")
        if path:
            _live(page, served.address + path)
        yield page, cdp


def _live(page: Page, address: str) -> float:
    """Open an address; ms until the page is live. A former one takes more than half a minute with so many devices."""
    began = time.time()
    page.goto(address)
    page.locator(".page[data-feed=live]").wait_for(timeout=PATIENCE_MS)
    return (time.time() - began) * 1_000


def _sign_in(launched: Browser, served: Served) -> None:
    """Once, for all that follows."""
    with visitor(launched) as page:
        page.goto(served.address)
        Console(page, served.address).sign_in(USER, PASSWORD)
        page.locator(".page").wait_for()
        served.state = page.context.storage_state()


def measure(launched: Browser, served: Served, churn: Churn, *, probes: int) -> Measured:
    """One round."""
    ways = served.ways
    found: Measured = {}
    if served.state is None:
        _sign_in(launched, served)
    with _opened(launched, served, "") as (page, cdp):
        found["live"] = _live(page, served.address + ways.alerts)
        page.locator(ways.said).first.wait_for()
        with churn.at_work():
            found["idle"] = _tasks(cdp, page)
            found["late"] = _late(page, served, churn, probes)
        found["heap"] = _heap(cdp)
        found["language"] = _language(page, ways)
    with _opened(launched, served, ways.devices) as (page, _):
        page.wait_for_timeout(2_000)
        with churn.at_work():
            found["typing"] = _typing(page, ways)
    found |= _phone(launched, served)
    found |= _scripts(launched, served)
    return found


def _metric(cdp: CDPSession, name: str) -> float:
    metrics = cdp.send("Performance.getMetrics")["metrics"]
    return next(float(each["value"]) for each in metrics if each["name"] == name)


def _tasks(cdp: CDPSession, page: Page) -> float:
    page.wait_for_timeout(3_000)  # what opening the page left to do
    before = _metric(cdp, "TaskDuration")
    page.wait_for_timeout(IDLE_S * 1_000)
    return (_metric(cdp, "TaskDuration") - before) * 1_000


def _heap(cdp: CDPSession) -> float:
    """Of JavaScript, in MB, after a collection."""
    cdp.send("HeapProfiler.collectGarbage")
    return _metric(cdp, "JSHeapUsedSize") / 1e6


def _late(page: Page, served: Served, churn: Churn, probes: int) -> list[float]:
    """From a commit to the picture, of a row that is on the screen."""
    alert = churn.newest if served.ways.newest else churn.urgent
    found = []
    with psycopg.connect(served.dsn, autocommit=True) as connection:
        for n in range(probes):
            code = f"BENCH-{time.time_ns() % 10**9}-{n}"
            page.evaluate("(code) => { window.shown = bench.words([code]) }", code)
            committed = churn.recode(connection, alert, code)
            found.append(page.evaluate("window.shown") - committed)
            page.wait_for_timeout(37 * (n % 11))  # not in step with whatever polls
    return found


def _language(page: Page, ways: Ways) -> float:
    """From the click until the first row speaks the other language. Not the first time."""
    took = 0.0
    for before, after in (("zh", "en"), ("en", "zh"), ("zh", "en")):
        took = page.evaluate(
            """async ([button, said, before, after]) => {
              const chinese = /[\\u4e00-\\u9fff]/
              const began = bench.now()
              document.querySelector(button).click()
              const done = await bench.until(() => {
                const text = document.querySelector(said)?.textContent ?? ''
                const spoken = document.documentElement.lang.startsWith(after)
                return spoken && text !== '' && chinese.test(text) === (after === 'zh')
              })
              return done - began
            }""",
            [ways.switch, ways.said, before, after],
        )
        page.wait_for_timeout(1_500)
    return took


def _typing(page: Page, ways: Ways) -> float:
    """The longest task while somebody searches a device and takes it back; 0: none was over 50."""
    page.focus(ways.search)
    page.evaluate("bench.longest()")
    page.keyboard.type(SEARCHED, delay=KEY_MS)
    page.wait_for_timeout(500)
    for _ in SEARCHED:
        page.keyboard.press("Backspace", delay=KEY_MS)
    page.wait_for_timeout(500)
    longest: float = page.evaluate("bench.longest()")
    return longest


class Wire:
    """Bytes that a page's requests brought, as they came over the line, by whether they were scripts."""

    def __init__(self, cdp: CDPSession) -> None:
        self.all = 0.0
        self.scripts = 0.0
        self._kinds: dict[str, str] = {}
        cdp.on("Network.responseReceived", self._answered)
        cdp.on("Network.dataReceived", self._received)
        cdp.send("Network.enable")

    def _answered(self, told: Mapping[str, Any]) -> None:
        self._kinds[told["requestId"]] = told["type"]

    def _received(self, told: Mapping[str, Any]) -> None:
        self.all += told["encodedDataLength"]
        if self._kinds.get(told["requestId"]) == "Script":
            self.scripts += told["encodedDataLength"]


def _phone(launched: Browser, served: Served) -> Measured:
    """A ticket's words on a phone that never saw the page, and on the same phone later."""
    with psycopg.connect(served.dsn) as connection:
        row = connection.execute(SQL["a_ticket"]).fetchone()
    assert row is not None
    number = row[0]
    cookies = {each["name"]: each["value"] for each in served.state["cookies"]}
    ticket = httpx.get(f"{served.address}/api/v1/tickets/{number}?lang=zh", cookies=cookies, timeout=30).json()
    words = [number, ticket["device"]["name"], ticket["hospital"]["name"], ticket["title"]["text"], "待受理"]
    words += [text for text in (ticket["stops"], ticket["advice"]) if text]
    found: Measured = {}
    with visitor(launched, storage_state=served.state, **PHONE) as page:
        for which in ("cold", "warm"):
            again = page.context.new_page()
            again.add_init_script(_SCRIPT)
            cdp = page.context.new_cdp_session(again)
            wire = Wire(cdp)
            cdp.send("Network.emulateNetworkConditions", SLOW)
            began = time.time() * 1_000
            again.goto(served.address + served.ways.ticket.format(number), wait_until="commit")
            found[which] = again.evaluate("(words) => bench.words(words)", words) - began
            found[f"{which} kB"] = wire.all / 1_000
            again.wait_for_timeout(8_000)  # the rest comes in peace
            again.close()
    return found


def _scripts(launched: Browser, served: Served) -> Measured:
    """kB of script: before the desk's first page is there, and what each further page adds to it."""
    found: Measured = {}
    for path in ("", *served.ways.further):
        with _opened(launched, served, "") as (page, cdp):
            wire = Wire(cdp)
            _live(page, served.address + served.ways.first)
            page.wait_for_timeout(1_000)
            if not path:
                found["first"] = wire.scripts / 1_000
                continue
            before = wire.scripts
            page.evaluate("(path) => history.pushState(null, '', path)", path)
            page.evaluate("dispatchEvent(new PopStateEvent('popstate'))")
            page.wait_for_timeout(1_500)
            found[f"further {path}"] = (wire.scripts - before) / 1_000
    return found

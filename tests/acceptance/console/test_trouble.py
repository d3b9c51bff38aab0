"""What goes wrong before a person's eyes: a server that is gone, a session that ends in mid-form, two on one ticket, an
old tab, addresses that lead nowhere, names that are long, strange or all the same, a line of 64 kbit/s.
"""

import re
import time
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.fixtures.browser import Console, visitor
from tests.fixtures.maker import Maker
from tests.fixtures.up import Up

PHONE: Final[dict[str, Any]] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
THIN: Final = {"offline": False, "latency": 600, "downloadThroughput": 8_000, "uploadThroughput": 8_000}
"""64 kbit/s, and 600 ms until an answer begins."""
LONGEST: Final = 100
LONG: Final = ("جهاز الأشعة 🩻 放射科一楼 Röntgenraum " * 4)[:LONGEST]
WIDE: Final = "W" * LONGEST
"""Nothing in it at which a line could end."""


def ticket_of(maker: Maker, name: str, **more: str) -> tuple[str, str]:
    """(device, the number of its ticket)."""
    device = maker.mint(name, **more)
    maker.fault(device, "DET-TEMP-01")
    return device, maker.up.until(lambda: maker.up.get(f"/tickets?device={device}")["items"])[0]["number"]


def test_what_is_typed_outlives_the_session_the_server_and_the_page_and_is_sent_once(
    launched: Browser, up: Up, maker: Maker
) -> None:
    device = maker.mint("CT 1")
    hospital = up.get(f"/devices/{device}")["hospital"]["id"]
    password = up.person("sun.li", role="department", org=hospital)
    keys: list[str | None] = []

    def lose(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) == 1:
            page.context.clear_cookies()
            route.fulfill(status=401, json={"code": "unauthenticated"})
        elif len(keys) == 2:
            route.abort()  # never sent
        elif len(keys) == 3:
            route.fetch()  # done, and the answer is lost
            route.abort()
        else:
            route.continue_()

    with visitor(launched, **PHONE) as page:
        console = Console(page, up.run["http"])
        console.open("sun.li", password, f"/devices/{device}/report")
        words, send = page.get_by_label("哪里不正常"), page.get_by_role("button", name="报修", exact=True)
        page.route("**/api/v1/devices/*/report", lose)
        words.fill("扫描到一半停止 😟")
        send.click()
        expect(page.locator(".login")).to_contain_text("登录已失效")
        console.sign_in("sun.li", password)
        console.live()
        expect(words).to_have_value("扫描到一半停止 😟")
        for _ in range(2):
            send.click()
            expect(page.get_by_role("alert").filter(has_text="没有保存")).to_be_visible()
            expect(words).to_have_value("扫描到一半停止 😟")
            page.reload()
            expect(words).to_have_value("扫描到一半停止 😟")
        send.click()
        expect(page.locator(".detail")).to_contain_text("扫描到一半停止 😟")
        page.goto(f"{console.address}/devices/{device}/report")
        expect(words).to_have_value("")
        assert console.complaints == []
    assert len(keys) == 4
    assert len(set(keys)) == 1
    assert len(up.get(f"/tickets?device={device}")["items"]) == 1


def test_what_was_typed_is_nobody_elses(launched: Browser, up: Up, maker: Maker) -> None:
    device = maker.mint("CT 2")
    hospital = up.get(f"/devices/{device}")["hospital"]["id"]
    people = {name: up.person(name, role="department", org=hospital) for name in ("he.fang", "lin.bo")}
    with visitor(launched) as page:
        console = Console(page, up.run["http"])
        console.open("he.fang", people["he.fang"], f"/devices/{device}/report")
        words = page.get_by_label("哪里不正常")
        words.fill("只是我的")
        page.get_by_role("button", name="退出").click()
        expect(page.locator("input[name=user]")).to_be_visible()
        console.open("lin.bo", people["lin.bo"], f"/devices/{device}/report")
        expect(words).to_have_value("")
        words.fill("也只是我的")
        page.context.clear_cookies()
        console.open("he.fang", people["he.fang"], f"/devices/{device}/report")
        expect(words).to_have_value("")
        assert "只是我的" not in page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")


def test_two_are_at_one_ticket_and_nothing_that_either_wrote_is_lost(launched: Browser, up: Up, maker: Maker) -> None:
    device, number = ticket_of(maker, "DR 2")
    dealer = up.get(f"/devices/{device}")["dealer"]["id"]
    with visitor(launched, **PHONE) as one, visitor(launched) as other:
        for page, name in ((one, "wang.li"), (other, "zhao.lei")):
            Console(page, up.run["http"]).open(name, up.person(name, role="engineer", org=dealer), f"/tickets/{number}")
        mine, theirs = one.locator(".detail"), other.locator(".detail")
        mine.get_by_role("button", name="接单").click()
        expect(theirs).to_contain_text("wang.li")
        mine.get_by_role("button", name="退回派单").click()
        mine.get_by_label("原因（必填）").fill("要等明天的备件")

        def be_faster(route: Route) -> None:
            theirs.get_by_role("button", name="接手").click()
            expect(theirs.locator(".muted", has_text="zhao.lei").first).to_be_visible()
            route.continue_()

        one.route("**/transition", be_faster, times=1)
        one.keyboard.press("Enter")
        expect(mine.get_by_role("alert")).to_contain_text("别人")
        one.reload()
        mine.get_by_role("button", name="退回派单").click()
        expect(mine.get_by_label("原因（必填）")).to_have_value("要等明天的备件")


def test_an_old_tab_after_an_upgrade_gets_the_new_page_and_loses_nothing(
    launched: Browser, up: Up, maker: Maker
) -> None:
    device = maker.mint("DR 3")
    gone = re.compile(r"/assets/recipients-.*\.js$")
    with visitor(launched) as page:
        console = Console(page, up.run["http"])
        console.open(up.run["user"], up.run["password"], f"/devices/{device}/report")
        words = page.get_by_label("哪里不正常")
        words.fill("写到一半")
        page.route(gone, lambda route: route.fulfill(status=404), times=1)
        console.go("/admin/recipients")  # the part isn't there any more: the page loads itself anew
        expect(page.get_by_role("heading", level=1)).to_contain_text("通知对象")
        console.go(f"/devices/{device}/report")
        expect(words).to_have_value("写到一半")
        page.reload()
        page.route(gone, lambda route: route.abort())  # nor can it be had
        console.live()
        page.evaluate("history.pushState(null, '', '/admin/recipients'); dispatchEvent(new PopStateEvent('popstate'))")
        expect(page.get_by_role("alert").filter(has_text="平台已更新")).to_be_visible()
        page.unroute(gone)
        page.get_by_role("button", name="刷新").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("通知对象")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/nowhere", "没有这个地址"),
        ("/tickets/WX20990101-001", "没有这张工单"),
        ("/tickets/..%2F..%2Fetc", "没有这张工单"),
        ("/alerts/00000000-0000-5000-8000-000000000000", "没有这条报警"),
        ("/alerts/x", "没有这条报警"),
        ("/devices/d0000000000000", "没有"),
        ("/admin/accounts/99999999", "没有"),
        ("/admin/accounts/x", "没有"),
        ("/admin/places/99999999", "没有"),
        ("/admin/recipients/99999999", "没有"),
        ("/alerts?severity=bogus&open=x&q=%FF&group=7", "报警"),
        ("/tickets?state=%00&holder=%F0%9F%98%9F", "工单"),
        ("/devices?sort=nothing&how=&site=NaN", "设备"),
    ],
)
def test_an_address_that_leads_nowhere_says_so(console: Console, path: str, says: str) -> None:
    page = console.page
    page.goto(console.address + path)
    console.live()
    expect(page.locator(".work")).to_contain_text(says)
    expect(page.locator(".skeleton")).to_have_count(0)
    assert page.locator("h1").count() == 1


@pytest.mark.parametrize("name", [LONG, WIDE], ids=["mixed", "unbroken"])
def test_names_of_any_length_and_direction_fit_a_phone(launched: Browser, up: Up, maker: Maker, name: str) -> None:
    device, number = ticket_of(maker, name, site=name)
    alert = up.get(f"/alerts?device={device}")["items"][0]["id"]
    with visitor(launched, **PHONE) as page:
        console = Console(page, up.run["http"])
        console.open(up.run["user"], up.run["password"])
        for path in ("/devices", "/alerts", "/tickets", "/inbox", "/wall", f"/tickets/{number}", f"/alerts/{alert}"):
            console.go(path)
            expect(page.locator(".work").get_by_text(name[:40]).first).to_be_attached()
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        console.go(f"/devices/{device}")
        expect(page.locator(".detail .title")).to_have_text(name.strip())
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert console.complaints == []


def test_a_name_that_is_too_long_is_said_at_its_field(console: Console) -> None:
    page = console.page
    console.go("/devices/new")
    page.get_by_label("设备名称").fill("长" * 200)
    page.get_by_label("设备名称").blur()
    expect(page.locator(".wrong").first).to_contain_text("太长")
    page.get_by_label("设备名称").fill("")  # nothing that asks when the page is left


def test_of_devices_of_one_name_each_can_be_told_and_found(console: Console, up: Up, maker: Maker) -> None:
    given = {"name": "同名 DR", "model": "generic-dr"}
    for nth in range(12):
        site = {"hospital": f"第{nth}医院", "site": "放射科"}
        up.ask("POST", "/devices", json={**given, "site": site, "serial": f"SN-{nth:04}"})
    _, number = ticket_of(maker, "同名 DR")
    page = console.page
    console.go("/devices")
    page.get_by_role("searchbox").fill("同名 DR")
    expect(page.locator(".row.device")).to_have_count(13)
    places = page.locator(".place").all_inner_texts()
    assert len(set(places)) == 13, "each stands under where it is"
    page.get_by_role("searchbox").fill("SN-0007")
    expect(page.locator(".row.device")).to_have_count(1)
    expect(page.locator(".place")).to_contain_text("第7医院")
    console.go(f"/tickets?q={number}")
    expect(console.ticket(number)).to_contain_text("Test Hospital")


def test_a_ticket_s_words_come_at_64_kbit(launched: Browser, page: Page, up: Up, maker: Maker) -> None:
    _, number = ticket_of(maker, "DR 4")
    console = Console(page, up.run["http"])
    console.open(up.run["user"], up.run["password"])
    with visitor(launched, storage_state=page.context.storage_state(), **PHONE) as far:
        line = far.context.new_cdp_session(far)
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", THIN)
        began = time.monotonic()
        far.goto(f"{console.address}/tickets/{number}", wait_until="commit")
        expect(far.locator("#first")).to_contain_text("平板探测器过热")
        assert time.monotonic() - began < 15

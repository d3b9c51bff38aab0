"""Alerts and the inbox as somebody of the NOC uses them at night: by keyboard alone, in both languages, not alone."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from catalog.load import load
from tests.fixtures.browser import Console, visitor
from tests.fixtures.maker import Maker
from tests.fixtures.up import Up

CODE, HOT = "DET-TEMP-01", "平板探测器过热"
WORDS = {
    "zh-CN": {
        "inbox": "待处理",
        "by": "noc.zh 已确认",
        "received": "待派单",
        "before": "以前有过吗",
        "none": "没有符合条件的条目",
    },
    "en-GB": {
        "inbox": "Inbox",
        "by": "Acknowledged by noc.en",
        "received": "to dispatch",
        "before": "Has it been so before?",
        "none": "Nothing matches the filters",
    },
}


@pytest.fixture(scope="module")
def device(maker: Maker) -> str:
    """A DR that is too hot, since two minutes and a restart."""
    made = maker.mint("DR 1")
    maker.fault(made, CODE)
    maker.up.until(lambda: maker.up.get(f"/tickets?device={made}")["items"])
    return made


def alert_of(up: Up, device: str) -> dict[str, Any]:
    alert: dict[str, Any] = up.get(f"/alerts?device={device}&state=open")["items"][0]
    return alert


def at_alerts(console: Console) -> Page:
    console.page.goto(f"{console.address}/alerts")
    console.live()
    expect(console.alert(HOT)).to_be_visible()
    return console.page


@pytest.mark.parametrize("locale", WORDS)
def test_a_night_at_the_noc_by_keyboard_alone(launched: Browser, up: Up, maker: Maker, locale: str) -> None:
    words, language = WORDS[locale], locale[:2]
    name = f"DR night {language}"
    broken = maker.mint(name)
    maker.fault(broken, "GEN-KV-01")
    number = up.until(lambda: up.get(f"/tickets?device={broken}")["items"])[0]["number"]
    dealer = up.get(f"/devices/{broken}")["dealer"]["id"]
    with visitor(launched, locale=locale) as page:
        console = Console(page, up.run["http"])
        console.open(f"noc.{language}", up.person(f"noc.{language}", role="noc", org=dealer))
        expect(page.get_by_role("heading", level=1)).to_contain_text(words["inbox"])
        row = console.alert(name)
        expect(row).to_be_visible()
        page.reload()
        console.live()
        expect(row).to_be_visible()
        to_the_list(page)
        choose(page, row.locator(".go"))
        page.keyboard.press("a")
        page.keyboard.type("jjj a note")
        page.keyboard.press("Enter")
        expect(row).to_contain_text(words["by"])
        assert alert_of(up, broken)["operator"]["note"] == "jjj a note"
        page.keyboard.press("u")
        up.until(lambda: alert_of(up, broken)["operator"]["state"] == "unacknowledged")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=3, name=words["before"])).to_be_visible()
        expect(page.locator("q")).to_have_text("jjj a note")
        page.keyboard.press("a")
        page.keyboard.press("Enter")
        expect(page.locator("main, .detail").first).to_contain_text(words["by"])
        page.goto(f"{console.address}/inbox")
        ticket = console.ticket(number)
        expect(ticket).to_be_visible()
        choose(page, ticket.locator(".go"))
        page.keyboard.press("r")
        expect(ticket).to_contain_text(words["received"])
        page.goto(f"{console.address}/alerts?severity=warning")
        expect(page.locator(".empty")).to_contain_text(words["none"])
        assert console.complaints == []


def to_the_list(page: Page) -> None:
    """At most three stops from the page's start to its list."""
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.locator(".skip:focus").count():
            page.keyboard.press("Enter")
        page.wait_for_timeout(100)
        if page.locator(".row .go:focus").count():
            return
    at = page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    raise AssertionError(f"three stops lead to {at}")


def choose(page: Page, row: Any) -> None:
    """Down until it is the one."""
    for _ in range(60):
        if row.evaluate("(it) => it === document.activeElement"):
            return
        page.keyboard.press("j")
        page.wait_for_timeout(50)
    raise AssertionError("no key leads there")


def acknowledge(console: Console) -> None:
    console.alert(HOT).locator(".go").focus()
    console.page.keyboard.press("a")
    console.page.keyboard.press("Enter")


def test_who_was_too_late_is_told_by_whom(console: Console, up: Up, device: str) -> None:
    page, alert = at_alerts(console), alert_of(up, device)

    def be_faster(route: Route) -> None:
        up.ask(
            "POST",
            f"/alerts/{alert['id']}/acknowledge",
            json={"note": "我来"},
            headers={"If-Match": f'"{alert["version"]}"'},
        )
        route.continue_()

    page.route("**/acknowledge", be_faster, times=1)
    acknowledge(console)
    row = console.alert(HOT)
    expect(row.get_by_role("alert")).to_contain_text("别人先改了：admin 已确认")
    assert alert_of(up, device)["operator"]["note"] == "我来", "nobody's note was overwritten"
    row.locator(".go").focus()
    page.keyboard.press("u")
    up.until(lambda: alert_of(up, device)["operator"]["state"] == "unacknowledged")


def test_a_click_that_failed_is_sent_again_with_its_key_and_done_once(console: Console, up: Up, device: str) -> None:
    keys: list[str | None] = []
    page, alert = at_alerts(console), alert_of(up, device)
    before = [event["event"] for event in up.get(f"/alerts/{alert['id']}")["events"]].count("acknowledge")

    def lose(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) == 1:
            route.abort()  # never sent
        elif len(keys) == 2:
            route.fetch()  # done, and the answer is lost
            route.fulfill(status=503, json={"code": "unavailable"})
        else:
            route.continue_()

    page.route("**/acknowledge", lose)
    acknowledge(console)
    expect(console.alert(HOT)).to_contain_text("没有发出去")
    expect(console.alert(HOT)).to_contain_text("✓ admin")
    expect(console.alert(HOT).locator(".act")).to_have_count(0)
    assert (len(keys), len(set(keys))) == (3, 1)
    events = [event["event"] for event in up.get(f"/alerts/{alert['id']}")["events"]]
    assert events.count("acknowledge") == before + 1, "done once"
    page.keyboard.press("u")
    up.until(lambda: alert_of(up, device)["operator"]["state"] == "unacknowledged")


def test_rows_stay_under_the_cursor_and_what_is_new_waits(console: Console, maker: Maker, device: str) -> None:
    page = at_alerts(console)
    row = console.alert(HOT)
    row.hover()
    before = row.bounding_box()
    other = maker.mint("DR 9")
    maker.fault(other, "GEN-KV-01")
    expect(page.get_by_role("button", name=re.compile("有 1 条新报警（最高：紧急）"))).to_be_visible()
    assert row.bounding_box() == before
    new = page.locator(".row.alert").filter(has_text="DR 9")
    assert new.count() == 0
    page.keyboard.press("n")
    expect(new).to_be_visible()
    maker.fault(other, "GEN-KV-01", "cleared")
    expect(page.locator(".row.gone")).to_contain_text("DR 9")  # still there, and said to be over
    page.mouse.move(5, 5)
    expect(new).to_have_count(0)


def test_a_laptop_shows_twenty_alerts_in_a_line_each(console: Console, up: Up, maker: Maker, device: str) -> None:
    crowd = maker.mint("DR crowd")
    for code in list(load().models["generic-dr"].faults)[:25]:
        maker.fault(crowd, code)
    up.until(lambda: len(up.get(f"/alerts?device={crowd}&state=open&limit=100")["items"]) >= 20)
    page = console.page
    page.goto(f"{console.address}/alerts")
    inside = """(rows) => rows.filter((row) => {
      const { top, bottom, height } = row.getBoundingClientRect()
      return top >= 0 && bottom <= innerHeight && height < 40
    }).length"""
    expect(page.locator(".row.alert").nth(20)).to_be_attached()
    assert page.locator(".row.alert").evaluate_all(inside) >= 20

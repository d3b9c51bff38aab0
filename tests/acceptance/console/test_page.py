"""The page as an operator uses it: real platform, real stream, real browser."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.fixtures.browser import AXE, Console, visitor
from tests.fixtures.maker import Maker
from tests.fixtures.parts import missing
from tests.fixtures.up import Up

MINUTE_MS = 60_000
HOT = "平板探测器过热"
KV = "kV 达不到设定值"


@pytest.fixture(scope="module")
def device(maker: Maker) -> str:
    """A DR whose detector grew warm, with a gap of two hours in it, and then failed."""
    made = maker.mint("DR 1")
    now = maker.now()
    values = {now - minute * MINUTE_MS: 30 + (20 - minute) / 4 for minute in range(20, 2, -1)}
    values |= {now - minute * MINUTE_MS: 26.0 for minute in range(150, 140, -1)}
    maker.readings(made, "detector.temperature", dict(sorted(values.items())))
    maker.fault(made, "DET-TEMP-01")
    maker.up.until(lambda: maker.up.get(f"/tickets?device={made}")["items"])
    # What is measured hours ago reaches the roll-ups by a job.
    series = f"/devices/{made}/series?metric=detector.temperature&points=400"
    maker.up.until(lambda: 26 in maker.up.get(series)["points"]["lo"])
    return made


def number_of(up: Up, device: str) -> str:
    number: str = up.get(f"/tickets?device={device}&state=open")["items"][0]["number"]
    return number


def alert_of(up: Up, device: str) -> dict[str, Any]:
    alert: dict[str, Any] = up.get(f"/alerts?device={device}&state=open")["items"][0]
    return alert


def test_who_signs_in_sees_the_three_facts_and_nothing_comes_from_elsewhere(up: Up, page: Page, device: str) -> None:
    console = Console(page, up.run["http"])
    page.goto(console.address)
    console.sign_in(up.run["user"], "wrong")
    expect(page.get_by_role("alert")).to_contain_text("用户名或密码不对")
    console.sign_in(up.run["user"], up.run["password"])
    console.live()
    console.go("/devices")
    row = console.device("DR 1")
    expect(row).to_contain_text("异常")
    expect(row).to_contain_text("按时")
    row.locator(".go").click()
    expect(page.locator(".detail .fact")).to_have_text(["连接 不明", "数据 新", "状态 异常"])
    expect(page.locator(".feed")).to_contain_text("实时")
    assert page.evaluate("document.cookie") == ""
    assert {re.match(r"https?://[^/]+", url)[0] for url in console.asked if url.startswith("http")} == {console.address}  # type: ignore[index]  # every URL has it
    assert console.complaints == [], "the strict policy of the page holds"


def test_a_ticket_brings_everything_and_the_chart_of_its_fault(console: Console, up: Up, device: str) -> None:
    page = console.page
    number = number_of(up, device)
    console.go("/tickets")
    console.ticket(number).locator(".go").click()
    detail = page.locator(".detail")
    expect(detail.get_by_role("heading", level=2)).to_contain_text("平板探测器过热")
    for words in (
        number,
        "待受理",
        "影响",
        "建议",
        "可能原因",
        "带上的备件",
        "散热风扇",
        "自动诊断",
        "相关报警",
        "经过",
    ):
        expect(detail).to_contain_text(words)
    assert page.locator(".chart select").input_value() == "detector.temperature"
    expect(page.locator(".plot canvas")).to_be_visible()
    summary = page.locator(".looking").get_attribute("aria-label") or ""
    assert re.search(r"平板探测器温度：.*最低 31\.\d+.*最高 34\.\d+", summary), summary
    page.get_by_text("数据表").click()
    expect(detail.locator("tbody tr").first).to_contain_text("31")
    page.get_by_role("button", name="24 小时").click()
    expect(page.locator(".looking")).to_have_attribute("aria-label", re.compile("最低 26"))
    page.reload()
    console.live()
    expect(detail.get_by_role("heading", level=2)).to_contain_text("平板探测器过热")  # the address names it


def test_both_languages_are_whole_and_the_catalogs_texts_come_in_both(console: Console, up: Up, device: str) -> None:
    page = console.page
    console.go("/tickets")
    console.ticket(number_of(up, device)).locator(".go").click()
    expect(page.locator(".detail h2")).to_contain_text("平板探测器过热")
    page.get_by_role("button", name="English").click()
    expect(page.locator(".detail h2")).to_contain_text("Detector too hot")
    console.live()
    assert page.evaluate("document.documentElement.lang") == "en"
    names = ("DR 1", "听诊", "中文", up.get("/session")["org"]["name"])
    seen = page.locator("body").inner_text()
    for name in names:
        seen = seen.replace(name, "")
    assert not re.search(r"\b[a-z]+(\.[a-z_]+)+\b(?<!detector\.temperature)", seen.replace("steth.example", "")), (
        "a bare key"
    )
    assert not re.search(r"[\u4e00-\u9fff]", seen), "a text that is not translated"
    page.reload()
    console.live()
    expect(page.get_by_role("button", name="中文")).to_be_visible()


def test_acknowledge_by_keys_with_a_note_and_undo(console: Console, up: Up, device: str) -> None:
    page = console.page
    console.go("/alerts")
    row, detail = console.alert(HOT), page.locator(".detail")
    expect(row).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator(".go:focus")).to_contain_text(HOT)
    page.keyboard.press("a")
    page.keyboard.type("jjj 已电话联系科室")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("✓ admin")
    assert alert_of(up, device)["operator"]["note"] == "jjj 已电话联系科室"
    expect(page.locator(".go:focus")).to_contain_text(HOT)
    page.keyboard.press("Enter")
    expect(detail).to_contain_text("admin 已确认")
    expect(detail).to_contain_text("jjj 已电话联系科室")
    page.keyboard.press("u")
    expect(free(detail)).to_be_visible()
    expect(row).to_contain_class("edge-major")
    assert alert_of(up, device)["operator"]["state"] == "unacknowledged"


def free(detail: Locator) -> Locator:
    """The button by which one takes an alert that nobody has."""
    return detail.get_by_role("button", name=re.compile("^确认"))


def acknowledge(console: Console) -> Locator:
    """On the alert's page beside the list; returns that page."""
    console.go("/alerts")
    console.alert(HOT).locator(".go").click()
    detail = console.page.locator(".detail")
    free(detail).click()
    console.page.keyboard.press("Enter")
    return detail


def undo(detail: Locator) -> None:
    detail.get_by_role("button", name="撤销确认").click()
    expect(free(detail)).to_be_visible()


def test_who_was_too_late_is_told_by_whom(console: Console, up: Up, device: str) -> None:
    alert = alert_of(up, device)

    def be_faster(route: Route) -> None:
        up.ask(
            "POST",
            f"/alerts/{alert['id']}/acknowledge",
            json={"note": "我来"},
            headers={"If-Match": f'"{alert["version"]}"'},
        )
        route.continue_()

    console.page.route("**/acknowledge", be_faster, times=1)
    detail = acknowledge(console)
    row = console.alert(HOT)
    expect(row.get_by_role("alert")).to_contain_text("别人先改了：admin 已确认")
    assert alert_of(up, device)["operator"]["note"] == "我来", "nobody's note was overwritten"
    undo(detail)


def test_a_click_that_failed_is_sent_again_with_its_key_and_done_once(console: Console, up: Up, device: str) -> None:
    keys: list[str | None] = []
    alert = alert_of(up, device)

    def lose(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) == 1:
            route.abort()  # never sent
        elif len(keys) == 2:
            route.fetch()  # done, and the answer is lost
            route.fulfill(status=503, json={"code": "unavailable"})
        else:
            route.continue_()

    console.page.route("**/acknowledge", lose)
    detail = acknowledge(console)
    expect(console.alert(HOT)).to_contain_text("没有发出去")
    expect(console.alert(HOT)).to_contain_class("calm")
    expect(detail).to_contain_text("admin 已确认")
    expect(console.page.locator(".act")).to_have_count(0)
    assert len(keys) == 3
    assert len(set(keys)) == 1
    events = [event["event"] for event in up.get(f"/alerts/{alert['id']}")["events"]]
    assert events.count("acknowledge") == events.count("unacknowledge") + 1, "done once"
    undo(detail)


def test_rows_stay_under_the_cursor_and_what_is_new_waits(console: Console, up: Up, maker: Maker, device: str) -> None:
    page = console.page
    console.go("/alerts")
    row = console.alert(HOT)
    row.hover()
    before = row.bounding_box()
    other = maker.mint("DR 9")
    maker.fault(other, "GEN-KV-01")
    waiting = page.get_by_role("button", name=re.compile("有 1 条新报警（最高：紧急）"))
    expect(waiting).to_be_visible()
    after = row.bounding_box()
    assert before is not None
    assert after is not None
    assert console.alert(KV).count() == 0
    page.keyboard.press("n")
    expect(page.locator(".alert").first).to_contain_text(KV)
    assert (before["x"], before["y"]) == (after["x"], after["y"])
    maker.fault(other, "GEN-KV-01", "cleared")
    expect(console.alert(KV)).to_contain_text("已移出此列表")  # still there, and said to be over
    page.mouse.move(5, 5)
    expect(console.alert(KV)).to_have_count(0)


def test_a_ticket_goes_its_way_and_a_reason_is_asked_for(console: Console, up: Up, maker: Maker) -> None:
    made = maker.mint("DR 5")
    maker.fault(made, "GEN-KV-01")
    number = up.until(lambda: up.get(f"/tickets?device={made}")["items"])[0]["number"]
    console.go(f"/tickets/{number}")
    detail = console.page.locator(".detail")
    detail.get_by_role("button", name="受理").click()
    expect(detail.locator(".badge").first).to_have_text("待派单")
    expect(console.ticket(number)).to_contain_text("待派单")
    detail.get_by_role("button", name="不处理，关闭").click()
    detail.get_by_placeholder("原因（必填）").press("Enter")  # an empty reason is none
    assert up.get(f"/tickets/{number}")["status"] == "to-dispatch"
    detail.get_by_placeholder("原因（必填）").fill("试机")
    detail.get_by_placeholder("原因（必填）").press("Enter")
    expect(detail.locator(".badge").first).to_have_text("已关闭")
    expect(detail).to_contain_text("试机")
    assert up.get(f"/tickets/{number}")["status"] == "closed"


def test_a_hospitals_own_see_and_change_nothing(page: Page, up: Up, device: str) -> None:
    hospital = up.get(f"/devices/{device}")["hospital"]
    console = Console(page, up.run["http"])
    console.open("zhao.min", up.person("zhao.min", role="equipment", org=hospital["id"]), "/alerts")
    expect(page.get_by_title(re.compile("^zhao.min"))).to_have_text(f"zhao.min{hospital['name']} · 设备科")
    expect(console.alert(HOT)).to_be_visible()
    console.alert(HOT).locator(".go").focus()
    page.keyboard.press("a")
    assert page.locator(".write").count() == 0
    assert page.get_by_role("button", name="确认").count() == 0
    page.keyboard.press("Enter")
    expect(page.locator(".detail")).to_contain_text("还没有人确认")
    assert page.get_by_role("button", name="确认").count() == 0
    console.go("/tickets")
    console.ticket(number_of(up, device)).locator(".go").click()
    expect(page.locator(".detail h2")).to_contain_text(HOT)
    assert page.get_by_role("button", name="受理").count() == 0


def test_hostile_names_are_text(console: Console, up: Up, maker: Maker) -> None:
    name = '<img src=x onerror="window.pwned=1">'
    hostile = maker.mint(name, site="<script>window.pwned=1</script>")
    maker.fault(hostile, "GEN-KV-01")
    page = console.page
    console.go("/devices")
    expect(console.device(name)).to_be_visible()
    expect(page.locator(".panel-devices")).to_contain_text("<script>window.pwned=1</script>")
    number = up.until(lambda: up.get(f"/tickets?device={hostile}")["items"])[0]["number"]
    page.goto(f"{console.address}/tickets/{number}")
    expect(page.locator(".detail")).to_contain_text(name)
    page.goto(f"{console.address}/devices/{hostile}")
    expect(page.locator(".detail h2")).to_have_text(name)
    page.goto(f"{console.address}/tickets/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    expect(page.locator(".detail")).to_contain_text("没有这张工单")
    page.reload()
    console.live()  # what isn't there keeps nobody from being live
    assert page.evaluate("window.pwned") is None
    assert page.locator("img, script:not([src])").count() == 0


def test_keys_never_act_while_somebody_writes_and_can_be_turned_off(console: Console, device: str) -> None:
    page = console.page
    console.go("/alerts")
    expect(console.alert(HOT)).to_be_visible()
    page.get_by_role("searchbox").press_sequentially("ja?")
    assert page.get_by_role("searchbox").input_value() == "ja?"
    assert page.locator(".write").count() == 0
    page.get_by_role("searchbox").fill("")
    page.locator("body").click(position={"x": 2, "y": 890})
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(console.alert(HOT)).to_be_visible()
    page.keyboard.press("j")
    assert page.locator(".go:focus").count() == 0


def test_an_engineers_phone(launched: Browser, up: Up, device: str) -> None:
    with visitor(launched, viewport={"width": 390, "height": 780}, is_mobile=True, has_touch=True) as phone:
        console = Console(phone, up.run["http"])
        console.open(up.run["user"], up.run["password"])
        page, number = console.page, number_of(up, device)
        for tab in ("工单", "报警", "设备"):
            page.get_by_role("navigation").get_by_role("link", name=tab, exact=True).tap()
            expect(page.get_by_role("heading", level=1)).to_contain_text(tab)
            expect(page.locator(".row").first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
        page.get_by_role("navigation").get_by_role("link", name="工单", exact=True).tap()
        console.ticket(number).locator(".go").tap()
        expect(page.locator(".detail")).to_contain_text("带上的备件")
        expect(page.locator(".plot canvas")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_role("button", name="返回").tap()
        expect(console.ticket(number)).to_be_visible()
        assert console.complaints == []


@pytest.mark.parametrize("view", ["login", "ticket", "device"])
def test_it_is_accessible_as_far_as_a_program_can_tell(page: Page, up: Up, device: str, view: str) -> None:
    """WCAG 2.2 A and AA by axe-core."""
    if not AXE.exists():
        missing("axe-core", get="make console")
    console = Console(page, up.run["http"])
    if view == "login":
        page.goto(console.address)
        expect(page.locator("input[name=user]")).to_be_visible()
    else:
        console.open(up.run["user"], up.run["password"])
        console.go(f"/tickets/{number_of(up, device)}" if view == "ticket" else f"/devices/{device}")
        expect(page.locator(".plot canvas")).to_be_visible()
        console.live()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    rules = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    found = page.evaluate("(rules) => axe.run(document, { runOnly: rules })", rules)
    wrong = [(each["id"], each["nodes"][0]["html"], each["nodes"][0]["failureSummary"]) for each in found["violations"]]
    assert wrong == []
    assert len(found["passes"]) > 5


def test_the_page_is_light_enough_for_a_slow_line(page: Page, up: Up) -> None:
    """What a first visit carries before the login can be typed, in bytes on the wire."""
    page.goto(up.run["http"])
    expect(page.locator("input[name=user]")).to_be_visible()
    sizes = page.evaluate("performance.getEntriesByType('resource').map((each) => each.encodedBodySize)")
    assert 50_000 < sum(sizes) < 160_000

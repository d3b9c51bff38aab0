"""Who is before the page: a password of one's own comes first, and what people of another dealer did has no names."""

import re

import httpx
from playwright.sync_api import Browser, Page, expect

from tests.fixtures.browser import Console, visitor
from tests.fixtures.maker import Maker
from tests.fixtures.up import Up


def test_who_gets_a_password_chooses_another_first_and_may_change_it_later(up: Up, page: Page) -> None:
    admin = {"Authorization": f"Bearer {up.run['token']}"}
    account = {"name": "li.na", "role": "noc", "org": 1}
    made = httpx.post(f"{up.run['http']}/api/v1/accounts", json=account, headers=admin).json()["password"]
    console = Console(page, up.run["http"])
    page.goto(console.address)

    def choose(old: str, new: str, again: str) -> None:
        for field, value in (("old", old), ("new", new), ("repeat", again)):
            page.fill(f"input[name={field}]", value)
        page.press("input[name=repeat]", "Enter")

    console.sign_in("li.na", made)
    expect(page.locator(".login")).to_contain_text("请先设置自己的密码")
    for old, new, again, said in (
        (made, "春眠不觉晓，处处闻啼鸟。", "春眠", "不一致"),
        (made, "li.na2026!!!", "li.na2026!!!", "12 到 128 个字符"),
        ("wrong", "春眠不觉晓，处处闻啼鸟。", "春眠不觉晓，处处闻啼鸟。", "当前密码不对"),
    ):
        choose(old, new, again)
        expect(page.get_by_role("alert")).to_contain_text(said)
    page.reload()
    expect(page.locator(".login")).to_contain_text("请先设置自己的密码")
    page.get_by_role("button", name="English").click()
    expect(page.locator(".login")).to_contain_text("This password was made for you: choose your own first")
    page.get_by_role("button", name="中文").click()
    choose(made, "春眠不觉晓，处处闻啼鸟。", "春眠不觉晓，处处闻啼鸟。")
    console.live()
    dealer = up.get("/dealers")["items"][0]["name"]
    expect(page.get_by_title(re.compile("^li.na"))).to_have_text(f"li.na{dealer} · 值班 NOC")
    page.get_by_title(re.compile("^li.na")).click()
    choose("春眠不觉晓，处处闻啼鸟。", "夜来风雨声，花落知多少？", "夜来风雨声，花落知多少？")
    expect(page.locator(".toasts")).to_contain_text("密码已")
    console.live()
    assert console.complaints == []


def test_after_a_change_of_dealer_the_new_one_sees_what_was_done_but_not_by_whom(
    up: Up, launched: Browser, maker: Maker
) -> None:
    device = maker.mint("DR 1")
    former = up.get(f"/devices/{device}")["dealer"]["id"]
    maker.fault(device, "DET-TEMP-01")
    number = up.until(lambda: up.get(f"/tickets?device={device}")["items"])[0]["number"]
    next_one = up.ask("POST", "/dealers", json={"name": "华东医联", "prefix": "HD"}).json()["id"]

    def shown(person: str, password: str) -> Page:
        console = Console(page, up.run["http"])
        console.open(person, password, f"/tickets/{number}")
        expect(page.locator(".detail h2")).to_contain_text("平板探测器过热")
        return page

    own = up.person("wang.li", role="noc", org=former)
    with visitor(launched) as page:
        detail = shown("wang.li", own).locator(".detail")
        detail.get_by_role("button", name="受理").click()
        expect(detail).to_contain_text("wang.li 将状态由“待受理”改为“待派单”")
        up.ask("POST", f"/devices/{device}/service", json={"dealer": next_one})
        up.until(lambda: up.get(f"/tickets/{number}")["status"] == "closed")
        page.reload()
        expect(detail).to_contain_text("已由其他服务商接手")
        expect(detail).to_contain_text("wang.li 将状态由")
    with visitor(launched) as page:
        detail = shown("chen.yu", up.person("chen.yu", role="engineer", org=next_one)).locator(".detail")
        done = detail.locator("li").filter(has_text="将状态由")
        expect(done).to_contain_text("前服务商 将状态由“待受理”改为“待派单”")
        expect(done.locator(".muted")).to_have_text("前服务商")
        expect(detail.get_by_text("远程协助")).to_have_count(0)  # what was withdrawn can't be started
        assert "wang.li" not in detail.inner_text()

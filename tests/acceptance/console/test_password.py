"""A password that was made for an account: the page asks for one's own before it shows anything."""

import httpx
from playwright.sync_api import Page, expect

from tests.fixtures.browser import Console
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
        page.click("button[type=submit]")

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
    expect(page.get_by_title("修改密码")).to_have_text(f"li.na{dealer} · 值班 NOC")
    page.get_by_title("修改密码").click()
    choose("春眠不觉晓，处处闻啼鸟。", "夜来风雨声，花落知多少？", "夜来风雨声，花落知多少？")
    console.live()
    assert console.complaints == []

"""The manager's and the hospital's IT officer's days in administration, as they go in a browser."""

import psycopg
from playwright.sync_api import Browser, Page, expect

from tests.fixtures.browser import Console, visitor
from tests.fixtures.up import Up

CHOSEN = "春眠不觉晓，处处闻啼鸟。"


def _confirmed(page: Page, button: str) -> None:
    """Presses it, and says yes to what is asked."""
    page.get_by_role("button", name=button).first.click()
    expect(page.locator("dialog[open] .ask-text")).not_to_be_empty()
    page.locator("dialog[open] .primary").click()


def test_a_manager_makes_an_account_gives_it_a_role_ends_its_token_and_tests_who_is_told(
    up: Up, launched: Browser, page: Page
) -> None:
    dealer = up.get("/dealers")["items"][0]["id"]
    console = Console(page, up.run["http"])
    console.open("chief", up.person("chief", role="manager", org=dealer))
    page.goto(f"{console.address}/admin/accounts/new")
    page.get_by_role("textbox", name="账号").fill("li.na")
    page.get_by_label("角色").last.select_option("engineer")
    page.get_by_role("button", name="建立账号").click()
    password = page.locator(".secret input").input_value()
    expect(page.locator(".secret")).to_contain_text("只显示这一次")
    page.get_by_role("button", name="我已保存，关闭").click()
    expect(page.locator(".detail .title")).to_have_text("li.na")
    with visitor(launched) as other:
        hers = Console(other, up.run["http"])
        other.goto(hers.address)
        hers.sign_in("li.na", password)
        for field, value in (("old", password), ("new", CHOSEN), ("repeat", CHOSEN)):
            other.fill(f"input[name={field}]", value)
        other.click("button[type=submit]")
        hers.live()
        page.locator(".detail form select").select_option("noc")
        page.get_by_role("button", name="改为这个角色").click()
        expect(page.locator(".toasts")).to_contain_text("li.na 现在是值班 NOC")
        expect(other.locator(".over-all")).to_be_visible(timeout=15_000)
        hers.sign_in("li.na", CHOSEN)
        hers.live()
        page.reload()
        expect(page.locator(".detail .plain-list li")).to_have_count(1)
        _confirmed(page, "吊销")
        expect(page.locator(".detail .plain-list li")).to_have_count(0)
        expect(other.locator(".over-all")).to_be_visible(timeout=15_000)
    page.goto(f"{console.address}/admin/recipients/new")
    page.get_by_label("名称").last.fill("值班群")
    page.get_by_label("地址").fill("json://127.0.0.1:9/")
    page.locator(".detail button[type=submit]").click()
    expect(page.locator(".detail .title")).to_have_text("值班群")
    assert "127.0.0.1" not in page.locator(".detail").inner_text()
    _confirmed(page, "发送测试消息")
    expect(page.locator(".detail")).to_contain_text("没有送到：不允许发往这个地址")  # what really became of it
    assert console.complaints == []


def test_an_it_officer_verifies_the_record_and_sees_where_it_was_tampered_with(up: Up, page: Page) -> None:
    given = {"name": "DR 9", "model": "generic-dr", "site": {"hospital": "第九医院", "site": "放射科"}}
    up.ask("POST", "/devices", json=given)
    hospital = up.get("/orgs?q=第九医院")["items"][0]["id"]
    up.ask("PATCH", f"/orgs/{hospital}", json={"name": "第九人民医院"}, headers={"If-Match": "*"})
    console = Console(page, up.run["http"])
    console.open("wei", up.person("wei", role="it", org=hospital))
    page.goto(f"{console.address}/admin/audit")
    expect(page.locator(".row.entry").first).to_be_visible()
    page.get_by_role("button", name="现在验证").click()
    verdict = page.locator(".verdict")
    expect(verdict).to_contain_text("环环相扣")
    expect(verdict).to_contain_text("服务器所说的末端")
    expect(verdict).to_contain_text("没有您自己保存的链头")
    with page.expect_download() as kept:
        page.get_by_role("button", name="下载链头保存").click()
    with psycopg.connect(up.run["dsn"], autocommit=True) as owner:
        owner.execute("ALTER TABLE audit DISABLE TRIGGER stays")
        owner.execute("UPDATE audit SET actor = 'nobody' WHERE org_id = %s AND position = 2", (hospital,))
    page.locator("input[type=file]").set_input_files(kept.value.path())
    page.get_by_role("button", name="现在验证").click()
    expect(verdict).to_contain_text("从第 2 条起不完整")
    expect(verdict).to_contain_text("它被改过")
    expect(verdict).to_contain_text("您保存的 1 个链头")
    assert console.complaints == []

"""That nobody is told of tickets stands over the page for as long as it is so, in both languages."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.fixtures.browser import Console, visitor
from tests.fixtures.up import Up

HOSPITAL = "第一医院"
LONG_AGO = b"UPDATE recipient SET failing_since = now() - INTERVAL '6 minutes', error = 'telling.page'"


@pytest.fixture
def hospital(up: Up) -> None:
    given = {"name": "DR 1", "model": "generic-dr", "site": {"hospital": HOSPITAL, "site": "放射科"}}
    up.ask("POST", "/devices", json=given)


def banner(page: Page) -> Locator:
    return page.locator(".untold")


@pytest.mark.usefixtures("hospital")
def test_it_goes_when_somebody_is_to_be_told_and_comes_back_when_they_cannot_be(
    console: Console, up: Up, launched: Browser
) -> None:
    expect(banner(console.page)).to_have_text(f"工单通知送不到人。 {HOSPITAL} 没有启用的收件人。")
    with visitor(launched, locale="en-GB") as page:
        shown = Console(page, up.run["http"])
        shown.open(up.run["user"], up.run["password"])
        expect(banner(page)).to_have_text(f"People are not told of tickets. {HOSPITAL} has no active recipient.")

    up.ask("POST", "/recipients", json={"name": "值班", "language": "zh", "address": "json://127.0.0.1:9/"})
    expect(banner(console.page)).to_have_count(0)
    up.sql(LONG_AGO + b" RETURNING id")
    expect(banner(console.page)).to_have_text(f"工单通知送不到人。 {HOSPITAL} 的收件人都联系不上。")
    up.sql(b"UPDATE recipient SET failing_since = NULL RETURNING id")
    expect(banner(console.page)).to_have_count(0)

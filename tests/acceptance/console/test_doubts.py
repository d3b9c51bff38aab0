"""What makes a device's page doubtful, or incomplete, is said on it: in the list, in both languages, on a phone too."""

from typing import Any, Final

import pytest
from playwright.sync_api import Browser, expect

from tests.fixtures.browser import Console, visitor
from tests.fixtures.maker import Maker
from tests.fixtures.up import Up

BEHIND_MS: Final = 7_200_000 + 180_000
NAME: Final = "DR 疑"


class Odd:
    """A device whose clock is two hours behind, that can't reach its equipment and tells a sensor's millivolts."""

    def __init__(self, up: Up, maker: Maker) -> None:
        given = {"name": NAME, "model": "generic-dr", "site": {"hospital": "H", "site": "S"}}
        self.up, self.maker = up, maker
        self.id: str = up.ask("POST", "/devices", json=given).json()["id"]
        self.key = int(up.sql(b"SELECT max(id) FROM device")[0][0])

    def report(self) -> None:
        at = self.maker.now() - BEHIND_MS
        self.maker.report(self.id, {"t": "heartbeat", "at": at, "uptime_s": 1, "connected": False})
        self.maker.report(
            self.id,
            {"t": "readings", "at": at + 1, "metric": ["detector.temperature"], "value": [99.5], "unit": ["mV"]},
        )

    def detail(self) -> Any:
        return self.up.get(f"/devices/{self.id}")

    def settled(self) -> bool:
        self.report()
        told = self.detail()
        return bool(told["clock_offset_s"] and told["foreign_units"] and told["equipment_connected"] is False)


@pytest.fixture(scope="module")
def odd(up: Up, maker: Maker) -> Odd:
    made = Odd(up, maker)
    up.until(made.settled)
    up.sql(
        b"INSERT INTO gap (device_id, lane, epoch, first_seq, last_seq, at)"
        b" VALUES (%d, 0, 'aaaaaaaa', 11, 17, now() - interval '1 hour') RETURNING id" % made.key
    )
    return made


def test_the_page_says_each_of_them_and_the_list_the_worst(odd: Odd, console: Console) -> None:
    odd.report()
    console.go("/devices")
    row = console.device(NAME)
    expect(row).to_contain_text("连不上设备")
    row.locator(".go").click()
    detail = console.page.locator(".detail")
    expect(detail).to_contain_text("代理程序在线，但连不上设备")
    expect(detail).to_contain_text("时钟慢 2 小时")
    expect(detail).to_contain_text("单位与型号不符")
    expect(detail).to_contain_text("永远不会到达的报告")
    expect(detail).to_contain_text("丢失 7 份报告")


def test_in_english_on_a_phone_and_retired(odd: Odd, up: Up, launched: Browser) -> None:
    device = odd.detail()
    retired = {"status": "retired", "reason": "scrapped"}
    up.ask("PATCH", f"/devices/{odd.id}", json=retired, headers={"If-Match": f'"{device["version"]}"'})
    phone = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "locale": "en-GB"}
    with visitor(launched, **phone) as page:
        shown = Console(page, up.run["http"])
        shown.open(up.run["user"], up.run["password"], f"/devices/{odd.id}")
        expect(page.get_by_text("Retired: nothing of it is judged")).to_be_visible()
        expect(page.get_by_text("7 reports lost")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

"""The days of those who repair, own and answer for equipment, as they go in a browser: in both languages, light and
dark, on a phone and on a desk.

Two of the eight looks by default; all of them with STETH_LOOKS=all.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.fixtures.browser import Console, visitor
from tests.fixtures.maker import Maker
from tests.fixtures.up import Up

PHONE: Final[dict[str, Any]] = {"viewport": {"width": 390, "height": 780}, "is_mobile": True, "has_touch": True}
DESK: Final[dict[str, Any]] = {"viewport": {"width": 1440, "height": 900}}


@dataclass(frozen=True)
class Look:
    language: str
    shade: str
    device: str

    def __str__(self) -> str:
        return f"{self.language}-{self.shade}-{self.device}"

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en


EVERY: Final = [Look(*one) for one in itertools.product(("zh", "en"), ("light", "dark"), ("phone", "desk"))]
LOOKS: Final = EVERY if os.environ.get("STETH_LOOKS") == "all" else [EVERY[0], EVERY[-1]]
looks = pytest.mark.parametrize("look", LOOKS, ids=str)


@pytest.fixture(scope="module")
def places(up: Up, maker: Maker) -> dict[str, int]:
    """A dealer, and the hospital whose equipment it serves."""
    seen = up.get(f"/devices/{maker.mint('DR 0')}")
    return {each: seen[each]["id"] for each in ("dealer", "hospital")}


@dataclass(frozen=True)
class Somebody:
    console: Console
    look: Look

    @property
    def page(self) -> Page:
        return self.console.page

    def button(self, zh: str, en: str) -> Locator:
        return self.page.get_by_role("button", name=self.look.say(zh, en), exact=True)

    def press(self, what: Locator) -> None:
        """By a finger on a phone, by the keyboard alone on a desk."""
        if self.look.device == "phone":
            what.tap()
            return
        what.focus()
        expect(what).to_be_focused()
        box = what.get_attribute("type") == "checkbox"
        self.page.keyboard.press("Space" if box else "Enter")

    def label(self, zh: str, en: str) -> Locator:
        return self.page.get_by_label(self.look.say(zh, en))

    def status(self, zh: str, en: str) -> None:
        """The ticket that is open says so."""
        expect(self.page.locator(".detail .badge").first).to_have_text(self.look.say(zh, en))


@contextmanager
def somebody(launched: Browser, up: Up, look: Look, role: str, org: int) -> Iterator[Somebody]:
    """Signed in, at home. At the end nothing was complained of, nor wider than the window."""
    how = PHONE if look.device == "phone" else DESK
    locale = "zh-CN" if look.language == "zh" else "en-GB"
    name = f"{role}.{look}"
    with visitor(launched, locale=locale, color_scheme=look.shade, **how) as page:
        console = Console(page, up.run["http"])
        console.open(name, up.person(name, role=role, org=org))
        yield Somebody(console, look)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert page.evaluate("document.documentElement.lang") == ("zh-CN" if look.language == "zh" else "en")
        assert console.complaints == []


@looks
def test_an_engineer_repairs_and_the_hospital_has_the_last_word(
    launched: Browser, up: Up, maker: Maker, places: dict[str, int], look: Look
) -> None:
    name = f"DR {look}"
    device = maker.mint(name)
    maker.fault(device, "DET-TEMP-01")
    number = up.until(lambda: up.get(f"/tickets?device={device}")["items"])[0]["number"]
    with (
        somebody(launched, up, look, "engineer", places["dealer"]) as engineer,
        somebody(launched, up, look, "equipment", places["hospital"]) as hospital,
    ):
        mine = engineer.page
        job = mine.locator(f'[data-key="{number}"]')
        expect(job).to_contain_text(name)
        engineer.press(job.get_by_role("link").first)
        engineer.press(engineer.button("接单", "Take it"))
        engineer.status("已接单", "accepted")
        arrive(engineer)
        repair(engineer)
        engineer.status("待验收", "to verify")
        waits = hospital.page.locator(f'[data-key="{number}"]')
        expect(
            hospital.page.get_by_role("region", name=look.say("等您确认", "Waits for you")).locator(waits)
        ).to_be_visible()
        hospital.press(waits.get_by_role("link"))
        expect(hospital.page.locator(".detail")).to_contain_text(look.say("脏污、堵塞", "Dirt or blockage"))
        hospital.press(hospital.button("没有修好", "It is not repaired"))
        hospital.label("原因（必填）", "Why (required)").fill("开机一小时后又报警 😟")
        hospital.page.keyboard.press("Enter")
        engineer.status("已接单", "accepted")
        expect(mine.locator(".detail")).to_contain_text("开机一小时后又报警 😟")
        maker.fault(device, "DET-TEMP-01", "cleared")
        arrive(engineer)
        repair(engineer)
        hospital.press(hospital.button("确认已修好", "It is repaired"))
        hospital.status("已关闭", "closed")
        engineer.status("已关闭", "closed")
        expect(mine.get_by_role("region", name=look.say("维修", "Repairs"), exact=True).locator("dl")).to_have_count(2)
    assert up.get(f"/tickets/{number}")["status"] == "closed"


def arrive(engineer: Somebody) -> None:
    engineer.press(engineer.button("到场", "Arrived"))
    engineer.status("已到场", "on site")


def repair(engineer: Somebody) -> None:
    """By touches alone, but for one word."""
    engineer.press(engineer.button("修好", "Repaired"))
    form = engineer.page.locator("form.form")
    form.get_by_label(engineer.look.say("原因", "Cause"), exact=True).select_option("dirt")
    engineer.press(form.get_by_role("checkbox", name=engineer.look.say("更换部件", "Part replaced")))
    engineer.press(form.get_by_role("button", name=engineer.look.say("散热风扇", "cooling fan")).first)
    engineer.press(form.get_by_role("button", name=engineer.look.say("提交，待验收", "Send, to be verified")))


@looks
def test_a_department_reports_a_fault_and_a_manager_sees_whose_it_is(
    launched: Browser, up: Up, maker: Maker, places: dict[str, int], look: Look
) -> None:
    name = f"US {look}"
    device = maker.mint(name)
    with somebody(launched, up, look, "department", places["hospital"]) as nurse:
        page = nurse.page
        page.get_by_role("searchbox").fill(name)
        row = page.locator("li").filter(has_text=name)
        nurse.press(row.get_by_role("link", name=look.say("报修", "Report a fault")))
        nurse.label("哪里不正常", "What is wrong").fill("探头没有图像")
        page.reload()  # a phone forgets what it had in the background
        expect(nurse.label("哪里不正常", "What is wrong")).to_have_value("探头没有图像")
        nurse.label("现在还能用吗", "Can it be used meanwhile").select_option("no")
        nurse.press(page.get_by_role("button", name=look.say("报修", "Report a fault")))
        expect(page.locator(".detail")).to_contain_text("探头没有图像")
    number = up.get(f"/tickets?device={device}")["items"][0]["number"]
    with somebody(launched, up, look, "manager", places["dealer"]) as manager:
        page = manager.page
        expect(page.get_by_role("heading", level=1)).to_have_text(look.say("总览", "Overview"))
        page.goto(f"{manager.console.address}/tickets?q={number}")
        expect(manager.console.ticket(number)).to_be_visible()
        manager.press(manager.console.ticket(number).locator(".go"))
        expect(page.locator(".detail")).to_contain_text("探头没有图像")


@looks
def test_an_it_officer_who_trusts_nobody_verifies_what_was_noted_of_his_hospital(
    launched: Browser, up: Up, places: dict[str, int], look: Look
) -> None:
    with somebody(launched, up, look, "it", places["hospital"]) as officer:
        page = officer.page
        officer.press(page.locator(".more summary"))
        officer.press(page.get_by_role("link", name=look.say("审计", "Audit"), exact=True))
        officer.press(officer.button("现在验证", "Verify now"))
        expect(page.locator(".verdict")).to_contain_text(look.say("环环相扣", "Whole:"))
        with page.expect_download() as kept:
            officer.press(officer.button("下载链头保存", "Download the head"))
        page.locator("input[type=file]").set_input_files(kept.value.path())
        officer.press(officer.button("现在验证", "Verify now"))
        expect(page.locator(".verdict")).to_contain_text(look.say("您保存的 1 个链头", "the one head that you kept"))

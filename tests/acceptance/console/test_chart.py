"""The picture of a fault in a real browser: points of exposures, a strip of what is so or isn't, a timeline."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.fixtures.browser import Console, visitor
from tests.fixtures.maker import Maker
from tests.fixtures.up import Up

MINUTE_MS = 60_000
COUNT = """(canvas, [from, to]) => {
  const [left, width] = [Math.round(from * canvas.width), Math.round((to - from) * canvas.width)]
  const { data } = canvas.getContext('2d').getImageData(left, 0, width, canvas.height)
  let count = 0
  for (let at = 0; at < data.length; at += 4) {
    const off = Math.abs(data[at] - 0xcf) + Math.abs(data[at + 1] - 0xd6) + Math.abs(data[at + 2] - 0xe1)
    if (off < 24 && data[at + 3] > 200) count += 1
  }
  return count
}"""
"""Pixels of the curve's colour (the dark theme's) between two shares of the canvas."""
DRAWINGS = """() => {
  window.drawn = 0
  const { clearRect } = CanvasRenderingContext2D.prototype
  CanvasRenderingContext2D.prototype.clearRect = function (...all) {
    window.drawn += 1
    return clearRect.apply(this, all)
  }
}"""


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A DR, when it was exposed last (ms), and its tickets."""

    device: str
    begins: int
    strip: str
    code: str


@pytest.fixture(scope="module")
def broken(maker: Maker, up: Up) -> Broken:
    """Exposures at three moments of half an hour, a panel that isn't nominal any more, and a code without a signal."""
    device = maker.mint("DR 1")
    begins = maker.now() - 40 * MINUTE_MS
    for minute, index in ((5, 310.0), (15, 330.0), (25, 290.0)):
        at = begins + minute * MINUTE_MS
        maker.readings(device, "exposure.index", {at: index})
        maker.readings(device, "exposure.target_index", {at: 400.0})
    for value in (1.0, 1.0, 0.0):
        maker.readings(device, "detector.nominal", {maker.now(): value})
    maker.fault(device, "GEN-KV-01")

    def numbers() -> dict[str, str]:
        return {item["family"]: item["number"] for item in up.get(f"/tickets?device={device}&state=open")["items"]}

    up.until(lambda: {"detector.selftest", "generator.kv"} <= numbers().keys())
    return Broken(device=device, begins=begins, strip=numbers()["detector.selftest"], code=numbers()["generator.kv"])


def shown(console: Console, path: str) -> Locator:
    console.page.emulate_media(color_scheme="dark")
    console.page.goto(console.address + path)
    picture = console.page.locator(".looking")
    expect(picture).to_be_visible()
    return picture


def search(page: Page) -> dict[str, str]:
    found: dict[str, str] = page.evaluate("Object.fromEntries(new URLSearchParams(location.search))")
    return found


def of_exposures(broken: Broken) -> str:
    window = f"from={broken.begins}&to={broken.begins + 30 * MINUTE_MS}"
    return f"/devices/{broken.device}?signal=exposure.index&{window}"


def test_exposures_are_points_and_what_was_asked_for_is_beside_them(console: Console, up: Up, broken: Broken) -> None:
    picture = shown(console, of_exposures(broken))
    canvas = picture.locator("canvas")
    expect(canvas).to_be_visible()
    plot, over = picture.locator(".plot").bounding_box(), picture.locator(".u-over").bounding_box()
    assert plot is not None
    assert over is not None

    def share(minute: float) -> float:
        return (over["x"] - plot["x"] + minute / 30 * over["width"]) / plot["width"]

    def count(begins: float, ends: float) -> int:
        found: int = canvas.evaluate(COUNT, [share(begins), share(ends)])
        return found

    up.until(lambda: count(0, 30) > 20)
    for minute in (5, 15, 25):
        assert count(minute - 0.5, minute + 0.5) > 5, minute
    for minute in (10, 20):
        assert count(minute - 3, minute + 3) == 0, "a line between two exposures would tell of what nobody measured"
    expect(console.page.locator(".chart figcaption")).to_contain_text("目标曝光指数 400")
    expect(console.page.locator(".chart figcaption")).to_contain_text("点与点之间没有测量")


def test_a_piece_is_chosen_by_dragging_and_by_keys_and_is_in_the_address(console: Console, broken: Broken) -> None:
    page = console.page
    picture = shown(console, of_exposures(broken))
    over = picture.locator(".u-over")
    box = over.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 3, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 2 / 3, middle, steps=5)
    page.mouse.up()
    page.mouse.move(0, 0)
    expect(page).not_to_have_url(re.compile(str(broken.begins)))
    begins, ends = (int(search(page)[name]) for name in ("from", "to"))
    assert abs(begins - broken.begins - 10 * MINUTE_MS) < MINUTE_MS / 2
    assert abs(ends - broken.begins - 20 * MINUTE_MS) < MINUTE_MS / 2
    expect(picture).to_have_attribute("aria-label", re.compile("最低 330，最高 330"))
    picture.focus()
    page.keyboard.press("-")
    page.keyboard.press("-")
    expect(picture).to_have_attribute("aria-label", re.compile("最低 290，最高 330"))
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".readout")).to_contain_text("330")
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"signal=exposure\.index$"))
    page.get_by_text("数据表").click()
    expect(page.locator(".chart-table tbody tr")).to_have_count(3)


def test_a_beat_that_changes_nothing_draws_nothing(console: Console, broken: Broken) -> None:
    picture = shown(console, of_exposures(broken))
    expect(picture.locator("canvas")).to_be_visible()
    console.page.wait_for_timeout(1_000)
    console.page.evaluate(DRAWINGS)
    console.page.wait_for_timeout(5_000)
    assert console.page.evaluate("window.drawn") == 0


def test_what_is_so_or_is_not_is_a_strip_with_its_words(console: Console, up: Up, broken: Broken) -> None:
    states = {one["value"]: one["text"] for one in _series(up, broken)["states"]}
    picture = shown(console, f"/tickets/{broken.strip}?last=hour")
    expect(picture.locator(".track-bar")).to_have_count(2)
    expect(picture.locator(".tone-major title")).to_have_text(states[0])
    assert picture.locator("canvas").count() == 0, "no axis from 0 to 1"
    expect(console.page.locator(".readout")).to_contain_text(states[0])


def test_a_fault_without_a_signal_is_a_timeline(console: Console, broken: Broken) -> None:
    picture = shown(console, f"/tickets/{broken.code}")
    assert console.page.locator(".chart select").input_value() == "timeline"
    assert picture.locator("canvas").count() == 0
    expect(picture.locator(".track-names")).to_contain_text("kV 达不到设定值")
    expect(picture.locator(".tone-critical").first).to_be_visible()


def test_on_a_narrow_phone_it_fits_and_a_finger_scrolls_the_page(launched: Browser, up: Up, broken: Broken) -> None:
    how: dict[str, Any] = {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True}
    with visitor(launched, **how) as page:
        console = Console(page, up.run["http"])
        console.open(up.run["user"], up.run["password"])
        for path in (of_exposures(broken), f"/tickets/{broken.code}"):
            picture = shown(console, path)
            wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert wide[0] <= wide[1], path
            touch = picture.locator(".u-over, .track-area").first.evaluate("one => getComputedStyle(one).touchAction")
            assert touch == "pan-y"
        assert console.complaints == []


def _series(up: Up, broken: Broken) -> dict[str, Any]:
    found: dict[str, Any] = up.get(f"/devices/{broken.device}/series?metric=detector.nominal&lang=zh")
    return found

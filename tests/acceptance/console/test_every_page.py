"""Every address of the page, as every kind of person: its policy holds, the browser complains of nothing, it has its
landmarks, fits a narrow window, and axe finds nothing, light and dark, in both languages.

The addresses are those of the router (`app/paths.json`, which a test of the console holds): no page is left out.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, ViewportSize, expect
from playwright.sync_api import TimeoutError as LateError

from people.roles import Role
from tests.fixtures.browser import AXE, ROOT, Console, visitor
from tests.fixtures.maker import Maker
from tests.fixtures.up import Up

PATHS: Final[list[str]] = json.loads((ROOT / "console" / "src" / "app" / "paths.json").read_text(encoding="utf-8"))
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NARROW: Final[ViewportSize] = {"width": 320, "height": 640}
"""CSS pixels: 1280 at 400 % (WCAG 1.4.10)."""
DESK: Final[ViewportSize] = {"width": 1280, "height": 800}
_LISTEN: Final = """
window.violations = []
document.addEventListener('securitypolicyviolation', (event) =>
  window.violations.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`))
"""
_GO: Final = """(to) => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate')) }"""
_SHAPE: Final = """() => {
  const [headings, mains] = ['h1', 'main'].map((name) => document.querySelectorAll(name).length)
  const wide = document.documentElement.scrollWidth - innerWidth
  return [
    ...(headings === 1 && mains === 1 ? [] : [`${headings} h1, ${mains} main`]),
    ...(wide > 0 ? [`${wide} px wider than the window`] : []),
    ...window.violations,
  ]
}"""
SETTLES_MS: Final = 5_000
"""Within this a page is what it should be: while code and data come, something else may stand there."""


@dataclass
class Walked:
    """What was wrong, each in a line: on which page, as whom, what."""

    wrong: list[str] = field(default_factory=list)

    def note(self, where: str, what: object) -> None:
        self.wrong.append(f"{where}: {what}")


@dataclass(frozen=True)
class Platform:
    """A running platform with a device that is broken, its alert and its ticket, and an account of each role."""

    up: Up
    of: dict[str, dict[str, str]]
    people: dict[Role, tuple[str, str]]

    def address(self, path: str) -> str:
        """A path with its `$parameters` filled in. KeyError: a page that this module doesn't know how to open yet."""
        for head, given in self.of.items():
            for name, value in given.items():
                if path.startswith(head):
                    path = path.replace(f"${name}", value)
        assert "$" not in path, f"{path}: say in this module's `platform` what its parameter is"
        return path


@pytest.fixture(scope="module")
def platform(up: Up, maker: Maker) -> Platform:
    device = maker.mint("DR 1")
    maker.fault(device, "DET-TEMP-01")
    ticket = up.until(lambda: up.get(f"/tickets?device={device}")["items"])[0]["number"]
    alert = up.get(f"/alerts?device={device}")["items"][0]["id"]
    orgs = {"operator": 0, **{each: up.get(f"/devices/{device}")[each]["id"] for each in ("dealer", "hospital")}}
    recipient = {"name": "值班", "language": "zh", "address": "json://127.0.0.1:9/"}
    of = {
        "/tickets/": {"number": ticket},
        "/alerts/": {"id": alert},
        "/devices/": {"id": device},
        "/admin/accounts/": {"id": str(up.get("/accounts")["items"][0]["id"])},
        "/admin/places/": {"id": str(orgs["hospital"])},
        "/admin/recipients/": {"id": str(up.ask("POST", "/recipients", json=recipient).json()["id"])},
    }
    people = {Role.STAFF: (up.run["user"], up.run["password"])}
    for role in Role:
        if role is not Role.STAFF:
            people[role] = (role.value, up.person(role.value, role=role.value, org=orgs[role.kind.value]))
    return Platform(up, of, people)


@contextmanager
def walking(launched: Browser, platform: Platform, role: Role, walked: Walked, **how: Any) -> Iterator[Page]:
    """Somebody signed in; what the browser complains of is noted with the page it was on."""
    with visitor(launched, **{"viewport": DESK, **how}) as page:
        page.add_init_script(_LISTEN)
        console = Console(page, platform.up.run["http"])
        page.goto(console.address)
        console.sign_in(*platform.people[role])
        expect(page.locator(".page h1")).to_be_visible()

        def heard(said: ConsoleMessage) -> None:
            # That a request was refused is the browser's own remark: `answered` looks at those; that a page is for
            # others the router's, and stands on the page.
            known = "Failed to load resource" in said.text or "Forbidden: forbidden" in said.text
            if said.type in {"error", "warning"} and not known:
                walked.note(page.url, said.text)

        def answered(answer: Response) -> None:
            # What isn't theirs to see is not there for anybody but staff.
            if answer.status >= 400 and not (answer.status in {403, 404} and role is not Role.STAFF):
                walked.note(page.url, answer)

        page.on("console", heard)
        page.on("pageerror", lambda error: walked.note(page.url, error))
        page.on("response", answered)
        yield page


def go(page: Page, to: str) -> None:
    """To another page of the same tab, until it has settled."""
    page.evaluate(_GO, to)
    page.wait_for_function(
        "(to) => location.pathname.startsWith(to) && document.querySelector('main h1, .page h1') !== null"
        " && document.querySelector('.skeleton') === null",
        arg="" if to == "/" else to,
    )


def shaped(page: Page, where: str, walked: Walked) -> None:
    with suppress(LateError):
        page.wait_for_function(f"() => ({_SHAPE})().length === 0", timeout=SETTLES_MS)
        return
    for wrong in page.evaluate(_SHAPE):
        walked.note(where, wrong)


def accessible(page: Page, where: str, walked: Walked, *rules: str) -> None:
    only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": RULES}
    found = page.evaluate("(only) => axe.run(document, { runOnly: only, resultTypes: ['violations'] })", only)
    for each in found["violations"]:
        walked.note(where, f"{each['id']}: {each['nodes'][0]['html'][:160]} {each['nodes'][0]['failureSummary']}")


# Whatever the others may see is among what these and the staff may, as whom the next test goes everywhere.
@pytest.mark.parametrize("role", [Role.MANAGER, Role.ENGINEER, Role.IT])
def test_the_policy_of_the_page_holds_for(launched: Browser, platform: Platform, role: Role) -> None:
    walked = Walked()
    with walking(launched, platform, role, walked) as page:
        for path in PATHS:
            go(page, platform.address(path))
            shaped(page, f"{path} as {role}", walked)
    assert walked.wrong == []


@pytest.mark.parametrize(("language", "shade"), [("zh-CN", "light"), ("en-GB", "dark")])
def test_every_page_is_accessible_and_fits_a_narrow_window(
    launched: Browser, platform: Platform, language: str, shade: str
) -> None:
    walked = Walked()
    with walking(launched, platform, Role.STAFF, walked, locale=language, color_scheme=shade) as page:
        page.evaluate(AXE.read_text(encoding="utf-8"))
        for path in PATHS:
            go(page, platform.address(path))
            shaped(page, f"{path} in {language}", walked)
            accessible(page, f"{path} in {language}, {shade}", walked)
            page.set_viewport_size(NARROW)
            shaped(page, f"{path} at 320 px in {language}", walked)
            page.set_viewport_size(DESK)
    assert walked.wrong == []


def test_what_is_old_can_still_be_read(launched: Browser, platform: Platform) -> None:
    walked = Walked()
    with walking(launched, platform, Role.STAFF, walked) as page:
        page.evaluate(AXE.read_text(encoding="utf-8"))
        page.route("**/api/v1/stream?*", lambda route: route.abort())
        page.goto(platform.up.run["http"])
        page.wait_for_selector(".page[data-stale=true]")
        walked.wrong.clear()  # that the stream can't be had is what this is about
        page.evaluate(AXE.read_text(encoding="utf-8"))
        for path in PATHS:
            go(page, platform.address(path))
            for shade in ("light", "dark"):
                page.emulate_media(color_scheme=shade)
                accessible(page, f"{path}, old, {shade}", walked, "color-contrast")
    assert [each for each in walked.wrong if "stream" not in each and "ERR_FAILED" not in each] == []

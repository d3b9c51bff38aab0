"""The page's pictures for the README, from a real `steth up` with a ticket open: `make screens`. Into another folder
(`ARGS=FOLDER`), the daily pages too, for looking."""

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.fixtures.browser import ROOT, Console, browser, built_console, visitor
from tests.fixtures.ports import free_port
from tests.fixtures.up import Up, running

FOLDER = ROOT / "docs" / "screens"
KINDS_S = 180
"""Within three minutes there is a ticket of each kind of equipment."""
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
SETTLED_MS = 1_500
DAILY = (
    "/inbox",
    "/alerts",
    "/tickets",
    "/devices",
    "/overview",
    "/wall",
    "/catalog",
    "/admin/accounts",
    "/admin/audit",
)
AFTERWARDS_S = 60
"""For a curve that goes on behind the fault."""
LINE = 12
"""Points that make a curve."""


def pick(up: Up) -> str:
    """The number of the open ticket that shows most, once there is one of each kind of equipment."""
    deadline = time.monotonic() + KINDS_S
    kinds: dict[str, str] = {}
    while time.monotonic() < deadline:
        models = {model["key"]: model["kind"] for model in up.get("/catalog/models")["items"]}
        for ticket in up.get("/tickets?state=open")["items"]:
            kinds.setdefault(models[ticket["device"]["model"]], ticket["number"])
        if len(kinds) > 1:
            break
        time.sleep(2)
    time.sleep(AFTERWARDS_S)
    found = [up.get(f"/tickets/{ticket['number']}?lang=en") for ticket in up.get("/tickets?state=open")["items"]]
    return str(max(found, key=worth)["number"])


def worth(ticket: dict[str, Any]) -> tuple[bool, bool, int]:
    signals = {alert["message"]["params"].get("signal") for alert in ticket["alerts"]} - {None}
    measured = [reading["metric"] for reading in ticket["evidence"]["readings"]]
    return (
        any(measured.count(signal) >= LINE for signal in signals),
        bool(ticket["diagnostics"]),
        len(ticket["parts"]),
    )


def take(page: Page, up: Up, number: str, name: str, folder: Path) -> None:
    """The ticket with its picture, which the README shows; where `folder` is another one, each daily page too."""
    console = Console(page, f"{up.run['http']}/tickets/{number}")
    console.open(up.run["user"], up.run["password"])
    expect(page.locator(".plot canvas")).to_be_visible()
    shot(page, folder / f"{name}.png")
    for path in DAILY if folder != FOLDER else ():
        page.goto(up.run["http"] + path)
        console.live()
        shot(page, folder / f"{name}{path.replace('/', '-')}.png")


def shot(page: Page, path: Path) -> None:
    page.mouse.move(1, 1)  # off the lists, which hold still under a pointer
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=path)


def main(folder: Path) -> int:
    built_console()
    folder.mkdir(exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="steth-screens-"))
    try:
        with running(work / "data", free_port()) as up:
            up.ready()
            number = pick(up)
            with browser() as launched:
                for name, how in (
                    ("console-zh", {"viewport": DESK, "color_scheme": "light"}),
                    ("console-en", {"viewport": DESK, "color_scheme": "dark", "locale": "en-GB"}),
                    ("phone", {"viewport": PHONE, "color_scheme": "dark", "is_mobile": True, "has_touch": True}),
                ):
                    with visitor(launched, **how) as page:
                        take(page, up, number, name, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))

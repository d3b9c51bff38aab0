"""One `steth up` without devices and one browser for each module; equipment reports by plain MQTT, as a maker's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.fixtures.browser import Console, browser, built_console, chromium, visitor
from tests.fixtures.maker import Maker
from tests.fixtures.ports import free_port
from tests.fixtures.up import Up, running


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A running platform, as its user starts it."""
    built_console()
    chromium()
    folder: Path = tmp_path_factory.mktemp("up") / "data"
    with running(folder, free_port(), "--devices", "0") as started:
        started.ready()
        yield started


@pytest.fixture(scope="module")
def maker(up: Up) -> Iterator[Maker]:
    with Maker(up) as made:
        yield made


@pytest.fixture(scope="module")
def launched() -> Iterator[Browser]:
    with browser() as one:
        yield one


@pytest.fixture
def page(launched: Browser) -> Iterator[Page]:
    """A page of a newcomer, Chinese, in Shanghai, on a desk; nothing open yet."""
    with visitor(launched) as opened:
        yield opened


@pytest.fixture
def console(page: Page, up: Up) -> Iterator[Console]:
    """The page, signed in and live. At the end it must have had nothing to complain of."""
    shown = Console(page, up.run["http"])
    shown.open(up.run["user"], up.run["password"])
    yield shown
    assert shown.complaints == []

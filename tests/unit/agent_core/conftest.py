"""An outbox on a file of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.outbox.outbox import Outbox


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "d.outbox"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    opened = Outbox(path=path)
    yield opened
    opened.close()

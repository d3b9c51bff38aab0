"""A small disk with an outbox's place on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.outbox import storage
from agent.outbox.room import MB
from tests.fixtures.disk import SmallDisk, small_disk


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    monkeypatch.setattr(storage, "LOOK_MS", 0)
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk(folder, 64 * MB) as made:
        yield made


@pytest.fixture
def path(disk: SmallDisk) -> Path:
    return disk.folder / "d.outbox"

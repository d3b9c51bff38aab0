"""The doctor's judgements on values."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steth.doctor.broker import judge_expiry
from steth.doctor.database import judge_clock
from steth.doctor.machine import GIB, judge_disk


@pytest.mark.parametrize(("offset_s", "level"), [(0.2, "ok"), (-0.9, "ok"), (1.5, "warn"), (-29, "warn"), (31, "fail")])
def test_clocks_that_differ(offset_s: float, level: str) -> None:
    assert judge_clock(offset_s).level == level


@pytest.mark.parametrize(("free", "level"), [(50 * GIB, "ok"), (9 * GIB, "warn"), (1 * GIB, "fail"), (0, "fail")])
def test_disks_that_fill(free: int, level: str) -> None:
    assert judge_disk(Path("/x"), free=free, total=100 * GIB).level == level


@pytest.mark.parametrize(("days", "level"), [(-1, "fail"), (0, "fail"), (29, "warn"), (31, "ok")])
def test_certificates_that_end(days: int, level: str) -> None:
    now = datetime.now(UTC)
    assert judge_expiry("c", now + timedelta(days=days), now=now).level == level

import pytest

from steth.doctor import broker, run
from steth.doctor.machine import check_catalog
from tests.integration.steth.ward import SHIPPED_CATALOG


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "WATCH_S", 0.3)
    monkeypatch.setattr(broker, "STEP_S", 1.0)
    monkeypatch.setattr(run, "check_catalog", lambda of: SHIPPED_CATALOG if not of.catalog else check_catalog(of))

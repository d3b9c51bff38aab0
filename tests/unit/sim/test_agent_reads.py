"""What the simulated DR says is what a real agent hears: all of it, and no patient."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from agent.privacy import admit
from catalog.model import Model
from sim.events import Exposure
from sim.faults import SCENARIOS
from sim.image import file_bytes, identity, image
from sim.life import DrLife
from sim.patients import marks
from tests.fixtures.dicom import header
from tests.unit.sim.test_plausible import signals_of

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.mark.parametrize("code", sorted(code for code, scenario in SCENARIOS.items() if not scenario.nominal))
def test_the_agent_understands_why_a_detector_is_not_nominal(model: Model, code: str) -> None:
    life = DrLife(seed=11, start=MONDAY, model=model, faults_per_day=0)
    life.inject(code, MONDAY, lead_s=4 * 3600)
    doubtful = [one for one in life.step(MONDAY + timedelta(hours=4)) if isinstance(one, Exposure) and not one.nominal]
    assert doubtful
    for one in doubtful:
        data = file_bytes(image(one, identity=identity(11), at=one.at, calibrated_at=one.calibrated_at))
        heard = header(data, received=int(one.at.timestamp() * 1000) + 5, zone=None)
        assert heard.reason in model.faults
        assert heard.reason == code or code.startswith("IRAY-")


def test_each_image_is_read_whole_without_a_refusal(model: Model) -> None:
    life = DrLife(seed=11, start=MONDAY, model=model, faults_per_day=0)
    for code in ("DET-TEMP-01", "GEN-KV-03", "AEC-CHM-01"):
        life.inject(code, MONDAY, lead_s=2 * 3600)
    exposures = [event for event in life.step(MONDAY + timedelta(hours=4)) if isinstance(event, Exposure)]
    assert len(exposures) > 30
    for exposure in exposures:
        data = file_bytes(image(exposure, identity=identity(11), at=exposure.at, calibrated_at=exposure.calibrated_at))
        heard = header(data, received=int(exposure.at.timestamp() * 1000) + 5, zone=None)
        assert not heard.refused
        assert heard.reason == (None if exposure.nominal else "DET-TEMP-01")
        assert heard.at == int(exposure.at.timestamp() * 1000)
        assert {r.metric: r.value for r in heard.readings} == pytest.approx(signals_of(exposure), rel=1e-4)
        assert {r.metric: r.unit for r in heard.readings} == {
            r.metric: model.signals[r.metric].unit for r in heard.readings
        }
        passed, refused = admit(heard.items(), model)
        assert not +refused
        encoded = msgspec.json.encode(passed).decode()
        assert not any(mark in encoded for mark in marks())
        assert identity(11).serial in encoded

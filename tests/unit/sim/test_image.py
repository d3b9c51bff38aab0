import io
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pydicom
import pytest
from msgspec.structs import replace
from pydicom.sr._concepts_dict import concepts

from catalog.model import Model
from sim.events import Exposure
from sim.image import ANATOMY, file_bytes, identity, image
from sim.life import DrLife
from sim.patients import MARK, MARK_ZH, marks, patient
from sim.protocols import PROTOCOLS

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
AT = datetime(2026, 11, 23, 16, 20, 1, 250_000, tzinfo=timezone(timedelta(hours=8)))
CALIBRATED = datetime(2026, 9, 1, 17, 30, tzinfo=timezone(timedelta(hours=8)))


@pytest.fixture(scope="module")
def exposures(model: Model) -> list[Exposure]:
    life = DrLife(seed=4, start=MONDAY, model=model, faults_per_day=0)
    return [event for event in life.step(MONDAY + timedelta(days=1)) if isinstance(event, Exposure)]


def read_back(exposure: Exposure) -> pydicom.Dataset:
    data = file_bytes(image(exposure, identity=identity(4), at=AT, calibrated_at=CALIBRATED))
    return pydicom.dcmread(io.BytesIO(data))  # a warning would fail the test


def test_pydicom_reads_back_what_was_written(exposures: list[Exposure]) -> None:
    for exposure in exposures:
        ds = read_back(exposure)
        for element in ds.iterall():
            assert element.value is not None
        assert float(ds.KVP) == exposure.kv
        assert float(ds.XRayTubeCurrentInuA) == pytest.approx(exposure.ma * 1000)
        assert float(ds.ExposureTimeInuS) == pytest.approx(exposure.ms * 1000)
        assert ds.ExposureInuAs == pytest.approx(exposure.mas * 1000)
        assert abs(ds.Exposure - exposure.mas) <= 0.5
        assert abs(ds.ExposureTime - exposure.ms) <= 0.51
        assert abs(ds.XRayTubeCurrent - exposure.ma) <= 0.5
        assert float(ds.ImageAndFluoroscopyAreaDoseProduct) == exposure.dap
        assert float(ds.ExposureIndex) == exposure.exposure_index
        assert float(ds.TargetExposureIndex) == exposure.target_index
        assert float(ds.DeviationIndex) == exposure.deviation_index
        assert float(ds.DetectorTemperature) == exposure.temperature
        assert float(ds.Sensitivity) == exposure.sensitivity
        assert float(ds.DetectorTimeSinceLastExposure) == exposure.since_last_s
        assert float(ds.DetectorActiveTime) == exposure.active_ms
        assert ds[0x0018, 0x7010].value == exposure.since_calibration
        assert ds[0x0018, 0x7011].value == exposure.number
        assert ds.ExposureControlMode == ("AUTOMATIC" if exposure.automatic else "MANUAL")


def test_times_are_the_walls_with_their_offset(exposures: list[Exposure]) -> None:
    ds = read_back(exposures[0])
    assert ds.TimezoneOffsetFromUTC == "+0800"
    assert ds.AcquisitionDateTime == "20261123162001.250+0800"
    assert (ds.AcquisitionDate, ds.AcquisitionTime) == ("20261123", "162001.250")
    assert (ds.DateOfLastDetectorCalibration, ds.TimeOfLastDetectorCalibration) == ("20260901", "173000")


def test_a_fault_of_the_detector_and_an_aborted_exposure_are_told(exposures: list[Exposure]) -> None:
    good = read_back(replace(exposures[0], nominal=True, aborted=False))
    bad = read_back(replace(exposures[0], nominal=False, aborted=True))
    assert (good.DetectorConditionsNominalFlag, good.ExposureStatus) == ("YES", "NORMAL")
    assert (bad.DetectorConditionsNominalFlag, bad.ExposureStatus) == ("NO", "ABORTED")
    assert "DetectorDescription" not in good
    assert MARK in bad.DetectorDescription


def test_the_pixels_are_a_real_matrix(exposures: list[Exposure]) -> None:
    ds = read_back(exposures[0])
    pixels = np.frombuffer(ds.PixelData, "<u2").reshape(ds.Rows, ds.Columns)
    assert 0 <= pixels.min() < pixels.max() < 4096
    assert pixels.std() > 100
    other = read_back(exposures[1])
    assert other.PixelData != ds.PixelData


def test_the_same_exposure_is_the_same_object_and_another_is_another(exposures: list[Exposure]) -> None:
    def made(exposure: Exposure, at: datetime = AT) -> pydicom.Dataset:
        return image(exposure, identity=identity(4), at=at, calibrated_at=CALIBRATED)

    assert file_bytes(made(exposures[0])) == file_bytes(made(exposures[0]))
    uids = {made(e).SOPInstanceUID for e in exposures} | {made(exposures[0], AT + timedelta(seconds=1)).SOPInstanceUID}
    assert len(uids) == len(exposures) + 1
    first, second = (
        e for e in exposures[:60] if e.patient == next(p.patient for p in exposures if multiple(p, exposures))
    )
    assert made(first).StudyInstanceUID == made(second).StudyInstanceUID
    assert made(first).SeriesInstanceUID != made(second).SeriesInstanceUID


def multiple(one: Exposure, exposures: list[Exposure]) -> bool:
    return sum(other.patient == one.patient for other in exposures[:60]) == 2


def test_names_stand_in_every_place_and_carry_a_mark(exposures: list[Exposure]) -> None:
    ds = read_back(exposures[0])
    who = patient(4, exposures[0].patient)
    marked = {
        str(element.tag) for element in ds.iterall() if MARK in str(element.value) or MARK_ZH in str(element.value)
    }
    assert len(marked) >= 15
    assert str(ds.PatientName) == who.name
    assert ds.RequestAttributesSequence[0].RequestedProcedureComments.endswith(who.name)
    for text in (who.name, who.id, who.accession):
        assert any(mark in text for mark in marks())


def test_patients_are_invented_and_always_the_same() -> None:
    assert patient(1, 2) == patient(1, 2)
    assert len({patient(1, number).id for number in range(1000)}) == 1000


def test_body_parts_have_their_published_codes() -> None:
    assert {protocol.part for protocol in PROTOCOLS} == set(ANATOMY)
    published = {code for named in concepts["SCT"].values() if isinstance(named, dict) for code in named}
    assert {code for code, _ in ANATOMY.values()} <= published

"""What a study is told by: valid DICOM of PS3.6's VRs, the numbers of its exposures, and canaries in each place."""

from datetime import UTC, datetime, timedelta

import pydicom
import pytest
from pydicom.datadict import dictionary_VR

from catalog.model import Model
from sim.events import Exposure, Reason, StepStatus
from sim.image import file_bytes, identity, image
from sim.life import DrLife
from sim.patients import MARK
from sim.pending import Pending, ReportPending, StepPending, Study
from sim.report import report
from sim.steps import attributes

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
WHO = identity(11)


@pytest.fixture(scope="module")
def study(model: Model) -> Study:
    life = DrLife(seed=11, start=MONDAY, model=model, faults_per_day=0)
    taken = [event for event in life.step(MONDAY + timedelta(hours=4)) if isinstance(event, Exposure)]
    chosen = [*taken[:2], next(event for event in taken if event.rejected)]
    pending = [Pending(exposure=one, at=one.at, calibrated_at=one.calibrated_at) for one in chosen]
    return Study(patient=chosen[0].patient, instance="2.25.81", began=MONDAY, exposures=pending)


def step(study: Study, status: StepStatus, reason: Reason | None = None) -> pydicom.Dataset:
    at = MONDAY + timedelta(minutes=5)
    return attributes(StepPending(study=study, at=at, status=status, reason=reason), identity=WHO)


def made(study: Study, number: int = 1) -> pydicom.Dataset:
    return report(ReportPending(study=study, at=MONDAY + timedelta(minutes=5), number=number), identity=WHO)


def picture(one: Pending) -> pydicom.Dataset:
    return image(one.exposure, identity=WHO, at=one.at, calibrated_at=one.calibrated_at)


def test_every_element_has_the_vr_of_the_dictionary(study: Study) -> None:
    for ds in (step(study, "IN PROGRESS"), step(study, "DISCONTINUED", "equipment"), made(study)):
        elements = list(ds.iterall())
        assert len(elements) > 10
        for element in elements:
            assert dictionary_VR(element.tag) == element.VR, element.tag
    assert step(study, "COMPLETED")["TotalNumberOfExposures"].VR == "US"


@pytest.mark.parametrize(("reason", "code"), [("equipment", "110501"), ("patient", "110505"), ("unknown", "110513")])
def test_why_a_step_was_broken_off_is_a_code(study: Study, reason: Reason, code: str) -> None:
    ds = step(study, "DISCONTINUED", reason)
    (item,) = ds.PerformedProcedureStepDiscontinuationReasonCodeSequence
    assert (item.CodeValue, item.CodingSchemeDesignator) == (code, "DCM")
    assert "PerformedProcedureStepDiscontinuationReasonCodeSequence" not in step(study, "COMPLETED")
    assert ds.TotalNumberOfExposures == 3


def test_a_report_tells_each_exposure_and_refers_to_the_images_that_were_kept(study: Study) -> None:
    ds = pydicom.dcmread(pydicom.filebase.DicomBytesIO(file_bytes(made(study))))
    assert ds.ConceptNameCodeSequence[0].CodeValue == "113701"
    assert ds.ContentTemplateSequence[0].TemplateIdentifier == "10001"
    events = [item for item in ds.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == "113706"]
    assert len(events) == len(study.exposures)
    for item, one in zip(events, study.exposures, strict=True):
        parts = {part.ConceptNameCodeSequence[0].CodeValue: part for part in item.ContentSequence}
        assert float(parts["113733"].MeasuredValueSequence[0].NumericValue) == one.exposure.kv
        dap = parts["122130"].MeasuredValueSequence[0]
        assert dap.MeasurementUnitsCodeSequence[0].CodeValue == "Gy.m2"
        assert float(dap.NumericValue) == pytest.approx(one.exposure.dap * 1e-5)
        assert ("113795" in parts) is not one.exposure.rejected
        if not one.exposure.rejected:
            (reference,) = parts["113795"].ReferencedSOPSequence
            assert reference.ReferencedSOPInstanceUID == picture(one).SOPInstanceUID
    assert ds.StudyInstanceUID == picture(study.exposures[0]).StudyInstanceUID


def test_a_report_made_anew_is_another_object_with_the_same_events(study: Study) -> None:
    first, second = made(study), made(study, 2)
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert first.ContentSequence == second.ContentSequence


def test_it_names_somebody_wherever_equipment_does(study: Study) -> None:
    for ds in (step(study, "IN PROGRESS"), step(study, "COMPLETED"), made(study)):
        named = [element.keyword for element in ds.iterall() if element.VR != "SQ" and MARK in str(element.value)]
        assert len(set(named)) >= 3, named

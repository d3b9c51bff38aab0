"""A study's performed procedure step as a DR tells it: the attributes of N-CREATE and N-SET (PS3.4 F.7.2)."""

from datetime import datetime
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import DigitalXRayImageStorageForPresentation

from sim.image import Identity, image_uid, series_uid, study_uid
from sim.patients import MARK, MARK_ZH, patient
from sim.pending import StepPending, Study

_REASONS: Final = {
    "equipment": ("110501", "Equipment failure"),
    "patient": ("110505", "Patient refused to continue procedure"),
    "unknown": ("110513", "Discontinued for unspecified reason"),
}
"""PS3.16, CID 9300."""


def attributes(pending: StepPending, *, identity: Identity) -> Dataset:
    """Of the request that tells it: with its patient when it begins, with what was exposed when it ends."""
    if pending.status == "IN PROGRESS":
        return _begun(pending.study, identity)
    return _ended(pending, identity)


def coded(value: str, meaning: str, scheme: str = "DCM") -> list[Dataset]:
    """A code sequence of one item (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return [item]


def _begun(study: Study, identity: Identity) -> Dataset:
    who = patient(identity.seed, study.patient)
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientName, ds.PatientID, ds.PatientSex = who.name, who.id, who.sex
    ds.PatientBirthDate = who.born.strftime("%Y%m%d")
    scheduled = Dataset()
    scheduled.StudyInstanceUID = study_uid(identity, study.patient, study.began)
    scheduled.AccessionNumber = who.accession
    scheduled.RequestedProcedureID = f"{MARK}-{study.patient}"
    scheduled.RequestedProcedureDescription = f"{MARK_ZH} {MARK}"
    scheduled.ScheduledProcedureStepID = f"{MARK}-S"
    scheduled.ScheduledProcedureStepDescription = f"{MARK} step"
    scheduled.ReferencedStudySequence = []
    scheduled.ScheduledProtocolCodeSequence = []
    ds.ScheduledStepAttributesSequence = [scheduled]
    ds.ReferencedPatientSequence = []
    ds.Modality = "DX"
    ds.StudyID = str(study.patient)
    ds.PerformedProcedureStepID = f"{MARK[:2]}{study.patient}"
    ds.PerformedStationAETitle = "SIMDR"
    ds.PerformedStationName = f"{MARK[:2]}ROOM3"
    ds.PerformedLocation = ""
    ds.PerformedProcedureStepStartDate, ds.PerformedProcedureStepStartTime = _day_and_time(study.began)
    ds.PerformedProcedureStepStatus = "IN PROGRESS"
    ds.PerformedProcedureStepDescription = f"{MARK} X-ray"
    ds.PerformedProcedureTypeDescription = ""
    ds.PerformedProcedureStepEndDate = ds.PerformedProcedureStepEndTime = ""
    ds.ProcedureCodeSequence = []
    ds.PerformedProtocolCodeSequence = []
    ds.PerformedSeriesSequence = []
    return ds


def _ended(pending: StepPending, identity: Identity) -> Dataset:
    study = pending.study
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PerformedProcedureStepStatus = pending.status
    ds.PerformedProcedureStepEndDate, ds.PerformedProcedureStepEndTime = _day_and_time(pending.at)
    ds.CommentsOnThePerformedProcedureStep = f"{MARK_ZH} {MARK}: afraid of cats"
    if pending.reason is not None:
        ds.PerformedProcedureStepDiscontinuationReasonCodeSequence = coded(*_REASONS[pending.reason])
    ds.TotalNumberOfExposures = len(study.exposures)  # US (PS3.6)
    series = []
    for one in study.exposures:
        item = Dataset()
        item.SeriesInstanceUID = series_uid(identity, one.exposure.number, one.at)
        item.ProtocolName = one.exposure.protocol.name
        item.SeriesDescription = f"{MARK} series"
        item.OperatorsName = f"{MARK}-Operator^Otto"
        item.PerformingPhysicianName = f"{MARK}-Radiologist^Rosa"
        item.RetrieveAETitle = ""
        image = Dataset()
        image.ReferencedSOPClassUID = DigitalXRayImageStorageForPresentation
        image.ReferencedSOPInstanceUID = image_uid(identity, one.exposure.number, one.at)
        item.ReferencedImageSequence = [] if one.exposure.rejected else [image]
        item.ReferencedNonImageCompositeSOPInstanceSequence = []
        series.append(item)
    ds.PerformedSeriesSequence = series
    return ds


def _day_and_time(at: datetime) -> tuple[str, str]:
    return at.strftime("%Y%m%d"), at.strftime("%H%M%S")

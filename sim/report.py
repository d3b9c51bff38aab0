"""A study's X-ray dose report (PS3.3 A.35.8; PS3.16 TID 10001, an event each by TID 10003), as a DR sends it.

It tells of all exposures, also of those whose image was rejected. The patient is invented, and in every place where
equipment puts a name.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, XRayRadiationDoseSRStorage
from pydicom.valuerep import DSfloat

from sim.image import IMPLEMENTATION, MANUFACTURER, Identity, image_uid, study_uid, uid
from sim.patients import MARK, patient
from sim.pending import Pending, ReportPending
from sim.steps import coded

_GY_M2: Final = 1e-5
"""A dGy·cm² in Gy·m², which TID 10003 asks for."""


def report(pending: ReportPending, *, identity: Identity) -> Dataset:
    """The report with file meta information, ready for C-STORE. Of the same study, its events have the same UIDs."""
    study, at = pending.study, pending.at
    who = patient(identity.seed, study.patient)
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = XRayRadiationDoseSRStorage
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.ImplementationClassUID = IMPLEMENTATION
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = XRayRadiationDoseSRStorage
    ds.SOPInstanceUID = uid(study.instance, "report", pending.number)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.PatientName, ds.PatientID, ds.PatientSex = who.name, who.id, who.sex
    ds.PatientBirthDate = who.born.strftime("%Y%m%d")
    ds.AccessionNumber = who.accession
    ds.ReferringPhysicianName = f"{MARK}-Doctor^Hedwig"
    ds.StudyInstanceUID = study_uid(identity, study.patient, study.began)
    ds.StudyID = str(study.patient)
    ds.StudyDate, ds.StudyTime = study.began.strftime("%Y%m%d"), study.began.strftime("%H%M%S")
    ds.SeriesInstanceUID = uid(study.instance, "report series")
    ds.SeriesNumber, ds.InstanceNumber = 999, pending.number
    ds.Modality = "SR"
    ds.Manufacturer, ds.ManufacturerModelName = MANUFACTURER, "generic-dr"
    ds.DeviceSerialNumber, ds.SoftwareVersions = identity.serial, list(identity.software)
    ds.TimezoneOffsetFromUTC = at.strftime("%z")
    ds.ContentDate, ds.ContentTime = at.strftime("%Y%m%d"), at.strftime("%H%M%S.%f")
    ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "UNVERIFIED"
    ds.ReferencedPerformedProcedureStepSequence = []
    ds.PerformedProcedureCodeSequence = []
    ds.ValueType = "CONTAINER"
    ds.ContinuityOfContent = "SEPARATE"
    ds.ConceptNameCodeSequence = coded("113701", "X-Ray Radiation Dose Report")
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "10001"
    ds.ContentTemplateSequence = [template]
    ds.ContentSequence = Items([
        _code("HAS CONCEPT MOD", "121058", "Procedure reported", "113704", "Projection X-Ray"),
        _person("121008", "Person Observer Name"),
        _code("HAS OBS CONTEXT", "113705", "Scope of Accumulation", "113014", "Study"),
        _accumulated(study.exposures),
        *(_event(one, identity) for one in study.exposures),
    ])  # fmt: skip
    return ds


def _accumulated(exposures: Sequence[Pending]) -> Dataset:
    """TID 10002: the sums, which are no exposure's."""
    total = sum(one.exposure.dap for one in exposures) * _GY_M2
    return _container("113702", "Accumulated X-Ray Dose Data", [
        _code("HAS CONCEPT MOD", "113764", "Acquisition Plane", "113622", "Single Plane"),
        _number("113722", "Dose Area Product Total", total, "Gy.m2"),
        _number("113731", "Total Number of Radiographic Frames", len(exposures), "1"),
    ])  # fmt: skip


def _event(one: Pending, identity: Identity) -> Dataset:
    exposure = one.exposure
    image = _item("CONTAINS", "IMAGE", "113795", "Acquired Image")
    reference = Dataset()
    reference.ReferencedSOPClassUID = DigitalXRayImageStorageForPresentation
    reference.ReferencedSOPInstanceUID = image_uid(identity, one.exposure.number, one.at)
    image.ReferencedSOPSequence = [reference]
    started = _item("CONTAINS", "DATETIME", "111526", "DateTime Started")
    started.DateTime = _date_time(one.at)
    event_uid = _item("CONTAINS", "UIDREF", "113769", "Irradiation Event UID")
    event_uid.UID = uid(image_uid(identity, one.exposure.number, one.at), "event")
    comment = _item("CONTAINS", "TEXT", "121106", "Comment")
    comment.TextValue = f"{MARK} was afraid"
    protocol = _item("CONTAINS", "TEXT", "125203", "Acquisition Protocol")
    protocol.TextValue = exposure.protocol.name
    return _container("113706", "Irradiation Event X-Ray Data", [
        _code("HAS CONCEPT MOD", "113764", "Acquisition Plane", "113622", "Single Plane"),
        event_uid,
        started,
        _code("CONTAINS", "113721", "Irradiation Event Type", "113611", "Stationary Acquisition"),
        protocol,
        _number("122130", "Dose Area Product", exposure.dap * _GY_M2, "Gy.m2"),
        _number("113845", "Exposure Index", exposure.exposure_index, "1"),
        _number("113846", "Target Exposure Index", exposure.target_index, "1"),
        _number("113847", "Deviation Index", exposure.deviation_index, "1"),
        _number("113733", "KVP", exposure.kv, "kV"),
        _number("113734", "X-Ray Tube Current", exposure.ma, "mA"),
        _number("113824", "Exposure Time", exposure.ms, "ms"),
        _number("113736", "Exposure", round(exposure.mas * 1000), "uA.s"),
        *([] if exposure.rejected else [image]),
        comment,
    ])  # fmt: skip


def _item(relation: str, kind: str, concept: str, meaning: str) -> Dataset:
    ds = Dataset()
    ds.RelationshipType, ds.ValueType = relation, kind
    ds.ConceptNameCodeSequence = coded(concept, meaning)
    return ds


def _container(concept: str, meaning: str, content: Sequence[Dataset]) -> Dataset:
    ds = _item("CONTAINS", "CONTAINER", concept, meaning)
    ds.ContinuityOfContent = "SEPARATE"
    ds.ContentSequence = Items(content)
    return ds


def _code(relation: str, concept: str, meaning: str, value: str, words: str) -> Dataset:
    ds = _item(relation, "CODE", concept, meaning)
    ds.ConceptCodeSequence = coded(value, words)
    return ds


def _person(concept: str, meaning: str) -> Dataset:
    ds = _item("HAS OBS CONTEXT", "PNAME", concept, meaning)
    ds.PersonName = f"{MARK}-Operator^Otto"
    return ds


def _number(concept: str, meaning: str, value: float, unit: str) -> Dataset:
    ds = _item("CONTAINS", "NUM", concept, meaning)
    measured = Dataset()
    measured.NumericValue = DSfloat(value, auto_format=True)
    measured.MeasurementUnitsCodeSequence = coded(unit, unit, "UCUM")
    ds.MeasuredValueSequence = [measured]
    return ds


def _date_time(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S.%f")[:-3] + at.strftime("%z")

"""An exposure as a real DICOM DX image: a whole object with patient, study and pixels, as equipment sends it.

Digital X-Ray Image for presentation, PS3.3 A.26; the patient is invented (`sim.patients`).
"""

import hashlib
import io
from datetime import datetime
from typing import Final

import numpy as np
from msgspec import Struct
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian
from pydicom.valuerep import DSfloat

from sim.events import Exposure
from sim.patients import MARK, MARK_ZH, patient

SIZE: Final = 64
"""Rows and columns of the image: small, yet a real matrix."""
_BITS: Final = 12
IMPLEMENTATION: Final = UID("2.25.270911542136719347715094628851361837341")
ANATOMY: Final = {
    "CHEST": ("51185008", "Chest"),
    "RIB": ("113197003", "Rib"),
    "ABDOMEN": ("818981001", "Abdomen"),
    "PELVIS": ("12921003", "Pelvis"),
    "LSPINE": ("122496007", "Lumbar spine"),
    "CSPINE": ("122494005", "Cervical spine"),
    "SKULL": ("89546000", "Skull"),
    "SHOULDER": ("16982005", "Shoulder"),
    "ELBOW": ("16953009", "Elbow joint"),
    "HAND": ("85562004", "Hand"),
    "KNEE": ("72696002", "Knee"),
    "ANKLE": ("70258002", "Ankle joint"),
    "FOOT": ("56459004", "Foot"),
}
"""SNOMED CT codes of body parts (PS3.16, CID 4031)."""
MANUFACTURER: Final = "Steth simulated equipment"


class Identity(Struct, frozen=True, kw_only=True):
    """What a DR says it is. `seed` also chooses its patients."""

    seed: int
    serial: str
    detector_id: str
    software: tuple[str, ...] = ("5.2.1", "FPD 2.8.0")


def identity(seed: int) -> Identity:
    """The identity of the DR `seed`."""
    token = hashlib.blake2b(f"{seed}/dr".encode(), digest_size=4).hexdigest().upper()
    return Identity(seed=seed, serial=f"SIMDR{token}", detector_id=f"SIMFPD{token[::-1]}")


def image(
    exposure: Exposure, *, identity: Identity, at: datetime, calibrated_at: datetime, patient_number: int | None = None
) -> Dataset:
    """The image of `exposure`, with file meta information, ready for C-STORE or a file.

    `at`, `calibrated_at`: aware, what its clock shows. The same arguments give the same object, UIDs included.
    """
    who = patient(identity.seed, exposure.patient if patient_number is None else patient_number)
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.ImplementationClassUID = IMPLEMENTATION
    ds.file_meta.ImplementationVersionName = "STETHSIM"
    ds.SpecificCharacterSet = ["ISO_IR 192"]
    ds.SOPClassUID = DigitalXRayImageStorageForPresentation
    ds.SOPInstanceUID = image_uid(identity, exposure.number, at)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    _when(ds, at)
    # Patient and study (PS3.3 C.7.1, C.7.2): canaries in every place where equipment puts a name.
    ds.PatientName = who.name
    ds.PatientID = who.id
    ds.PatientBirthDate = who.born.strftime("%Y%m%d")
    ds.PatientSex = who.sex
    ds.PatientAge = f"{max(1, at.year - who.born.year):03d}Y"
    ds.PatientAddress = f"{MARK} Lane 7"
    ds.PatientTelephoneNumbers = f"{MARK}-555"
    ds.PatientComments = f"{MARK_ZH} {MARK}: afraid of cats"
    ds.AccessionNumber = who.accession
    ds.ReferringPhysicianName = f"{MARK}-Doctor^Hedwig"
    ds.OperatorsName = f"{MARK}-Operator^Otto"
    ds.PerformingPhysicianName = f"{MARK}-Radiologist^Rosa"
    ds.InstitutionName = f"{MARK} Hospital"
    ds.InstitutionalDepartmentName = f"{MARK} Radiology"
    ds.StudyInstanceUID = study_uid(identity, exposure.patient, at)
    ds.StudyID = str(exposure.patient)
    ds.StudyDescription = f"{exposure.protocol.name} {MARK}"
    ds.SeriesInstanceUID = series_uid(identity, exposure.number, at)
    ds.SeriesNumber = 1
    ds.InstanceNumber = 1
    _order(ds, who.name, exposure)
    _equipment(ds, exposure, identity, calibrated_at)
    _technique(ds, exposure)
    _pixels(ds, exposure, identity.seed)
    return ds


def _order(ds: Dataset, name: str, exposure: Exposure) -> None:
    """What the worklist brought along, and a maker's private group: names in sequences and where no one looks."""
    code, meaning = ANATOMY[exposure.protocol.part]
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = code, "SCT", meaning
    ds.AnatomicRegionSequence = [region]
    request = Dataset()
    request.RequestedProcedureDescription = f"{exposure.protocol.name} for {MARK}"
    request.RequestedProcedureComments = f"{MARK_ZH}, {name}"
    ds.RequestAttributesSequence = [request]
    private = ds.private_block(0x0009, "STETH SIM 1.0", create=True)
    private.add_new(0x01, "LO", f"{MARK} private")
    ds.private_block(0x0019, "STETH SIM 1.0", create=True).add_new(0x01, "PN", name)


def file_bytes(dataset: Dataset) -> bytes:
    """As a DICOM file (PS3.10)."""
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _when(ds: Dataset, at: datetime) -> None:
    day, clock = at.strftime("%Y%m%d"), at.strftime("%H%M%S.%f")[:-3]
    ds.TimezoneOffsetFromUTC = at.strftime("%z")
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = ds.InstanceCreationDate = day
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = ds.InstanceCreationTime = clock
    ds.AcquisitionDateTime = day + clock + at.strftime("%z")


def _equipment(ds: Dataset, exposure: Exposure, identity: Identity, calibrated_at: datetime) -> None:
    """General Equipment (C.7.5.1), DX Series and Detector (C.8.11.1, C.8.11.4)."""
    ds.Modality = "DX"
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.Manufacturer = MANUFACTURER
    ds.ManufacturerModelName = "generic-dr"
    ds.StationName = f"{MARK[:2]}ROOM3"
    ds.DeviceSerialNumber = identity.serial
    ds.SoftwareVersions = list(identity.software)
    ds.DateOfLastCalibration = calibrated_at.strftime("%Y%m%d")
    ds.TimeOfLastCalibration = calibrated_at.strftime("%H%M%S")
    ds.DetectorConditionsNominalFlag = "YES" if exposure.nominal else "NO"
    if not exposure.nominal:
        ds.DetectorDescription = f"{exposure.why}, seen by {MARK}-Operator"
    ds.DetectorTemperature = _ds(exposure.temperature)
    ds.DetectorType = "SCINTILLATOR"
    ds.DetectorConfiguration = "AREA"
    ds.DetectorID = identity.detector_id
    ds.DateOfLastDetectorCalibration = calibrated_at.strftime("%Y%m%d")
    ds.TimeOfLastDetectorCalibration = calibrated_at.strftime("%H%M%S")
    ds.ExposuresOnDetectorSinceLastCalibration = exposure.since_calibration
    ds.ExposuresOnDetectorSinceManufactured = exposure.number
    ds.DetectorTimeSinceLastExposure = _ds(exposure.since_last_s)
    ds.DetectorActiveTime = _ds(exposure.active_ms)
    ds.Sensitivity = _ds(exposure.sensitivity)
    ds.ImagerPixelSpacing = [_ds(3.2), _ds(3.2)]


def _technique(ds: Dataset, exposure: Exposure) -> None:
    """X-Ray Acquisition Dose (C.8.7.8), DX Anatomy and Image (C.8.11.2, C.8.11.3), exposure index (IEC 62494-1)."""
    protocol = exposure.protocol
    ds.BodyPartExamined = protocol.part
    ds.ViewPosition = protocol.view
    ds.ImageLaterality = "U"
    ds.ProtocolName = protocol.name
    ds.KVP = _ds(exposure.kv)
    ds.XRayTubeCurrent = round(exposure.ma)
    ds.XRayTubeCurrentInuA = _ds(round(exposure.ma * 1000))
    ds.ExposureTime = max(1, round(exposure.ms))
    ds.ExposureTimeInuS = _ds(round(exposure.ms * 1000))
    ds.Exposure = max(1, round(exposure.mas))
    ds.ExposureInuAs = round(exposure.mas * 1000)
    ds.ImageAndFluoroscopyAreaDoseProduct = _ds(exposure.dap)
    ds.DistanceSourceToDetector = _ds(protocol.distance * 10)
    ds.ExposureControlMode = "AUTOMATIC" if exposure.automatic else "MANUAL"
    ds.ExposureStatus = "ABORTED" if exposure.aborted else "NORMAL"
    ds.ExposureIndex = _ds(exposure.exposure_index)
    ds.TargetExposureIndex = _ds(exposure.target_index)
    ds.DeviationIndex = _ds(exposure.deviation_index)


def _pixels(ds: Dataset, exposure: Exposure, seed: int) -> None:
    """A body-like shadow with noise; DX Image (C.8.11.3), Image Pixel (C.7.6.3)."""
    noise = np.random.default_rng([seed & 0xFFFF_FFFF, exposure.number])
    axis = np.linspace(-1.0, 1.0, SIZE)
    shadow = np.exp(-(axis[:, None] ** 2 + axis[None, :] ** 2) * 1.5)
    grey = 3600 - 2400 * shadow + noise.normal(0, 30, (SIZE, SIZE))
    ds.ImageType = ["ORIGINAL", "PRIMARY", ""]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows = ds.Columns = SIZE
    ds.BitsAllocated = 16
    ds.BitsStored = _BITS
    ds.HighBit = _BITS - 1
    ds.PixelRepresentation = 0
    ds.PixelIntensityRelationship = "LOG"
    ds.PixelIntensityRelationshipSign = 1
    ds.RescaleIntercept = _ds(0)
    ds.RescaleSlope = _ds(1)
    ds.RescaleType = "US"
    ds.PresentationLUTShape = "IDENTITY"
    ds.LossyImageCompression = "00"
    ds.BurnedInAnnotation = "NO"
    ds.WindowCenter = _ds(2048)
    ds.WindowWidth = _ds(4096)
    ds.PixelData = np.clip(grey, 0, 2**_BITS - 1).astype("<u2").tobytes()


def _ds(value: float) -> DSfloat:
    """A decimal string of at most 16 characters (PS3.5 6.2)."""
    return DSfloat(value, auto_format=True)


def study_uid(identity: Identity, patient_number: int, at: datetime) -> UID:
    """Of a patient's study of that day."""
    return uid(identity.serial, "study", patient_number, at.date())


def series_uid(identity: Identity, number: int, at: datetime) -> UID:
    """Of the series that an exposure's image is in."""
    return uid(identity.serial, "series", number, at)


def image_uid(identity: Identity, number: int, at: datetime) -> UID:
    """Of an exposure's image."""
    return uid(identity.serial, "image", number, at)


def uid(*parts: object) -> UID:
    """A UID derived from what it names (PS3.5 B.2: 2.25 and 128 bits)."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=16).digest()
    return UID(f"2.25.{int.from_bytes(digest, 'big')}")

"""The equipment's side: DR systems that send images by C-STORE until they are taken, and write a log."""

import logging
import os
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE
from pynetdicom.association import Association

from catalog.model import Model
from tests.chaos.ledger import FaultLine, Image, Ledger, Reading
from tests.chaos.programs import wall_ms

_ROUND: Final = 4
"""Images of one association: an open one costs its peer's library a thread that polls."""
_OUT_OF_RESOURCES: Final = range(0xA700, 0xA800)
TAKEN_S: Final = 120.0
CYCLED: Final = ("pacs", "collimator")
"""Families whose fault comes and goes; those of the others come once and stay."""
_WORDS: Final = {"active": "SET", "cleared": "CLR", "event": "EVT"}
ROTATED_BYTES: Final = 30_000
"""A log that grew beyond it is renamed and a new one begun: every minute or so."""
RESERVED: Final = 8
"""Faults of each system that are kept for the moments when they are needed."""
MOMENTARY: Final = "GEN-ARC-01"


def families_of(model: Model) -> dict[str, str]:
    """Fault family → a code of it that deserves a ticket and that only the equipment clears."""
    found: dict[str, str] = {}
    for code, fault in model.faults.items():
        if fault.ticket and fault.clear is None:
            found.setdefault(fault.family, code)
    return found


class Dr:
    """One DR system. Its log and its images are used by one thread each."""

    def __init__(
        self, *, uid: str, port: int, log: Path, families: Mapping[str, str], ledger: Ledger, seed: str
    ) -> None:
        self.uid = uid
        self.port = port
        self._changed = threading.Condition()
        self._paused = False
        self._under_way = 0
        self._writing = threading.Lock()
        self.bulk_in_log = True
        self._log = log
        self._ledger = ledger
        self._unsaid = {family: code for family, code in families.items() if family not in CYCLED}
        self._cycled = {code: False for family, code in families.items() if family in CYCLED}
        self._family = {code: family for family, code in families.items()}
        self._pick = random.Random(seed)
        self._images = 0
        self._lines = 0
        self._rotated = 0
        self._newest_ms = 0
        self._second: tuple[int, set[str]] = (0, set())
        log.touch()

    @property
    def paused(self) -> bool:
        """Whether nothing new comes of it."""
        return self._paused

    def pause(self) -> None:
        """Nothing new from now on; what is under way is taken when this returns."""
        with self._changed:
            self._paused = True
            if not self._changed.wait_for(lambda: self._under_way == 0, TAKEN_S):
                raise TimeoutError(f"an image of {self.uid} was not taken within {TAKEN_S:.0f} s")
        with self._writing:
            pass

    def go_on(self) -> None:
        """After ``pause``."""
        with self._changed:
            self._paused = False

    # images -----------------------------------------------------------------------------------------------------------

    @contextmanager
    def exposure(self, *, although_paused: bool = False) -> Iterator[tuple[Dataset, Image] | None]:
        """The next image and the facts that its header says, acknowledged on leaving; None: it is paused."""
        with self._changed:
            if self._paused and not although_paused:
                yield None
                return
            self._under_way += 1
            dataset, facts = self._image()
        yield dataset, facts
        with self._changed:
            self._ledger.add_image(self.uid, facts)
            self._under_way -= 1
            self._changed.notify_all()

    def _image(self) -> tuple[Dataset, Image]:
        self._images += 1
        number = self._images
        self._newest_ms = at_ms = max(wall_ms(), self._newest_ms + 1)
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID = DigitalXRayImageStorageForPresentation
        ds.SOPInstanceUID = generate_uid(entropy_srcs=[self.uid, str(number), str(at_ms)])
        ds.file_meta.MediaStorageSOPInstanceUID = UID(ds.SOPInstanceUID)
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        ds.AcquisitionDateTime = f"{at:%Y%m%d%H%M%S}.{at_ms % 1000:03d}000+0000"
        ds.Modality = "DX"
        ds.PatientName = "CHAOS^CANARY"
        ds.PatientID = "CANARY-77"
        ds.DetectorConditionsNominalFlag = "YES"
        bulk = []
        for keyword, metric, text in (
            ("KVP", "tube.voltage", f"{60 + number % 40}.5"),
            ("XRayTubeCurrent", "tube.current", str(100 + number % 300)),
            ("ExposureTime", "exposure.time", str(5 + number % 90)),
            ("Exposure", "exposure.mas", str(1 + number % 60)),
            ("ImageAndFluoroscopyAreaDoseProduct", "exposure.dap", f"1.{number % 1000:03d}"),
            ("ExposureIndex", "exposure.index", f"{400 + number % 50}.25"),
            ("TargetExposureIndex", "exposure.target_index", "410"),
            ("DeviationIndex", "exposure.deviation_index", f"0.{number % 10}"),
            ("Sensitivity", "detector.sensitivity", f"9{number % 10}.5"),
            ("ExposuresOnDetectorSinceManufactured", "detector.exposures_total", str(number)),
            ("ExposuresOnDetectorSinceLastCalibration", "detector.exposures_since_calibration", str(number % 1000)),
            ("DetectorActiveTime", "detector.active_time", str(300 + number % 100)),
        ):
            setattr(ds, keyword, text)
            bulk.append(Reading(self.uid, metric, at_ms, float(text)))
        temperature = f"{28 + number % 5}.{number % 10}"
        ds.DetectorTemperature = temperature
        ds.PixelData = bytes(512)
        ds["PixelData"].VR = "OW"
        live = (
            Reading(self.uid, "detector.temperature", at_ms, float(temperature)),
            Reading(self.uid, "detector.nominal", at_ms, 1.0),
        )
        return ds, Image(live, tuple(bulk))

    # the log ----------------------------------------------------------------------------------------------------------

    def write_status(self) -> None:
        """What a DR writes twice a second, and now and then a code."""
        with self._writing:
            if self._paused:
                return
            second = self._at()
            self._lines += 1
            n = self._lines
            lines = [(f"FPD STATUS defects={n % 4400}", Reading(self.uid, "detector.defect_pixels", second, n % 4400))]
            if self.bulk_in_log:
                heat = f"{n % 6000 / 100:.2f}"
                lines.append(
                    (f"STATUS tube_exposures={n}", Reading(self.uid, "tube.exposures_total", second, float(n)))
                )
                lines.append((f"STATUS tube_heat={heat}%", Reading(self.uid, "tube.heat", second, float(heat))))
            codes = []
            if self._pick.random() < 0.1:
                codes.append((MOMENTARY, "event"))
            if self._cycled and self._pick.random() < 0.1:
                code = self._pick.choice(list(self._cycled))
                codes.append((code, "cleared" if self._cycled[code] else "active"))
            self._write([(text, reading) for text, reading in lines], codes, second)

    def strike(self, *, but: int = 0) -> str | None:
        """Say a fault that was never said before and stays; its family, or None if but so many are left."""
        with self._writing:
            if len(self._unsaid) <= but:
                return None
            family = self._pick.choice(list(self._unsaid))
            code = self._unsaid.pop(family)
            self._ledger.expect_ticket(self.uid, family, once=code)
            self._write([], [(code, "active")], self._at())
            return family

    def set(self, which: int, *, active: bool) -> None:
        """One of the faults that come and go is there or not."""
        with self._writing:
            code = list(self._cycled)[which]
            if self._cycled[code] != active:
                self._write([], [(code, "active" if active else "cleared")], self._at())

    def turn(self, which: int) -> None:
        """One of the faults that come and go comes, or goes."""
        self.set(which, active=not self._cycled[list(self._cycled)[which]])

    def write_at_length(self, count: int) -> None:
        """So many lines at once, as at a start in the morning. Of the bulk lane."""
        with self._writing:
            second, first = self._at(), self._lines + 1
            self._lines += count
            lines = [
                (f"STATUS tube_exposures={n}", Reading(self.uid, "tube.exposures_total", second, float(n)))
                for n in range(first, first + count)
            ]
            self._write(lines, [], second)

    def settle(self) -> None:
        """In the end every fault that came and went is there."""
        with self._writing:
            for code, active in self._cycled.items():
                if not active and self._family[code] in {f for d, f in self._ledger.tickets if d == self.uid}:
                    self._write([], [(code, "active")], self._at())

    def _write(self, readings: Sequence[tuple[str, Reading]], codes: Sequence[tuple[str, str]], second: int) -> None:
        if self._second[0] != second:
            self._second = (second, set())
        stamp = f"{datetime.fromtimestamp(second / 1000, UTC):%Y-%m-%d %H:%M:%S}"
        text = [f"{stamp} {line}" for line, _ in readings]
        said = []
        for code, state in codes:
            if code in self._second[1]:
                continue  # a code says one thing a second, or its lines could not be told apart
            self._second[1].add(code)
            text.append(f"{stamp} ALARM {code} {_WORDS[state]}")
            said.append(FaultLine(self.uid, code, state, second))
            if code in self._cycled:
                self._cycled[code] = state == "active"
                self._ledger.expect_ticket(self.uid, self._family[code])
        descriptor = os.open(self._log, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, "".join(f"{line}\n" for line in text).encode())
            full = os.fstat(descriptor).st_size > ROTATED_BYTES
        finally:
            os.close(descriptor)
        if full:
            self._rotated += 1
            self._log.rename(self._log.with_name(f"{self._log.name}.{self._rotated}"))
            self._log.touch()
        self._ledger.add_lines([reading for _, reading in readings], said)

    def _at(self) -> int:
        return wall_ms() // 1000 * 1000


class Modality(threading.Thread):
    """Sends the images of some systems in turn, ``every_s`` seconds apart, each until it is taken."""

    def __init__(self, *, systems: Sequence[Dr], every_s: float, name: str, patience_s: float = inf) -> None:
        super().__init__(name=f"modality-{name}", daemon=True)
        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
        self._systems = list(systems)
        self.every_s = every_s
        self._patience_s = patience_s
        self._stopping = threading.Event()
        self.refused: list[str] = []
        """Answers that no retry can mend: each is a failure of the run."""

    def run(self) -> None:
        """Until stopped; then the image under way is still sent until it is taken."""
        while not self._stopping.is_set():
            for system in self._systems:
                if not self._stopping.is_set():
                    self.send(system, _ROUND)

    def stop(self) -> None:
        """Make no more images."""
        self._stopping.set()

    def send(self, system: Dr, count: int, *, although_paused: bool = False) -> None:
        """Send so many images, however often that has to be tried. Raises TimeoutError when patience ends."""
        association: Association | None = None
        for _ in range(count):
            with system.exposure(although_paused=although_paused) as made:
                deadline = time.monotonic() + self._patience_s
                if made is not None:
                    while not self._taken(association := self._associated(association, system), made[0]):
                        if time.monotonic() > deadline:
                            raise TimeoutError(f"an image was not taken within {self._patience_s:.0f} s")
                        time.sleep(0.2)
            self._stopping.wait(self.every_s)
        if association is not None and association.is_established:
            association.release()

    def _taken(self, association: Association | None, image: Dataset) -> bool:
        if association is None:
            return False
        try:
            status = association.send_c_store(image).get("Status")
        except (RuntimeError, ValueError):  # it ended meanwhile
            return False
        if status == 0:
            return True
        if status is not None and status not in _OUT_OF_RESOURCES:
            self.refused.append(f"status 0x{status:04X}")
        association.abort()
        return False

    def _associated(self, association: Association | None, system: Dr) -> Association | None:
        if association is not None and association.is_established:
            return association
        ae = AE(ae_title="CHAOS")
        ae.connection_timeout = 2
        ae.acse_timeout = 4
        ae.dimse_timeout = 8
        ae.network_timeout = 20
        ae.add_requested_context(DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian)
        made = ae.associate("127.0.0.1", system.port, ae_title="STETH")
        return made if made.is_established else None


class Logs(threading.Thread):
    """Writes the logs of all systems."""

    EVERY_S: Final = 0.5

    def __init__(self, *, systems: Sequence[Dr], strikes_per_s: float, seed: str) -> None:
        super().__init__(name="logs", daemon=True)
        self._systems = list(systems)
        self._chance = strikes_per_s * self.EVERY_S
        self._pick = random.Random(seed)
        self._stopping = threading.Event()

    def run(self) -> None:
        """Until stopped."""
        while not self._stopping.wait(self.EVERY_S):
            for system in self._systems:
                system.write_status()
            free = [system for system in self._systems if not system.paused]
            if free and self._pick.random() < self._chance:
                self._pick.choice(free).strike(but=RESERVED)

    def stop(self) -> None:
        """Write no more."""
        self._stopping.set()

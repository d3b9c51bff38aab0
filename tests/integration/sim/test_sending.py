"""A simulated DR against a real storage SCP, over the network."""

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydicom import Dataset

from catalog.load import load
from sim.events import Exposure
from sim.image import identity, image
from sim.life import DrLife
from sim.pending import Pending, ReportPending, StepPending, Study, Waiting
from sim.report import report
from sim.sender import MAX_REFUSALS, Sender, Sent
from sim.steps import attributes
from tests.fixtures.ports import free_port, wait_until
from tests.integration.sim.archive import Archive

WHO = identity(4)
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def pending() -> list[Pending]:
    life = DrLife(seed=4, start=MONDAY, model=load().models["generic-dr"], faults_per_day=0)
    taken = [event for event in life.step(MONDAY + timedelta(hours=4)) if isinstance(event, Exposure)]
    return [Pending(exposure=one, at=one.at, calibrated_at=one.calibrated_at) for one in taken[:12]]


def make(one: Waiting) -> Dataset:
    if isinstance(one, Pending):
        return image(one.exposure, identity=WHO, at=one.at, calibrated_at=one.calibrated_at)
    return attributes(one, identity=WHO) if isinstance(one, StepPending) else report(one, identity=WHO)


def sender(port: int, pending: Sequence[Waiting], *, keep: bool = True) -> Sender:
    return Sender(
        host="127.0.0.1",
        port=port,
        called="STETH",
        calling="SIMDR",
        make=make,
        keep=keep,
        waiting=pending,
    )


@contextmanager
def running(one: Sender) -> Iterator[None]:
    thread = threading.Thread(target=one.run)
    thread.start()
    try:
        yield
    finally:
        one.stop()
        thread.join()


@pytest.mark.parametrize(("keep", "associations"), [(True, 1), (False, 12)])
@pytest.mark.parametrize("implicit", [False, True])
def test_images_arrive_whole_and_in_order(
    pending: list[Pending], keep: bool, associations: int, implicit: bool
) -> None:
    port = free_port()
    with Archive(port=port, implicit=implicit) as archive:
        one = sender(port, pending, keep=keep)
        with running(one):
            images = archive.wait(len(pending))
    assert [ds[0x0018, 0x7011].value for ds in images] == [p.exposure.number for p in pending]
    assert [float(ds.KVP) for ds in images] == [p.exposure.kv for p in pending]
    assert all(len(ds.PixelData) == ds.Rows * ds.Columns * 2 for ds in images)
    assert one.waiting() == []
    assert (one.taken, archive.associations) == (len(pending), associations)


# pynetdicom 3 leaves a socket whose connection was refused to the garbage collector (transport._shutdown_socket).
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_what_is_exposed_while_the_agent_is_down_arrives_when_it_is_back(pending: list[Pending]) -> None:
    port = free_port()
    one = sender(port, pending[:4])
    assert one.send_one() is Sent.UNREACHABLE
    with running(one):
        with Archive(port=port) as archive:
            archive.wait(4)
            wait_until(lambda: one.taken == 4, what="the answer to the last image")
        for later in pending[4:8]:  # the archive is gone again, its association with it
            assert one.add(later)
        with Archive(port=port) as archive:
            images = archive.wait(4, seconds=20)
    assert [ds[0x0018, 0x7011].value for ds in images] == [p.exposure.number for p in pending[4:8]]


def test_an_archive_without_room_gets_the_same_image_again(pending: list[Pending]) -> None:
    port = free_port()
    with Archive(port=port, statuses=[0xA700, 0xA700]) as archive:
        one = sender(port, pending[:1])
        assert [one.send_one() for _ in range(3)] == [Sent.UNREACHABLE, Sent.UNREACHABLE, Sent.TAKEN]
        one.stop()
        one.run()
        assert (archive.attempts, len(archive.images)) == (3, 1)


def test_an_image_that_is_refused_again_and_again_does_not_hold_up_the_others(pending: list[Pending]) -> None:
    port = free_port()
    with Archive(port=port, statuses=[0xC000] * MAX_REFUSALS) as archive:
        one = sender(port, pending[:2])
        with running(one):
            (taken,) = archive.wait(1)
    assert taken[0x0018, 0x7011].value == pending[1].exposure.number
    assert (one.refused, one.taken) == (1, 1)


def examined(pending: list[Pending], *, instance: str = "2.25.81") -> list[Waiting]:
    """A study of these exposures as it is told: begun, the images, ended, its dose report."""
    study = Study(patient=1, instance=instance, began=pending[0].at, exposures=pending)
    at = pending[-1].at + timedelta(seconds=20)
    begun = StepPending(study=study, at=study.began, status="IN PROGRESS")
    ended = StepPending(study=study, at=at, status="DISCONTINUED", reason="equipment")
    return [begun, *pending, ended, ReportPending(study=study, at=at)]


def test_a_study_is_told_in_order_and_once_though_answers_were_lost(pending: list[Pending]) -> None:
    port = free_port()
    with Archive(port=port, whole=True) as archive:
        archive.steps["2.25.82"] = [Dataset()]  # whose answer was lost
        one = sender(port, [*examined(pending[:2]), *examined(pending[2:3], instance="2.25.82")])
        with running(one):
            archive.wait(5)
            wait_until(lambda: not one.waiting(), what="the last answer")
    begun, ended = archive.steps["2.25.81"]
    _, last = archive.steps["2.25.82"]
    assert (begun.PerformedProcedureStepStatus, len(begun.ScheduledStepAttributesSequence)) == ("IN PROGRESS", 1)
    assert (ended.PerformedProcedureStepStatus, ended["TotalNumberOfExposures"].VR) == ("DISCONTINUED", "US")
    assert (ended.TotalNumberOfExposures, last.TotalNumberOfExposures) == (2, 1)
    assert ended.PerformedProcedureStepDiscontinuationReasonCodeSequence[0].CodeValue == "110501"
    kinds = {ds.SOPInstanceUID: ds.Modality for ds in archive.images}
    assert list(kinds.values()) == ["DX", "DX", "SR", "DX", "SR"]
    assert (one.taken, one.refused, one.unwanted) == (9, 0, 0)


def test_an_archive_for_images_alone_gets_images_alone(pending: list[Pending]) -> None:
    port = free_port()
    with Archive(port=port) as archive:
        one = sender(port, examined(pending[:2]))
        with running(one):
            wait_until(lambda: not one.waiting(), what="the last answer")
        assert len(archive.images) == 2
    assert (one.taken, one.unwanted) == (2, 3)


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Callable[[list[dict[str, object]]], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(drs: list[dict[str, object]]) -> subprocess.Popen[bytes]:
        config = tmp_path / "hospital.json"
        config.write_text(json.dumps({"drs": drs}))
        code = "import sys; from sim.cli import run; sys.exit(run(sys.argv[1:]))"
        process = subprocess.Popen(
            [sys.executable, "-c", code, "hospital", str(config)], stderr=subprocess.PIPE, cwd=Path(__file__).parents[3]
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_a_hospital_sends_images_and_writes_its_planned_fault(
    hospital: Callable[[list[dict[str, object]]], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    ports = [free_port(), free_port()]
    drs: list[dict[str, object]] = [
        {
            "name": f"dr-{number}",
            "port": port,
            "log": str(tmp_path / f"{number}.log"),
            "state": str(tmp_path / f"{number}.state"),
            "seed": number,
            "hour": 9,
            "speed": 1500,
            "faults_per_day": 0,
            "faults": [{"code": "DET-TEMP-01", "after_s": 1.5}] if number == 0 else [],
        }
        for number, port in enumerate(ports)
    ]
    with Archive(port=ports[0]) as first, Archive(port=ports[1]) as second:
        process = hospital(drs)
        images = first.wait(5, seconds=20) + second.wait(5, seconds=20)
        log = tmp_path / "0.log"
        wait_until(lambda: "ALARM DET-TEMP-01 SET" in log.read_text(), what="the planned fault")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    now = datetime.now(tz=UTC)
    for ds in images:
        at = datetime.strptime(ds.AcquisitionDateTime, "%Y%m%d%H%M%S.%f%z")
        assert timedelta() <= now - at < timedelta(minutes=1)
    assert len({ds.DeviceSerialNumber for ds in images}) == 2
    stamp = re.search(r"^(\S+ \S+) ALARM DET-TEMP-01 SET", log.read_text(), re.MULTILINE)
    assert stamp is not None
    local = datetime.strptime(stamp[1], "%Y-%m-%d %H:%M:%S").astimezone()
    assert timedelta() <= now - local < timedelta(minutes=1)
    assert not any(
        "ALARM" in line for line in (tmp_path / "1.log").read_text().splitlines() if "GEN-ARC-01" not in line
    )
    saved = json.loads((tmp_path / "0.state").read_bytes())
    assert saved["life"]["active"] == ["DET-TEMP-01"]


def test_a_hospital_without_its_agent_says_so_once_and_stops_when_asked(
    hospital: Callable[[list[dict[str, object]]], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    log = tmp_path / "dr.log"
    process = hospital(
        [
            {
                "name": "dr",
                "port": free_port(),
                "log": str(log),
                "seed": 1,
                "hour": 9,
                "speed": 3000,
                "state": str(tmp_path / "s"),
            }
        ]
    )
    wait_until(lambda: log.exists() and log.read_text().count("INFO exposure") > 5, what="exposures")
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=15)
    assert process.returncode == 0
    assert b"Traceback" not in errors
    assert b"CANARY" not in errors
    assert len(json.loads((tmp_path / "s").read_bytes())["queue"]) > 5

"""A simulated DR against a real storage SCP, over the network."""

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog.load import load
from sim.events import Exposure
from sim.image import identity, image
from sim.life import DrLife
from sim.sender import MAX_REFUSALS, Pending, Sender, Sent
from tests.fixtures.ports import free_port, wait_until
from tests.integration.sim.archive import Archive

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def pending() -> list[Pending]:
    life = DrLife(seed=4, start=MONDAY, model=load().models["generic-dr"], faults_per_day=0)
    taken = [event for event in life.step(MONDAY + timedelta(hours=4)) if isinstance(event, Exposure)]
    return [Pending(exposure=one, at=one.at, calibrated_at=one.calibrated_at) for one in taken[:12]]


def sender(port: int, pending: list[Pending], *, keep: bool = True) -> Sender:
    who = identity(4)
    return Sender(
        host="127.0.0.1",
        port=port,
        called="STETH",
        calling="SIMDR",
        make=lambda one: image(one.exposure, identity=who, at=one.at, calibrated_at=one.calibrated_at),
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
    assert len(json.loads((tmp_path / "s").read_bytes())["waiting"]) > 5

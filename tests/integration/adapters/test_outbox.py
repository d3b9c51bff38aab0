"""The adapters before the real outbox: no word of a patient is on the disk, and success means that the facts are."""

import asyncio
import os
from pathlib import Path

import pytest
from pydicom import Dataset
from structlog.testing import capture_logs

from agent import system
from agent.adapters.dicom.folder import FolderWatch
from agent.adapters.dicom.image import CR
from agent.adapters.logs.tail import LogTail
from agent.clock import Clock
from agent.config.shapes import Folder, Log
from agent.outbox.outbox import Outbox
from agent.sink import DeviceSink
from tests.fixtures.dicom import Tag, Value, data_set, image
from tests.fixtures.dicom_peer import Peer, store_command, values
from tests.fixtures.dose import DOSE_REPORT, event, report, sent
from tests.fixtures.scp import MODEL, serving
from tests.fixtures.scu import associated, away, dataset, store
from wire.codec import decode_report
from wire.ids import mint_device_id
from wire.items import Readings
from wire.topics import Lane


def opened(folder: Path) -> tuple[Outbox, DeviceSink]:
    device = mint_device_id()
    outbox = Outbox(path=folder / "device.outbox")
    clock = Clock(segments=outbox.segments, now=system.now(), machine=system.machine())
    return outbox, DeviceSink(device=device, model=MODEL, outbox=outbox, clock=clock, now=system.now)


def held(outbox: Outbox) -> int:
    return sum(outbox.state.lane(lane).reports for lane in Lane)


async def test_no_word_of_a_patient_is_on_the_disk_in_a_log_or_in_a_counter(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    state, images, log = tmp_path / "state", tmp_path / "images", tmp_path / "dr.log"
    state.mkdir()
    images.mkdir()
    change: dict[Tag, Value | None] = {"SOPInstanceUID": "2.25.4242424242", "KVP": "CANARY", "StudyDate": "19610304"}
    (images / "CANARY.dcm").write_bytes(image(change))
    (images / "cut.dcm").write_bytes(image(change)[:400])
    log.write_bytes(b"2026-11-22 08:14:03 ALARM GEN-KV-01 SET CANARY\nCANARY \xff\n" + b"CANARY" * 20_000 + b"\n")

    def peer(port: int) -> list[int]:
        with Peer(port) as peer:
            peer.associate()
            statuses = []
            whole = data_set({"SOPClassUID": CR, "PatientName": "CANARY", "KVP": "81"})
            for sent in (whole, b"CANARY"):
                peer.send(values((3, store_command("CANARY"))) + values((2, sent)))
                statuses.append(peer.status())
            return statuses

    outbox, sink = opened(state)
    with capture_logs() as logged:
        async with serving(sink) as scp:
            assert await asyncio.to_thread(peer, scp.port) == [0, 0]
        folder = FolderWatch(config=Folder(path=str(images)), model=MODEL, sink=sink)
        for _ in range(2):
            await folder.turn()
        await LogTail(config=Log(path=str(log)), model=MODEL, sink=sink).turn()
    assert sink.refusals()
    outbox.close()
    disk = b"".join(file.read_bytes() for file in state.iterdir())
    assert b"tube.voltage" in disk
    assert b"GEN-KV-01" in disk
    said = "".join(capfd.readouterr()) + repr(logged) + repr(sink.refusals())
    for word in ("CANARY", "19610304", "4242424242", "19571112"):
        assert word.encode() not in disk.replace(os.fsencode(str(images)), b"").replace(os.fsencode(str(log)), b"")
        assert word not in said


async def test_what_was_acknowledged_is_there_after_the_process_is_gone(tmp_path: Path) -> None:
    """The file is copied at the moment of the acknowledgement, as a kill would leave it."""
    outbox, sink = opened(tmp_path)
    copies = tmp_path / "copies"
    copies.mkdir()

    def peer(port: int) -> None:
        with Peer(port) as peer:
            peer.associate()
            sent = data_set({"SOPClassUID": CR, "SOPInstanceUID": "2.25.1", "KVP": "81"})
            peer.send(values((3, store_command())) + values((2, sent)))
            assert peer.status() == 0
            for file in tmp_path.glob("device.outbox*"):
                (copies / file.name).write_bytes(file.read_bytes())

    async with serving(sink) as scp:
        await asyncio.to_thread(peer, scp.port)
    outbox.close()
    survivor, _ = opened(copies)
    assert held(survivor) == 1
    survivor.close()


async def test_a_restart_between_an_image_and_its_dose_report_enters_the_exposure_once(tmp_path: Path) -> None:
    """Nor the report and another image of the same exposure, which the first image knows nothing of."""
    held_by: list[list[float]] = []
    for step in range(3):
        outbox, sink = opened(tmp_path)
        async with serving(sink) as scp:
            if step == 1:
                made = report(event(images=["2.25.5", "2.25.6"]))
                assert await away(_reported, scp.port, made) == 0
            else:
                change: dict[Tag, Value | None] = {"SOPInstanceUID": f"2.25.{5 + step // 2}", "KVP": "81"}
                assert await away(store, scp.port, dataset(change)) == [0]
        held_by.append(await _voltages(outbox))
        outbox.close()
    assert held_by == [[81]] * 3


def _reported(port: int, made: Dataset) -> int:
    with associated(port, DOSE_REPORT) as association:
        return int(association.send_c_store(sent(made)).Status)


async def _voltages(outbox: Outbox) -> list[float]:
    """In the reports held."""
    reports = [
        report for lane in Lane for report in await outbox.fetch(lane, seq=1, reports=99, size=10**6, alone=True)
    ]
    items = [item for report in reports for item in decode_report(report.body).items if isinstance(item, Readings)]
    pairs = [pair for item in items for pair in zip(item.metric, item.value, strict=True)]
    return [value for name, value in pairs if name == "tube.voltage"]

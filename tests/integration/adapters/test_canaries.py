"""A word in every element of dose reports and procedure steps: in no item, log, terminal or byte of the disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset
from structlog.testing import capture_logs

from agent import system
from agent.adapters.dicom.folder import FolderWatch
from agent.clock import Clock
from agent.config.shapes import Folder
from agent.outbox.outbox import Outbox
from agent.sink import DeviceSink
from tests.fixtures.canaries import ROOT, WORD, with_canaries
from tests.fixtures.dose import DOSE_REPORT, encoded, event, report, sent
from tests.fixtures.mpps import MPPS, begun, change, create, ended
from tests.fixtures.scp import MODEL, serving
from tests.fixtures.scu import associated, away
from wire.ids import mint_device_id
from wire.topics import Lane

CLASS = 0x00080016
STRUCTURE = frozenset({CLASS, 0x0040A040, 0x00080100, 0x00080102, 0x0040A30A, 0x0040A120})
"""What makes a report one that is read: without it the words would only show that nothing is."""
STEP = frozenset({0x00400252, 0x00400301})


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    outbox = Outbox(path=tmp_path / "device.outbox")
    yield outbox
    outbox.close()


def sink_of(outbox: Outbox) -> DeviceSink:
    clock = Clock(segments=outbox.segments, now=system.now(), machine=system.machine())
    return DeviceSink(device=mint_device_id(), model=MODEL, outbox=outbox, clock=clock, now=system.now)


def planted(dataset: Dataset, spared: frozenset[int], within: frozenset[int] = frozenset()) -> Dataset:
    assert with_canaries(dataset, spared, within=within) > 0
    return dataset


def reports() -> list[Dataset]:
    """Words everywhere; and words everywhere but in what makes it a report, its numbers included and excluded."""
    return [
        planted(report(), frozenset({CLASS})),
        planted(report(event(images=["2.25.5"])), STRUCTURE, STRUCTURE),
        planted(report(undefined=True), STRUCTURE, STRUCTURE - {0x0040A30A, 0x0040A120}),
    ]


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.filterwarnings("ignore:The value length")
async def test_no_word_leaves(
    outbox: Outbox, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    sink = sink_of(outbox)
    folder = tmp_path / "images"
    folder.mkdir()
    for number, each in enumerate(reports()):
        (folder / f"{number}.dcm").write_bytes(encoded(each))

    def modality(port: int) -> list[int]:
        with associated(port, DOSE_REPORT, MPPS) as association:
            statuses = [association.send_c_store(sent(each)).Status for each in reports()]
            statuses.append(create(association, f"{ROOT}1", planted(begun(), STEP)).Status)
            statuses.append(create(association, f"{ROOT}2", planted(begun(), frozenset())).Status)
            broken = ended("DISCONTINUED", reason="110501")
            statuses.append(change(association, f"{ROOT}1", planted(broken, STEP)).Status)
            return statuses

    with capture_logs() as logged:
        async with serving(sink) as scp:
            assert await away(modality, scp.port) == [0, 0, 0, 0, 0x0106, 0]
        watch = FolderWatch(config=Folder(path=str(folder)), model=MODEL, sink=sink)
        watch.resume()
        for _ in range(3):
            await watch.turn()
    assert outbox.state.lane(Lane.BULK).reports
    outbox.close()
    files = [path.read_bytes() for path in await away(lambda: list(tmp_path.glob("device.outbox*")))]
    assert sum(map(len, files)) > 10_000
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("pynetdicom", "pydicom"))]
    out, err = capfd.readouterr()
    shown = repr((logged, sink.refusals(), ours, out, err)).replace(str(tmp_path), "").encode()
    for data in (*files, shown):
        assert WORD.encode() not in data
        assert ROOT.encode() not in data
        assert b"2.25." not in data

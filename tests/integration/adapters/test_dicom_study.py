"""Whole studies as modalities send them: images with presentation states and whatever else, in one association."""

from pathlib import Path
from typing import Final

import pytest
from pydicom import Dataset

from agent.adapters.dicom.folder import FolderWatch
from agent.config.shapes import Folder
from tests.fixtures.dcmtk import SENDERS, send
from tests.fixtures.dicom import DX, EXPLICIT, FULL, IMPLICIT, Tag, Value, data_set, element, image
from tests.fixtures.dicom_peer import Peer, item, pdu, request, store_command, values
from tests.fixtures.dose import DOSE_REPORT, content, encoded, event, report, sent
from tests.fixtures.mpps import MPPS
from tests.fixtures.scp import MODEL, serving
from tests.fixtures.scu import VERIFICATION, associated, away, dataset
from tests.fixtures.sink import MemorySink
from wire.items import Fault

PRESENTATION_STATE: Final = "1.2.840.10008.5.1.4.1.1.11.1"
KEY_OBJECTS: Final = "1.2.840.10008.5.1.4.1.1.88.59"
CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
PDF: Final = "1.2.840.10008.5.1.4.1.1.104.1"
RAW_DATA: Final = "1.2.840.10008.5.1.4.1.1.66"
PRIVATE: Final = "1.3.12.2.1107.5.9.1"
OTHERS: Final = (PRESENTATION_STATE, KEY_OBJECTS, CAPTURE, PDF, RAW_DATA, PRIVATE, "1.2.840.10008.5.1.4.38.1")
IDENTITY: Final[tuple[Tag, ...]] = ("SOPClassUID", "SOPInstanceUID", "AcquisitionDate", "AcquisitionTime")
COMMITMENT: Final = "1.2.840.10008.1.20.1"
SERVICES: Final = (
    COMMITMENT,
    "1.2.840.10008.5.1.4.1.2.2.1",  # study root query
    "1.2.840.10008.5.1.4.31",  # worklist
    "1.2.840.10008.5.1.1.9",  # print
    "1.2.840.10008.5.1.4.34.6.1",  # unified procedure step
)


def other(kind: str, number: int, modality: str = "OT") -> dict[Tag, Value | None]:
    """An object of another class, full of what an image would tell."""
    return {"SOPClassUID": kind, "SOPInstanceUID": f"2.25.90{number}", "Modality": modality, "KVP": "99"}


def study(folder: Path, *others: str) -> list[Path]:
    """Other objects in front of an image, and a dose report behind it."""
    files = []
    for number, kind in enumerate(others):
        files.append(folder / f"a{number}.dcm")
        files[-1].write_bytes(image(other(kind, number)))
    files += [folder / "b.dcm", folder / "c.dcm"]
    files[-2].write_bytes(image())
    files[-1].write_bytes(encoded(report(event({"113733": ("70", "KV")}))))
    return files


@pytest.mark.parametrize("tool", SENDERS)
async def test_a_study_with_a_presentation_state_beside_the_image(tool: str, tmp_path: Path) -> None:
    sink = MemorySink()
    async with serving(sink) as scp:
        done = await away(send, tool, scp.port, study(tmp_path, PRESENTATION_STATE, KEY_OBJECTS, CAPTURE, PDF))
    assert done.code == 0, done.said
    assert sink.values() == [80.5, 70]
    assert sink.nothing == {"dicom:other-storage": 4}
    assert not sink.counts
    assert "CANARY" not in repr(sink.entries)


async def test_a_class_that_nobody_knows(tmp_path: Path) -> None:
    sink = MemorySink()
    async with serving(sink) as scp:
        done = await away(send, "dcmsend", scp.port, study(tmp_path, PRIVATE, "1.2.840.10008.5.1.4.1.1.9999"))
    assert done.code == 0, done.said
    assert sink.values() == [80.5, 70]
    assert sink.nothing == {"dicom:other-storage": 2}


async def test_every_class_of_storage_in_one_association() -> None:
    sink = MemorySink()

    def peer(port: int) -> list[int]:
        with associated(port, *OTHERS, DX) as association:
            objects = [dataset(other(kind, number)) for number, kind in enumerate(OTHERS)]
            return [association.send_c_store(each).Status for each in (*objects, dataset())]

    async with serving(sink) as scp:
        assert await away(peer, scp.port) == [0] * 8
    assert sink.values() == [80.5]
    assert sink.nothing == {"dicom:other-storage": 7}


async def test_pixels_of_another_class_are_dropped_however_many(tmp_path: Path) -> None:
    sink = MemorySink()
    (tmp_path / "one.dcm").write_bytes(image(other(CAPTURE, 1), pixels=3_000_000))
    async with serving(sink) as scp:
        done = await away(send, "storescu", scp.port, [tmp_path / "one.dcm"])
    assert done.code == 0, done.said
    assert sink.nothing == {"dicom:other-storage": 1}


@pytest.mark.parametrize("kind", [CAPTURE, CAPTURE + ".2", CAPTURE + ".3"])
@pytest.mark.parametrize("modality", ["DX", "OT"])
async def test_folder_and_network_read_the_same_captures(kind: str, modality: str, tmp_path: Path) -> None:
    network, folder = MemorySink(), MemorySink()
    change: dict[Tag, Value | None] = {"SOPClassUID": kind, "Modality": modality}

    def peer(port: int) -> int:
        with associated(port, kind) as association:
            return int(association.send_c_store(dataset(change)).Status)

    async with serving(network) as scp:
        assert await away(peer, scp.port) == 0
    (tmp_path / "capture.dcm").write_bytes(image(change))
    watch = FolderWatch(config=Folder(path=str(tmp_path), time_zone="Asia/Shanghai"), model=MODEL, sink=folder)
    for _ in range(2):
        await watch.turn()
    assert network.items() == folder.items()
    assert bool(network.values()) == (modality == "DX")
    assert network.nothing.total() == folder.nothing.total() == (modality != "DX")


async def test_other_services_are_refused_one_by_one_and_stop_nothing() -> None:
    sink = MemorySink()

    def peer(port: int) -> tuple[set[str], list[int]]:
        with associated(port, *SERVICES, DX, VERIFICATION, MPPS) as association:
            rejected = {str(context.abstract_syntax) for context in association.rejected_contexts}
            return rejected, [association.send_c_store(dataset()).Status, association.send_c_echo().Status]

    async with serving(sink) as scp:
        assert await away(peer, scp.port) == (set(SERVICES), [0, 0])
    assert sink.values() == [80.5]
    assert sink.counts == {"dicom:other-service": 1}


async def test_an_association_for_storage_commitment_alone_is_answered() -> None:
    """Nothing that is kept here could be committed; who asks is told so, and may release."""
    sink = MemorySink()

    def peer(port: int) -> list[int | None]:
        with associated(port, COMMITMENT) as association:
            return [context.result for context in association.rejected_contexts]

    async with serving(sink) as scp:
        assert await away(peer, scp.port) == [3]
    assert sink.counts["dicom:other-service"] == 1


async def test_a_maker_s_own_operation_on_its_own_class_is_unknown_and_the_image_comes_all_the_same() -> None:
    sink = MemorySink()

    def peer(port: int) -> list[int]:
        with Peer(port) as peer:
            peer.associate(PRIVATE)
            statuses = []
            for field in (0x20, 0x130):
                peer.send(values((3, store_command(PRIVATE, field=field)), (2, b"CANARY")))
                statuses.append(peer.status())
            peer.send(values((3, store_command(PRIVATE)), (2, b"CANARY")))
            return [*statuses, peer.status()]

    async with serving(sink) as scp:
        assert await away(peer, scp.port) == [0x0211, 0x0211, 0]
    assert sink.nothing == {"dicom:other-storage": 1}


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
async def test_a_maker_s_own_transfer_syntax_stops_nothing(syntax: str) -> None:
    sink = MemorySink()

    def peer(port: int) -> int:
        with Peer(port) as peer:
            peer.associate(DX, syntax="1.2.840.113619.5.2")
            peer.send(values((3, store_command()), (2, data_set(FULL, syntax=syntax))))
            return peer.status()

    async with serving(sink) as scp:
        assert await away(peer, scp.port) == 0
    assert sink.values() == [80.5]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
async def test_megabytes_of_private_values_in_front(syntax: str) -> None:
    """Nothing of them is kept, so that what comes behind is read, over the network too."""
    sink = MemorySink()
    private = element(0x00091010, b"\x5a" * 9_000_000, vr="OB", syntax=syntax)
    head: dict[Tag, Value] = {tag: FULL[tag] for tag in IDENTITY}
    tail = {tag: value for tag, value in FULL.items() if tag not in {*IDENTITY, "Modality", "TimezoneOffsetFromUTC"}}
    whole = data_set(head, syntax=syntax) + private + data_set(tail, syntax=syntax, pixels=1000)

    def peer(port: int) -> int:
        with Peer(port) as peer:
            peer.associate(DX, syntax=syntax)
            peer.send(values((3, store_command())))
            for at in range(0, len(whole), 100_000):
                peer.send(values((0, whole[at : at + 100_000])))
            peer.send(values((2, b"")))
            return peer.status()

    async with serving(sink) as scp:
        assert await away(peer, scp.port) == 0
    assert sink.values() == [80.5]
    assert sink.values("detector.temperature") == [31.5]
    assert not sink.counts


async def test_elements_out_of_order_are_read_and_counted() -> None:
    sink = MemorySink()
    identity: dict[Tag, Value] = {tag: FULL[tag] for tag in IDENTITY}
    behind = element("KVP", "81") + element("DetectorTemperature", "30")
    whole = data_set(identity) + element("InstanceNumber", "1") + behind

    def peer(port: int) -> int:
        with Peer(port) as peer:
            peer.associate()
            peer.send(values((3, store_command()), (2, whole)))
            return peer.status()

    async with serving(sink) as scp:
        assert await away(peer, scp.port) == 0
    assert (sink.values(), sink.values("detector.temperature")) == ([81], [30])
    assert sink.counts == {"dicom:out-of-order": 1}


async def test_success_and_nothing_counted_is_never_the_answer_to_nothing() -> None:
    sink = MemorySink()
    identity: dict[Tag, Value] = {tag: FULL[tag] for tag in IDENTITY}
    empty = data_set(identity)

    def peer(port: int) -> list[int]:
        statuses = []
        with Peer(port) as peer:
            peer.associate()
            for body in (empty, b"", empty[:-3]):
                peer.send(values((3, store_command()), (2, body)))
                statuses.append(peer.status())
            peer.send(values((3, store_command(data_set=False))))
            return [*statuses, peer.status()]

    async with serving(sink) as scp:
        assert await away(peer, scp.port) == [0] * 4
    assert sink.entries == []
    assert sink.nothing == {"dicom:no-facts": 1}
    assert sink.counts == {"dicom:unreadable": 2, "dicom:truncated": 1}


async def test_an_image_in_the_context_of_another_class_is_read() -> None:
    """Some senders take the first context whose transfer syntax fits."""
    sink = MemorySink()

    def peer(port: int) -> int:
        with Peer(port) as peer:
            peer.associate(KEY_OBJECTS)
            peer.send(values((3, store_command(DX)), (2, data_set(FULL))))
            return peer.status()

    async with serving(sink) as scp:
        assert await away(peer, scp.port) == 0
    assert sink.values() == [80.5]
    assert not sink.nothing


@pytest.mark.parametrize(("abstract", "syntax"), [("1.2.\xe9", EXPLICIT), (DX, "1.2.\xe9")])
async def test_a_uid_of_any_bytes_ends_nobody_s_association(abstract: str, syntax: str) -> None:
    sink = MemorySink()

    def peer(port: int) -> int:
        with Peer(port) as first, Peer(port) as other:
            first.associate()
            other.send(request().replace(DX.encode(), b"\0" * len(DX)))
            assert other.read()[0] == 2
            with Peer(port) as strange:
                asked = item(0x30, abstract.encode("latin-1")) + item(0x40, syntax.encode("latin-1"))
                items = item(0x10, b"1.2.840.10008.3.1.1.1") + item(0x20, b"\1\0\0\0" + asked)
                strange.send(pdu(1, request()[6:74] + items))
                assert strange.read()[0] == 2
            first.send(values((3, store_command()), (2, data_set(FULL))))
            return first.status()

    async with serving(sink) as scp:
        assert await away(peer, scp.port) == 0
    assert sink.values() == [80.5]


async def test_empty_identities_are_not_one_and_the_same() -> None:
    sink = MemorySink()
    first: dict[Tag, Value] = {**FULL, "SOPInstanceUID": "", "IrradiationEventUID": ""}
    second: dict[Tag, Value] = {**first, "KVP": "90", "AcquisitionTime": "090000"}
    third: dict[Tag, Value] = {**FULL, "SOPInstanceUID": "2.25.3", "IrradiationEventUID": "", "KVP": "70"}

    def peer(port: int) -> list[int]:
        statuses = []
        with Peer(port) as peer:
            peer.associate()
            for each in (first, first, second, third):
                peer.send(values((3, store_command()), (2, data_set(each))))
                statuses.append(peer.status())
            return statuses

    async with serving(sink) as scp:
        assert await away(peer, scp.port) == [0] * 4
    assert sink.values() == [80.5, 90, 70]


def without_events() -> Dataset:
    return report(content("CONTAINER", "113819"))


@pytest.mark.parametrize(
    ("made", "nothing"),
    [(without_events(), "report-without-events"), (report(event({}, uid=None, started=None)), None)],
)
async def test_a_report_that_says_nothing_of_an_exposure_is_counted(made: Dataset, nothing: str | None) -> None:
    sink = MemorySink()

    def peer(port: int) -> int:
        with associated(port, DOSE_REPORT) as association:
            return int(association.send_c_store(sent(made)).Status)

    async with serving(sink) as scp:
        assert await away(peer, scp.port) == 0
    assert sink.nothing == ({f"dicom:{nothing}": 1} if nothing else {})
    assert bool(sink.counts) == (nothing is None)


@pytest.mark.parametrize("tool", SENDERS)
async def test_why_a_detector_is_not_nominal_is_told_as_a_code(tool: str, tmp_path: Path) -> None:
    sink = MemorySink()
    change: dict[Tag, Value | None] = {"DetectorConditionsNominalFlag": "NO"}
    (tmp_path / "a.dcm").write_bytes(image({**change, "DetectorDescription": "CANARY out of temperature range"}))
    change |= {"SOPInstanceUID": "2.25.2", "AcquisitionTime": "090000"}
    (tmp_path / "b.dcm").write_bytes(image({**change, "DetectorConditionsNominalFlag": "YES"}))
    async with serving(sink) as scp:
        done = await away(send, tool, scp.port, [tmp_path / "a.dcm"])
    async with serving(sink) as scp:
        done = await away(send, tool, scp.port, [tmp_path / "b.dcm"])
    assert done.code == 0, done.said
    faults = [(item.code, item.state, item.source) for item in sink.items() if isinstance(item, Fault)]
    assert faults == [("DET-TEMP-03", "active", "detector"), ("DET-TEMP-03", "cleared", "detector")]
    assert sink.values("detector.nominal") == [0, 1]
    assert "CANARY" not in repr(sink.entries) + repr(sink.positions)
    assert not sink.counts

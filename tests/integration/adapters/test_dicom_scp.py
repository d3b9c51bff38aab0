"""The storage SCP with a real peer (pynetdicom), and with peers that break every rule."""

import asyncio
import time
import tracemalloc
from typing import Final

import pytest

from agent.adapters.dicom.image import XRAY_IMAGES
from agent.adapters.dicom.scp import DicomScp
from agent.adapters.port import Entry
from agent.config.shapes import Dicom
from agent.errors import AgentError
from tests.fixtures.dicom import DX, EXPLICIT, FULL, IMPLICIT, JPEG_LOSSLESS, Tag, Value, data_set, element, image
from tests.fixtures.dicom_peer import Peer, request, store_command, values
from tests.fixtures.scp import MODEL, serving
from tests.fixtures.scu import VERIFICATION, associated, away, dataset, store
from tests.fixtures.sink import MemorySink
from wire.items import Inventory, Readings, StateChange

CT: Final = "1.2.840.10008.5.1.4.1.1.2"


class HeldSink(MemorySink):
    """Commits when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.commit = asyncio.Event()

    async def aput(self, entry: Entry) -> bool:
        self.asked.set()
        await self.commit.wait()
        return await super().aput(entry)


async def test_an_image_s_facts_are_entered_and_success_is_answered() -> None:
    sink = MemorySink()
    async with serving(sink) as scp:
        assert await away(store, scp.port, dataset()) == [0]
    kinds = [type(item) for item in sink.items()]
    assert kinds == [Readings, StateChange, StateChange, Readings, Inventory]
    assert "CANARY" not in repr(sink.entries)
    assert not sink.counts


async def test_success_only_after_the_commit() -> None:
    sink = HeldSink()
    async with serving(sink) as scp:
        sending = asyncio.create_task(away(store, scp.port, dataset()))
        await sink.asked.wait()
        done, _ = await asyncio.wait([sending], timeout=0.2)
        assert not done
        sink.commit.set()
        assert await sending == [0]


async def test_what_the_outbox_does_not_keep_is_sent_again() -> None:
    sink = MemorySink()
    async with serving(sink) as scp:
        sink.failing = True
        assert await away(store, scp.port, dataset()) == [0xA700]
        assert sink.entries == []
        sink.failing = False
        assert await away(store, scp.port, dataset()) == [0]
    assert len(sink.entries) == 1


async def test_an_instance_sent_again_is_acknowledged_and_entered_once() -> None:
    sink = MemorySink()
    async with serving(sink) as scp:
        assert await away(store, scp.port, dataset(), dataset({"KVP": "99"})) == [0, 0]
        assert await away(store, scp.port, dataset()) == [0]
    assert len(sink.entries) == 1


async def test_states_and_inventory_are_told_when_they_change() -> None:
    sink = MemorySink()
    second: dict[Tag, Value | None] = {"SOPInstanceUID": "2.25.2", "AcquisitionTime": "081500"}
    third: dict[Tag, Value | None] = {"SOPInstanceUID": "2.25.3", "AcquisitionTime": "081600"}
    late: dict[Tag, Value | None] = {"SOPInstanceUID": "2.25.4", "AcquisitionTime": "071600", "DetectorID": "OLD"}
    async with serving(sink) as scp:
        changed = dataset({**third, "ExposureStatus": "ABORTED", "DetectorID": "NEW"})
        sent = [dataset(), dataset(second), changed, dataset(late)]
        assert await away(store, scp.port, *sent) == [0] * 4
    told = [[type(item) for item in (*entry.live, *entry.bulk)] for entry in sink.entries]
    assert told[1] == [Readings, Readings]
    assert told[2] == [Readings, StateChange, Readings, Inventory]
    assert told[3] == [Readings, StateChange, StateChange, Readings]


async def test_every_image_class_in_every_usual_transfer_syntax() -> None:
    sink = MemorySink()

    def peer(port: int) -> None:
        for number, uid in enumerate(XRAY_IMAGES):
            for syntax in (EXPLICIT, IMPLICIT, JPEG_LOSSLESS):
                with associated(port, uid, syntaxes=[syntax]) as association:
                    sent = dataset(
                        {"SOPClassUID": uid, "SOPInstanceUID": f"2.25.1{number}{len(syntax)}"}, syntax=syntax
                    )
                    assert association.send_c_store(sent).Status == 0

    async with serving(sink) as scp:
        await away(peer, scp.port)
    assert len(sink.entries) == 15


async def test_the_first_of_the_offered_syntaxes_that_is_known_is_taken() -> None:
    def peer(port: int) -> list[str]:
        with associated(port, syntaxes=["1.2.840.113619.5.2", JPEG_LOSSLESS, EXPLICIT]) as association:
            return [syntax for context in association.accepted_contexts for syntax in context.transfer_syntax]

    async with serving(MemorySink()) as scp:
        assert await away(peer, scp.port) == [JPEG_LOSSLESS]


async def test_an_echo_is_answered() -> None:
    def peer(port: int) -> int:
        with associated(port, VERIFICATION, DX) as association:
            return int(association.send_c_echo().Status)

    async with serving(MemorySink()) as scp:
        assert await away(peer, scp.port) == 0


async def test_ae_titles_are_held_to_the_configuration() -> None:
    sink = MemorySink()

    def rejected(port: int, called: str, calling: str) -> bytes:
        with Peer(port) as peer:
            peer.send(request(called=called, calling=calling))
            kind, body = peer.read()
            return body if kind == 3 else b""

    async with serving(sink, calling=("DR1",)) as scp:
        assert await away(rejected, scp.port, "STETH", "STRANGER") == b"\0\1\1\3"
        assert await away(rejected, scp.port, "OTHER", "DR1") == b"\0\1\1\7"
        assert await away(rejected, scp.port, "STETH", "DR1") == b""
    assert sink.counts["dicom:association-rejected"] == 2


async def test_what_can_not_be_understood_is_answered_well_and_counted() -> None:
    sink = MemorySink()

    def peer(port: int) -> list[int]:
        with Peer(port) as peer:
            peer.associate()
            statuses = []
            for sent in (b"\0" * 40, data_set({"SOPClassUID": CT}), data_set({"KVP": "80"}), data_set(FULL)[:290]):
                peer.send(values((3, store_command())))
                peer.send(values((2, sent)))
                statuses.append(peer.status())
            peer.send(values((3, store_command()), (2, image()[0x150:])))
            statuses.append(peer.status())
            peer.send(values((3, store_command(field=0x20)), (2, b"query")))
            statuses.append(peer.status())
            peer.send(values((3, store_command(field=0x120, data_set=False))))
            statuses.append(peer.status())
            return statuses

    async with serving(sink) as scp:
        assert await away(peer, scp.port) == [0, 0, 0, 0, 0, 0x0211, 0x0211]
    (entry,) = sink.entries  # of the one that doesn't say its class: it is what it was sent as
    assert [item.metric[0] for item in entry.bulk if isinstance(item, Readings)] == ["tube.voltage"]
    assert sink.counts["dicom:unreadable"] == 2
    assert sink.counts["dicom:truncated"] == 1
    assert sink.nothing == {"dicom:other-storage": 1}


async def test_an_oversize_object_is_read_and_counted() -> None:
    sink = MemorySink()
    async with serving(sink, max_mb=1) as scp:
        sent = dataset({"SOPInstanceUID": "2.25.2"})
        assert await away(store, scp.port, dataset(pixels=1_100_000), sent) == [0, 0]
    assert sink.counts == {"dicom:object-oversize": 1}
    assert len(sink.entries) == 2


async def test_pixels_are_never_held() -> None:
    """A DR image of 200 MB takes no more memory than its header's bound and a few PDUs."""
    sink = MemorySink()
    size = 200_000_000

    def peer(port: int) -> int:
        with Peer(port) as peer:
            peer.associate()
            peer.send(values((3, store_command())))
            peer.send(values((0, data_set({"SOPClassUID": DX, "SOPInstanceUID": "2.25.1", "KVP": "80"}))))
            peer.send(values((0, element("PixelData", b"", vr="OW")[:-4] + size.to_bytes(4, "little"))))
            chunk = values((0, bytes(100_000)))
            for _ in range(size // 100_000 - 1):
                peer.send(chunk)
            peer.send(values((2, bytes(100_000))))
            return peer.status()

    async with serving(sink) as scp:
        tracemalloc.start()
        status = await away(peer, scp.port)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert status == 0
    assert peak < 2_000_000
    assert len(sink.entries) == 1


@pytest.mark.alone
async def test_two_thousand_images_of_one_association() -> None:
    sink = MemorySink()

    def peer(port: int) -> float:
        with Peer(port) as peer:
            peer.associate()
            began = time.perf_counter()
            for number in range(2000):
                sent = data_set({"SOPClassUID": DX, "SOPInstanceUID": f"2.25.{number}", "KVP": "80"})
                peer.send(values((3, store_command())) + values((2, sent)))
                assert peer.status() == 0
            return time.perf_counter() - began

    async with serving(sink) as scp:
        seconds = await away(peer, scp.port)
    assert len(sink.entries) == 2000
    assert seconds < 20, f"{seconds / 2:.2f} ms an image"


async def test_an_address_in_use_is_one_clear_line() -> None:
    async with serving(MemorySink()) as scp:
        second = DicomScp(config=Dicom(listen=f"127.0.0.1:{scp.port}"), model=MODEL, sink=MemorySink())
        with pytest.raises(AgentError, match=r"can't listen on 127\.0\.0\.1:\d+: .*in use; choose another"):
            await second.run()


async def test_stopping_cuts_open_associations_off() -> None:
    async with serving(MemorySink()) as scp:
        peer = await away(Peer, scp.port)
        await away(peer.associate)
    assert await away(peer.read) == (0, b"")
    peer.socket.close()


async def test_no_word_of_a_patient_reaches_a_log_or_the_terminal(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    sink = MemorySink()
    broken = image({"KVP": "CANARY", "ExposureStatus": "CANARY", "AcquisitionDate": "CANARY"})

    def peer(port: int) -> None:
        with Peer(port) as peer:
            peer.associate()
            for sent in (broken[0x150:], image()[:400], broken):
                peer.send(values((3, store_command("CANARY"))) + values((2, sent)))
                peer.status()
            peer.send(values((3, b"CANARY" * 20)))

    async with serving(sink) as scp:
        await away(peer, scp.port)
    out, err = capfd.readouterr()
    for text in (out, err, caplog.text, repr(sink.entries), repr(sink.counts)):
        assert "CANARY" not in text

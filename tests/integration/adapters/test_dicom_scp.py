"""The storage SCP with a real peer (pynetdicom), and with peers that break every rule."""

import asyncio
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Final

import pytest
from pydicom import Dataset, dcmread
from pynetdicom import AE, build_context
from pynetdicom.association import Association

from agent import dicom_association
from agent.adapter import Entry
from agent.config import Dicom
from agent.dicom import XRAY_IMAGES
from agent.dicom_association import MAX_PDU
from agent.dicom_scp import MAX_ASSOCIATIONS, DicomScp
from agent.errors import AgentError
from tests.fixtures.dicom import DX, EXPLICIT, IMPLICIT, JPEG_LOSSLESS, Tag, Value, data_set, element, image
from tests.fixtures.dicom_peer import ABORT, P_DATA, RELEASE_RQ, Peer, pdu, request, store_command, values
from tests.fixtures.scp import MODEL, serving
from tests.fixtures.sink import MemorySink
from wire.items import Inventory, Readings, StateChange

VERIFICATION: Final = "1.2.840.10008.1.1"
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


@contextmanager
def associated(port: int, *classes: str, syntaxes: list[str] | None = None) -> Iterator[Association]:
    entity = AE(ae_title="MODALITY")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 10
    contexts = [build_context(uid, syntaxes or [EXPLICIT]) for uid in (classes or (DX,))]
    association = entity.associate("127.0.0.1", port, contexts=contexts, ae_title="STETH")
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def dataset(change: dict[Tag, Value | None] | None = None, *, pixels: int = 64, syntax: str = EXPLICIT) -> Dataset:
    return dcmread(BytesIO(image(change, pixels=pixels, syntax=syntax)))


def store(port: int, *sent: Dataset, syntaxes: list[str] | None = None) -> list[int]:
    with associated(port, syntaxes=syntaxes) as association:
        return [association.send_c_store(each).Status for each in sent]


async def away(work: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """The peer's side, which blocks, in a thread."""
    return await asyncio.to_thread(work, *args, **options)


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


async def test_an_echo_is_answered_and_other_classes_are_not_accepted() -> None:
    def peer(port: int) -> tuple[int, list[tuple[str, int | None]]]:
        with associated(port, VERIFICATION, CT, DX) as association:
            rejected = [(str(context.abstract_syntax), context.result) for context in association.rejected_contexts]
            return association.send_c_echo().Status, rejected

    async with serving(MemorySink()) as scp:
        assert await away(peer, scp.port) == (0, [(CT, 3)])


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


async def test_what_can_not_be_understood_is_refused_and_the_association_goes_on() -> None:
    sink = MemorySink()

    def peer(port: int) -> list[int]:
        with Peer(port) as peer:
            peer.associate()
            statuses = []
            for sent in (b"\0" * 40, data_set({"SOPClassUID": CT}), data_set({"KVP": "80"}), image()[:300]):
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
        assert await away(peer, scp.port) == [0xC000, 0xA900, 0xC000, 0xC000, 0xC000, 0x0211, 0x0211]
    assert sink.entries == []
    assert sink.counts.total() == 5


async def test_an_oversize_object_is_refused_and_counted() -> None:
    sink = MemorySink()
    async with serving(sink, max_mb=1) as scp:
        sent = dataset({"SOPInstanceUID": "2.25.2"})
        assert await away(store, scp.port, dataset(pixels=1_100_000), sent) == [0xA700, 0]
    assert sink.counts == {"dicom:oversize": 1}
    assert len(sink.entries) == 1


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
    assert peak < 12_000_000
    assert len(sink.entries) == 1


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


class TestHostilePeers:
    """Each is cut off by itself, and an honest one beside it is served."""

    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dicom_association, "REQUEST_S", 0.3)
        monkeypatch.setattr(dicom_association, "PDU_S", 0.3)
        monkeypatch.setattr(dicom_association, "IDLE_S", 0.3)

    @pytest.mark.parametrize(
        ("sent", "reason"),
        [
            (b"", "silent"),
            (b"\1\0\0\0", "silent"),
            (request()[:90], "silent"),
            (request() + values((3, store_command()))[:40], "silent"),
            (request() + values((3, store_command()), (0, b"data")), "silent"),
            (request(), "silent"),
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "protocol"),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "protocol"),
            (pdu(P_DATA, b""), "protocol"),
            (pdu(RELEASE_RQ, bytes(4)), "protocol"),
            (pdu(1, b"\0" * 10), "protocol"),
            (pdu(1, request()[6:74] + b"\x10\0\xff\xff"), "protocol"),
            (pdu(1, b"", length=0xFFFFFFFF), "oversize-pdu"),
            (request() + pdu(P_DATA, b"", length=2 * MAX_PDU + 1), "oversize-pdu"),
            (request() + request(), "protocol"),
            (request() + pdu(9, b""), "protocol"),
            (request() + pdu(P_DATA, b"\0\0\0\1\1"), "protocol"),
            (request() + pdu(P_DATA, b"\0\0\0\xff\1\3"), "protocol"),
            (request() + values((3, store_command()), context=5), "protocol"),
            (request() + values((2, b"data without a command")), "protocol"),
            (request() + values((3, b"\xff" * 64)), "protocol"),
            (request() + values((3, b"")), "protocol"),
            (request() + values((1, b"\0" * 5000)), "protocol"),
            (request() + values((3, store_command()), (3, store_command())), "protocol"),
        ],
    )
    async def test_it_is_answered_and_counted(self, sent: bytes, reason: str) -> None:
        sink = MemorySink()

        def hostile(port: int) -> int:
            with Peer(port) as peer:
                peer.send(sent)
                kind = 0
                while (answer := peer.read())[0]:
                    kind = answer[0]
                return kind

        async with serving(sink) as scp:
            kind, served = await asyncio.gather(away(hostile, scp.port), away(store, scp.port, dataset()))
        assert served == [0]
        assert kind == ABORT
        known = {"protocol", "truncated", "not-dicom"} if reason == "protocol" else {reason}
        assert len(sink.counts) == 1
        assert set(sink.counts) <= {f"dicom:{word}" for word in known}

    async def test_an_object_without_end_is_aborted(self) -> None:
        sink = MemorySink()

        def hostile(port: int) -> int:
            with Peer(port) as peer:
                peer.associate()
                peer.send(values((3, store_command())))
                try:
                    for _ in range(100):
                        peer.send(values((0, bytes(100_000))))
                except OSError:
                    return ABORT
                return peer.read()[0]

        async with serving(sink, max_mb=1) as scp:
            assert await away(hostile, scp.port) in {ABORT, 0}
        assert sink.counts["dicom:oversize"] == 1

    async def test_a_peer_that_takes_no_answers_is_cut_off(self) -> None:
        sink = MemorySink()

        def hostile(port: int) -> None:
            with Peer(port) as peer:
                peer.associate(VERIFICATION)
                echo = values((3, store_command("1" * 1000, field=0x30, data_set=False)))
                peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                peer.send(echo * 20_000)  # the kernels' buffers take some of it
                raise AssertionError("it took everything")

        async with serving(sink) as scp:
            with pytest.raises(ConnectionError):
                await away(hostile, scp.port)
            assert sink.counts == {"dicom:silent": 1}
            assert await away(store, scp.port, dataset()) == [0]

    async def test_a_flood_of_connections_is_bounded_and_passes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dicom_association, "REQUEST_S", 5.0)
        sink = MemorySink()

        def flood(port: int) -> list[int]:
            peers = [Peer(port) for _ in range(5 * MAX_ASSOCIATIONS)]
            kinds = []
            for peer in peers:
                try:
                    peer.send(request())
                    kinds.append(peer.read()[0])
                except OSError:
                    kinds.append(0)
            for peer in peers:
                peer.socket.close()
            return kinds

        async with serving(sink) as scp:
            kinds = await away(flood, scp.port)
            assert 0 < kinds.count(2) <= MAX_ASSOCIATIONS
            assert kinds.count(0) == sink.counts["dicom:too-many-connections"]
            assert kinds.count(3) == sink.counts["dicom:association-rejected"]
            await asyncio.sleep(0)
            assert await away(store, scp.port, dataset()) == [0]


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

"""The storage SCP with peers that break every rule, and an honest one beside them."""

import asyncio
import socket
import time

import pytest

from agent.adapters import connection
from agent.adapters.dicom import association
from agent.adapters.dicom.association import MAX_PDU
from tests.fixtures.dicom_peer import ABORT, P_DATA, RELEASE_RQ, Peer, pdu, request, store_command, values
from tests.fixtures.scp import serving
from tests.fixtures.scu import VERIFICATION, away, dataset, store
from tests.fixtures.sink import MemorySink


class TestHostilePeers:
    """Each is cut off by itself, and an honest one beside it is served."""

    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(association, "REQUEST_S", 0.3)
        monkeypatch.setattr(connection, "ANSWER_S", 0.3)

    @pytest.mark.parametrize(
        ("sent", "reason"),
        [
            (b"", "silent"),
            (b"\1\0\0\0", "silent"),
            (request()[:90], "silent"),
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "another-protocol"),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "another-protocol"),
            (pdu(P_DATA, b""), "another-protocol"),
            (pdu(RELEASE_RQ, bytes(4)), "another-protocol"),
            (pdu(1, b"\0" * 10), "protocol"),
            (pdu(1, request()[6:74] + b"\x10\0\xff\xff"), "protocol"),
            (pdu(1, b"", length=0xFFFFFFFF), "another-protocol"),
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
            assert sink.counts == {"dicom:answers-not-taken": 1}
            assert await away(store, scp.port, dataset()) == [0]

    async def test_a_flood_of_connections_is_bounded_and_passes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(association, "REQUEST_S", 5.0)
        sink = MemorySink()

        def flood(port: int) -> list[int]:
            peers: list[Peer] = []
            deadline = time.monotonic() + 20
            while len(peers) < 10 * connection.EACH:
                peers.append(Peer(port))
                # Of more at once than may be on their way out the last ones would not be let in.
                while sink.counts["dicom:evicted"] < len(peers) - connection.EACH:
                    assert time.monotonic() < deadline, sink.counts
                    time.sleep(0.001)
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
            assert (kinds.count(2), kinds.count(0)) == (connection.EACH, 9 * connection.EACH)
            assert await away(store, scp.port, dataset()) == [0]

"""What is no equipment loses nothing: a scan of a listener leaves no word by which a device's state is unknown. And
equipment that speaks, though not as it should, does."""

import asyncio
import random
import socket
import ssl
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Final

import pytest

from agent.adapters.dicom import association
from catalog.load import load
from catalog.refusals import loses
from tests.fixtures.astm import ENQ, EOT, ROCHE, framed, running
from tests.fixtures.dicom_peer import request
from tests.fixtures.hl7 import listening
from tests.fixtures.hl7 import message as hl7
from tests.fixtures.scp import serving
from tests.fixtures.scu import VERIFICATION
from tests.fixtures.sink import MemorySink

CATALOG: Final = load()


def hello() -> bytes:
    """How a TLS client begins: hundreds of random bytes, control characters of every protocol among them."""
    said = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), said, server_hostname="steth.example")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return said.read()


def probes() -> Iterator[bytes]:
    yield from (
        b"",
        b"\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"OPTIONS / RTSP/1.0\r\n\r\n",
        b"SSH-2.0-scan\r\n",
        b"HELP\r\n",
    )
    yield b"\x80\0\0\x28\x72\xfe\x1d\x13\0\0\0\0\0\0\0\2\0\1\x86\xa0\0\1\x97\x7c" + bytes(20)  # Sun RPC
    yield b"\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0"  # RDP
    yield b"\0\0\0\x54\xffSMBr\0\0\0\0\x18\1\x28" + bytes(20) + b"\0\x31\0\2LANMAN1.0\0\2NT LM 0.12\0"
    yield b"\x30\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0"  # LDAP
    yield b"\5\1\0"  # SOCKS 5
    yield b"\4\1\0\x16\x7f\0\0\1root\0"  # SOCKS 4
    yield b"\x10\x0e\0\4MQTT\5\2\0\x3c\0\0\0"
    yield b"\0\x1e\0\6\1\0\0\1\0\0\0\0\0\0\7version\4bind\0\0\x10\0\3"  # DNS
    yield request(VERIFICATION, called="ANY-SCP")  # asks DICOM whether it is there
    yield from (b"\2", b"\5", b"\x0b", b"\1\0", b"A" * 100_000, b"\2" * 5000, b"\5" * 5000, b"\x0b" * 5000)
    yield from (hello() for _ in range(20))
    dice = random.Random(20)  # the same in each run
    yield from (dice.randbytes(size) for size in (10, 300, 1000, 4000) for _ in range(10))


def say(port: int, data: bytes) -> None:
    """Connect, speak, listen for a moment, hang up."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer, suppress(OSError):
        peer.sendall(data)
        peer.settimeout(0.02)
        while peer.recv(100):
            pass


async def heard(listener: AbstractAsyncContextManager[Any], sink: MemorySink, *said: bytes) -> set[str]:
    """The reasons by which something was lost."""
    async with listener as adapter:
        for data in said:
            await asyncio.to_thread(say, adapter.port, data)
        for _ in range(100):
            await asyncio.sleep(0.001)
    return {reason for _, _, reason in (key.partition(":") for key in sink.counts) if loses(CATALOG, "refused", reason)}


@pytest.mark.parametrize("protocol", ["dicom", "astm", "hl7"])
async def test_a_scan_loses_nothing(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(association, "REQUEST_S", 0.05)
    sink = MemorySink()
    for probe in probes():
        assert await heard(listener(protocol, sink), sink, probe) == set(), probe
    assert sum(sink.counts.values()) > 20
    assert sink.entries == []


@pytest.mark.parametrize(
    ("protocol", "said", "lost"),
    [
        ("dicom", request(called="OTHER"), "association-rejected"),
        ("dicom", request()[:6] + request()[6:74] + bytes(len(request()) - 74), "protocol"),
        ("dicom", request() + request(), "protocol"),
        ("astm", framed(1, b"H|\\^&\rC|1|I|75|I\rL|1\r"), "frame-without-enq"),
        ("astm", b"\x02R 000101 0001 0001    E001    12.3\x03", "frame-without-enq"),
        ("astm", ENQ + framed(1, b"H|\\^&\r", checksum=b"00") * 6 + EOT, "checksum-never-right"),
        ("hl7", hl7(), "not-mllp"),
        ("hl7", hl7() * 100, "not-mllp"),
        ("hl7", b"\x0b" + hl7(), "cut-frame"),
        ("hl7", b"\x0b<?xml version='1.0'?><ESU_U01/>\x1c\r", "not-hl7"),
        ("hl7", b"\x0b" + hl7().decode().encode("utf-16") + b"\x1c\r", "not-hl7"),
    ],
)
async def test_equipment_that_speaks_in_vain_does(protocol: str, said: bytes, lost: str) -> None:
    sink = MemorySink()
    assert await heard(listener(protocol, sink), sink, said) == {lost}


def listener(protocol: str, sink: MemorySink) -> AbstractAsyncContextManager[Any]:
    match protocol:
        case "dicom":
            return serving(sink)
        case "astm":
            return running(sink, ROCHE, listen="127.0.0.1:0")
        case _:
            return listening(sink)

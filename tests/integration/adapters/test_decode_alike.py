"""``steth decode`` and the running agent say the same of the same bytes: samples, inputs of our own, and those changed
at random. The agent's side is the real listener or file adapter; what differs is named in ``agent.show.decode``."""

import asyncio
import json
import os
import random
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from pydicom.filereader import read_file_meta_info

from agent.adapters.astm.adapter import AstmAdapter
from agent.adapters.dicom.folder import FolderWatch
from agent.adapters.dicom.scp import DicomScp
from agent.adapters.equipment_clock import CLOCK_CODE
from agent.adapters.hl7.adapter import Hl7Adapter
from agent.adapters.hl7.mllp import framed
from agent.adapters.logs.tail import LogTail
from agent.adapters.sends import sends
from agent.clock import Now
from agent.config.shapes import Astm, Device, Dicom, Folder, Hl7, Log
from agent.privacy import admit
from catalog.allowed import UNCERTAIN_TIME
from catalog.load import load
from tests.fixtures import astm, dicom, dose, hl7
from tests.fixtures.decoding import decode
from tests.fixtures.dicom_peer import RELEASE_RQ, Peer, pdu, store_command, values
from tests.fixtures.sink import MemorySink
from tests.fuzz.__main__ import mutate
from wire.items import Fault, Inventory, Item, Readings, StateChange

ZONE: Final = "Asia/Shanghai"
RECEIVED_S: Final = 1_795_400_000
NOW: Final = Now(wall=RECEIVED_S * 1000, elapsed=0)
MODELS: Final = load().models
DEVICES: Final = {
    "dicom": Device(name="dr", model="generic-dr", code="C", dicom=Dicom(listen="127.0.0.1:0")),
    "log": Device(name="dr", model="generic-dr", code="C", log=(Log(path="log"),)),
    "astm": Device(name="chem", model="generic-analyzer", code="C", astm=Astm(listen="127.0.0.1:0")),
    "hl7": Device(name="chem", model="generic-analyzer", code="C", hl7=Hl7(listen="127.0.0.1:0")),
}
CHANGED: Final = 25
"""Inputs changed at random, of each of our own."""
LOG: Final = (
    "2026-11-22 08:14:03 ALARM GEN-KV-01 SET kV 达不到设定值\n"
    "2026-11-22 08:14:05 STATUS tube_heat=42.5%\n"
    "2026-11-22 08:14:07 ERROR exposure aborted\n  Module: generator\n  Code: GEN-ROT-01\n"
    "2026-11-22 08:20:41 ALARM GEN-KV-01 CLR\n2026-11-22 08:20:42 ALARM ABC-DEF-99 SET\n"
)

CONTROL: Final = astm.message(
    "O|1|QC-L1-LOT77|0^5054^1^^QC^SC|||||||||Q|||||||||||20240311081000",
    r"R|1|^^^GLU|5.3|mmol/L|5.0^TARGET\0.15^SD|N|72|F||||20240311080500",
    "M|1|SIG|bath.temperature|37.1|C|20240311080000",
    "C|1|I|BATH_TEMP|I",
)

Live = Callable[[bytes, MemorySink], Awaitable[None]]


async def _until_over(connection: socket.socket) -> None:
    """Until the other side has read all and hung up."""
    loop = asyncio.get_running_loop()
    connection.setblocking(False)
    async with asyncio.timeout(20):
        try:
            while await loop.sock_recv(connection, 65_536):
                pass
        except ConnectionError:
            pass


async def _spoken(adapter: Any, data: bytes) -> None:
    """Say all of it on a real connection and hang up; the adapter is stopped then."""
    running = asyncio.create_task(adapter.run())
    while not adapter.port:
        assert not running.done(), running.exception()
        await asyncio.sleep(0.001)
    with socket.create_connection(("127.0.0.1", adapter.port)) as connection:
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_sendall(connection, data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it was cut off for what it sent
        await _until_over(connection)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def by_astm(data: bytes, sink: MemorySink) -> None:
    config = Astm(listen="127.0.0.1:0", time_zone=ZONE, framing="e1381" if astm.ENQ in data else "none")
    model = MODELS["generic-analyzer"]
    await _spoken(AstmAdapter(config=config, model=model, sink=sink, now=lambda: NOW), data)


async def by_hl7(data: bytes, sink: MemorySink) -> None:
    config = Hl7(listen="127.0.0.1:0", time_zone=ZONE)
    model = MODELS["generic-analyzer"]
    said = data if b"\x0b" in data else framed(data)
    await _spoken(Hl7Adapter(config=config, model=model, sink=sink, now=lambda: NOW), said)


async def by_network(file: Path, sink: MemorySink) -> None:
    """A DICOM file's data set as it is, byte by byte, in one association."""
    data = file.read_bytes()  # noqa: ASYNC240  # a small file
    meta = read_file_meta_info(file)
    body = data[128 + 4 + 12 + int(meta.FileMetaInformationGroupLength) :]
    config = Dicom(listen="127.0.0.1:0", time_zone=ZONE)
    scp = DicomScp(config=config, model=MODELS["generic-dr"], sink=sink, now=lambda: NOW)
    running = asyncio.create_task(scp.run())
    while not scp.port:  # noqa: ASYNC110  # nothing tells it
        await asyncio.sleep(0.001)

    def send() -> None:
        with Peer(scp.port) as peer:
            peer.associate(str(meta.MediaStorageSOPClassUID), syntax=str(meta.TransferSyntaxUID))
            peer.send(values((3, store_command(str(meta.MediaStorageSOPClassUID)))))
            parts = [body[at : at + 16_000] for at in range(0, len(body), 16_000)]
            for number, part in enumerate(parts, 1):
                peer.send(values((2 if number == len(parts) else 0, part)))
            peer.read()
            peer.send(pdu(RELEASE_RQ, bytes(4)))
            peer.read()

    await asyncio.to_thread(send)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def by_folder(file: Path, sink: MemorySink) -> None:
    config = Folder(path=str(file.parent), time_zone=ZONE)
    watch = FolderWatch(config=config, model=MODELS["generic-dr"], sink=sink)
    watch.resume()
    for _ in range(2):  # what stands still between two looks
        await watch.turn()


async def by_log(file: Path, sink: MemorySink) -> None:
    config = Log(path=str(file), time_zone=ZONE)
    tail = LogTail(config=config, model=MODELS["generic-dr"], sink=sink, now=lambda: NOW)
    tail.resume()
    while await tail.turn():
        pass


def written(folder: Path, data: bytes) -> Path:
    file = folder / "input"
    file.write_bytes(data)
    os.utime(file, (RECEIVED_S, RECEIVED_S))
    return file


def told(items: Iterable[Item], kind: str) -> Counter[str]:
    """What passes the gate; no more than ``show`` names for this source."""
    device = DEVICES[kind]
    model = MODELS[device.model]
    passed, _ = admit(items, model)
    can = sends(device, model)
    for item in passed:
        match item:
            case Readings():
                assert set(item.metric) <= can.metrics
            case Fault():
                assert item.code in can.faults
            case StateChange():
                assert item.name in can.states
            case Inventory():
                assert item.fields.keys() <= can.inventory
            case _:
                pytest.fail(f"{kind} makes no {type(item).__name__}")
    return facts(json.loads(msgspec.json.encode(item)) for item in passed)


def decoded(capsys: pytest.CaptureFixture[str], kind: str, file: Path) -> Counter[str]:
    _, out, _ = decode(capsys, kind, "--time-zone", ZONE, file)
    return facts(map(json.loads, out.splitlines()))


def facts(items: Iterable[dict[str, Any]]) -> Counter[str]:
    """Each on its own, whatever item or lane it travels in: an exposure's readings do in two."""
    found: Counter[str] = Counter()
    for item in items:
        if item["t"] != "readings":
            found[json.dumps(item, sort_keys=True)] += 1
            continue
        nothing = [0] * len(item["metric"])
        columns = (item["dt"] or nothing, item["metric"], item["value"], item["unit"], item["quality"] or nothing)
        for after, *rest in zip(*columns, strict=True):
            found[json.dumps([item["at"] + after, *rest])] += 1
    return found


def alike(live: Counter[str], file: Counter[str]) -> bool:
    """Whether they say the same; times aside where the agent found the equipment's clock wrong, which decode doesn't
    judge."""
    if not any(CLOCK_CODE in fact for fact in live):
        return live == file
    return _timeless(live) == _timeless(file)


def _timeless(found: Counter[str]) -> Counter[str]:
    kept: Counter[str] = Counter()
    for fact, times in found.items():
        said = json.loads(fact)
        if isinstance(said, list):
            said[0] = said[-1] = 0
        elif said.get("code") == CLOCK_CODE:
            continue
        else:
            said["at"] = 0
            said.get("params", {}).pop(UNCERTAIN_TIME, None)
            said |= {name: None for name in ("first", "last") if name in said}
        kept[json.dumps(said, sort_keys=True)] += times
    return kept


def inputs(own: Iterable[bytes], *, seed: int) -> list[bytes]:
    """Each of our own as it is, and changed."""
    rng = random.Random(seed)
    return [each for one in own for each in (one, *(mutate(one, rng) for _ in range(CHANGED)))]


ASTM: Final = (
    astm.session(astm.by_records(CONTROL)),
    astm.session(astm.by_size(CONTROL, 60)),
    astm.session(astm.by_records(astm.message("C|1|I|BATH_TEMP|I", "C|2|I|LAMP_OFF|I"))[:-1]),  # without its L record
    CONTROL,
)
HL7: Final = (
    framed(hl7.equipment("PD", "S")) + framed(hl7.notification()),
    b"".join(map(framed, (hl7.controls(), hl7.PATIENT, hl7.inventory(hl7.supply(f16="L-7", f12="20270101"))))),
    framed(hl7.specimens()),
    hl7.notification("BATH_TEMP"),
)
DICOM: Final = (
    *(dicom.image(syntax=syntax) for syntax in (dicom.EXPLICIT, dicom.IMPLICIT, dicom.BIG_ENDIAN, dicom.DEFLATED)),
    dose.encoded(dose.report(dose.event(), dose.event(uid="2.25.8"))),
)


@pytest.mark.parametrize(("kind", "live", "own", "seed"), [("astm", by_astm, ASTM, 1), ("hl7", by_hl7, HL7, 2)])
async def test_an_analyzer(
    kind: str, live: Live, own: tuple[bytes, ...], seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = 0
    for data in inputs(own, seed=seed):
        if b"\x1c" in data and b"\x0b" not in data:
            continue  # a block's end without its beginning: on a connection there is none, a file is all one message
        sink = MemorySink()
        await live(data, sink)
        found = decoded(capsys, kind, written(tmp_path, data))
        assert alike(told(sink.items(), kind), found), data.hex()
        heard += bool(found)
    assert heard > CHANGED  # most changes leave something to be told


async def test_dicom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only what follows the file's meta information, and the element by which it ends, is changed: the network has
    none."""
    rng = random.Random(3)
    heard = 0
    for whole in DICOM:
        length = 128 + 4 + 12 + int.from_bytes(whole[140:144], "little") + 40
        for data in (whole, *(whole[:length] + mutate(whole[length:], rng) for _ in range(CHANGED))):
            file = written(tmp_path, data)
            found = decoded(capsys, "dicom", file)
            for live in (by_network, by_folder):
                sink = MemorySink()
                await live(file, sink)
                assert alike(told(sink.items(), "dicom"), found), (live.__name__, sink.counts, sink.nothing, data.hex())
            heard += bool(found)
    assert heard > CHANGED


async def test_a_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heard = 0
    for data in inputs([LOG.encode(), LOG.replace("\n", "\r\n").encode()], seed=4):
        file, sink = written(tmp_path, data), MemorySink()
        found = decoded(capsys, "log", file)
        await by_log(file, sink)
        assert alike(told(sink.items(), "log"), found), data.hex()
        heard += bool(found)
    assert heard > CHANGED


@pytest.mark.parametrize("kind", ["astm", "hl7", "dicom"])
async def test_every_sample(kind: str, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for sample in sorted(file for file in (shared_data / kind).iterdir() if file.suffix in _SAMPLES[kind]):
        data = sample.read_bytes()
        file = written(tmp_path, data)
        found = decoded(capsys, kind, file)
        for live in _LIVE[kind]:
            sink = MemorySink()
            await live(data if kind in ("astm", "hl7") else file, sink)
            assert alike(told(sink.items(), kind), found), (sample.name, live.__name__)


_SAMPLES: Final = {"astm": {".wire", ".txt"}, "hl7": {".hl7"}, "dicom": {".dcm"}}
_LIVE: Final[dict[str, tuple[Any, ...]]] = {"astm": (by_astm,), "hl7": (by_hl7,), "dicom": (by_network, by_folder)}

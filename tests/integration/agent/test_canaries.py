"""One running agent with every listener it has, fed with a patient's words: they are in nothing that it writes or says.

Not on the disk, not in its log, its metrics or refusals, not in what its commands print, not in a byte of MQTT, and not
in a dump when it crashes. What the equipment says of itself beside them arrives, so that the words were read past.
"""

import asyncio
import os
import resource
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest

from agent.adapters.hl7.mllp import framed as hl7_framed
from tests.fixtures.astm import ACK, ENQ, EOT, NAK, Analyzer, framed
from tests.fixtures.canaries import NUMBER, ROOT, WORD, astm_broken, astm_words, hl7_words
from tests.fixtures.dicom import DX, PATIENT
from tests.fixtures.dicom_peer import pdu, request, store_command, values
from tests.fixtures.dose import DOSE_REPORT, sent
from tests.fixtures.dumps import leaves_none
from tests.fixtures.hl7 import code_of, controls, equipment, inventory, notification, peer, supply
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.mpps import MPPS, begun, change, create, ended
from tests.fixtures.ports import free_port, listening, wait_until
from tests.fixtures.scu import associated, dataset
from tests.integration.adapters.test_canaries import STEP, planted, reports
from tests.integration.agent.server import Server
from tests.integration.agent.server import ended as ended_task
from tests.integration.agent.test_process import PROGRAM, Process
from wire.ids import mint_device_id
from wire.items import Fault, Inventory, Readings, StateChange
from wire.topics import Lane

NAME = "张三丰"
WORDS = [
    *(
        each.encode()
        for each in (WORD, WORD.lower(), NUMBER, ROOT, PATIENT["PatientBirthDate"])
        if isinstance(each, str)
    ),
    *(NAME.encode(encoding) for encoding in ("utf-8", "gb18030", "utf-16-le")),
    NAME.encode("unicode_escape"),
]
SOURCES = """
[device.dicom]
listen = "127.0.0.1:{dicom}"
time_zone = "Asia/Shanghai"
[device.folder]
path = "images"
[[device.log]]
path = "dr.log"
encoding = "gb18030"
time_zone = "Asia/Shanghai"
[[device]]
name = "chem-1"
model = "roche-cobas"
id = "{first}"
[device.astm]
listen = "127.0.0.1:{astm}"
[[device]]
name = "chem-2"
model = "generic-analyzer"
id = "{second}"
[device.hl7]
listen = "127.0.0.1:{hl7}"
time_zone = "Asia/Shanghai"
"""
LINES = f"""\
2026-11-22 08:14:01 INFO patient {NAME} {WORD} {NUMBER} enters
2026-11-22 08:14:03 ALARM GEN-KV-01 SET {NAME} {WORD}
2026-11-22 08:14:04 ALARM {WORD}-{WORD}-01 SET {NAME}
2026-11-22 08:14:05 ALARM CAN-ARY-99 SET {NAME}
{WORD} {NAME} ALARM GEN-KV-02 SET
{WORD * 20_000}
"""


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    made: list[Process] = []
    yield made
    for process in made:
        if not process.dead():
            process.end(signal.SIGKILL)


@asynccontextmanager
async def everything(port: int) -> AsyncIterator[list[bytes]]:
    """Every byte that anybody publishes: topics, bodies and properties."""
    heard: list[bytes] = []

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            heard.extend((str(message.topic).encode(), bytes(message.payload), repr(vars(message.properties)).encode()))

    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("#", qos=1)
        task = asyncio.create_task(listen(client))
        yield heard
        await ended_task(task)


def modality(port: int) -> None:
    """Examinations in which every text is a word; then peers that break the protocol with them."""
    with associated(port, DX, DOSE_REPORT, MPPS) as association:
        for each in reports():
            association.send_c_store(sent(each))
        association.send_c_store(dataset({"SOPInstanceUID": f"{ROOT}5", "StationName": WORD, "ProtocolName": WORD}))
        create(association, f"{ROOT}1", planted(begun(), STEP))
        create(association, f"{ROOT}2", planted(begun(), frozenset()))
        change(association, f"{ROOT}1", planted(ended("DISCONTINUED", reason="110501"), STEP))
        change(association, f"{ROOT}3", planted(ended(), frozenset()))
    word = WORD.encode()
    for data in (
        word * 10,
        pdu(1, word * 20),
        request(called=WORD, calling=WORD),
        request(abstract=f"{ROOT}9", syntax=f"{ROOT}8", calling=WORD),
        request() + values((2, word * 9)),
        request() + values((3, word * 9)),
        request() + values((3, store_command(f"{ROOT}9"))) + values((2, word * 9)),
        request() + values((3, store_command())) + values((0, word * 9)) + values((2, word)),
        request() + pdu(9, word),
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass


async def cobas(port: int) -> None:
    """An ASTM analyzer: words in every record, broken frames, messages that are none."""
    analyzer = await Analyzer.connect(port)
    analyzer.tell(WORD.encode())
    assert set(await analyzer.send(astm_words())) == {ACK}
    for broken in astm_broken():
        assert set(await analyzer.send(broken)) == {NAK}
    assert await analyzer.say(ENQ) == ACK
    assert await analyzer.say(framed(1, WORD.encode(), checksum=b"00")) == NAK
    analyzer.tell(EOT + WORD.encode())
    await analyzer.close()


async def chemistry(port: int) -> None:
    """An analyzer that speaks HL7: words in every field and between blocks, then what it says of itself."""
    honest = [notification(id_="1"), controls(id_="2"), inventory(supply(), id_="3"), equipment("PD", "C", id_="4")]
    async with peer(port) as analyzer:
        await analyzer.send(f"{WORD} {NUMBER}".encode() + b"".join(map(hl7_framed, [*hl7_words(), *honest])))
        while code_of(await analyzer.answer()) != "AA 4":
            pass


def printed(command: str, file: Path) -> bytes:
    """What a command of the agent says, of either language."""
    said = b""
    for lang in ("zh", "en") if command == "doctor" else (None,):
        more = [] if lang is None else ["--lang", lang]
        done = subprocess.run([PROGRAM, command, file, *more], capture_output=True, timeout=60, check=False)
        said += done.stdout + done.stderr
    return said


async def test_no_word_of_a_patient_leaves_a_running_agent(
    mosquitto: Mosquitto, tmp_path: Path, processes: list[Process]
) -> None:
    names = ("dicom", "astm", "hl7")
    ports = {name: free_port() for name in names}
    ours = [mint_device_id() for _ in range(3)]
    more = SOURCES.format(**ports, first=ours[1], second=ours[2])
    agent = Process(tmp_path, mosquitto.port, device=ours[0], more=more)
    processes.append(agent)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / f"{WORD}.dcm").write_bytes(WORD.encode() * 100)
    async with (
        everything(mosquitto.port) as heard,
        Server(port=mosquitto.port, device=ours[0]) as dr,
        Server(port=mosquitto.port, device=ours[1]) as first,
        Server(port=mosquitto.port, device=ours[2]) as second,
    ):
        await asyncio.to_thread(agent.start)
        await asyncio.to_thread(wait_until, lambda: all(map(listening, ports.values())), what="the listeners")
        (tmp_path / "dr.log").write_bytes(LINES.encode("gb18030") + b"\xff\xfe" + WORD.encode() + b"\n")
        await asyncio.gather(asyncio.to_thread(modality, ports["dicom"]), cobas(ports["astm"]), chemistry(ports["hl7"]))

        def codes(server: Server) -> set[str]:
            return {item.code for item in server.items(Lane.LIVE) if isinstance(item, Fault)}

        def told() -> bool:
            kinds = {type(item) for lane in Lane for item in second.items(lane)}
            return (
                "GEN-KV-01" in codes(dr)
                and any(isinstance(item, Readings) and "tube.voltage" in item.metric for item in dr.items(Lane.BULK))
                and any(isinstance(item, StateChange) for item in dr.items(Lane.LIVE))
                and "COBAS-72" in codes(first)
                and {Fault, Readings, Inventory, StateChange} <= kinds
            )

        await dr.until(told, "what each source says of itself")
        answers = [
            await asyncio.to_thread(agent.get, path) for path in ("/metrics", "/refusals", "/healthz", "/readyz")
        ]
        assert '"source":"hl7"' in answers[1][1]
        said = [await asyncio.to_thread(printed, command, agent.file) for command in ("show", "doctor")]
    assert agent.started is not None
    assert leaves_none(agent.started.pid)
    held = _disk(tmp_path)
    agent.end(signal.SIGABRT)
    mqtt = b"".join(heard)
    assert len(mqtt) > 10_000
    assert len(held) > 100_000
    shown = repr(answers).encode()
    assert b"other users may read" in agent.log.read_bytes()
    for what, data in {"disk": held, "after": _disk(tmp_path), "log": agent.log.read_bytes(), "mqtt": mqtt,
            "health": shown, "commands": b"".join(said)}.items():  # fmt: skip
        assert [word for word in WORDS if word in data] == [], what


def _disk(folder: Path) -> bytes:
    """Every byte of what the agent keeps: outboxes with their journals, identities, marks of logs and folders; names
    of files too, and whatever else lies there but for what the test put there."""
    files = [
        path for path in folder.rglob("*") if path.is_file() and path.name != "dr.log" and path.parent.name != "images"
    ]
    return b"".join(str(path.relative_to(folder)).encode() + path.read_bytes() for path in files)


def test_a_crash_leaves_no_dump(tmp_path: Path) -> None:
    """The kernel's limit, and what a program would get that takes dumps from it: read in the process itself."""
    script = (
        "import os\nfrom pathlib import Path\nfrom agent.secrecy import leave_no_dumps\nleave_no_dumps()\n"
        "print(Path('/proc/self/coredump_filter').read_text().strip(), flush=True)\nos.abort()\n"
    )
    done = subprocess.run(
        [PROGRAM.with_name("python"), "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2),
    )
    assert (done.returncode, done.stdout) == (-signal.SIGABRT, b"00000000\n")
    assert list(tmp_path.iterdir()) == []

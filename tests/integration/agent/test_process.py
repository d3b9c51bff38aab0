"""`steth-agent` as it is installed: a process, a file, a broker."""

import asyncio
import errno
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made at import from a table

from agent.show.doctor import examine
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.ports import free_port, listening, wait_until
from tests.integration.agent.server import Server
from wire.commands import Command, RunRunbook
from wire.ids import DeviceId, mint_command_id, mint_device_id
from wire.items import Heartbeat, Item, Readings, Refusal, Reply
from wire.topics import Lane

PROGRAM = Path(sys.executable).with_name("steth-agent")


class Process:
    def __init__(self, folder: Path, port: int, *, device: DeviceId, more: str = "") -> None:
        self.health = free_port()
        self.file = folder / "agent.toml"
        self.log = folder / "log"
        self.file.write_text(
            f"""
[agent]
state = "state"
heartbeat_s = 1
health = "127.0.0.1:{self.health}"
[server]
mqtt = "mqtt://127.0.0.1:{port}"
[[device]]
name = "dr-1"
model = "generic-dr"
id = "{device}"
[device.host]
every_s = 1
{more}
""",
            "utf-8",
        )
        self.started: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.started = subprocess.Popen([PROGRAM, self.file], stderr=log, stdout=log)
        wait_until(lambda: self.dead() or listening(self.health), what="the agent", seconds=30)

    def dead(self) -> bool:
        return self.started is None or self.started.poll() is not None

    def end(self, how: signal.Signals) -> int:
        assert self.started is not None
        self.started.send_signal(how)
        return self.started.wait(20)

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.health, timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body


@pytest.fixture
def device() -> DeviceId:
    return mint_device_id()


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    made: list[Process] = []
    yield made
    for process in made:
        if not process.dead():
            process.end(signal.SIGKILL)


POLICY = """\
[device.policy]
runbooks = ["host-health", "dicom-reach"]
valid_until = 2999-01-01
signed_by = "W"
"""


def replies(server: Server) -> list[Reply]:
    return [item for item in server.items(Lane.LIVE) if isinstance(item, Reply)]


def run(runbook: str) -> Command:
    return Command(id=mint_command_id(), issued=1, expires=4_000_000_000_000, do=RunRunbook(runbook=runbook))


async def test_a_day_in_its_life(
    mosquitto: Mosquitto, tmp_path: Path, device: DeviceId, processes: list[Process]
) -> None:
    agent = Process(tmp_path, mosquitto.port, device=device, more=POLICY)
    processes.append(agent)
    async with Server(port=mosquitto.port, device=device) as server:
        await asyncio.to_thread(agent.start)

        def said(kind: type[Item], lane: Lane) -> bool:
            return any(isinstance(item, kind) for item in server.items(lane))

        await server.until(lambda: said(Heartbeat, Lane.LIVE), "a heartbeat")
        await server.until(lambda: said(Readings, Lane.LIVE) and said(Readings, Lane.BULK), "the host's readings")
        command = run("host-health")
        await server.send(command)
        await server.until(lambda: len(replies(server)) == 1, "a verdict")
        reply = replies(server)[0]
        assert (reply.command, reply.status) == (command.id, "done")
        assert reply.verdict is not None
        assert [step.id for step in reply.verdict.steps] == ["host", "disk", "clock", "outbox"]
        assert {step.outcome for step in reply.verdict.steps} <= {"ok", "warn"}

        status, metrics = await asyncio.to_thread(agent.get, "/metrics")
        assert status == 200
        assert f'steth_agent_session_ready{{device="{device}"}} 1' in metrics
        assert all(re.fullmatch(r"(# .+|[a-z_]+\{.*\} \S+)", line) for line in metrics.splitlines())
        assert (await asyncio.to_thread(agent.get, "/readyz"))[0] == 200

        boot = server.births[-1][1].boot
        assert await asyncio.to_thread(agent.end, signal.SIGKILL) == -signal.SIGKILL
        await server.until(lambda: len(server.wills) == 1, "the broker's will")
        assert server.wills[0].boot == boot
        await asyncio.to_thread(agent.start)
        await server.until(lambda: server.births[-1][1].boot == boot + 1, "the next birth")
        await server.send(command)
        again = run("format-disk")
        await server.send(again)
        await server.until(lambda: len(replies(server)) == 2, "a refusal")
        assert [(each.command, each.status) for each in replies(server)] == [
            (command.id, "done"),
            (again.id, "refused"),
        ]
        assert await asyncio.to_thread(agent.end, signal.SIGTERM) == 0
        await server.until(lambda: len(server.wills) == 2, "its own farewell")
        assert not server.gaps
        assert "Traceback" not in agent.log.read_text()


async def test_what_is_refused_is_counted_over_a_restart_and_the_doctor_says_it(
    mosquitto: Mosquitto, tmp_path: Path, device: DeviceId, processes: list[Process]
) -> None:
    log = tmp_path / "service.log"
    log.write_bytes(b"x" * 200_000 + b"\n")
    agent = Process(tmp_path, mosquitto.port, device=device, more=f'[[device.log]]\npath = "{log}"\nfirst_mb = 1\n')
    processes.append(agent)

    def told(server: Server) -> list[Refusal]:
        return [each for item in server.items(Lane.LIVE) if isinstance(item, Heartbeat) for each in item.refusals or ()]

    async with Server(port=mosquitto.port, device=device) as server:
        await asyncio.to_thread(agent.start)
        await server.until(lambda: [each.reason for each in told(server)] == ["long-line"], "the refusal")
        assert (await asyncio.to_thread(agent.get, "/refusals"))[0] == 200
        (finding,) = [
            each for each in await asyncio.to_thread(list, examine(agent.file)) if each.check == "dr-1.refused"
        ]
        assert (finding.level, "long-line" in finding.said.en) == ("warn", True)
        assert await asyncio.to_thread(agent.end, signal.SIGKILL) == -signal.SIGKILL
        await asyncio.to_thread(agent.start)
        await server.until(lambda: [each.count for each in told(server)] == [1, 1], "it is told in each session")
        with log.open("ab") as more:
            more.write(b"y" * 200_000 + b"\n")
        await server.until(lambda: told(server)[-1].count == 2, "it goes on")
        first, *_, last = told(server)
        assert (last.since, last.last > first.last) == (first.since, True)
        metrics = (await asyncio.to_thread(agent.get, "/metrics"))[1]
        assert f'steth_agent_refused_total{{device="{device}",source="log",reason="long-line"}} 2' in metrics


async def test_the_echo_of_a_runbook_asks_a_real_peer(
    mosquitto: Mosquitto, tmp_path: Path, device: DeviceId, processes: list[Process]
) -> None:
    port = free_port()
    entity = AE(ae_title="PACS")
    entity.add_supported_context(Verification)
    peer = entity.start_server(("127.0.0.1", port), block=False)
    assert peer is not None
    more = f'{POLICY}[device.echo.pacs]\nhost = "127.0.0.1"\nport = {port}\nae_title = "PACS"\n'
    agent = Process(tmp_path, mosquitto.port, device=device, more=more)
    processes.append(agent)
    async with Server(port=mosquitto.port, device=device) as server:
        try:
            await asyncio.to_thread(agent.start)
            await server.until(lambda: server.births, "a birth")
            await server.send(run("dicom-reach"))
            await server.until(lambda: len(replies(server)) == 1, "a verdict")
        finally:
            peer.shutdown()
        await server.send(run("dicom-reach"))
        await server.until(lambda: len(replies(server)) == 2, "another verdict")
    there, gone = (reply.verdict for reply in replies(server))
    assert there is not None
    assert there.steps[0].outcome == "ok"
    assert there.steps[0].values["reached"] == 1
    assert 0 < float(there.steps[0].values["round_trip_ms"]) < 10_000
    assert gone is not None
    assert (gone.steps[0].outcome, gone.steps[0].reason) == ("fail", "remote.step.echo_failed")


async def test_a_bad_request_is_answered_and_disturbs_nobody(
    mosquitto: Mosquitto, tmp_path: Path, device: DeviceId, processes: list[Process]
) -> None:
    agent = Process(tmp_path, mosquitto.port, device=device)
    processes.append(agent)
    await asyncio.to_thread(agent.start)

    def ask(request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", agent.health), timeout=10) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
            return answer

    expected = {
        b"GET / HTTP/1.1\r\n\r\n": b"HTTP/1.1 404 ",
        b"POST /metrics HTTP/1.1\r\n\r\n": b"HTTP/1.1 405 ",
        b"hello\r\n\r\n": b"HTTP/1.1 400 ",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n": b"HTTP/1.1 400 ",
        b"GET /healthz HTTP/1.1\r\n" + b"X: " + b"y" * 20_000 + b"\r\n\r\n": b"HTTP/1.1 431 ",
        b"GET /healthz HTTP/1.0\r\n\r\n": b"HTTP/1.1 200 ",
        b"GET /heal": b"",
        b"": b"",
    }
    for request, answer in expected.items():
        found = await asyncio.to_thread(ask, request)
        assert found.startswith(answer), (request[:40], found[:40])
        assert bool(found) == bool(answer)
    assert (await asyncio.to_thread(agent.get, "/readyz"))[0] == 503  # nobody answers its birth
    assert "Traceback" not in agent.log.read_text()


def failed(*arguments: str | Path) -> str:
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("steth-agent: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_what_keeps_it_from_running_is_one_clear_line(
    tmp_path: Path, device: DeviceId, processes: list[Process]
) -> None:
    assert "can't be read" in failed(tmp_path / "none.toml")
    agent = Process(tmp_path, free_port(), device=device)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", agent.health))
        taken.listen()
        why = os.strerror(errno.EADDRINUSE)
        assert f"can't listen on 127.0.0.1:{agent.health}: {why}" in failed(agent.file)
    processes.append(agent)
    agent.start()
    agent.file.write_text(agent.file.read_text().replace(f"{agent.health}", f"{free_port()}"))
    assert "another agent uses it; stop that one first" in failed(agent.file)


def test_show_tells_what_leaves_and_where_to(tmp_path: Path, device: DeviceId) -> None:
    agent = Process(tmp_path, 1883, device=device, more=POLICY)
    shown = subprocess.run([PROGRAM, "show", agent.file], capture_output=True, text=True, timeout=30, check=True).stdout
    for line in (
        f"steth/1/.*/{device}/live",
        r"host\.disk_used  %  live  60 s  operating system",
        r"runs without asking until 2999-01-01, as signed by W",
        r"host-health: .* \(host_state, disk, clock, outbox\)",
        r"this machine every 1 s",
    ):
        assert re.search(line, shown), line
    assert not (tmp_path / "state").exists()

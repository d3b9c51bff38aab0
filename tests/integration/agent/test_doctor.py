"""`steth-agent doctor`: each part of the agent's side really broken once, and found."""

import json
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer, ThreadingTCPServer
from typing import Any

import pytest
import trustme

from agent.cli import run
from agent.show import doctor, server
from agent.show.findings import Finding
from tests.fixtures.deployed import DeployedBroker, device_certificate
from tests.fixtures.ports import free_port
from wire.ids import mint_device_id

Found = dict[str, Finding]


class Takes(BaseRequestHandler):
    """Takes a connection and says nothing."""


class Told(BaseHTTPRequestHandler):
    """/metrics of a running agent, or /healthz of the server."""

    body = b""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Steth-Time", str(int(datetime.now(UTC).timestamp() * 1000) + self.server.ahead_ms))  # type: ignore[attr-defined]
        self.send_header("Content-Length", str(len(self.server.body)))  # type: ignore[attr-defined]
        self.end_headers()
        self.wfile.write(self.server.body)  # type: ignore[attr-defined]

    def log_message(self, *_: Any) -> None:
        """No news."""


@contextmanager
def listener(port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Something that takes connections."""
    with ThreadingTCPServer(("127.0.0.1", port), Takes) as server:
        server.daemon_threads = True
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        yield from _serving(server)


@contextmanager
def http(body: bytes, *, ahead_ms: int = 0) -> Iterator[int]:
    """A web server that answers everything with ``body``."""
    with HTTPServer(("127.0.0.1", 0), Told) as server:
        server.body, server.ahead_ms = body, ahead_ms  # type: ignore[attr-defined]
        yield from _serving(server)


def _serving(server: TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()


def config(folder: Path, *, more: str = "", agent: str = "", server: str = "", device: str = "") -> Path:
    """An agent's configuration."""
    path = folder / "agent.toml"
    own = device or f'id = "{mint_device_id()}"'
    path.write_text(
        f'[agent]\nstate = "{folder / "state"}"\n{agent}\n[server]\n{server or f"mqtt = {unused()}"}\n'
        f'[[device]]\nname = "dr"\nmodel = "generic-dr"\n{own}\n{more}\n',
        encoding="utf-8",
    )
    return path


def unused() -> str:
    return f'"mqtt://127.0.0.1:{free_port()}"'


def found(path: Path) -> Found:
    every = list(doctor.examine(path))
    for finding in every:
        assert (finding.todo is None) == (finding.level == "ok"), finding
    return {finding.check: finding for finding in every}


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "STEP_S", 2.0)
    monkeypatch.setattr(server, "STEP_S", 2.0)


def test_a_configuration_that_is_none(tmp_path: Path) -> None:
    what = found(config(tmp_path, more="[device.dicom]\nlisten = 7"))
    assert (set(what), what["agent.config"].level) == ({"agent.config"}, "fail")
    assert "agent.toml:" in what["agent.config"].said.en
    unknown = config(tmp_path)
    unknown.write_text(unknown.read_text().replace("generic-dr", "nonsense"))
    assert "generic-dr" in found(unknown)["agent.config"].said.en
    assert found(tmp_path / "gone.toml")["agent.config"].level == "fail"


@pytest.mark.skipif(sys.platform == "win32", reason="there the mode says nothing")
def test_secrets_that_other_users_may_read_or_change(tmp_path: Path) -> None:
    key, password = tmp_path / "device.key", tmp_path / "proxy.password"
    for secret in (key, password):
        secret.write_text("s3cret")
    proxy = f'proxy = "http://127.0.0.1:1"\nproxy_username = "u"\nproxy_password_file = "{password}"'
    file = config(
        tmp_path,
        server=f"mqtt = {unused()}\n{proxy}",
        device=f'id = "{mint_device_id()}"\ncert = "c"\nkey = "{key.name}"',
    )
    for mode, exposed in ((0o600, False), (0o640, False), (0o604, True), (0o660, True), (0o602, True)):
        for each in (file, key, password):
            for other in (file, key, password):
                other.chmod(0o600)
            each.chmod(mode)
            finding = found(file)["agent.secrecy"]
            assert (finding.level, str(each) in finding.said.zh, str(each) in finding.said.en) == (
                ("warn", True, True) if exposed else ("ok", False, False)
            )


def test_a_port_that_another_program_has(tmp_path: Path) -> None:
    more = '[device.dicom]\nlisten = "127.0.0.1:{}"\n'
    with listener() as port:
        taken = found(config(tmp_path, more=more.format(port)))
    assert (taken["dr.dicom"].level, "another port" in str(taken["dr.dicom"].todo)) == ("fail", True)
    assert found(config(tmp_path, more=more.format(free_port())))["dr.dicom"].level == "ok"


def test_beside_a_running_agent_the_port_must_answer(tmp_path: Path) -> None:
    ready = b'steth_agent_session_ready{device="d"} 1\nsteth_agent_outbox_reports{device="d",lane="live"} 3\n'
    more = '[device.dicom]\nlisten = "127.0.0.1:{}"\n'
    with http(ready) as health, listener() as port:
        agent = f'health = "127.0.0.1:{health}"'
        what = found(config(tmp_path, agent=agent, more=more.format(port)))
        assert {what[check].level for check in ("agent.process", "agent.session", "agent.outbox", "dr.dicom")} == {"ok"}
        assert "3 reports" in what["agent.outbox"].said.en
        silent = found(config(tmp_path, agent=agent, more=more.format(free_port())))
        assert silent["dr.dicom"].level == "fail"
    away = b'steth_agent_session_ready{device="d"} 0\nsteth_agent_outbox_dropped_reports{device="d"} 7\n'
    with http(away) as health:
        what = found(config(tmp_path, agent=f'health = "127.0.0.1:{health}"'))
    assert (what["agent.session"].level, what["agent.outbox"].level) == ("fail", "warn")
    assert "7 were dropped" in what["agent.outbox"].said.en
    assert found(config(tmp_path))["agent.process"].level == "warn"


def test_logs_folders_and_peers(tmp_path: Path) -> None:
    log, closed = tmp_path / "dr.log", tmp_path / "gone"
    with listener() as pacs:
        more = (
            f'[[device.log]]\npath = "{log}"\n[device.folder]\npath = "{closed}"\n'
            f'[device.echo.pacs]\nhost = "127.0.0.1"\nport = {pacs}\n'
            f'[device.echo.worklist]\nhost = "127.0.0.1"\nport = {free_port()}\n'
        )
        missing = found(config(tmp_path, more=more))
        log.write_text("")
        closed.mkdir()
        there = found(config(tmp_path, more=more))
    assert (missing["dr.log"].level, missing["dr.folder"].level) == ("warn", "warn")
    assert (there["dr.log"].level, there["dr.folder"].level) == ("ok", "ok")
    assert (there["peer.pacs"].level, there["peer.worklist"].level) == ("ok", "fail")


def test_analyzers_lines(tmp_path: Path) -> None:
    more = '[device.astm]\nserial = "/dev/none-of-ours"\n[device.hl7]\nconnect = "127.0.0.1:{}"\n'
    path = config(tmp_path, more=more.format(free_port()))
    path.write_text(path.read_text().replace("generic-dr", "generic-analyzer"))
    what = found(path)
    assert (what["dr.astm"].level, what["dr.hl7"].level) == ("warn", "fail")


def test_a_disk_that_fills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DISK_FAIL", 10**18)
    monkeypatch.setattr(doctor, "DISK_WARN", 10**18)
    assert found(config(tmp_path))["agent.disk"].level == "fail"
    monkeypatch.setattr(doctor, "DISK_FAIL", 0)
    assert found(config(tmp_path))["agent.disk"].level == "warn"


def test_a_server_that_is_away(tmp_path: Path) -> None:
    api = f'api = "http://127.0.0.1:{free_port()}"'
    what = found(config(tmp_path, server=f"mqtt = {unused()}\n{api}"))
    assert (what["server.connect"].level, what["server.api"].level) == ("fail", "fail")
    assert "may go out" in str(what["server.connect"].todo)


def test_a_device_that_is_not_enrolled(tmp_path: Path) -> None:
    with http(b"{}") as port:
        path = config(tmp_path, device='code = "K7QF-2M9D-XH4T"', server=f'api = "http://127.0.0.1:{port}"')
        what = found(path)
    assert (what["dr.identity"].level, what["server.api"].level) == ("warn", "ok")
    assert "server.connect" not in what


def test_a_clock_that_is_wrong(tmp_path: Path) -> None:
    with http(b"{}", ahead_ms=3_600_000) as port:
        what = found(config(tmp_path, server=f'mqtt = {unused()}\napi = "http://127.0.0.1:{port}"'))
    assert (what["server.api"].level, "-3600" in what["server.api"].said.en) == ("warn", True)


def tls_server(authority: trustme.CA, *, ends: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", not_after=ends).configure_cert(context)
    return context


def at(folder: Path, authority: trustme.CA, port: int) -> str:
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return f'mqtt = "mqtts://localhost:{port}"\nca = "{folder / "ca.pem"}"'


def test_a_server_whose_certificate_ends(tmp_path: Path) -> None:
    authority, now = trustme.CA(), datetime.now(UTC)
    for ends, level in ((now + timedelta(days=90), "ok"), (now + timedelta(days=9), "warn"), (now, "fail")):
        with listener(tls=tls_server(authority, ends=ends)) as port:
            what = found(config(tmp_path, server=at(tmp_path, authority, port)))
        said = what["server.tls"].said.en
        assert (what["server.connect"].level, what["server.tls"].level) == ("ok", level), said
        assert ("expired" in said) == (level == "fail")


def test_a_server_of_another_authority_and_files_that_are_not_there(tmp_path: Path) -> None:
    with listener(tls=tls_server(trustme.CA())) as port:
        what = found(config(tmp_path, server=at(tmp_path, trustme.CA(), port)))
    assert (what["server.tls"].level, "ca, cert, key" in str(what["server.tls"].todo)) == ("fail", True)
    gone = found(config(tmp_path, server=f'mqtt = "mqtts://localhost:1"\nca = "{tmp_path / "gone.pem"}"'))
    assert gone["server.config"].level == "fail"


def test_the_deployed_broker_with_a_device_of_it_and_with_one_that_expired(
    tmp_path: Path, deployed: DeployedBroker
) -> None:
    for age, level in ((timedelta(0), "ok"), (timedelta(days=40), "fail")):
        device = mint_device_id()
        place = device_certificate(deployed.certificates, device, age=age)
        server = "\n".join(
            [
                f'mqtt = "mqtts://localhost:{deployed.ports["devices"]}"',
                f'ca = "{place / "ca.crt"}"',
                f'cert = "{place / "device.crt"}"',
                f'key = "{place / "device.key"}"',
            ]
        )
        what = found(config(tmp_path, device=f'id = "{device}"', server=server))
        assert what["server.tls"].level == level, what["server.tls"].said.en
        ends = {"ok": "warn", "fail": "fail"}[level]  # within 30 days
        assert (what["server.device"].level, what["server.authority"].level) == (ends, "ok")


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path)
    assert run(["doctor", str(path), "--json"]) == 1
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"check", "level", "said", "todo"} == set(said[0])
    assert run(["doctor", str(path), "--lang", "zh"]) == 1
    text = capsys.readouterr().out
    assert "正常" in text
    assert "故障  server.connect" in text
    assert len(text.splitlines()) == len(said)

"""`steth up` as its user meets it: from nothing to a ticket, killed, stopped clean; what it says of what is wrong."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.fixtures.ports import free_port

PATIENCE_S = 90


class Up:
    """A running `steth up`."""

    def __init__(self, folder: Path, http: int) -> None:
        self.folder = folder
        self.output = folder.parent / "up.log"
        command = [sys.executable, "-m", "steth", "up", "--data", str(folder), "--http", str(http)]
        with self.output.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self.run: dict[str, str] = {}

    def ready(self) -> None:
        path = self.folder / "run.json"
        path.unlink(missing_ok=True)  # of a run that was killed
        self.until(path.exists)
        self.run = json.loads(path.read_text(encoding="utf-8"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def until(self, look: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.output.read_text(encoding="utf-8")
            found = look()
            if found:
                return found
            time.sleep(0.1)
        raise TimeoutError(self.output.read_text(encoding="utf-8"))

    def get(self, path: str) -> Any:
        answer = httpx.get(
            f"{self.run['http']}/api/v1{path}", headers={"Authorization": f"Bearer {self.run['token']}"}, timeout=10
        )
        answer.raise_for_status()
        return answer.json()

    def sql(self, statement: bytes) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.run["dsn"], autocommit=True) as connection:
            return connection.execute(statement).fetchall()


@contextmanager
def running(folder: Path, http: int) -> Iterator[Up]:
    up = Up(folder, http)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.process.send_signal(signal.SIGINT)
            try:
                up.process.wait(60)
            except subprocess.TimeoutExpired:
                up.process.kill()
                up.process.wait()


def test_from_nothing_to_a_ticket_through_a_kill_to_a_clean_stop(tmp_path: Path) -> None:
    folder, http = tmp_path / "data", free_port()
    with running(folder, http) as up:
        up.ready()
        assert set(up.run) == {"http", "mqtt", "dsn", "user", "password", "token"}
        tickets = up.until(lambda: up.get("/tickets")["items"])
        number = tickets[0]["number"]
        up.until(lambda: up.get(f"/tickets/{number}")["diagnostics"][0]["status"] == "done")
        assert f"TICKET {number}" in up.output.read_text(encoding="utf-8")
        login = httpx.post(
            f"{up.run['http']}/api/v1/login", json={"user": up.run["user"], "password": up.run["password"]}, timeout=10
        )
        assert login.status_code == httpx.codes.OK
        devices = {device["id"] for device in up.get("/devices")["items"]}
        assert len(devices) == 2
        addresses = up.run
        up.process.kill()
        up.process.wait()

    with running(folder, http) as up:
        up.ready()
        assert up.run == addresses, "whoever came from outside finds everything again"
        assert {device["id"] for device in up.get("/devices")["items"]} == devices, "the same devices, not new ones"
        before = up.sql(b"SELECT max(seq) FROM mark")[0][0]
        up.until(lambda: up.sql(b"SELECT max(seq) FROM mark")[0][0] > before)
        assert up.get(f"/tickets/{number}")["number"] == number
        assert up.sql(b"SELECT count(*) FROM dead_letter") == [(0,)]
        assert up.sql(b"SELECT count(*) FROM ticket WHERE status <> 'closed' GROUP BY device_id, family")[0] == (1,)
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(60) == 0
        assert not (folder / "run.json").exists()

    assert "Traceback" not in up.output.read_text(encoding="utf-8")


def start_and_fail(*arguments: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "steth", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert done.returncode not in (0, 1), done
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = start_and_fail("up", "--data", str(tmp_path / "d"), "--http", port)
    assert port in said
    assert "--http" in said


def test_a_data_folder_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "d").write_text("x")
    assert str(tmp_path / "d") in start_and_fail("up", "--data", str(tmp_path / "d"))


@pytest.mark.parametrize("command", ["ingest", "alerts", "api", "migrate"])
def test_a_wrong_configuration_names_line_and_key(tmp_path: Path, command: str) -> None:
    config = tmp_path / "steth.toml"
    config.write_text('language = "en"\nheartbeat_s = "often"\n')
    said = start_and_fail(command, "--config", str(config))
    assert f"{config}:2: heartbeat_s" in said
    config.write_text('langauge = "en"\n')
    assert f"{config}:1: langauge" in start_and_fail(command, "--config", str(config))
    config.write_text("language = \n")
    assert "line 1" in start_and_fail(command, "--config", str(config))


def test_a_process_without_its_database_says_what_to_give() -> None:
    assert "STETH_DSN_INGEST" in start_and_fail("ingest")

"""`steth up` as its user meets it: from nothing to a ticket, killed, stopped clean; what it says of what is wrong."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from catalog.check import main_lines
from catalog.load import SHIPPED
from tests.fixtures.dumps import leaves_none
from tests.fixtures.metrics import lint
from tests.fixtures.ports import free_port
from tests.fixtures.up import running

STEPS = b"SELECT count(DISTINCT body->>'value') FROM device_event WHERE body->>'name' = 'mpps.status'"
TOLD_BY_A_REPORT_ALONE = b"""
SELECT count(*) FROM reading dose JOIN metric ON metric.id = dose.metric_id AND metric.name = 'exposure.dap'
WHERE NOT EXISTS (
    SELECT FROM reading image JOIN metric detector ON detector.id = image.metric_id
    WHERE detector.name = 'detector.temperature' AND (image.device_id, image.ts) = (dose.device_id, dose.ts)
)"""
"""Exposures whose image was rejected: an image says how warm the detector was, a dose report doesn't."""


def test_from_nothing_to_a_ticket_through_a_kill_to_a_clean_stop(tmp_path: Path) -> None:
    folder, http = tmp_path / "data", free_port()
    with running(folder, http) as up:
        up.ready()
        assert set(up.run) == {"http", "mqtt", "mqtt_user", "mqtt_password", "dsn", "user", "password", "token"}
        tickets = up.until(lambda: up.get("/tickets")["items"])
        number = tickets[0]["number"]
        up.until(lambda: up.get(f"/tickets/{number}")["diagnostics"][0]["status"] == "done")
        models = {device["id"]: device["model"] for device in up.get("/devices")["items"]}
        assert sorted(models.values()) == ["generic-analyzer"] * 2 + ["generic-dr"] * 2
        up.until(lambda: {models[one["device"]["id"]] for one in up.get("/tickets")["items"]} == set(models.values()))
        assert (
            up.sql(b"SELECT count(DISTINCT name) FROM metric WHERE name ~ '^(bath|photometer|reagent|qc)[.]'")[0][0]
            > 40
        )
        up.until(lambda: up.sql(STEPS)[0][0] >= 2)
        up.until(lambda: up.sql(TOLD_BY_A_REPORT_ALONE)[0][0] > 0)
        assert f"TICKET {number}" in up.output.read_text(encoding="utf-8")
        login = httpx.post(
            f"{up.run['http']}/api/v1/login", json={"user": up.run["user"], "password": up.run["password"]}, timeout=10
        )
        assert login.status_code == httpx.codes.OK
        it_is_whole_and_says_so(folder)
        none_of_it_leaves_a_dump(up.process.pid)
        devices = set(models)
        addresses = up.run
        up.process.kill()
        up.process.wait()

    as_the_former_version_left_it(folder / "hospital" / "devices.json")
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


def none_of_it_leaves_a_dump(pid: int) -> None:
    """Every process, the database's too: what is in their memory is on no disk when they crash."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    assert len(processes) > 8
    for process in processes:
        with contextlib.suppress(OSError):  # a session of the database that ended meanwhile
            assert leaves_none(process.pid), process


def it_is_whole_and_says_so(folder: Path) -> None:
    """`steth doctor` finds nothing broken, every process's metrics keep the rules, and every line of a log is JSON."""
    doctor = [sys.executable, "-m", "steth", "doctor", "--data", str(folder), "--json"]
    looked = subprocess.run(doctor, capture_output=True, text=True, timeout=90, check=False)
    found = {one["check"]: one for one in map(json.loads, looked.stdout.splitlines())}
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert {"database.schema", "broker.probe", "pipeline.clock", "process.ingest", "agent.session"} <= set(found)
    assert (found["audit.chains"]["level"], found["audit.heads"]["level"]) == ("ok", "ok")
    assert [json.loads(line)["org"] for line in (folder / "audit.heads").read_text().splitlines()][:1] == [0]
    processes = json.loads((folder / "doctor.json").read_text(encoding="utf-8"))["processes"]
    for name, url in processes.items():
        assert lint(httpx.get(f"{url}/metrics", timeout=10).text) == [], name
    for name in ("api", "ingest", "jobs", "agent"):
        for line in (folder / "logs" / f"{name}.log").read_text(encoding="utf-8").splitlines():
            assert "event" in json.loads(line), name


def as_the_former_version_left_it(path: Path) -> None:
    """It knew DR systems only, and had no word for that."""
    known = json.loads(path.read_text(encoding="utf-8"))
    drs = [{key: value for key, value in one.items() if key != "kind"} for one in known if one["kind"] == "dr"]
    assert len(drs) == 2
    path.write_text(json.dumps(drs), encoding="utf-8")


def start_and_fail(*arguments: str, environment: dict[str, str] | None = None, status: int = 2) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "steth", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert done.returncode == status, done
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


@pytest.mark.parametrize("command", ["ingest", "jobs", "api", "migrate"])
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


@pytest.mark.parametrize("command", ["up", "ingest", "api", "agent", "sim"])
def test_a_mistake_in_the_catalog_names_file_and_line(tmp_path: Path, command: str) -> None:
    catalog = tmp_path / "catalog"
    shutil.copytree(SHIPPED, catalog)
    spoilt = catalog / "models" / "generic-analyzer.yaml"
    lines = spoilt.read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if line == "    family: bath")
    lines[at] = "    family: bth"
    spoilt.write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "agent.toml").write_text(
        f'[agent]\nstate = "state"\ncatalog = "{catalog}"\n[server]\nmqtt = "mqtt://127.0.0.1:1"\n'
        '[[device]]\nname = "a"\nmodel = "generic-analyzer"\nid = "d000000000000"\n[device.host]\n'
    )
    life = {"name": "a", "protocol": "astm", "port": 1, "seed": 1}
    (tmp_path / "sim.json").write_text(json.dumps({"analyzers": [life], "catalog": str(catalog)}))
    arguments = {
        "up": ["up", "--data", str(tmp_path / "data"), "--catalog", str(catalog)],
        "agent": ["agent", str(tmp_path / "agent.toml")],
        "sim": ["sim", "hospital", str(tmp_path / "sim.json")],
    }.get(command, [command])

    said = start_and_fail(
        *arguments, environment={"STETH_CATALOG": str(catalog)}, status=1 if command == "agent" else 2
    )

    assert f"{spoilt}:{at + 1}:13: no family 'bth'" in said
    assert not (tmp_path / "data").exists()
    (problem,) = main_lines(catalog)
    assert problem.startswith(f"{spoilt}:{at + 1}:13: ")


def test_what_jobs_was_called_says_its_name() -> None:
    assert "`steth jobs`" in start_and_fail("alerts", "--config", "any.toml")

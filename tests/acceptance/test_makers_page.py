"""docs/makers.md as a maker follows it: its shell blocks, as written, against a real `steth up`."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fixtures.parts import missing
from tests.fixtures.ports import free_port
from tests.fixtures.trixie import Tree

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "makers.md"
PATIENCE_S = 150


@pytest.fixture
def publisher(tmp_path: Path) -> Path:
    """A folder with `mosquitto_pub`: the machine's own, else that of the Debian 13 tree."""
    folder = tmp_path / "bin"
    folder.mkdir()
    found, tree = shutil.which("mosquitto_pub"), Tree.find()
    if found is None and tree is None:
        missing("mosquitto_pub", get="sudo make test-deps, then run as root")
    command = [found] if found or tree is None else tree.command("mosquitto_pub", user="mosquitto")
    script = folder / "mosquitto_pub"
    script.write_text(f'#!/bin/sh\nexec {" ".join(map(str, command))} "$@"\n')
    script.chmod(0o755)
    return folder


def blocks() -> list[str]:
    """The page's shell blocks; the one of the server's terminal is no `sh` block."""
    return re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_page_does_what_it_says(tmp_path: Path, publisher: Path) -> None:
    folder, output = tmp_path / "up", tmp_path / "up.log"
    command = [sys.executable, "-m", "steth", "up", "--devices", "0"]
    with output.open("wb") as log:
        up = subprocess.Popen([*command, "--data", str(folder), "--http", str(free_port())], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not (folder / "run.json").exists():
            assert up.poll() is None, output.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, output.read_text(encoding="utf-8")
            time.sleep(0.1)
        followed = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(blocks())],
            cwd=ROOT,
            env={
                **os.environ,
                "PATH": f"{publisher}:{os.environ['PATH']}",
                "STETH_RUN": str(folder / "run.json"),
                "TMPDIR": str(tmp_path),
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert followed.returncode == 0, followed.stderr
    finally:
        up.terminate()
        try:
            up.wait(60)
        finally:
            up.kill()
    topic, *answers = followed.stdout.splitlines()
    assert re.fullmatch(r"steth/1/[0-9a-f]{2}/d[0-9a-z]{12}/live", topic)
    heard, tickets, alerts, measured = (json.loads(line) for line in answers[:4])
    assert (heard["fresh"]["value"], heard["connected"]["reason"]) == (True, "no-session")
    (ticket,) = tickets["items"]
    assert (ticket["device"]["id"], ticket["family"]) == (heard["id"], "generator.kv")
    assert [alert["condition"] for alert in alerts["items"]] == ["ok"]
    assert {latest["metric"]: latest["value"] for latest in measured["latest"]} == {"host.cpu": 12.5, "host.memory": 40}


def test_the_page_is_whole() -> None:
    assert len(blocks()) == 7
    assert "make run" in PAGE.read_text(encoding="utf-8")

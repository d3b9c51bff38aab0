"""docs/equipment.md: followed as printed from nothing to a reading; and each configuration on it is one that the agent
takes, and shows what the page promises."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.config.file import load
from agent.show.decode import decode_main
from agent.show.show import show
from catalog.load import load as catalog
from tests.fixtures.parts import missing

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "equipment.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^## (.+?)\n.*?^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
HEAD = '[agent]\nstate = "state"\n[server]\nmqtt = "mqtts://steth.example"\napi = "https://steth.example"\n'


@pytest.mark.parametrize("block", [block for _, block in BLOCKS], ids=[title for title, _ in BLOCKS])
def test_each_configuration_is_taken_and_shown(block: str, tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(HEAD + block, encoding="utf-8")
    shown = show(load(file))
    assert "nothing: no source is configured" not in shown
    (address,) = re.findall(r'^(?:listen|path|serial) = "(.*)"$', block, re.MULTILINE)
    assert address in shown
    (name,) = re.findall(r'^name = "(.*)"$', block, re.MULTILINE)
    assert f"device {name}:" in shown


def test_its_spellings_are_the_catalogs() -> None:
    """Each run of backquoted spellings stands beside what it means."""
    model = catalog(None).models["generic-analyzer"]
    section = PAGE.partition("## The spellings that are known")[2]
    printed = {
        title: {spelled: word for word, spellings in _meanings(text) for spelled in spellings}
        for title, text in re.findall(r"^\*\*([A-Z]\w+).*?\n\n(.*?)\n(?:\n|\Z)", section, re.MULTILINE | re.DOTALL)
    }
    assert printed["Codes"] == dict(model.codes["astm.comment"]) == dict(model.codes["hl7.notification"])
    assert printed["Tests"] == {spelled: assay.key for spelled, assay in model.assays.items()}
    assert printed["Controls"] == dict(model.controls)
    assert printed["Reagents"] == dict(model.reagents)
    assert printed["Units"].keys() == {unit for assay in model.assays.values() for unit in assay.units}


def _meanings(text: str) -> list[tuple[str, list[str]]]:
    parts = [part.strip() for part in text.split("·")]
    return [(re.sub(r"`[^`]*`|:", "", part).strip(), re.findall(r"`([^`]*)`", part)) for part in parts]


def test_every_source_that_needs_a_connection_is_on_it() -> None:
    assert len(BLOCKS) == 6
    sections = {section for _, block in BLOCKS for section in re.findall(r"^\[+device\.(\w+)\]+$", block, re.MULTILINE)}
    assert sections == {"dicom", "folder", "log", "astm", "hl7"}


def test_the_formats_it_names_can_be_decoded(capsys: pytest.CaptureFixture[str]) -> None:
    (formats,) = re.findall(r"decode \(([a-z0-9|]+)\)", PAGE)
    for kind in formats.split("|"):
        assert decode_main([kind, "no-such-file"]) == 2
        assert "No such file" in capsys.readouterr().err


ONCE = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ALONE = """
import fcntl, os, socket, struct, subprocess, sys, time
with socket.socket() as control:  # the loopback of a new network is down: SIOCSIFFLAGS with IFF_UP and IFF_RUNNING
    fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))
for folder in ("/var/lib/steth", "/tmp/steth-box"):
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder], check=True)
with open(sys.argv[1], "wb") as log:
    up = subprocess.Popen([sys.executable, "-m", "steth", "up", "--devices", "0"], stdout=log, stderr=log)
try:
    deadline = time.monotonic() + 150
    while not os.path.exists("/var/lib/steth/up/run.json"):
        assert up.poll() is None and time.monotonic() < deadline, "steth up doesn't run"
        time.sleep(0.1)
    code = subprocess.run(["bash", "-euo", "pipefail"], stdin=sys.stdin, timeout=240).returncode
    sys.stdout.write(open("/tmp/steth-box/agent.log", encoding="utf-8").read())
finally:
    up.terminate()
    up.wait(60)
sys.exit(code)
"""


def test_followed_as_printed_it_ends_with_readings_of_each_device(tmp_path: Path) -> None:
    """In a network and folders of its own, so that the printed ports and paths are free whatever else runs."""
    if sys.platform != "linux" or os.geteuid() != 0:
        missing("a network namespace", get="run as root on Linux")
    log = tmp_path / "up.log"
    followed = subprocess.run(
        ["unshare", "--net", "--mount", sys.executable, "-c", ALONE, log],
        cwd=ROOT,
        input="\n".join(ONCE),
        capture_output=True,
        text=True,
        timeout=480,
        check=False,
    )
    assert followed.returncode == 0, followed.stderr[-2000:] + log.read_text(encoding="utf-8")[-2000:]
    said = followed.stdout
    for name, metric in (("DR 1", "tube.voltage"), ("Analyzer 1", "bath.temperature"), ("Analyzer 2", "reagent.glu.")):
        assert re.search(rf"^{name} .*\b{re.escape(metric)}", said, re.MULTILINE), [
            line for line in said.splitlines() if "." in line
        ][-12:]
    assert said.count("session open") == 3
    assert '"level": "error"' not in said

"""What an analyzer said in vain, from its line to everybody who should see it: page, API, both doctors, log.

A real agent beside a running `steth up`. The name of a person in the code's place is nowhere but on the line.
"""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, expect

from tests.fixtures.astm import ACK, ENQ, EOT, ORDER, PATIENT, by_records, message
from tests.fixtures.browser import Console, visitor
from tests.fixtures.ports import free_port, listening, wait_until
from tests.fixtures.up import Up

CANARY: Final = "Zhangsan-Canary-0619"
HEADER: Final = r"H|\^&|||chem"
"""Without a time: a fixed one would say that the analyzer's clock is wrong."""
UNKNOWN: Final = message("C|1|I|BTH-TMP-01|I", header=HEADER)
NAMED: Final = message(f"C|1|I|{CANARY}|I", header=HEADER)
PHONE: Final = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


class Ward:
    """An analyzer's line, and the agent that listens on it."""

    def __init__(self, up: Up, folder: Path) -> None:
        self.up = up
        self.folder = folder
        self.port, self.health = free_port(), free_port()
        given = {"name": "Analyzer 7", "model": "generic-analyzer", "site": {"hospital": "H", "site": "Lab"}}
        made = up.ask("POST", "/devices", json=given).json()
        self.device: str = made["id"]
        self.file = folder / "agent.toml"
        (folder / "password").write_text(up.run["mqtt_password"])
        self.file.write_text(
            f'[agent]\nstate = "state"\nheartbeat_s = 1\nhealth = "127.0.0.1:{self.health}"\n'
            f'[server]\nmqtt = "{up.run["mqtt"]}"\n'
            f'username = "{up.run["mqtt_user"]}"\npassword_file = "password"\n'
            f'[[device]]\nname = "chem-7"\nmodel = "generic-analyzer"\nid = "{self.device}"\n'
            f'[device.astm]\nlisten = "127.0.0.1:{self.port}"\n',
            "utf-8",
        )
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "steth", "agent", self.file], stderr=log, stdout=log)
        wait_until(lambda: listening(self.health) and listening(self.port), what="the agent", seconds=30)

    def say(self, text: bytes) -> None:
        """A message of the analyzer; every frame of it is taken."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as line:
            for part in (ENQ, *by_records(text)):
                line.sendall(part)
                assert line.recv(1) == ACK
            line.sendall(EOT)

    def detail(self, lang: str = "zh") -> Any:
        return self.up.get(f"/devices/{self.device}?lang={lang}")

    def refused(self) -> dict[str, Any]:
        """What the API says of the code."""
        found = [each for each in self.detail("en")["refusals"] if each["reason"] == "unknown-code"]
        return found[0] if found else {}

    def doctor(self, *arguments: str) -> list[dict[str, Any]]:
        command = [sys.executable, "-m", "steth", *arguments, "--json", "--lang", "en"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert CANARY not in done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def ward(up: Up, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    made = Ward(up, tmp_path_factory.mktemp("ward"))
    try:
        up.until(lambda: made.detail()["healthy"]["value"])
        yield made
    finally:
        made.process.terminate()
        made.process.wait(20)


def test_a_refused_code_is_seen_by_everybody_who_should(ward: Ward, console: Console) -> None:
    page = console.page
    console.go("/devices")
    row = console.device("Analyzer 7")
    expect(row.locator(".how")).to_have_text("无报警")
    row.locator(".go").click()
    facts = page.locator(".detail .fact")
    expect(facts).to_have_text(["连接 在线", "数据 新", "状态 无报警"])
    for _ in range(3):
        ward.say(UNKNOWN)
    ward.up.until(lambda: ward.refused().get("count") == 3)
    told = ward.refused()
    assert (told["source"], told["form"], told["lost"]) == ("astm", "AAA-AAA-99", True)
    assert told["since"] <= told["last"]
    # Without loading anything again: the stream tells it.
    expect(row.locator(".how")).to_have_text("情况不明 有内容被拒收")
    expect(facts).to_have_text(["连接 在线", "数据 新", "状态 不明"])
    section = page.get_by_role("region", name="未能识别、被拒收的内容")
    expect(section.locator("tbody tr")).to_have_count(1)
    for words in ("目录中没有这个代码", "已丢失", "ASTM", "unknown-code", "AAA-AAA-99", "3", "始于"):
        expect(section).to_contain_text(words)
    console.go("/devices?how=unknown")
    expect(row).to_be_visible()
    console.go("/devices?how=well")
    expect(row).to_have_count(0)


def test_what_told_nothing_stands_apart_and_changes_nothing(ward: Ward, console: Console) -> None:
    before = ward.detail()["healthy"]["reason"]
    ward.say(message(PATIENT, ORDER, "R|1|^^^687/|22.4|U/l||N||F", header=HEADER))
    told = ward.up.until(lambda: [each for each in ward.detail("en")["refusals"] if each["kind"] == "untold"])
    assert [(each["reason"], each["lost"], each["form"]) for each in told] == [("patient-results", False, "")]
    assert ward.detail()["healthy"]["reason"] == before
    console.go(f"/devices/{ward.device}")
    section = console.page.get_by_role("region", name="已应答、没有可取的内容")
    expect(section.locator("tbody tr")).to_have_count(1)
    expect(section).to_contain_text("患者结果，未读即弃")
    expect(section).not_to_contain_text("已丢失")


def test_it_is_whole_in_english_and_on_a_phone(ward: Ward, launched: Browser) -> None:
    ward.say(UNKNOWN)
    ward.up.until(ward.refused)
    for name, how in (("desk", {"locale": "en-GB"}), ("phone", {**PHONE, "locale": "en-GB"}), ("phone-zh", PHONE)):
        with visitor(launched, **how) as page:
            shown = Console(page, ward.up.run["http"])
            shown.open(ward.up.run["user"], ward.up.run["password"], f"/devices/{ward.device}")
            section = page.locator("section[aria-labelledby=refused]")
            expect(section.locator("code.form")).to_have_text("AAA-AAA-99")
            if name != "phone-zh":
                expect(section).to_contain_text("a code that the catalog doesn't know")
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
            assert section.evaluate("node => node.scrollWidth <= node.clientWidth + 1"), name


def test_both_doctors_say_which_device_what_how_often_and_what_to_do(ward: Ward) -> None:
    ward.say(UNKNOWN)
    ward.up.until(ward.refused)
    (server,) = [
        each
        for each in ward.doctor("doctor", "--data", str(ward.up.folder))
        if each["check"] == f"{ward.device}.refused"
    ]
    (agent,) = [each for each in ward.doctor("agent", "doctor", str(ward.file)) if each["check"] == "chem-7.refused"]
    assert server["said"].startswith("Analyzer 7 (Lab): ASTM: refused: a code that the catalog doesn't know")
    for found in (server, agent):
        assert found["level"] == "warn"
        for words in ("unknown-code", "× since 20", "it looked like AAA-AAA-99"):
            assert words in found["said"]
        assert "docs/equipment.md" in found["todo"]


def test_a_persons_name_in_a_codes_place_is_nowhere(ward: Ward, console: Console) -> None:
    ward.say(NAMED)
    ward.up.until(lambda: ward.refused().get("form") == "Aaaaaaaa-Aaaaaa-9999")
    page = console.page
    console.go(f"/devices/{ward.device}")
    expect(page.locator("code.form")).to_have_text("Aaaaaaaa-Aaaaaa-9999")
    assert CANARY not in page.content()
    (heartbeats,) = ward.up.sql(b"SELECT count(*) FROM device_state WHERE heartbeat::text LIKE '%anary%'")
    assert heartbeats == (0,)
    assert ward.up.sql(b"SELECT count(*) FROM device_refusal WHERE form LIKE '%anary%' OR reason LIKE '%anary%'") == [
        (0,)
    ]
    ward.doctor("doctor", "--data", str(ward.up.folder))
    for folder in (ward.folder, ward.up.folder.parent):
        for path in folder.rglob("*"):
            if path.is_file():
                assert CANARY.encode() not in path.read_bytes(), path
    lines = (ward.folder / "log").read_text("utf-8").splitlines()
    bursts = [line for line in lines if '"input refused"' in line and '"unknown-code"' in line]
    assert len(bursts) == 1, "one line at the beginning of a burst"

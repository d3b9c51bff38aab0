"""[device.hl7]: what a wrong one says, and what is shown of a right one."""

from pathlib import Path

import pytest

from agent.app import App
from agent.config.file import load
from agent.errors import AgentError, ConfigError
from agent.show.show import show
from tests.fixtures.ports import free_port

BASE = """\
[agent]
state = "state"
[server]
mqtt = "mqtt://127.0.0.1:1"
[[device]]
name = "chem"
model = "generic-analyzer"
id = "dabc123456789"
"""


def config(folder: Path, text: str) -> Path:
    file = folder / "agent.toml"
    file.write_text(BASE + text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[device.hl7]\n", "9: device.hl7: needs exactly one of listen and connect; say which side"),
        ('[device.hl7]\nlisten = "0.0.0.0:1"\nconnect = "h:1"\n', "9: device.hl7: needs exactly one of listen"),
        ('[device.hl7]\nlisten = "5600"\n', "10: device.hl7.listen: expected str of another form; write host:port"),
        ('[device.hl7]\nconnect = "h:0"\n', "10: device.hl7.connect: has no port of 1 to 65535"),
        (
            '[device.hl7]\nconnect = "h"\n',
            "10: device.hl7.connect: expected str of another form; write host:port of the",
        ),
        ('[device.hl7]\nlisten = "h:1"\nmax_kb = 1\n', "11: device.hl7.max_kb: expected int >= 16"),
        ('[device.hl7]\nlisten = "h:1"\ntime_zone = "Mars"\n', "11: device.hl7.time_zone: the time zone 'Mars' isn't"),
        (
            '[device.hl7]\nconnect = "h:1"\npeers = ["10.0.0.5"]\n',
            "11: device.hl7.peers: says who may connect to us, and",
        ),
        (
            '[device.hl7]\nlisten = "h:1"\npeers = ["x"]\n',
            "11: device.hl7.peers: 'x' is neither an address nor a network; w",
        ),
        ('[device.hl7]\nlistn = "h:1"\n', "10: device.hl7.listn: is no key of this section; did you mean listen?"),
    ],
)
def test_a_wrong_one_is_told_with_line_and_key(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(config(tmp_path, text))
    assert f"agent.toml:{says}" in str(raised.value)


def test_what_is_read_is_shown(tmp_path: Path) -> None:
    shown = show(load(config(tmp_path, '[device.hl7]\nconnect = "10.0.0.9:5600"\n')))
    assert "HL7 from 10.0.0.9:5600: ESU, EAN, INU and controls" in shown
    assert "    reagent.glu.expires\n    reagent.glu.lot\n" in shown
    assert "    qc.glu.l1|l2|l3.z  1  bulk" in shown
    assert "HL7 on 0.0.0.0:5600: ESU" in show(load(config(tmp_path, '[device.hl7]\nlisten = "0.0.0.0:5600"\n')))
    listed = '[device.hl7]\nlisten = "0.0.0.0:5600"\npeers = ["10.0.0.5", "fd00::/8"]\n'
    assert "HL7 on 0.0.0.0:5600 (open to 10.0.0.5, fd00::/8 alone): ESU" in show(load(config(tmp_path, listed)))


def test_a_port_that_is_taken_is_told_before_anything_runs(tmp_path: Path) -> None:
    text = f'[device.hl7]\nlisten = "127.0.0.1:{free_port()}"\n'
    second = BASE.partition("[[device]]")[2].replace("chem", "chem-2").replace("dabc", "dabd")
    with pytest.raises(AgentError, match=r"is also in line \d+; give each its own"):
        App(config=load(config(tmp_path, f"{text}[[device]]{second}{text}")))

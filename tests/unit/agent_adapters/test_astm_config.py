"""[device.astm]: what a wrong one says, and what a right one does in the whole agent."""

import asyncio
from pathlib import Path

import pytest

from agent.app import App
from agent.config.file import load
from agent.errors import AgentError, ConfigError
from agent.show.show import show
from tests.fixtures.astm import ACK, FLAGGED, Analyzer
from tests.fixtures.ports import free_port

BASE = """\
[agent]
state = "state"
[server]
mqtt = "mqtt://127.0.0.1:1"
[[device]]
name = "chem"
model = "roche-cobas"
id = "dabc123456789"
"""


def config(folder: Path, text: str) -> Path:
    file = folder / "agent.toml"
    file.write_text(f"{BASE}[device.astm]\n{text}", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "9: device.astm: needs exactly one of listen, connect and serial; say how the analyzer is connected"),
        ('listen = "0.0.0.0:1"\nserial = "COM3"\n', "9: device.astm: needs exactly one of listen, connect and serial"),
        ('connect = "h:1"\nserial = "COM3"\n', "9: device.astm: needs exactly one of listen, connect and serial"),
        ('listen = "4010"\n', "10: device.astm.listen: expected str of another form; write host:port"),
        ('connect = "h:0"\n', "10: device.astm.connect: has no port of 1 to 65535"),
        ('serial = ""\n', "10: device.astm.serial: expected str of length >= 1"),
        ('serial = "COM3"\nbaud = 9601\n', "11: device.astm.baud: 9601 is none of its values; write one of 1200,"),
        ('serial = "COM3"\nparity = "mark"\n', "11: device.astm.parity: 'mark' is none of its values; write one of"),
        ('listen = "h:1"\nframing = "mllp"\n', "11: device.astm.framing: 'mllp' is none of its values; write one of"),
        (
            'listen = "h:1"\nframing = "none"\nanswer_queries = true\n',
            "12: device.astm.answer_queries: needs the E1381 link; leave it out, or set framing to e1381",
        ),
        (
            'listen = "h:1"\nchecksum = "none"\n',
            "11: device.astm.checksum: expected bool, got str; write false where the analyzer's frames bear",
        ),
        (
            'listen = "h:1"\nrecord_per_frame = 1\n',
            "11: device.astm.record_per_frame: expected bool | null, got int; write true where each frame is a record",
        ),
        ('listen = "h:1"\nencoding = "big5"\n', "11: device.astm.encoding: 'big5' is none of its values; write one of"),
        ('listen = "h:1"\ntime_zone = "Mars"\n', "11: device.astm.time_zone: the time zone 'Mars' isn't"),
        ('serial = "COM3"\npeers = ["10.0.0.5"]\n', "11: device.astm.peers: says who may connect to us, and nobody"),
        ('listen = "h:1"\npeers = ["10.0.0.5/33"]\n', "11: device.astm.peers: '10.0.0.5/33' is neither an address"),
        ('listn = "h:1"\n', "10: device.astm.listn: is no key of this section; did you mean listen?"),
    ],
)
def test_a_wrong_one_is_told_with_line_and_key(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(config(tmp_path, text))
    assert f"agent.toml:{says}" in str(raised.value).replace("Invalid", "invalid")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('listen = "0.0.0.0:4010"\n', "ASTM on 0.0.0.0:4010: codes, signals and controls"),
        ('connect = "10.0.0.9:4010"\n', "ASTM from 10.0.0.9:4010: codes"),
        ('serial = "/dev/ttyUSB0"\nbaud = 19200\n', "ASTM from /dev/ttyUSB0: codes"),
    ],
)
def test_what_is_read_is_shown(text: str, shown: str, tmp_path: Path) -> None:
    assert shown in show(load(config(tmp_path, text)))


def test_a_port_that_is_taken_is_told_before_anything_runs(tmp_path: Path) -> None:
    text = f'listen = "127.0.0.1:{free_port()}"\n'
    second = BASE.partition("[[device]]")[2].replace("chem", "chem-2").replace("dabc", "dabd")
    with pytest.raises(AgentError, match=r"is also in line \d+; give each its own"):
        App(config=load(config(tmp_path, f"{text}[[device]]{second}[device.astm]\n{text}")))


async def test_the_agent_serves_it(tmp_path: Path) -> None:
    port = free_port()
    app = App(config=load(config(tmp_path, f'listen = "127.0.0.1:{port}"\ntime_zone = "Asia/Shanghai"\n')))
    running = asyncio.create_task(app.run())
    try:
        async with asyncio.timeout(20):
            while True:
                try:
                    analyzer = await Analyzer.connect(port)
                    assert set(await analyzer.send(FLAGGED)) == {ACK}
                    await analyzer.close()
                    break
                except ConnectionRefusedError:
                    await asyncio.sleep(0.02)
        assert app.devices["chem"].outbox.state.live.items >= 1
    finally:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

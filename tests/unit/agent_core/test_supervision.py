"""One adapter's or one device's death is its own."""

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from agent import device as device_module
from agent.app import App
from agent.cli import run
from agent.config.shapes import Agent, Config, Device, Policy, Server
from agent.device import DeviceAgent, allowance
from agent.errors import AgentError, described
from agent.log import configure
from tests.fixtures.ports import free_port
from tests.unit.agent_core.api import Api
from wire.ids import mint_device_id


def config(folder: Path, *devices: Device) -> Config:
    return Config(
        agent=Agent(state=str(folder / "state"), heartbeat_s=1.0),
        server=Server(mqtt="mqtt://127.0.0.1:1"),
        devices=devices or (a_device(),),
    )


def a_device(name: str = "dr-1") -> Device:
    return Device(name=name, model="generic-dr", id=mint_device_id())


class Brittle:
    """An adapter that dies of something different each time."""

    name = "brittle"

    def __init__(self) -> None:
        self.runs = 0

    async def run(self) -> None:
        self.runs += 1
        if self.runs == 1:
            raise ValueError("PATIENT^NAME")
        if self.runs == 2:
            raise AgentError("a clear line")
        if self.runs > 3:
            await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def _untouched() -> Iterator[None]:
    """The command line configures logging for its whole process."""
    yield
    structlog.reset_defaults()


def test_logging_never_ends_what_it_tells_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure()
    log = structlog.get_logger(part="test")
    log.warning("heard", number=1)
    assert json.loads(capsys.readouterr().err)["event"] == "heard"
    closed = io.StringIO()
    closed.close()
    for stderr in (None, closed):
        monkeypatch.setattr("sys.stderr", stderr)
        log.error("unheard")


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "backoff", lambda _failures, _jitter: 0.0)


async def until(ready: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not ready():  # noqa: ASYNC110  # others set what is waited for
            await asyncio.sleep(0.01)


async def test_an_adapter_that_dies_is_started_again_and_counted_and_its_words_are_not_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brittle, steady = Brittle(), Brittle()
    steady.runs = 10
    monkeypatch.setattr(DeviceAgent, "_adapters", lambda _: [("brittle", lambda: brittle), ("steady", lambda: steady)])
    app = App(config=config(tmp_path))
    agent = app.devices["dr-1"]
    with capture_logs() as lines:
        task = asyncio.create_task(app.run())
        await until(lambda: brittle.runs == 4)
    assert agent.restarts == {"brittle": 3}
    assert steady.runs == 11
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "PATIENT" not in str(lines)
    said = [line["error"].partition(":")[0] for line in lines if line["event"].startswith("adapter failed")]
    assert said == ["ValueError in test_supervision.py", "a clear line", "it ended by itself"]


async def test_a_device_whose_outbox_is_damaged_is_opened_anew_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.app.backoff", lambda _failures, _jitter: 0.0)
    first, second = a_device("dr-1"), a_device("dr-2")
    app = App(config=config(tmp_path, first, second))
    sick, well = app.devices["dr-1"], app.devices["dr-2"]
    task = asyncio.create_task(app.run())
    with capture_logs() as lines:
        sick.outbox.damaged = True
        await until(lambda: app.devices.get("dr-1") not in (None, sick))
    assert [line["error"] for line in lines if line["event"].startswith("device failed")] == [
        "the outbox is damaged; opening it anew"
    ]
    assert app.devices["dr-2"] is well
    assert app.devices["dr-1"].outbox.state.boot == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


FILE = """\
[agent]
state = "state"
health = "127.0.0.1:{health}"
[server]
mqtt = "mqtt://127.0.0.1:1"
[[device]]
name = "a"
model = "generic-dr"
id = "dabc123456789"
[device.dicom]
listen = "127.0.0.1:{dicom}"
[[device.log]]
path = "a.log"
patterns = []
[device.policy]
runbooks = ["host-health"]
valid_until = 2030-01-01
signed_by = "W"
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"generic-dr"', '"no-such"', ":8: device.model: no-such isn't known; choose of "),
        ('"generic-dr"', '"host"', ":8: device.model: host isn't known; choose of "),
        ('"host-health"', '"format-disk"', ":16: device.policy.runbooks: format-disk isn't known; choose of "),
        ("patterns = []", 'patterns = ["no-such"]', ":14: device.log.patterns: no-such isn't known; choose of "),
        (
            '"127.0.0.1:{dicom}"',
            '"127.0.0.1:{health}"',
            ":11: device.dicom.listen: is also in line 3; give each its own",
        ),
        ('"127.0.0.1:{dicom}"', '"192.0.2.1:{dicom}"', ":11: device.dicom.listen: can't listen on 192.0.2.1:"),
        ('id = "dabc123456789"', 'code = "C"', "steth-agent: device a: is not enrolled; add [server] api"),
    ],
)
def test_what_this_machine_or_the_catalog_does_not_have_is_told_with_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, says: str
) -> None:
    assert FILE.count(old) == 1
    ports = {"health": free_port(), "dicom": free_port()}
    file = tmp_path / "agent.toml"
    file.write_text(FILE.replace(old, new).format(**ports))
    assert run([str(file)]) == 1
    told = capsys.readouterr().err
    assert says.format(**ports) in told
    assert told.count("\n") == 1


async def test_a_device_with_a_code_is_enrolled_as_soon_as_the_server_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.app.backoff", lambda _failures, _jitter: 0.0)
    api = Api()
    try:
        api.status = 503
        enrolling = Config(
            agent=Agent(state=str(tmp_path)),
            server=Server(api=api.url),
            devices=(Device(name="dr-1", model="generic-dr", code="C-1"),),
        )
        app = App(config=enrolling)
        assert not app.devices
        task = asyncio.create_task(app.run())
        await until(lambda: len(api.asked) == 2)
        api.status = 200
        await until(lambda: "dr-1" in app.devices)
        assert app.devices["dr-1"].id == "dabc123456789"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        asked = len(api.asked)
        app = App(config=enrolling)
        assert app.devices["dr-1"].id == "dabc123456789"
        app.close()
        assert len(api.asked) == asked  # the code is used up; the identity was kept
    finally:
        api.close()


def test_a_used_code_ends_it_at_once(tmp_path: Path) -> None:
    api = Api()
    try:
        api.status = 409
        device = Device(name="dr-1", model="generic-dr", code="C-1")
        with pytest.raises(AgentError, match="the server refuses the code"):
            App(config=Config(agent=Agent(state=str(tmp_path)), server=Server(api=api.url), devices=(device,)))
    finally:
        api.close()


def test_a_state_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(AgentError, match="can't be made"):
        App(config=config(tmp_path))


def test_a_policy_is_what_the_hospital_signed() -> None:
    assert allowance(a_device()) is None
    policy = Policy(runbooks=("host-health",), valid_until="2027-06-30T00:00:00Z", signed_by="W")
    found = allowance(Device(name="x", model="generic-dr", id="dabc123456789", policy=policy))
    assert found is not None
    assert (found.runbooks, found.until) == (frozenset({"host-health"}), 1_814_313_600_000)


def test_an_unexpected_error_is_described_without_its_words() -> None:
    with pytest.raises(KeyError) as caught:
        dict[str, int]()["PATIENT"]
    text = described(caught.value)
    assert text.startswith("KeyError in test_supervision.py:")
    assert "PATIENT" not in text

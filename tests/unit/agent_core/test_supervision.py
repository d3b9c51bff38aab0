"""One adapter's or one device's death is its own."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from agent import device as device_module
from agent.app import App
from agent.config import Agent, Config, Device, Dicom, Policy, Server
from agent.device import DeviceAgent, allowance
from agent.errors import AgentError, ConfigError, described
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
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "backoff", lambda _failures, _jitter: 0.0)


async def until(ready: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not ready():  # noqa: ASYNC110  # others set what is waited for
            await asyncio.sleep(0.01)


async def test_an_adapter_that_dies_is_started_again_and_counted_and_its_words_are_not_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    brittle, steady = Brittle(), Brittle()
    steady.runs = 10
    monkeypatch.setattr(DeviceAgent, "_adapters", lambda _: [("brittle", lambda: brittle), ("steady", lambda: steady)])
    app = App(config=config(tmp_path))
    agent = app.devices["dr-1"]
    task = asyncio.create_task(app.run())
    await until(lambda: brittle.runs == 4)
    assert agent.restarts == {"brittle": 3}
    assert steady.runs == 11
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    logged = capsys.readouterr().out
    assert "PATIENT" not in logged
    assert "ValueError in test_supervision.py" in logged
    assert "a clear line" in logged
    assert "it ended by itself" in logged


async def test_a_device_whose_outbox_is_damaged_is_opened_anew_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.app.backoff", lambda _failures, _jitter: 0.0)
    first, second = a_device("dr-1"), a_device("dr-2")
    app = App(config=config(tmp_path, first, second))
    sick, well = app.devices["dr-1"], app.devices["dr-2"]
    task = asyncio.create_task(app.run())
    sick.outbox.damaged = True
    await until(lambda: app.devices.get("dr-1") not in (None, sick))
    assert app.devices["dr-2"] is well
    assert app.devices["dr-1"].outbox.state.boot == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("device", "says"),
    [
        (Device(name="x", model="no-such", id="dabc123456789"), "model no-such isn't known; choose of generic-dr"),
        (Device(name="x", model="host", id="dabc123456789"), "model host isn't known"),
        (
            Device(
                name="x",
                model="generic-dr",
                id="dabc123456789",
                policy=Policy(runbooks=("format-disk",), valid_until="2030-01-01", signed_by="W"),
            ),
            "runbook format-disk isn't known; choose of",
        ),
        (Device(name="x", model="generic-dr", code="C"), "is not enrolled; add"),
    ],
)
def test_what_the_catalog_or_the_server_does_not_know_ends_it_at_once(
    tmp_path: Path, device: Device, says: str
) -> None:
    with pytest.raises(AgentError, match=says):
        App(config=config(tmp_path, device))


def test_two_devices_never_share_an_address(tmp_path: Path) -> None:
    first = Device(name="a", model="generic-dr", id="dabc123456789", dicom=Dicom(listen="127.0.0.1:11112"))
    second = Device(name="b", model="generic-dr", id="dabc123456780", dicom=Dicom(listen="127.0.0.1:11112"))
    with pytest.raises(ConfigError, match=r"device b: .* is also that of device a"):
        App(config=config(tmp_path, first, second))


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

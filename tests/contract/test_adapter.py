"""`agent.adapters.port.Adapter`: it runs until it is cancelled, ends then at once, and can begin anew."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from agent.adapters.astm.adapter import AstmAdapter
from agent.adapters.dicom.folder import FolderWatch
from agent.adapters.dicom.scp import DicomScp
from agent.adapters.hl7.adapter import Hl7Adapter
from agent.adapters.host import HostAdapter
from agent.adapters.logs.tail import LogTail
from agent.adapters.port import Adapter
from agent.clock import Clock, Now
from agent.config import shapes
from catalog.load import load
from tests.fixtures.ports import free_port
from tests.fixtures.sink import MemorySink
from tests.unit.agent_core.test_supervision import Brittle

PORT: Final = "agent.adapters.port.Adapter"
CATALOG: Final = load()
NOW: Final = Now(wall=1_795_000_000_000, elapsed=5_000)


def dicom(folder: Path) -> Adapter:
    config = shapes.Dicom(listen=f"127.0.0.1:{free_port()}")
    return DicomScp(config=config, model=CATALOG.models["generic-dr"], sink=MemorySink())


def watched(folder: Path) -> Adapter:
    return FolderWatch(config=shapes.Folder(path=str(folder)), model=CATALOG.models["generic-dr"], sink=MemorySink())


def astm(folder: Path) -> Adapter:
    config = shapes.Astm(listen=f"127.0.0.1:{free_port()}")
    return AstmAdapter(config=config, model=CATALOG.models["roche-cobas"], sink=MemorySink())


def hl7(folder: Path) -> Adapter:
    config = shapes.Hl7(listen=f"127.0.0.1:{free_port()}")
    return Hl7Adapter(config=config, model=CATALOG.models["generic-analyzer"], sink=MemorySink())


def log(folder: Path) -> Adapter:
    config = shapes.Log(path=str(folder / "equipment.log"))
    return LogTail(config=config, model=CATALOG.models["generic-dr"], sink=MemorySink())


def host(folder: Path) -> Adapter:
    clock = Clock(segments=[], now=NOW, machine="m")
    return HostAdapter(
        config=shapes.Host(disks=(str(folder),)),
        certificates=(),
        model=CATALOG.models["generic-dr"],
        sink=MemorySink(),
        clock=clock,
        now=lambda: NOW,
    )


def brittle(_: Path) -> Adapter:
    made = Brittle()
    made.runs = 3
    return made


BEHIND: Final[dict[str, Callable[[Path], Adapter]]] = {
    "agent.adapters.dicom.scp.DicomScp": dicom,
    "agent.adapters.dicom.folder.FolderWatch": watched,
    "agent.adapters.astm.adapter.AstmAdapter": astm,
    "agent.adapters.hl7.adapter.Hl7Adapter": hl7,
    "agent.adapters.logs.tail.LogTail": log,
    "agent.adapters.host.HostAdapter": host,
    "tests.unit.agent_core.test_supervision.Brittle": brittle,
}
WITHOUT: Final = {"agent.device.DeviceAgent": "a device, which has adapters"}


@pytest.mark.parametrize("name", list(BEHIND))
async def test_it_runs_until_it_is_cancelled_and_can_begin_anew(tmp_path: Path, name: str) -> None:
    adapter = BEHIND[name](tmp_path)
    assert adapter.name.isascii()
    assert adapter.name.islower()
    for _ in range(2):
        others = asyncio.all_tasks()
        task = asyncio.create_task(adapter.run())
        await asyncio.sleep(0.05)
        assert not task.done(), task.exception()
        task.cancel()
        await asyncio.wait([task], timeout=10)
        assert task.cancelled()
        assert asyncio.all_tasks() == others, "what it began has ended"

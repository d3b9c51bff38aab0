"""A whole agent in a hospital: a DR that speaks everything it can, and one way out, the proxy's port 443."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import trustme

from tests.fixtures.dicom import DX
from tests.fixtures.dose import DOSE_REPORT, event, report, sent
from tests.fixtures.mpps import MPPS, begun, change, create, ended
from tests.fixtures.ports import free_port, listening, wait_until
from tests.fixtures.proxy import Proxy
from tests.fixtures.scu import associated, dataset
from tests.fixtures.trixie import Tree
from tests.integration.agent.server import Server
from tests.integration.agent.test_process import Process
from tests.integration.agent.test_way_out import Broker
from wire.ids import mint_device_id
from wire.items import Fault, Readings, StateChange
from wire.topics import Lane

BLOCK = "2026-11-22 08:14:03 ERROR 患者张三曝光中止\r\n  Module: generator\r\n  Code: GEN-KV-01\r\n"
CANARIES = ("CANARY", "张三", "s3cret")


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    made: list[Process] = []
    yield made
    for process in made:
        if process.started is not None and not process.dead():
            process.started.kill()
            process.started.wait(20)


def modality(port: int) -> list[int]:
    """An examination: begun, an image, its dose report, broken off because the equipment failed."""
    with associated(port, DX, DOSE_REPORT, MPPS) as association:
        broken = ended("DISCONTINUED", reason="110501")
        return [
            create(association, "2.25.81", begun()).Status,
            association.send_c_store(dataset({"SOPInstanceUID": "2.25.5"})).Status,
            association.send_c_store(sent(report(event(images=["2.25.5"]), event(uid="2.25.72")))).Status,
            change(association, "2.25.81", broken).Status,
        ]


async def test_everything_it_says_goes_out_by_one_port_and_nothing_else(
    trixie: Tree, tmp_path: Path, processes: list[Process]
) -> None:
    authority, device, dicom = trustme.CA(), mint_device_id(), free_port()
    with Broker(tree=trixie, authority=authority) as broker, Proxy(user="agent:s3cret") as between:
        log = tmp_path / "dr.log"
        sources = f"""
[device.dicom]
listen = "127.0.0.1:{dicom}"
time_zone = "Asia/Shanghai"
[[device.log]]
path = "{log.name}"
encoding = "gb18030"
time_zone = "Asia/Shanghai"
"""
        agent = Process(tmp_path, broker.port, device=device, more=sources)
        processes.append(agent)
        own = authority.issue_cert(common_name="a-device")
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        (tmp_path / "device.pem").write_bytes(b"".join(pem.bytes() for pem in own.cert_chain_pems))
        own.private_key_pem.write_to_path(str(tmp_path / "device.key"))
        (tmp_path / "proxy").write_text("s3cret\n", "utf-8")
        way = f"""mqtt = "wss://localhost:{broker.wss_port}/mqtt"
ca = "ca.pem"
cert = "device.pem"
key = "device.key"
proxy = "{between.url}"
proxy_username = "agent"
proxy_password_file = "proxy"
"""
        text = agent.file.read_text("utf-8").replace(f'mqtt = "mqtt://127.0.0.1:{broker.port}"\n', way)
        agent.file.write_text(text, "utf-8")
        async with Server(port=broker.port, device=device) as server:
            await asyncio.to_thread(agent.start)
            await asyncio.to_thread(wait_until, lambda: listening(dicom), what="the storage SCP")
            assert await asyncio.to_thread(modality, dicom) == [0, 0, 0, 0]
            log.write_bytes(BLOCK.encode("gb18030"))

            def told() -> bool:
                live = server.items(Lane.LIVE)
                return any(isinstance(item, Fault) for item in live) and any(
                    "mpps.exposures" in item.metric for item in server.items(Lane.BULK) if isinstance(item, Readings)
                )

            await server.until(told, "the fault and the step's numbers", 30)
            items = [item for lane in Lane for item in server.items(lane)]
        assert between.asked == [f"localhost:{broker.wss_port}"] * len(between.asked)
        assert agent.started is not None
        peers = {
            connection.raddr.port
            for connection in psutil.Process(agent.started.pid).net_connections("tcp")
            if connection.status == psutil.CONN_ESTABLISHED
        }
        assert peers == {between.port}
        memory = psutil.Process(agent.started.pid).memory_info().rss
    assert [item.code for item in items if isinstance(item, Fault)] == ["GEN-KV-01"]
    states = [item.value for item in items if isinstance(item, StateChange) if item.name == "mpps.status"]
    assert states == ["IN PROGRESS", "DISCONTINUED"]
    numbers = [
        (name, value)
        for item in items
        if isinstance(item, Readings)
        for name, value in zip(item.metric, item.value, strict=True)
    ]
    assert [value for name, value in numbers if name == "tube.voltage"] == [80.5, 80.5]  # one told twice, one once
    assert ("mpps.equipment_failure", 1) in numbers
    assert ("mpps.exposures", 2) in numbers
    assert memory < 80_000_000
    said = repr(items) + agent.log.read_text("utf-8")
    for word in CANARIES:
        assert word not in said
    for file in (tmp_path / "state").iterdir():
        content = file.read_bytes()
        for word in CANARIES:
            assert word.encode() not in content
            assert word.encode("gb18030") not in content

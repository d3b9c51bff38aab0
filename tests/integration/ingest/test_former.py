"""The former version's agent and this server, this agent and the former's server, and the way back."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agent.uplink.box import kept_box
from tests.fixtures.former import ROOT, Version
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.postgres import Cluster
from tests.integration.ingest.harness import Bench, until
from wire.ids import DeviceId, bucket, mint_device_id, partition

THIS = Version(ROOT)
FAULTS = "SELECT body ->> 'code' FROM device_event WHERE kind = 'fault' ORDER BY id"
MADE = """
import asyncio, sys
from datetime import UTC, datetime
import psycopg
from store.migrate import migrate
from store.partitions import ensure_partitions
migrate(sys.argv[1])
async def room():
    async with await psycopg.AsyncConnection.connect(sys.argv[1]) as connection:
        await ensure_partitions(connection, now=datetime.now(UTC), behind_days=100, ahead_days=1)
asyncio.run(room())
"""


@asynccontextmanager
async def running(
    version: Version, *arguments: str | Path, log: Path, **settings: str
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A process, stopped cleanly in the end."""
    process = version.start(*arguments, log=log, **settings)
    try:
        yield process
        assert process.poll() is None, f"it ended, see {log}"
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 20)


class Agent:
    """One device's configuration, state and log in ``folder``."""

    def __init__(self, folder: Path, *, device: DeviceId, port: int) -> None:
        self.state = folder / "state"
        self._said = folder / "said"
        self._log = folder / "dr.log"
        self._log.touch()
        self._file = folder / "agent.toml"
        self._file.write_text(
            f'[agent]\nstate = "state"\nheartbeat_s = 1\n[server]\nmqtt = "mqtt://127.0.0.1:{port}"\n'
            f'[[device]]\nname = "dr"\nmodel = "generic-dr"\nid = "{device}"\n[device.host]\nevery_s = 1\n'
            f'[[device.log]]\npath = "{self._log.name}"\ntime_zone = "UTC"\n',
            "utf-8",
        )

    def says(self, code: str) -> None:
        """The equipment writes a fault into its log."""
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"2026-11-22 08:14:03 ALARM {code} SET\n")

    @asynccontextmanager
    async def running(self, version: Version) -> AsyncIterator[None]:
        """By this version."""
        async with running(version, "-m", "agent", self._file, log=self._said):
            yield


async def epoch_of(bench: Bench, *, box: str | None) -> str:
    """Of the device, once the server knows this box of it."""
    asked = (
        "SELECT epoch FROM device_state s JOIN device d ON d.id = s.device_id"
        " WHERE lane = 0 AND box_id IS NOT DISTINCT FROM %s"
    )
    [(epoch,)] = await until(lambda: bench.sql(asked, box))
    return str(epoch)


async def test_an_agent_of_the_former_version_and_the_way_there_and_back(
    bench: Bench, tmp_path: Path, former: Version
) -> None:
    agent = Agent(tmp_path, device=bench.device(), port=bench.broker.port)
    said: list[str] = []
    epochs: set[str] = set()
    async with bench.ingest():
        for version, code in ((former, "GEN-KV-01"), (THIS, "GEN-KV-02"), (former, "GEN-KV-03")):
            async with agent.running(version):
                said.append(code)
                agent.says(code)
                await until(lambda: bench.sql(FAULTS) == [(each,) for each in said], seconds=30)
                named = kept_box(agent.state) if version is THIS else None
                assert (named is None) == (version is former)
                epochs.add(await epoch_of(bench, box=named))
                await until(lambda: bench.sql("SELECT ts FROM reading WHERE ts > now() - INTERVAL '2 s' LIMIT 1"))
    assert len(epochs) == 1
    assert bench.sql("SELECT count(*) FROM gap") == bench.sql("SELECT count(*) FROM dead_letter") == [(0,)]


async def test_an_agent_of_this_version_and_a_server_of_the_former(
    plain_cluster: Cluster, private_mosquitto: Mosquitto, tmp_path: Path, former: Version
) -> None:
    database = plain_cluster.database(plain_cluster.create_empty())
    device, log = mint_device_id(), tmp_path / "server"
    assert await asyncio.to_thread(former.start("-c", MADE, database.superuser, log=log).wait, 60) == 0, f"see {log}"
    bench = Bench(database=database, broker=private_mosquitto)
    bench.sql("INSERT INTO org (name) VALUES ('h')")
    bench.sql("INSERT INTO site (org_id, name) SELECT id, 's' FROM org")
    bench.sql(
        "INSERT INTO device (uid, org_id, site_id, partition, model, name, enrolled_at)"
        " SELECT %s, org_id, id, %s, 'generic-dr', 'DR', now() FROM site",
        device,
        partition(bucket(device)),
    )
    agent = Agent(tmp_path, device=device, port=private_mosquitto.port)
    settings = {"STETH_DSN_INGEST": database.ingest, "STETH_MQTT": f"mqtt://127.0.0.1:{private_mosquitto.port}"}
    async with running(former, "-m", "steth", "ingest", log=log, **settings), agent.running(THIS):
        agent.says("GEN-KV-01")
        await until(lambda: bench.sql(FAULTS) == [("GEN-KV-01",)], seconds=30)
        await until(lambda: bench.sql("SELECT ts FROM reading LIMIT 1"))
        assert kept_box(agent.state) is not None
    assert bench.sql("SELECT count(*) FROM gap") == bench.sql("SELECT count(*) FROM dead_letter") == [(0,)]
    plain_cluster.drop(database.name)

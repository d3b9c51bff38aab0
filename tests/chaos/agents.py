"""The agents: each a real process on a disk of its own, behind a cable, with its equipment's devices."""

import sqlite3
from pathlib import Path
from typing import Final

import msgspec

from agent.outbox.states import State
from tests.chaos.cable import Cable
from tests.chaos.power import Disk
from tests.chaos.programs import Program, entry, module, scrape
from tests.chaos.sabotaged_agent import SABOTAGES
from wire.topics import Lane

HEARTBEAT_S: Final = 10


class Agent:
    """One process. ``devices``: uid → (port of its storage SCP, its log file). ``bulk_mb``: of each outbox."""

    def __init__(
        self,
        *,
        name: str,
        devices: dict[str, tuple[int, Path]],
        cable: Cable,
        disk: Disk,
        health: str,
        folder: Path,
        bulk_mb: int,
        sabotage: str | None,
    ) -> None:
        self.name = name
        self.devices = devices
        self.cable = cable
        self.disk = disk
        self._health = health
        config = folder / "agent.toml"
        lines = ["[agent]", f'state = "{disk.folder}"', f'health = "{health}"', f"heartbeat_s = {HEARTBEAT_S}"]
        lines += [f"bulk_mb = {bulk_mb}", "[server]", f'mqtt = "mqtt://127.0.0.1:{cable.port}"']
        for number, (uid, (port, log)) in enumerate(devices.items(), 1):
            lines += ["[[device]]", f'name = "dr-{number}"', 'model = "generic-dr"', f'id = "{uid}"']
            lines += ["[device.dicom]", f'listen = "127.0.0.1:{port}"']
            lines += ["[[device.log]]", f'path = "{log}"', 'time_zone = "UTC"', "every_s = 1"]
        config.write_text("\n".join([*lines, ""]), encoding="utf-8")
        sabotaged = sabotage in SABOTAGES
        command = module("tests.chaos.sabotaged_agent", str(sabotage)) if sabotaged else entry("steth-agent")
        self.program = Program(
            name=name, command=[*command, str(config)], environment=disk.environment, log=folder / "agent.log"
        )

    def ready(self) -> bool:
        """Whether the server has answered every device."""
        samples = scrape(self._health)
        return bool(samples) and all(
            samples.get(f'steth_agent_session_ready{{device="{uid}"}}') == 1 for uid in self.devices
        )

    def empty(self, uid: str) -> bool:
        """Whether a device is connected and nothing of it waits."""
        samples = scrape(self._health)
        waiting = [samples.get(f'steth_agent_outbox_reports{{device="{uid}",lane="{lane.value}"}}') for lane in Lane]
        return samples.get(f'steth_agent_session_ready{{device="{uid}"}}') == 1 and waiting == [0, 0]

    def held(self, uid: str, lane: Lane) -> int:
        """Reports that wait, 0 also while the agent is down."""
        return int(scrape(self._health).get(f'steth_agent_outbox_reports{{device="{uid}",lane="{lane.value}"}}', 0))

    def dropped(self, uid: str) -> int:
        """Reports that the full outbox dropped so far."""
        return int(scrape(self._health).get(f'steth_agent_outbox_dropped_reports{{device="{uid}"}}', 0))

    def state(self, uid: str) -> State:
        """The outbox's state, once the agent has ended in order."""
        path = self.disk.folder / f"{uid}.outbox"
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            found: bytes = connection.execute("SELECT state FROM meta").fetchone()[0]
        finally:
            connection.close()
        return msgspec.msgpack.decode(found, type=State)

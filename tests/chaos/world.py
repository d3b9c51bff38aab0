"""Everything of a run: database, broker, two ingest, agents on cables, equipment. A context manager."""

import asyncio
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from catalog.load import load
from tests.chaos.agents import Agent
from tests.chaos.cable import Cables
from tests.chaos.database import Database
from tests.chaos.equipment import TAKEN_S, Dr, Logs, Modality, families_of
from tests.chaos.ledger import Ledger
from tests.chaos.power import Disk, build_shim
from tests.chaos.programs import Program, entry, module
from tests.chaos.sabotaged_ingest import SABOTAGES
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.ports import free_port
from tests.fixtures.trixie import Tree

AGENTS: Final = 7
DEVICES: Final = 3
"""Of each agent but the last two."""
SMALL: Final = 192 * 1024 * 1024
IMAGE_EVERY_S: Final = 0.45
STRIKES_PER_S: Final = 0.35


class World:
    """The last two agents have one device each: ``overflowing``, whose bulk is small, so that it overflows, and
    ``cramped``, whose disk is. ``keep``: where logs and outboxes are copied to before the run's folder is removed."""

    def __init__(self, *, seed: int, sabotage: str | None, tree: Tree, keep: Path | None) -> None:
        self.seed = seed
        self.ledger = Ledger()
        self.folder = Path(tempfile.mkdtemp(prefix="steth-chaos-"))
        self._sabotage = sabotage
        self._tree = tree
        self._stack = ExitStack()
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        if keep is not None:
            no_sockets = shutil.ignore_patterns("socket")
            self._stack.callback(shutil.copytree, self.folder, keep, dirs_exist_ok=True, ignore=no_sockets)
        self.failures: list[str] = []
        """What must not happen, such as a process that ends by itself."""
        self._watching = threading.Event()
        self.revived = 0

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _open(self) -> None:
        shim = build_shim(self.folder)
        self.database = self._stack.enter_context(Database(folder=self.folder))
        asyncio.run(self.database.make_room())
        self.broker = self._stack.enter_context(Mosquitto(tree=self._tree))
        cables = self._stack.enter_context(Cables())
        self.ingests = [self._ingest(name) for name in ("ingest-a", "ingest-b")]
        families = families_of(load().models["generic-dr"])
        uids = self.database.add_devices((AGENTS - 2) * DEVICES + 2)
        self.agents: list[Agent] = []
        self.systems: dict[str, Dr] = {}
        self.modalities: list[Modality] = []
        for number in range(1, AGENTS + 1):
            overflowing, cramped = number == AGENTS - 1, number == AGENTS
            alone = overflowing or cramped
            folder = self.folder / f"agent-{number}"
            folder.mkdir()
            devices: dict[str, tuple[int, Path]] = {
                uid: (free_port(), folder / f"dr-{index}.log")
                for index, uid in enumerate([uids.pop() for _ in range(1 if alone else DEVICES)], 1)
            }
            systems = [
                Dr(
                    uid=uid,
                    port=port,
                    log=log,
                    families=families,
                    ledger=self.ledger,
                    seed=f"{self.seed}/{number}/{log.name}",
                )
                for uid, (port, log) in devices.items()
            ]
            agent = Agent(
                name=f"agent-{number}",
                devices=devices,
                cable=cables.to(self.broker.port),
                disk=Disk(folder=folder, shim=shim, small=SMALL if cramped else None, stack=self._stack),
                health=f"127.0.0.1:{free_port()}",
                folder=folder,
                bulk_mb=1 if overflowing else 64,
                sabotage=self._sabotage,
            )
            self._stack.callback(agent.program.kill)
            self.agents.append(agent)
            self.systems.update({system.uid: system for system in systems})
            self.modalities.append(Modality(systems=systems, every_s=IMAGE_EVERY_S, name=agent.name))
        self.overflowing, self.cramped = self.agents[-2:]
        for uid in (*self.overflowing.devices, *self.cramped.devices):
            self.systems[uid].bulk_in_log = False  # so that each bulk report of it is one image
        self.logs = Logs(systems=list(self.systems.values()), strikes_per_s=STRIKES_PER_S, seed=f"{self.seed}/logs")
        for program in (*self.ingests, *(agent.program for agent in self.agents)):
            program.start()
        try:
            wait_for(lambda: all(agent.ready() for agent in self.agents), seconds=60, what="the start")
        except TimeoutError as error:
            programs = (*self.ingests, *(agent.program for agent in self.agents))
            raise TimeoutError("\n".join([str(error), *(f"{p.name}: {p.last_words()}" for p in programs)])) from None
        watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)
        watcher.start()
        self._stack.callback(watcher.join)
        self._stack.callback(self._watching.set)

    def _ingest(self, name: str) -> Program:
        sabotaged = self._sabotage in SABOTAGES
        command = module("tests.chaos.sabotaged_ingest", str(self._sabotage)) if sabotaged else entry("steth")
        program = Program(
            name=name,
            command=[*command, "ingest"],
            environment={
                "STETH_DSN_INGEST": self.database.role_dsn("ingest"),
                "STETH_MQTT": f"mqtt://127.0.0.1:{self.broker.port}",
                "STETH_LOG": "json",
            },
            log=self.folder / f"{name}.log",
        )
        self._stack.callback(program.kill)
        return program

    def start_equipment(self) -> None:
        """Let facts come."""
        self.logs.start()
        for modality in self.modalities:
            modality.start()

    def stop_equipment(self) -> None:
        """Every image under way is taken, every fault that came and went is there, then no more facts come."""
        self.logs.stop()
        self.logs.join()
        for modality in self.modalities:
            modality.stop()
        for modality in self.modalities:
            modality.join(TAKEN_S)
            if modality.is_alive():
                self.failures.append(f"{modality.name}: an image was not taken within {TAKEN_S:.0f} s")
            self.failures += [f"{modality.name}: {refused}" for refused in modality.refused]
        for system in self.systems.values():
            system.settle()

    def _watch(self) -> None:
        """Ingest that ended by itself (its database was gone for too long) is started again, as a supervisor would."""
        while not self._watching.wait(0.5):
            for program in (*self.ingests, *(agent.program for agent in self.agents)):
                if program.alive or program.expected_down or program.exit_code is None:
                    continue
                if program in self.ingests and program.exit_code == 2:
                    self.revived += 1
                else:
                    self.failures.append(
                        f"{program.name} ended by itself ({program.exit_code}):\n{program.last_words()}"
                    )
                program.start()


def wait_for(done: Callable[[], bool], *, seconds: float, what: str) -> float:
    """Poll; how long it took. Raises TimeoutError."""
    began = time.monotonic()
    while not done():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"{what} took longer than {seconds:.0f} s")
        time.sleep(0.1)
    return time.monotonic() - began

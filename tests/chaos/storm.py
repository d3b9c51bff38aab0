"""Faults at random moments: a lane for each part, so that several things may be broken at a time."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

import psycopg

from tests.chaos.agents import Agent
from tests.chaos.world import World

EACH: Final = 20
"""Faults of each kind in a whole run."""
LEASE_S: Final = 6.0
LONG: Final = 0.07
_HIT_S: Final = 8.0


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One that happened. Times are wall time, ms; ``devices`` empty: of all."""

    kind: str
    began: float
    ended: float
    devices: tuple[str, ...] = ()


class Missed(Exception):
    """The moment was not there (another lane had broken what was needed): try again."""


class Storm:
    """Plans the faults of a run by its seed, and lets them happen in two halves."""

    def __init__(self, *, world: World, scale: float) -> None:
        self.world = world
        self.done: list[Fault] = []
        self._lock = threading.Lock()
        self._cut = False
        self.over = threading.Event()
        each = EACH * scale
        self._lanes = [
            Lane(storm=self, name="agents", pause_s=1.6, kinds=self._agent_kinds(), each=each),
            Lane(storm=self, name="broker", pause_s=3.2, kinds=self._broker_kinds(), each=each),
            Lane(storm=self, name="ingest", pause_s=3.0, kinds=self._ingest_kinds(), each=each),
            Lane(storm=self, name="database", pause_s=2.4, kinds=self._database_kinds(), each=each),
        ]

    def half(self, part: int) -> None:
        """Let the first (0) or second (1) half happen, and return when it is over."""
        with ThreadPoolExecutor(len(self._lanes)) as pool:
            running = [pool.submit(lane.run, part) for lane in self._lanes]
            try:
                wait(running, return_when=FIRST_EXCEPTION)
            finally:
                self.over.set()  # one lane failed, or we are to end: the others need not finish
        for lane in running:
            lane.result()
        self.over.clear()

    def note(self, fault: Fault) -> None:
        """It happened."""
        with self._lock:
            self.done.append(fault)

    # agents -----------------------------------------------------------------------------------------------------------

    def _agent_kinds(self) -> "Kinds":
        return {
            "agent killed": (1, self._kill_agent),
            "agent stopped": (1, self._suspend_agent),
            "agent's power lost": (1, self._agent_power),
            "agent's cable pulled": (0.5, self._pull_cable),
        }

    def _kill_agent(self, pick: random.Random) -> tuple[str, ...]:
        agent = pick.choice(self.world.agents)
        agent.program.kill()
        time.sleep(pick.uniform(0, 1.5))
        agent.program.start()
        return tuple(agent.devices)

    def _suspend_agent(self, pick: random.Random) -> tuple[str, ...]:
        agent = pick.choice(self.world.agents)
        agent.program.suspend()
        time.sleep(pick.uniform(0.3, 3))
        agent.program.resume()
        return tuple(agent.devices)

    def _agent_power(self, pick: random.Random) -> tuple[str, ...]:
        """At every other time it was cut off before, so that what it acknowledged is nowhere but on its disk."""
        agent = pick.choice(self.world.agents)
        self._cut = cut = not self._cut
        try:
            if cut:
                agent.cable.pull()
                self._some_images(agent)
            agent.program.kill()
            agent.disk.lose_power()
        finally:
            agent.cable.plug()
        agent.program.start()
        return tuple(agent.devices)

    def _some_images(self, agent: Agent) -> None:
        """Wait until it acknowledged something, for it may just have been started."""
        before = sum(self.world.ledger.images_of(uid) for uid in agent.devices)
        deadline = time.monotonic() + 6
        while sum(self.world.ledger.images_of(uid) for uid in agent.devices) < before + 2:
            if time.monotonic() > deadline:
                raise Missed
            time.sleep(0.02)

    def _pull_cable(self, pick: random.Random) -> tuple[str, ...]:
        agent = pick.choice(self.world.agents)
        agent.cable.pull()
        time.sleep(pick.uniform(0.1, 2.5))
        agent.cable.plug()
        return tuple(agent.devices)

    # broker -----------------------------------------------------------------------------------------------------------

    def _broker_kinds(self) -> "Kinds":
        return {
            "broker killed": (1, self._kill_broker),
            "broker killed, memory wiped": (1, self._wipe_broker),
            "broker stopped": (1, self._suspend_broker),
        }

    def _kill_broker(self, pick: random.Random) -> tuple[str, ...]:
        self.world.broker.kill()
        time.sleep(pick.uniform(0, 1))
        self.world.broker.start()
        return ()

    def _wipe_broker(self, pick: random.Random) -> tuple[str, ...]:
        self.world.broker.wipe()
        time.sleep(pick.uniform(0, 1))
        self.world.broker.start()
        return ()

    def _suspend_broker(self, pick: random.Random) -> tuple[str, ...]:
        self.world.broker.suspend()
        time.sleep(self._how_long(pick))
        self.world.broker.resume()
        return ()

    @staticmethod
    def _how_long(pick: random.Random) -> float:
        """Mostly for a moment; now and then until the others give it up."""
        return pick.uniform(11, 14) if pick.random() < LONG else pick.uniform(0.3, 2.5)

    # ingest -----------------------------------------------------------------------------------------------------------

    def _ingest_kinds(self) -> "Kinds":
        return {
            "ingest killed": (0.6, self._kill_ingest),
            "ingest killed within a transaction (both)": (0.4, self._kill_in_transaction),
            "ingest stopped": (0.4, self._suspend_ingest),
            "ingest stopped beyond its lease": (0.6, self._suspend_beyond_lease),
        }

    def _kill_ingest(self, pick: random.Random) -> tuple[str, ...]:
        program = pick.choice(self.world.ingests)
        program.kill()
        time.sleep(pick.uniform(0, 1))
        program.start()
        return ()

    def _kill_in_transaction(self, pick: random.Random) -> tuple[str, ...]:
        del pick
        try:
            with self.world.database.locked_marks():
                deadline = time.monotonic() + _HIT_S
                while not self.world.database.waiting_batches():
                    if time.monotonic() > deadline:
                        raise Missed
                    time.sleep(0.02)
                for program in self.world.ingests:
                    program.kill()
        except psycopg.Error as error:
            self._restart_ingest()
            raise Missed from error
        self._restart_ingest()
        return ()

    def _restart_ingest(self) -> None:
        for program in self.world.ingests:
            if not program.alive:
                program.start()

    def _suspend_ingest(self, pick: random.Random) -> tuple[str, ...]:
        program = pick.choice(self.world.ingests)
        program.suspend()
        time.sleep(pick.uniform(0.3, 3))
        program.resume()
        return ()

    def _suspend_beyond_lease(self, pick: random.Random) -> tuple[str, ...]:
        program = pick.choice(self.world.ingests)
        program.suspend()
        time.sleep(LEASE_S + pick.uniform(2.5, 4.5))
        program.resume()
        return ()

    # database ---------------------------------------------------------------------------------------------------------

    def _database_kinds(self) -> "Kinds":
        return {
            "database killed": (1, self._kill_database),
            "database stopped": (1, self._suspend_database),
            "COMMIT failed or uncertain": (1, self._fail_commit),
        }

    def _kill_database(self, pick: random.Random) -> tuple[str, ...]:
        self.world.database.kill()
        time.sleep(pick.uniform(0, 1))
        self.world.database.start()
        return ()

    def _suspend_database(self, pick: random.Random) -> tuple[str, ...]:
        self.world.database.suspend()
        time.sleep(self._how_long(pick))
        self.world.database.resume()
        return ()

    def _fail_commit(self, pick: random.Random) -> tuple[str, ...]:
        """The transactions that open tickets fail in their COMMIT for a moment."""
        database = self.world.database
        before = database.failed_commits()
        with database.failing_commits():
            for system in pick.sample(list(self.world.systems.values()), k=3):
                system.strike()
            deadline = time.monotonic() + _HIT_S
            while database.failed_commits() < before + 1:
                if time.monotonic() > deadline:
                    raise Missed
                time.sleep(0.05)
            time.sleep(pick.uniform(0, 0.5))
        return ()


Kinds = dict[str, tuple[float, Callable[[random.Random], tuple[str, ...]]]]
"""Name → (how often, as a share of ``EACH``; what to do)."""


class Lane:
    """The faults of one part, one after the other in an order that the seed gives."""

    def __init__(self, *, storm: Storm, name: str, pause_s: float, kinds: Kinds, each: float) -> None:
        self._storm = storm
        self._pick = random.Random(f"{storm.world.seed}/{name}")
        self._pause_s = pause_s
        self._kinds = kinds
        plan = [kind for kind, (share, _) in kinds.items() for _ in range(max(2, round(share * each)))]
        self._pick.shuffle(plan)
        # Each kind in both halves.
        self._halves: list[list[str]] = [[], []]
        seen: dict[str, int] = {}
        for kind in plan:
            seen[kind] = seen.get(kind, 0) + 1
            self._halves[seen[kind] % 2].append(kind)

    def run(self, part: int) -> None:
        """One half."""
        for kind in self._halves[part]:
            self._one(kind)

    def _one(self, kind: str) -> None:
        for _ in range(5):
            if self._storm.over.wait(self._pick.uniform(0.4, 1.6) * self._pause_s):
                return
            began = time.time()
            try:
                devices = self._kinds[kind][1](self._pick)
            except (Missed, psycopg.Error):
                continue
            self._storm.note(Fault(kind=kind, began=began, ended=time.time(), devices=devices))
            return
        raise TimeoutError(f"{kind}: there was never a moment for it")

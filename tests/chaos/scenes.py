"""What happens once and must be looked at while nothing else is broken."""

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from agent.outbox.room import reserve_of
from tests.chaos.agents import Agent
from tests.chaos.equipment import Dr, Modality
from tests.chaos.storm import Fault
from tests.chaos.world import World, wait_for
from tests.fixtures.disk import SmallDisk
from wire.topics import Lane

CALM_S: Final = 150.0
OVERFLOW_S: Final = 180.0
OVERFLOW_REPORTS: Final = 100
"""So many reports are to be dropped at least."""
BURST: Final = 50
FULL_DRAIN_S: Final = 90.0
FULL_IMAGES: Final = 5
LOG_LINES: Final = 12_000
"""Some turns of the log's reader: read again after the copy was put back, the last are entered after the answer to the
birth."""


@dataclass(frozen=True, kw_only=True)
class Full:
    """How a full disk was lived through; times in seconds."""

    seconds: float
    dropped: int
    backlog: int
    """Images that waited when the agent was started on it."""
    drained_s: float
    """From there until nothing waited."""


@dataclass(frozen=True, kw_only=True)
class Overflow:
    """How the newest fault overtook the backlog; times in seconds."""

    dropped: int
    backlog: int
    """Images that waited when the cable was plugged in."""
    began_s: float
    """From the cable to the first report of the backlog that was stored: the agent comes back with jitter."""
    ticket_s: float
    """From there to the ticket."""
    left: int
    """Images of the backlog that were not stored yet when the ticket was there."""
    through_s: float


def calm(world: World) -> None:
    """Wait until every agent is connected and answered."""
    wait_for(lambda: all(agent.ready() for agent in world.agents), seconds=CALM_S, what="calming down")


def emptied(agent: Agent, uid: str, *, seconds: float = CALM_S) -> None:
    """Wait until a device, of which nothing new comes, has nothing left to send: log files are read every second."""
    time.sleep(3)
    wait_for(lambda: agent.empty(uid), seconds=seconds, what=f"emptying {uid}")


def overflow(world: World) -> Overflow:
    """An agent offline with a backlog, its bulk overflowing; back again, the newest fault is a ticket first."""
    agent, system = alone(world, world.overflowing)
    before = agent.dropped(system.uid)
    agent.cable.pull()
    others = [each for each in world.systems.values() if each is not system]
    for each in others:
        each.pause()  # so that it is not a matter of minutes
    overflowed(world, agent, system)
    held = agent.held(system.uid, Lane.LIVE)
    family = system.strike()
    if family is None:
        raise RuntimeError("no fault is left to be said")
    wait_for(lambda: agent.held(system.uid, Lane.LIVE) > held, seconds=10, what="reading the log")
    backlog, dropped = agent.held(system.uid, Lane.BULK), agent.dropped(system.uid) - before
    for each in others:
        each.go_on()
    agent.cable.plug()
    found = _overtaken(world, agent, system.uid, family, backlog=backlog, dropped=dropped)
    system.go_on()
    if found.left <= 0:
        world.failures.append("the newest fault was a ticket only after the backlog was through")
    return found


def alone(world: World, agent: Agent) -> tuple[Agent, Dr]:
    """An agent's one system, paused and with nothing left to send."""
    [uid] = agent.devices
    system = world.systems[uid]
    system.pause()
    emptied(agent, uid)
    return agent, system


def overflowed(world: World, agent: Agent, system: Dr) -> None:
    """Send images as fast as they are taken until bulk was dropped."""
    before = agent.dropped(system.uid)
    hurried = [Modality(systems=[system], every_s=0.0, name=f"hurried-{n}", patience_s=60.0) for n in range(2)]
    deadline = time.monotonic() + OVERFLOW_S
    while agent.dropped(system.uid) < before + OVERFLOW_REPORTS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the outbox did not overflow within {OVERFLOW_S:.0f} s")
        with ThreadPoolExecutor() as pool:
            done = [pool.submit(one.send, system, BURST, although_paused=True) for one in hurried]
        for one in done:
            one.result()
    world.failures += [f"{one.name}: {refused}" for one in hurried for refused in one.refused]


class _Others(threading.Thread):
    """Whoever else writes to a disk, and takes each byte that becomes free. A context manager."""

    def __init__(self, disk: SmallDisk) -> None:
        super().__init__(name="others", daemon=True)
        self._disk = disk
        self._stopping = threading.Event()

    def run(self) -> None:
        """Until stopped."""
        while not self._stopping.wait(0.05):
            self._disk.fill()

    def __enter__(self) -> None:
        self._disk.fill()
        self.start()

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()
        self._disk.make_room()


def disk_full(world: World, seconds: float) -> tuple[Fault, Full]:
    """The disk of an agent is full: offline it drops bulk for what is newer; back, and started anew, it drains and goes
    on taking images; once there is room it keeps its reserve again."""
    agent, system = alone(world, world.cramped)
    disk = agent.disk.small
    if disk is None:
        raise RuntimeError("its disk is to be a small one")
    before = agent.dropped(system.uid)
    began = time.time()
    agent.cable.pull()
    with _Others(disk):
        overflowed(world, agent, system)
        dropped = agent.dropped(system.uid) - before
        backlog = agent.held(system.uid, Lane.BULK)
        agent.program.kill()
        agent.program.start()
        agent.cable.plug()
        drained_s = wait_for(lambda: agent.empty(system.uid), seconds=FULL_DRAIN_S, what="draining on a full disk")
        taken = world.ledger.images_of(system.uid)
        system.go_on()
        wait_for(
            lambda: world.ledger.images_of(system.uid) >= taken + FULL_IMAGES and time.time() >= began + seconds,
            seconds=CALM_S + seconds,
            what="images on a full disk",
        )
    fault = Fault(kind="disk full", began=began, ended=time.time(), devices=(system.uid,))
    reserve = reserve_of(agent.disk.folder / f"{system.uid}.outbox")
    wait_for(lambda: reserve.whole, seconds=30, what="keeping a reserve again")
    return fault, Full(seconds=fault.ended - began, dropped=dropped, backlog=backlog, drained_s=drained_s)


def _overtaken(world: World, agent: Agent, uid: str, family: str, *, backlog: int, dropped: int) -> Overflow:
    """Watch the ticket and the backlog in one snapshot after the other."""
    plugged = time.monotonic()
    session = ticket = through = 0.0
    left = 0
    with world.database.connect() as connection:
        _, before, begun = world.database.ticket_and_images(connection, uid, family)
        while not (ticket and through):
            there, images, live = world.database.ticket_and_images(connection, uid, family)
            passed = time.monotonic() - plugged
            if not session and (there or live > begun):
                session = passed
            if there and not ticket:
                ticket, left = passed, backlog - (images - before)
            if images - before >= backlog:
                through = passed
            if passed > CALM_S:
                raise TimeoutError(
                    f"{agent.name}: after {CALM_S:.0f} s {images - before} of a backlog of {backlog} are stored, "
                    f"the newest fault {'is' if there else 'is not'} a ticket"
                )
            time.sleep(0.003)
    return Overflow(
        dropped=dropped,
        backlog=backlog,
        began_s=session,
        ticket_s=ticket - session,
        left=left,
        through_s=through - session,
    )


def restored(world: World, number: int) -> Fault:
    """An outbox is put back from an image of the machine that is older than what the server has of it."""
    agent = world.agents[number]
    folder = world.folder / f"image-{number}"
    folder.mkdir()
    agent.program.suspend()
    agent.disk.copy_to(folder)
    agent.program.resume()
    systems = [world.systems[uid] for uid in agent.devices]
    before = {system.uid: world.ledger.images_of(system.uid) for system in systems}
    for system in systems:
        system.write_at_length(LOG_LINES)
    wait_for(
        lambda: all(world.ledger.images_of(uid) >= count + 3 for uid, count in before.items()),
        seconds=60,
        what="images after the copy",
    )
    for system in systems:
        system.pause()
    for system in systems:
        emptied(agent, system.uid)
    began = time.time()
    agent.program.terminate()
    agent.disk.restore(folder)
    shutil.rmtree(folder)
    for system in systems:
        system.go_on()
    agent.program.start()
    fault = Fault(kind="outbox restored from a copy", began=began, ended=time.time(), devices=tuple(agent.devices))
    wait_for(agent.ready, seconds=CALM_S, what="coming back with a restored outbox")
    return fault


def database_gone(world: World, seconds: float) -> Fault:
    """No database for a minute, under load; an ingest that is started meanwhile waits for it."""
    began = time.time()
    world.database.kill()
    time.sleep(seconds / 2)
    world.ingests[0].kill()
    world.ingests[0].start()
    time.sleep(seconds / 2)
    world.database.start()
    return Fault(kind="database gone", began=began, ended=time.time())

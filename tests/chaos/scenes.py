"""What happens once and must be looked at while nothing else is broken."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from tests.chaos.agents import Agent
from tests.chaos.equipment import Modality
from tests.chaos.storm import Fault
from tests.chaos.world import World, wait_for
from wire.topics import Lane

CALM_S: Final = 150.0
OVERFLOW_S: Final = 180.0
OVERFLOW_REPORTS: Final = 100
"""So many reports are to be dropped at least."""
BURST: Final = 50
LOG_LINES: Final = 12_000
"""Some turns of the log's reader: read again after the copy was put back, the last are entered after the answer to the
birth."""


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
    agent, system = world.agents[-1], world.systems_of_last[0]
    system.pause()
    emptied(agent, system.uid)
    before = agent.dropped(system.uid)
    agent.cable.pull()
    others = [each for each in world.systems.values() if each is not system]
    for each in others:
        each.pause()  # so that it is not a matter of minutes
    hurried = [Modality(systems=[system], every_s=0.0, name=f"hurried-{n}") for n in range(2)]
    deadline = time.monotonic() + OVERFLOW_S
    while agent.dropped(system.uid) < before + OVERFLOW_REPORTS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the outbox did not overflow within {OVERFLOW_S:.0f} s")
        with ThreadPoolExecutor() as pool:
            done = [pool.submit(one.send, system, BURST, although_paused=True) for one in hurried]
        for one in done:
            one.result()
    world.failures += [f"{one.name}: {refused}" for one in hurried for refused in one.refused]
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

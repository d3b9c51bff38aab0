"""A copy of the database is put back while the agents went on: what it then says of each fault."""

import time
from typing import Final

from catalog.load import load
from tests.chaos.ledger import FaultLine
from tests.chaos.programs import wall_ms
from tests.chaos.scenes import CALM_S, calm
from tests.chaos.verdicts import Moments, wrong_verdicts
from tests.chaos.world import World, wait_for

NOTICED_S: Final = 40.0
"""Until every device was heard again: a birth with back-off and jitter, a heartbeat."""


def restored_copy(world: World) -> tuple[int, list[str]]:
    """How many faults were compared, and what is wrong. All else has ended before, and nothing is waiting."""
    database = world.database
    systems = list(world.systems.values())
    for program in (*world.ingests, *(agent.program for agent in world.agents)):
        program.start()
    calm(world)
    _say(world, kept=True)
    database.copy()
    copied = wall_ms()
    time.sleep(2.1)  # a log's times are whole seconds
    for number, system in enumerate(systems):  # lost: of a third nothing, of a third one thing, of a third more
        if number % 3:
            system.turn(number % 2)
        if number % 3 == 2:
            system.strike()
    _through(world)
    given = database.numbers()
    for program in world.ingests:
        program.terminate()
    database.put_back()
    restored = wall_ms()
    time.sleep(2.1)
    for program in world.ingests:
        program.start()
    wait_for(lambda: database.heard_since(restored / 1000), seconds=NOTICED_S, what="being heard by the copy")
    for number, system in enumerate(systems):  # heard again: of every other one
        if number % 2:
            system.turn(0)
            system.strike()
    _through(world)
    families = {code: fault.family for code, fault in load().models["generic-dr"].faults.items()}
    lines: list[FaultLine] = world.ledger.faults
    wrong = wrong_verdicts(
        lines,
        families=families,
        moments=Moments(copied=copied, restored=restored),
        given=given,
        stored=database.verdicts(restored),
    )
    for program in (*world.ingests, *(agent.program for agent in world.agents)):
        program.terminate()
    return len({(line.device, line.code) for line in lines}), wrong


def _say(world: World, *, kept: bool) -> None:
    """Each system has one fault of those that come and go, and none of the other."""
    for system in world.systems.values():
        system.set(0, active=kept)
        system.set(1, active=not kept)
    _through(world)


def _through(world: World) -> None:
    """Everything that was said is stored, and its agent has deleted it: log files are read every second."""
    time.sleep(3)
    held = [(agent, uid) for agent in world.agents for uid in agent.devices]
    wait_for(lambda: all(agent.empty(uid) for agent, uid in held), seconds=CALM_S, what="emptying every device")

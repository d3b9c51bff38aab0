"""What rests on promises that may be broken: leases by a clock that was put right, sessions that somebody cuts."""

import time
from dataclasses import dataclass
from typing import Final

from tests.chaos.scenes import calm
from tests.chaos.storm import LEASE_S, Fault
from tests.chaos.world import World, wait_for

AHEAD_S: Final = 3_600.0
RESUMES_S: Final = LEASE_S + 14.0
"""Until every device goes on: a lease's length, the start of two processes on a busy machine, a heartbeat of each."""
FIRST_S: Final = 1.0
"""From the last cut to the next commit. 0.1 to 0.7 s were seen, and 1.1 with the library's own check of sessions."""
MEANWHILE: Final = 0.7
"""Of the rate before; 0.94 was seen, and 0.55 with the library's own check."""
SETTLES_S: Final = 5.0
"""For what had waited before."""
BEFORE_S: Final = 4.0
AFTER_S: Final = 4.0


@dataclass(frozen=True, kw_only=True)
class Cut:
    """How it went while the database's sessions were cut once a second; rates in reports a second."""

    cuts: int
    sessions: int
    before: float
    meanwhile: float
    first_s: float
    """From the last cut to the next commit."""
    after: float


def leases_in_future(world: World) -> tuple[Fault, float]:
    """The owners of the leases are killed, and the server's clock is put right by an hour: the leases they left lie far
    ahead of it, and so does when they were last seen. How long until every device went on."""
    for program in world.ingests:
        program.kill()
    world.database.postpone_leases(AHEAD_S)
    began = time.time()
    for program in world.ingests:
        program.start()
    try:
        took = wait_for(lambda: world.database.heard_since(began), seconds=RESUMES_S, what="ingest with leases ahead")
    except TimeoutError as error:
        world.failures.append(f"leases in the future: {error}")
        took = RESUMES_S
        world.database.postpone_leases(-2 * AHEAD_S)
        wait_for(lambda: world.database.heard_since(began), seconds=60, what="ingest after the leases were mended")
    return Fault(kind="leases an hour ahead, their owners killed", began=began, ended=began), took


def sessions_cut(world: World, seconds: float) -> tuple[Fault, Cut]:
    """All sessions of ingest are ended once a second, under load."""
    database = world.database

    def rate(for_s: float) -> float:
        first, began = database.acknowledged(), time.monotonic()
        time.sleep(for_s)
        return (database.acknowledged() - first) / (time.monotonic() - began)

    calm(world)
    time.sleep(SETTLES_S)
    before = rate(BEFORE_S)
    began, first = time.time(), database.acknowledged()
    cuts = sessions = 0
    while time.time() < began + seconds:
        sessions += database.cut_sessions()
        cuts += 1
        time.sleep(1)
    sessions += database.cut_sessions()
    ended = time.time()
    meanwhile = (database.acknowledged() - first) / (ended - began)
    try:
        first_s = wait_for(
            lambda: database.newest_mark() > ended, seconds=60, what="a commit after the sessions were cut"
        )
    except TimeoutError as error:
        world.failures.append(f"sessions cut: {error}")
        first_s = 60.0
    after = rate(AFTER_S)
    found = Cut(cuts=cuts + 1, sessions=sessions, before=before, meanwhile=meanwhile, first_s=first_s, after=after)
    if first_s > FIRST_S:
        world.failures.append(f"sessions cut: the next commit came only after {first_s:.1f} s")
    if after < before / 2:
        world.failures.append(f"sessions cut: {after:.0f} reports/s afterwards, {before:.0f} before")
    if meanwhile < before * MEANWHILE:
        world.failures.append(f"sessions cut: {meanwhile:.0f} reports/s between the cuts, {before:.0f} before")
    return Fault(kind="sessions cut once a second", began=began, ended=ended), found

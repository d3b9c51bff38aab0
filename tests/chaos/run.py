"""One run, from start to verdict."""

import signal
import sys
import time
from collections import defaultdict
from statistics import median
from typing import Final

from tests.chaos.ledger import Comparison, compare
from tests.chaos.monitor import Monitor
from tests.chaos.programs import Program
from tests.chaos.promises import leases_in_future, sessions_cut
from tests.chaos.rewound import restored_copy
from tests.chaos.scenes import Full, Overflow, calm, database_gone, disk_full, overflow, restored
from tests.chaos.storm import Fault, Storm
from tests.chaos.world import World, wait_for
from wire.topics import Lane

DRAIN_S: Final = 240.0
REPORTS: Final = 10_000
SHOWN: Final = 10
MINUTE_S: Final = 60.0
CUT_S: Final = 15.0
_LANES: Final = {Lane.LIVE: 0, Lane.BULK: 1}


def say(text: str = "") -> None:
    """A line for whoever waits."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def bound(seconds: float) -> None:
    """End this process in order after so long, and when it is asked to end, as on Ctrl-C."""

    def late(*_: object) -> None:
        raise TimeoutError(f"the run took longer than {seconds:.0f} s")

    def asked(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, late)
    signal.signal(signal.SIGTERM, asked)
    signal.alarm(int(seconds))


def run(world: World, *, scale: float) -> int:
    """0: nothing was lost, doubled or wrong. 1: it was."""
    began = time.monotonic()

    def stage(what: str) -> None:
        say(f"{time.monotonic() - began:6.1f} s  {what} ({world.ledger.sent()} facts sent)")

    stage("everything runs")
    monitor = Monitor(world=world)
    monitor.start()
    world.start_equipment()
    storm = Storm(world=world, scale=scale)
    stage("storm, first half")
    storm.half(0)
    stage("calm")
    calm(world)
    stage("an agent offline, its bulk overflowing")
    newest = overflow(world)
    for number in range(max(1, round(2 * scale))):
        stage("an outbox restored from a copy")
        storm.note(restored(world, number))
    stage("a disk full")
    fault, full = disk_full(world, max(8.0, MINUTE_S * min(scale, 1.0)))
    storm.note(fault)
    stage("the database gone")
    storm.note(database_gone(world, max(8.0, MINUTE_S * min(scale, 1.0))))
    stage("leases in the future")
    fault, resumed_s = leases_in_future(world)
    storm.note(fault)
    stage("sessions cut once a second")
    fault, cut = sessions_cut(world, max(5.0, CUT_S * min(scale, 1.0)))
    storm.note(fault)
    stage("storm, second half")
    storm.half(1)
    stage("everything goes on")
    world.stop_equipment()
    drained_s = drain(world)
    stage("drained")
    reports = settle_marks(world)
    for program in world.ingests:
        _stop(world, program)
    monitor.stop()
    verdict = compare(world.ledger, world.database.read())
    if scale >= 1 and reports < REPORTS:
        world.failures.append(f"{reports} reports are fewer than {REPORTS}")
    stage("compared; a copy of the database put back")
    faults, verdict_wrong = restored_copy(world)
    verdict.wrong += [f"restored copy: {one}" for one in verdict_wrong]
    stage("verdicts compared")
    tell(world, storm, monitor, newest, full, verdict, reports=reports, drained_s=drained_s)
    say(f"leases an hour ahead: every device went on after {resumed_s:.1f} s")
    say(
        f"sessions cut {cut.cuts} times ({cut.sessions}): {cut.before:.0f} reports/s before, {cut.meanwhile:.0f} "
        f"meanwhile, {cut.after:.0f} after; the next commit {cut.first_s:.1f} s after the last cut"
    )
    say(f"restored copy: {faults} faults compared, {len(verdict_wrong)} wrong")
    say(verdict.line)
    return 0 if verdict.clean and not world.failures else 1


def drain(world: World) -> float:
    """Wait until each device was seen with nothing to send, 3 s after its log's last line at the earliest."""
    time.sleep(3)
    waiting = {uid: agent for agent in world.agents for uid in agent.devices}

    def done() -> bool:
        for uid, agent in list(waiting.items()):
            if agent.empty(uid):
                del waiting[uid]
        return not waiting

    try:
        return 3 + wait_for(done, seconds=DRAIN_S, what="draining")
    except TimeoutError as error:
        held = {f"{agent.name}/{uid}": [agent.held(uid, lane) for lane in Lane] for uid, agent in waiting.items()}
        world.failures.append(f"{error}; reports left (live, bulk): {held}")
        return DRAIN_S


def settle_marks(world: World) -> int:
    """The marks are the agents' own highest numbers, once they have ended; returns the reports by those numbers.

    A heartbeat may be entered at the very end: then the agent runs once more.
    """
    wrong: list[str] = []
    reports = 0
    for _ in range(4):
        time.sleep(1.5)
        for agent in world.agents:
            _stop(world, agent.program)
        time.sleep(1.5)  # for what was under way
        marks = world.database.marks()
        wrong, reports = [], 0
        for agent in world.agents:
            for uid in agent.devices:
                state = agent.state(uid)
                for lane, number in _LANES.items():
                    highest = state.lane(lane).highest
                    reports += highest
                    if highest and marks.get((uid, number)) != (state.epoch, highest):
                        wrong.append(
                            f"{agent.name}/{uid} {lane.value}: mark {marks.get((uid, number))}, "
                            f"the agent's highest ({state.epoch!r}, {highest})"
                        )
        if not wrong:
            break
        for agent in world.agents:
            agent.program.start()
        wait_for(lambda: all(agent.ready() for agent in world.agents), seconds=60, what="another start")
        time.sleep(2)
    world.failures += wrong
    return reports


def _stop(world: World, program: Program) -> None:
    if code := program.terminate():
        world.failures.append(f"{program.name} ended with {code} when asked to stop:\n{program.last_words()}")


def tell(
    world: World,
    storm: Storm,
    monitor: Monitor,
    newest: Overflow,
    full: Full,
    verdict: Comparison,
    *,
    reports: int,
    drained_s: float,
) -> None:
    """The table, what is wrong, and the line."""
    by_kind: dict[str, list[Fault]] = defaultdict(list)
    for fault in storm.done:
        by_kind[fault.kind].append(fault)
    say()
    say(f"{'fault':<44} {'times':>5}   goes on after s: median, longest")
    for kind, faults in sorted(by_kind.items()):
        after = monitor.recoveries(faults)
        say(f"{kind:<44} {len(faults):>5}   {median(after):>15.1f} {max(after):>8.1f}")
    say(
        f"agent offline, its bulk overflowing: {newest.dropped} reports dropped and counted; back with a backlog "
        f"of {newest.backlog} (after {newest.began_s:.1f} s of jitter), the newest fault was a ticket after "
        f"{newest.ticket_s:.3f} s, when {newest.left} still waited; all were through after {newest.through_s:.3f} s"
    )
    say(
        f"disk full for {full.seconds:.0f} s: {full.dropped} reports dropped and counted, a backlog of {full.backlog} "
        f"drained on it after {full.drained_s:.1f} s"
    )
    say(
        f"reports {reports} (by the agents' last epochs) of which images "
        f"{sum(len(images) for images in world.ledger.images.values())}, dropped by full outboxes "
        f"{verdict.dropped}, drained after {drained_s:.1f} s, ingest revived {world.revived} times"
    )
    for name, found in (
        ("lost", verdict.lost),
        ("duplicated", verdict.duplicated),
        ("wrong", [*verdict.wrong, *world.failures]),
    ):
        for one in found[:SHOWN]:
            say(f"  {name}: {one}")
        if len(found) > SHOWN:
            say(f"  {name}: and {len(found) - SHOWN} more")

from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import msgspec
import pytest

from agent.adapters.port import Entry
from agent.clock import Clock, Now
from agent.commands.commands import (
    EXPIRED,
    FAILED,
    NO_POLICY,
    NOT_COVERED,
    POLICY_EXPIRED,
    UNKNOWN,
    WAITING,
    Allowance,
    Commands,
    permit,
)
from agent.commands.probes import Values
from agent.outbox.outbox import Outbox
from agent.sink import DeviceSink
from catalog.load import load
from catalog.model import Step
from wire.codec import decode_report
from wire.commands import Announce, Command, RunRunbook
from wire.ids import mint_command_id
from wire.items import Inventory, Item, Reply
from wire.topics import Lane

CATALOG = load()
MODEL = CATALOG.models["generic-dr"]
BOOK = CATALOG.runbooks["host-health"]
NOW_MS = 1_800_000_000_000


def test_a_runbook_runs_only_if_everything_allows_it() -> None:
    changing = msgspec.structs.replace(BOOK, read_only=False)
    covered, other = frozenset({BOOK.key}), frozenset({"dicom-reach"})
    for book, books, until in product((None, BOOK, changing), (None, covered, other), (NOW_MS, NOW_MS + 1)):
        allowance = None if books is None else Allowance(runbooks=books, until=until)
        refusal = permit(book, allowance, now_ms=NOW_MS)
        if book is None:
            assert refusal == UNKNOWN
        elif allowance is None:
            assert refusal == NO_POLICY
        elif until == NOW_MS:
            assert refusal == POLICY_EXPIRED
        elif books == other or book is changing:
            assert refusal == NOT_COVERED
        else:
            assert refusal is None


def test_every_reason_has_words_in_both_languages() -> None:
    for reason in (EXPIRED, FAILED, NO_POLICY, NOT_COVERED, POLICY_EXPIRED, UNKNOWN):
        assert CATALOG.messages[reason].zh
        assert CATALOG.messages[reason].en


class World:
    """Commands before a real outbox, at a time that stands still."""

    def __init__(self, path: Path, allowance: Allowance | None) -> None:
        self.path = path
        self.allowance = allowance
        self.ran: list[str] = []
        self.births = 0
        self.offset_ms = 0
        self.open()

    def open(self) -> None:
        self.outbox = Outbox(path=self.path)
        self.clock = Clock(segments=self.outbox.segments, now=self.now(), machine=None)
        self.sink = DeviceSink(device="d", model=MODEL, outbox=self.outbox, clock=self.clock, now=self.now)
        self.commands = Commands(
            device="d",
            outbox=self.outbox,
            sink=self.sink,
            clock=self.clock,
            now=self.now,
            known={BOOK.key: BOOK},
            allowance=self.allowance,
            measure=self.measure,
        )
        self.commands.announce = self.announce

    def now(self) -> Now:
        return Now(wall=NOW_MS, elapsed=1_000_000)

    def announce(self) -> None:
        self.births += 1

    def measure(self, step: Step) -> Values:
        self.ran.append(step.id)
        return {"memory": 99.0, "cpu": 5.0, "uptime_s": 10_000.0, "used": 50.0, "offset_ms": 1.0, "live": 0.0}

    async def sent(self, lane: Lane = Lane.LIVE) -> list[Item]:
        held = await self.outbox.fetch(lane, seq=1, reports=1000, size=10**9, alone=True)
        return [item for report in held for item in decode_report(report.body).items]

    async def reply(self, command: Command) -> Reply:
        await self.commands.execute(command)
        last = (await self.sent())[-1]
        assert isinstance(last, Reply)
        assert last.command == command.id
        return last


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path / "d.outbox", Allowance(runbooks=frozenset({BOOK.key}), until=NOW_MS + 1))
    yield made
    made.outbox.close()


def command(do: RunRunbook | Announce | None = None, *, expires: int = NOW_MS + 60_000) -> Command:
    return Command(id=mint_command_id(), issued=NOW_MS, expires=expires, do=do or RunRunbook(runbook=BOOK.key))


async def test_an_allowed_runbook_runs_and_its_verdict_is_the_reply(world: World) -> None:
    reply = await world.reply(command())
    assert (reply.status, reply.reason) == ("done", None)
    assert reply.verdict is not None
    assert reply.verdict.outcome == "fail"
    assert [step.id for step in reply.verdict.steps] == world.ran == [step.id for step in BOOK.steps]


async def test_a_command_is_done_once_over_restarts(world: World) -> None:
    once = command()
    await world.commands.execute(once)
    await world.commands.execute(once)
    world.outbox.close()
    world.open()
    await world.commands.execute(once)
    assert len(world.ran) == len(BOOK.steps)
    assert len(await world.sent()) == 1


async def test_an_expired_command_is_told_so_by_the_servers_time(world: World) -> None:
    reply = await world.reply(command(expires=NOW_MS))
    assert (reply.status, reply.reason) == ("expired", EXPIRED)
    late = command(expires=NOW_MS + 60_000)
    segment = world.clock.peek(world.now()).segment
    world.clock.answered(sent=NOW_MS, server=NOW_MS + 3_600_000, held=0, segment=segment, now=world.now())
    assert (await world.reply(late)).status == "expired"
    assert not world.ran


async def test_an_unknown_runbook_and_one_without_policy_are_refused(world: World) -> None:
    unknown = await world.reply(command(RunRunbook(runbook="format-disk")))
    assert (unknown.status, unknown.reason) == ("refused", UNKNOWN)
    world.outbox.close()
    world.allowance = None
    world.open()
    refused = await world.reply(command())
    assert (refused.status, refused.reason, refused.verdict) == ("refused", NO_POLICY, None)
    assert not world.ran


async def test_announce_tells_birth_and_inventory_again(world: World) -> None:
    inventory = Inventory(at=1, fields={"device.serial": "SN-1"})
    await world.outbox.aput(Entry(bulk=[inventory]), world.clock.moment(world.now()))
    assert (await world.reply(command(Announce()))).status == "done"
    assert world.births == 1
    assert (await world.sent(Lane.BULK))[-1] == Inventory(at=NOW_MS, fields=inventory.fields)


async def test_what_was_begun_and_killed_is_answered_as_failed_and_never_repeated(world: World) -> None:
    interrupted = command()
    await world.outbox.claim(interrupted.id, expires=interrupted.expires, now=NOW_MS)
    world.outbox.close()
    world.open()
    await world.commands.answer_interrupted()
    await world.commands.execute(interrupted)
    reply, *more = await world.sent()
    assert isinstance(reply, Reply)
    assert (reply.command, reply.status, reply.reason) == (interrupted.id, "failed", FAILED)
    assert not more
    assert not world.ran


async def test_a_flood_of_commands_is_left_to_expire(world: World) -> None:
    for _ in range(WAITING + 5):
        world.commands.submit(command())
    assert world.commands._waiting.qsize() == WAITING

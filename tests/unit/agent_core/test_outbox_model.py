"""The outbox against a model: put, send, lose, acknowledge, restart, restore, in any order.

Nothing is lost, the order is kept, nothing arrives twice, bytes are bounded, and its figures are those of the file.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.adapters.port import Entry
from agent.clock import Moment
from agent.outbox.marks import Action, Asked, Decision
from agent.outbox.outbox import Outbox
from agent.outbox.states import Limits
from agent.uplink.window import WINDOW_BYTES
from wire.codec import decode_report, digest
from wire.commands import Ack
from wire.items import Fault, Item, Readings
from wire.limits import WINDOW_REPORTS
from wire.topics import Lane

T = TypeVar("T")
BULK_BYTES = 2_000
REPORT = 400


class Sent(NamedTuple):
    lane: Lane
    epoch: str
    seq: int
    floor: int
    again: bool
    body: bytes


class Mark(NamedTuple):
    epoch: str = ""
    seq: int = 0
    digest: str = ""


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "outbox"
        self.marks = dict.fromkeys(Lane, Mark())
        self.past: set[tuple[Lane, str]] = set()
        self.arrived: dict[Lane, list[float]] = {Lane.LIVE: [], Lane.BULK: []}
        self.repeats = 0
        self.put_repeats = 0
        self.put: dict[Lane, list[float]] = {Lane.LIVE: [], Lane.BULK: []}
        self.gaps = 0
        self.dropped = 0
        self.lost: set[float] = set()
        self.restored = False
        self.copy: tuple[dict[Lane, list[float]], int] | None = None
        self.number = 0.0
        self.wire: list[Sent] = []
        self.open()

    def open(self) -> None:
        self.outbox = Outbox(
            path=self.path, limits=Limits(live_items=10_000, bulk_bytes=BULK_BYTES, report_bytes=REPORT)
        )
        self.next = dict.fromkeys(Lane, 0)

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.outbox.close()
            self.loop.close()
            shutil.rmtree(self.folder)

    # -- the equipment's side ---------------------------------------------------------------------------------------

    def enter(self, lane: Lane, items: list[Item]) -> None:
        before, held = self.outbox.state.dropped, self.held()
        entry = Entry(live=items) if lane is Lane.LIVE else Entry(bulk=items)
        assert self.outbox.put(entry, Moment(at=1, segment=0)) == (True, [])
        self.dropped += self.outbox.state.dropped - before
        left = self.held()
        gone = [values for seq, values in held.items() if seq not in left]
        if self.outbox.state.dropped == before:
            assert not gone
        flying = {sent.seq for sent in self.wire if sent.lane is Lane.BULK and sent.epoch == self.outbox.state.epoch}
        assert not flying & (held.keys() - left.keys()), "what is under way is never dropped"
        self.lost.update(value for values in gone for value in values)
        if lane is Lane.BULK:  # a new report may itself be too much
            entered = {value for item in items if isinstance(item, Readings) for value in item.value}
            self.lost |= entered - {value for values in left.values() for value in values}

    def held(self) -> dict[int, list[float]]:
        """The bulk values in the file, by number."""
        rows = self.outbox._book._db.execute(
            "SELECT seq, bytes FROM report JOIN body ON id = body WHERE lane = 1 ORDER BY seq"
        ).fetchall()
        return {
            seq: [value for item in decode_report(body).items if isinstance(item, Readings) for value in item.value]
            for seq, body in rows
        }

    @rule(lane=st.sampled_from(Lane), rows=st.integers(1, 30))
    def readings(self, lane: Lane, rows: int) -> None:
        values = [self.number + row for row in range(rows)]
        self.number += rows
        self.put[lane] += values
        self.enter(lane, [Readings(at=1, metric=["m"] * rows, value=values)])

    @rule(puts=st.integers(5, 20))
    def a_backlog(self, puts: int) -> None:
        for _ in range(puts):
            self.readings(Lane.BULK, 20)

    @rule(code=st.sampled_from(["A", "B"]), times=st.integers(1, 3))
    def faults(self, code: str, times: int) -> None:
        self.put_repeats += times
        self.enter(Lane.LIVE, [Fault(at=1, code=code, state="active")] * times)

    # -- the way up ---------------------------------------------------------------------------------------------------

    @rule(lane=st.sampled_from(Lane), reports=st.integers(1, WINDOW_REPORTS))
    def send(self, lane: Lane, reports: int) -> None:
        if not self.next[lane]:
            self.handshake()
        state = self.outbox.state
        flying = [sent for sent in self.wire if sent.lane is lane]
        held = self.wait(
            self.outbox.fetch(lane, seq=self.next[lane], reports=reports, size=WINDOW_BYTES, alone=not flying)
        )
        if held and held[0].seq != self.next[lane] and held[0].seq != state.lane(lane).lowest:
            return
        for report in held:
            floor = min(state.lane(lane).lowest, report.seq)
            self.wire.append(Sent(lane, state.epoch, report.seq, floor, report.again, report.body))
            self.next[lane] = report.seq + 1

    @rule(count=st.integers(1, 40))
    def deliver(self, count: int) -> None:
        for sent in self.wire[:count]:
            self.receive(sent)
        del self.wire[:count]

    @rule()
    def the_broker_forgets(self) -> None:
        self.wire.clear()

    def receive(self, sent: Sent) -> None:
        mark = self.marks[sent.lane]
        if (sent.lane, sent.epoch) in self.past:
            return
        if sent.epoch != mark.epoch:
            self.past.add((sent.lane, mark.epoch))
            mark = Mark(sent.epoch)
        if sent.floor > mark.seq + 1:
            self.gaps += sent.floor - 1 - mark.seq
            mark = Mark(sent.epoch, sent.floor - 1)
        if sent.seq == mark.seq + 1:
            self.store(sent)
            mark = Mark(sent.epoch, sent.seq, digest(sent.body).hex())
        self.marks[sent.lane] = mark

    def store(self, sent: Sent) -> None:
        known = set(self.arrived[sent.lane])
        for item in decode_report(sent.body).items:
            if isinstance(item, Readings):
                values = [value for value in item.value if not (sent.again and value in known)]
                self.arrived[sent.lane] += values
            elif isinstance(item, Fault):
                self.repeats += item.count

    @rule(lane=st.sampled_from(Lane))
    def acknowledge(self, lane: Lane) -> None:
        if self.next[lane]:
            self.tell(lane, Asked.NOTHING)

    @rule(lane=st.sampled_from(Lane), reports=st.integers(1, WINDOW_REPORTS))
    def send_and_deliver(self, lane: Lane, reports: int) -> None:
        self.send(lane, reports)
        self.deliver(len(self.wire))

    @rule()
    def handshake(self) -> None:
        self.be_born(Asked.BIRTH)

    def be_born(self, asked: Asked) -> None:
        for _ in range(3):
            decisions = [self.tell(lane, asked) for lane in Lane]
            if all(decision.action is not Action.NEW_EPOCH for decision in decisions):
                break
            asked = Asked.BIRTH  # a new connection begins anew
        else:
            raise AssertionError("a new epoch is followed by another and another")
        for lane in Lane:
            self.next[lane] = self.outbox.state.lane(lane).lowest

    def tell(self, lane: Lane, asked: Asked) -> Decision:
        mark = self.marks[lane]
        ack = Ack(lane=lane, epoch=mark.epoch, seq=mark.seq, digest=mark.digest, now=1)
        decision = self.wait(self.outbox.acknowledge(ack, asked, at=1))
        if decision.action is Action.NEW_EPOCH:
            assert asked is not Asked.NOTHING or self.restored
            self.next = dict.fromkeys(Lane, 0)  # the connection is made anew
        return decision

    # -- deaths -------------------------------------------------------------------------------------------------------

    @rule()
    def restart(self) -> None:
        boot = self.outbox.state.boot
        self.outbox.close()
        self.open()
        assert self.outbox.state.boot == boot + 1

    @rule()
    def copy_the_file(self) -> None:
        self.outbox.close()
        shutil.copy(self.path, self.folder / "copy")
        self.copy = ({lane: list(values) for lane, values in self.put.items()}, self.put_repeats)
        self.open()

    @precondition(lambda self: self.copy is not None)
    @rule()
    def restore_the_copy(self) -> None:
        assert self.copy is not None
        self.outbox.close()
        shutil.copy(self.folder / "copy", self.path)
        self.restored = True
        # What was entered since and didn't arrive went with the disk.
        for lane, values in self.copy[0].items():
            kept = {*values, *self.arrived[lane]}
            self.put[lane] = [value for value in self.put[lane] if value in kept]
        self.wire.clear()
        self.open()

    @rule(lane=st.sampled_from(Lane), before=st.integers(0, 2), lost=st.integers(0, 3), after=st.integers(0, 3))
    def a_disk_image_comes_back(self, lane: Lane, before: int, lost: int, after: int) -> None:
        for _ in range(before):
            self.readings(lane, 5)
        self.copy_the_file()
        for _ in range(lost):
            self.readings(lane, 5)
        self.send_and_deliver(lane, WINDOW_REPORTS)
        self.restore_the_copy()
        for _ in range(after):
            self.readings(lane, 5)
        self.send_and_deliver(lane, WINDOW_REPORTS)

    # -- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def bytes_are_bounded(self) -> None:
        assert self.outbox.state.bulk.size <= BULK_BYTES + WINDOW_REPORTS * REPORT

    @invariant()
    def order_is_kept_and_nothing_doubled(self) -> None:
        for lane in Lane:
            assert len(set(self.arrived[lane])) == len(self.arrived[lane])
            if not self.restored:
                assert self.arrived[lane] == sorted(self.arrived[lane])

    @invariant()
    def the_figures_are_those_of_the_file(self) -> None:
        book = self.outbox._book
        before = self.outbox.state
        for lane in Lane:
            book._recount(lane)
        assert book.state == before

    def settle(self) -> None:
        """Everything goes up, undisturbed."""
        self.wire.clear()
        self.empty()
        self.readings(Lane.BULK, 1)  # only a later report tells by its floor what was dropped at the end
        self.empty()
        assert set(self.arrived[Lane.LIVE]) >= set(self.put[Lane.LIVE])
        assert set(self.put[Lane.BULK]) - set(self.arrived[Lane.BULK]) <= self.lost
        if not self.restored:
            assert self.repeats == self.put_repeats
            assert self.gaps == self.dropped

    def empty(self) -> None:
        asked = Asked.BIRTH
        for _ in range(60):
            before = self.outbox.state
            self.be_born(asked)
            for lane in Lane:
                self.send(lane, WINDOW_REPORTS)
            self.deliver(len(self.wire))
            for lane in Lane:
                self.acknowledge(lane)
            state = self.outbox.state
            if state.live.reports + state.bulk.reports == 0:
                return
            asked = Asked.BIRTH_STUCK if state == before else Asked.BIRTH
        raise AssertionError("it stalls")


TestOutbox = Machine.TestCase
TestOutbox.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)

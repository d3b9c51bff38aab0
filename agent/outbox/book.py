"""The outbox's operations within a transaction: insert, acknowledge, drop, renumber.

One thread uses it. Every method runs between ``Storage.begin`` and ``commit``; ``state`` is a frozen struct that is
replaced, so that an undone transaction restores it by restoring the reference. Numbers begin with 1 in an epoch.
"""

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from agent.adapters.port import Entry
from agent.clock import Moment
from agent.errors import OutboxFull
from agent.outbox import forming, marks, repeats
from agent.outbox.forming import Formed, earliest_ms
from agent.outbox.notes import Notes
from agent.outbox.reports import Report, Reports
from agent.outbox.states import Held, Here, LaneState, Limits, State
from wire.commands import Ack
from wire.errors import WireErrorCode
from wire.ids import mint_epoch
from wire.items import ClockStep, Dropped, Fault, Heartbeat, Item, Refusal
from wire.limits import MAX_FIELDS
from wire.topics import Lane

REFUSAL_BYTES: Final = 384
"""One refusal in a heartbeat at most, as JSON."""
BULK_LEAST: Final = 1024 * 1024
"""Bytes of bulk that may be held however little room is left: what a server that answers has taken in a moment."""
DROPPED_AT_ONCE: Final = 256 * 1024


class Book:
    """See the module."""

    def __init__(
        self,
        *,
        connection: sqlite3.Connection,
        limits: Limits,
        related: Mapping[str, frozenset[str]],
        spans: Mapping[str, int],
    ) -> None:
        """Read what is there and raise the boot counter. Raises ``msgspec.DecodeError`` where it makes no sense."""
        self._db = connection
        self._limits = limits
        self._repeats = repeats.Repeats(related_codes=related, spans_ms=spans)
        self.notes = Notes(connection=self._db)
        self._reports = Reports(connection=self._db)
        self._handed = {Lane.LIVE: 0, Lane.BULK: 0}
        self._bound = limits.report_bytes
        self._bulk_bytes = limits.bulk_bytes
        row = self._db.execute("SELECT key, state FROM meta").fetchone()
        self._may_be_a_copy = row is not None
        """Until the server has answered a birth: an older copy of the file may have been put back."""
        self._opened_ms: int | None = None
        """The first moment after opening. What is older may have been entered before, by the file's later self."""
        if row is None:
            self.key = secrets.token_bytes(32)
            self.state = State(epoch=mint_epoch())
            self._db.execute("INSERT INTO meta VALUES (1, ?, ?)", (self.key, msgspec.msgpack.encode(self.state)))
        else:
            self.key = row[0]
            self.state = msgspec.msgpack.decode(row[1], type=State)
        self._replace(boot=self.state.boot + 1)
        for lane in Lane:
            self._recount(lane)
        # What an earlier life may have had under way; never dropped (delivery 2).
        self._handed[Lane.BULK] = self._reports.window_end(Lane.BULK)
        self.save()

    # -- entering ------------------------------------------------------------------------------------------------------

    def put(self, entry: Entry, moment: Moment) -> tuple[bool, list[WireErrorCode]]:
        """(entered, why items were left out). Raises ``OutboxFull``: then the caller undoes what was changed."""
        self.tell_steps(moment)
        self.notes.keep_positions(entry.positions)
        if entry.seen and not self.notes.recognise(entry.seen, at=moment.at):
            return False, []
        if self._opened_ms is None:
            self._opened_ms = moment.at
        plan = self._repeats.plan(
            entry.live,
            segment=moment.segment,
            unsent_from=self._handed[Lane.LIVE] + 1,
            doubted_ms=max(self.state.doubted_ms, self._opened_ms if self._may_be_a_copy else 0),
        )
        if plan.items and self.state.live.items + len(plan.items) > self._limits.live_items:
            raise OutboxFull(f"{self.state.live.items} distinct live items wait, which is the limit")
        left_over = [fault for fold in plan.folds for fault in self._fold(fold)]
        broken = self.enter(Lane.LIVE, [*left_over, *plan.items], moment)
        broken += self.enter(Lane.BULK, entry.bulk, moment)
        self.notes.keep_inventory((*entry.live, *entry.bulk))
        self._drop_bulk(self.state.bulk.size - self._bulk_bytes)
        return True, broken

    def tell_steps(self, moment: Moment) -> None:
        """Keep the clock's segments, and tell by how much it jumped where that is known."""
        if not moment.steps:
            return
        self.notes.keep_segments(moment.segments)
        known = [
            ClockStep(at=moment.at, segment=step.segment, step_ms=step.step_ms)
            for step in moment.steps
            if step.step_ms is not None
        ]
        self.enter(Lane.LIVE, known, moment)

    def enter(self, lane: Lane, items: Sequence[Item], moment: Moment) -> list[WireErrorCode]:
        """New reports with these items, whatever the live cap says; and why items were left out."""
        at, segment = moment.at, moment.segment
        formed, broken = forming.form(items, at=at, segment=segment, bound=self._bound)
        for report in formed:
            seq = self.state.lane(lane).next
            again = any(earliest_ms(item) < self.state.doubted_ms for item in report.items)
            self._insert(lane, seq, report, segment=segment, created=at, again=again)
            if lane is Lane.LIVE:
                self._repeats.entered(report.items, seq=seq, segment=segment)
        return broken

    def heartbeat(
        self, moment: Moment, *, uptime_s: float, refused: int, connected: bool | None, refusals: Sequence[Refusal]
    ) -> Sequence[Refusal]:
        """Enter a heartbeat with the depths, after what was dropped since the last one.

        ``refused``: inputs refused since the last one. Returns those of ``refusals`` that found room in it.
        """
        told = refusals[: min(max(self._bound // REFUSAL_BYTES - 2, 1), MAX_FIELDS)]
        self._replace(refused=self.state.refused + refused)
        state = self.state
        beat = Heartbeat(
            at=moment.at,
            uptime_s=uptime_s,
            live=state.live.reports,
            bulk=state.bulk.reports,
            dropped=state.dropped,
            refused=state.refused,
            connected=connected,
            refusals=list(told) or None,
        )
        pending: list[Item] = [] if state.pending is None else [state.pending]
        self._replace(pending=None)
        self.enter(Lane.LIVE, [*pending, beat], moment)
        return told

    def bound_to(self, size: int) -> None:
        """From now on no body is formed beyond ``size`` bytes, nor beyond the configured bound."""
        self._bound = min(size, self._limits.report_bytes)

    def hold_bulk(self, *, held: bool) -> None:
        """Whether bulk may not grow from now on, for the disk has little room."""
        if not held:
            self._bulk_bytes = self._limits.bulk_bytes
        elif self._bulk_bytes == self._limits.bulk_bytes:
            self._bulk_bytes = min(self._bulk_bytes, max(self.state.bulk.size, BULK_LEAST))

    def drop_some(self) -> None:
        """Drop some of the oldest bulk that is not under way, if there is any."""
        self._drop_bulk(DROPPED_AT_ONCE)

    # -- sending -------------------------------------------------------------------------------------------------------

    def fetch(self, lane: Lane, *, seq: int, reports: int, size: int, alone: bool) -> list[Held]:
        """Reports from ``seq`` on without a hole between, within the bounds; from now on they count as sent.

        Raises ``DamagedReport`` if the first one isn't what was entered.
        """
        found = self._reports.fetch(lane, seq=seq, reports=reports, size=size, alone=alone)
        if found:
            self._handed[lane] = max(self._handed[lane], found[-1].seq)
        return found

    def acknowledge(self, ack: Ack, asked: marks.Asked, at: int) -> marks.Decision:
        """Decide on an acknowledgement and do it. ``at``: the device's clock."""
        state, lane = self.state, self.state.lane(ack.lane)
        held = self._reports.digest(ack.lane, ack.seq)
        decision = marks.decide(
            marks.Held(
                epoch=state.epoch,
                confirmed=lane.confirmed,
                lowest=lane.lowest,
                highest=lane.highest,
                deleted=lane.deleted,
                deleted_digest=lane.digest,
                digest=None if held is None else held.hex(),
            ),
            ack,
            asked,
        )
        if decision.confirmed and not lane.confirmed:
            self._replace_lane(ack.lane, confirmed=True)
        if decision.action is marks.Action.DELETE:
            self._delete(ack.lane, 0, decision.upto)
            self._replace_lane(ack.lane, deleted=ack.seq, digest=ack.digest)
        elif decision.action is marks.Action.NEW_EPOCH:
            self.new_epoch(at)
        elif decision.reason is marks.Reason.FOREIGN_UNCONFIRMED:
            # A younger outbox than the one the server knew: what sources are read again for may be stored.
            self._reports.doubt(ack.lane)
            self._replace(doubted_ms=at)
        if asked is not marks.Asked.NOTHING and ack.lane is Lane.LIVE:
            self._may_be_a_copy = False  # or its facts are doubted by now
        return decision

    def new_epoch(self, at: int) -> None:
        """Renumber everything held from 1, in order, flagged ``again`` (delivery 6); so is from now on what was before
        ``at`` (device's clock): an older copy also knows less of how far its sources were read."""
        self._reports.number_from_one()
        self._replace(epoch=mint_epoch(), dropped=0, refused=0, live=LaneState(), bulk=LaneState(), doubted_ms=at)
        self._repeats.clear()
        for lane in Lane:
            self._replace_lane(lane, next=self._reports.highest(lane) + 1)
            self._recount(lane)
            self._handed[lane] = self._reports.window_end(lane)

    def split(self, lane: Lane, seq: int, *, bound: int) -> None:
        """A report that the broker finds too big becomes pieces; what follows it moves up.

        Numbers above it may move although they were sent: the server took none of them before this one.
        """
        report = self._reports.get(lane, seq)
        if report is not None:
            self._exchange(lane, seq, report, forming.reform(report.body, bound=bound))

    def skip(self, lane: Lane, seq: int, *, reason: str) -> None:
        """A report that is refused for good is replaced, under its number, by a ``Skipped`` (delivery 12)."""
        old = self._reports.get(lane, seq)
        if old is not None:
            note = forming.stand_in(
                at=old.created, segment=old.segment, items=old.items, size=len(old.body), reason=reason
            )
            self._exchange(lane, seq, old, [note])

    # -- the transaction -----------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write the state; the last thing in a transaction that changed it."""
        self._db.execute("UPDATE meta SET state = ?", (msgspec.msgpack.encode(self.state),))

    def here(self) -> Here:
        """Where the transaction stands, for ``undo``."""
        return Here(state=self.state, changes=self._repeats.changes, handed=dict(self._handed))

    def undo(self, here: Here) -> None:
        """The transaction was rolled back to ``here``."""
        self.state, self._handed = here.state, dict(here.handed)
        if self._repeats.changes != here.changes:
            self._repeats.clear()

    # -- within --------------------------------------------------------------------------------------------------------

    def _fold(self, fold: repeats.Fold) -> Sequence[Fault]:
        """Fold into a held report; what doesn't fit there comes back."""
        seq, index = fold.place.seq, fold.place.index
        report = self._reports.get(Lane.LIVE, seq)
        if report is None:
            return fold.faults
        old = report.body
        fault = forming.fault_at(old, index)
        for repeat in fold.faults:
            fault = repeats.merge(fault, repeat)
        made = forming.refold(old, index, fault, bound=self._bound)
        if made is None:
            return fold.faults
        self._reports.rewrite(Lane.LIVE, seq, made)
        self._replace_lane(Lane.LIVE, size=self.state.live.size + len(made.body) - len(old))
        return ()

    def _drop_bulk(self, over: int) -> None:
        """Drop the oldest bulk that is not under way, at least ``over`` bytes, and note what it was."""
        if over <= 0:
            return
        oldest = self._reports.oldest(Lane.BULK, above=self._handed[Lane.BULK], size=over)
        if not oldest:
            return
        times = [report.created for report in oldest]
        self._delete(Lane.BULK, self._handed[Lane.BULK], oldest[-1].seq)
        old = self.state.pending
        self._replace(
            dropped=self.state.dropped + len(oldest),
            pending=Dropped(
                at=times[-1],
                reports=len(oldest) + (old.reports if old else 0),
                bytes=sum(report.size for report in oldest) + (old.bytes if old else 0),
                first=min([*times, *([old.first] if old else [])]),
                last=max([*times, *([old.last] if old else [])]),
            ),
        )

    def _insert(self, lane: Lane, seq: int, report: Formed, *, segment: int, created: int, again: bool) -> None:
        self._reports.insert(lane, seq, report, segment=segment, created=created, again=again)
        old = self.state.lane(lane)
        self._replace_lane(
            lane,
            lowest=old.lowest if old.reports else seq,
            next=seq + 1,
            reports=old.reports + 1,
            size=old.size + len(report.body),
            items=old.items + len(report.items),
        )

    def _delete(self, lane: Lane, above: int, upto: int) -> None:
        """Delete the numbers above..upto."""
        gone = self._reports.delete(lane, above, upto)
        old = self.state.lane(lane)
        self._replace_lane(
            lane,
            lowest=self._lowest(lane, old.next),
            reports=old.reports - gone.reports,
            size=old.size - gone.size,
            items=old.items - gone.items,
        )

    def _lowest(self, lane: Lane, otherwise: int) -> int:
        found = self._reports.lowest(lane)
        return otherwise if found is None else found

    def _exchange(self, lane: Lane, seq: int, old: Report, pieces: Sequence[Formed]) -> None:
        more = len(pieces) - 1
        self._delete(lane, seq - 1, seq)
        self._reports.move_up(lane, above=seq, by=more)
        next_ = self.state.lane(lane).next + more
        for index, piece in enumerate(pieces):
            self._insert(lane, seq + index, piece, segment=old.segment, created=old.created, again=old.again)
        self._replace_lane(lane, next=next_, lowest=self._lowest(lane, next_))
        if self._handed[lane] >= seq:
            self._handed[lane] += more
        self._repeats.clear()

    def _recount(self, lane: Lane) -> None:
        """The figures of a lane from what is there, after opening and renumbering."""
        held = self._reports.count(lane)
        lowest = self._lowest(lane, self.state.lane(lane).next)
        self._replace_lane(lane, lowest=lowest, reports=held.reports, size=held.size, items=held.items)

    def _replace(self, **changes: Any) -> None:
        self.state = msgspec.structs.replace(self.state, **changes)

    def _replace_lane(self, lane: Lane, **changes: Any) -> None:
        self._replace(**{lane.value: msgspec.structs.replace(self.state.lane(lane), **changes)})

"""What the outbox does within a transaction: entering, acknowledging, dropping, renumbering.

One thread uses it. Every method runs between ``Storage.begin`` and ``commit``; ``state`` is a frozen struct that is
replaced, so that an undone transaction restores it by restoring the reference. Numbers begin with 1 in an epoch.
"""

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from agent import forming, marks, numbering, repeats
from agent.adapter import Entry
from agent.clock import Moment
from agent.errors import DamagedReport, OutboxFull
from agent.forming import Formed, earliest_ms
from agent.notes import Notes
from agent.states import Held, Here, LaneState, Limits, State
from wire.codec import digest
from wire.commands import Ack
from wire.errors import WireErrorCode
from wire.ids import mint_epoch
from wire.items import ClockStep, Dropped, Fault, Heartbeat, Item, Refusal
from wire.limits import MAX_BODY, MAX_FIELDS, WINDOW_REPORTS
from wire.topics import Lane

LANES: Final = {Lane.LIVE: 0, Lane.BULK: 1}
REFUSAL_BYTES: Final = 384
"""One refusal in a heartbeat at most, as JSON."""


BULK_LEAST: Final = 1024 * 1024
"""Bytes of bulk that may be held however little room is left: what a server that answers has taken in a moment."""
DROPPED_AT_ONCE: Final = 256 * 1024


class Book:
    """See the module."""

    def __init__(
        self, *, connection: sqlite3.Connection, limits: Limits, related: Mapping[str, frozenset[str]]
    ) -> None:
        """Read what is there and raise the boot counter. Raises ``msgspec.DecodeError`` where it makes no sense."""
        self._db = connection
        self._limits = limits
        self._repeats = repeats.Repeats(related_codes=related)
        self.notes = Notes(connection=self._db)
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
        for lane in LANES:
            self._recount(lane)
        # What an earlier life may have had under way; never dropped (DELIVERY 2).
        self._handed[Lane.BULK] = self._window_end(Lane.BULK)
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
        rows = self._db.execute(
            "SELECT seq, size, segment, again, body, digest FROM report "
            "WHERE lane = ? AND seq >= ? ORDER BY seq LIMIT ?",
            (LANES[lane], seq, reports),
        ).fetchall()
        found: list[Held] = []
        for number, bytes_, segment, again, number_of_body, expected in rows:
            size -= bytes_
            if (found and number != found[-1].seq + 1) or (size < 0 and not (alone and not found)):
                break
            body = self._body(number_of_body)
            if digest(body) != expected:  # SQLite doesn't see a flipped bit, and the server's digest would never match
                if found:
                    break
                raise DamagedReport(number)
            found.append(Held(seq=number, body=body, segment=segment, again=bool(again)))
        if found:
            self._handed[lane] = max(self._handed[lane], found[-1].seq)
        return found

    def acknowledge(self, ack: Ack, asked: marks.Asked, at: int) -> marks.Decision:
        """Decide on an acknowledgement and do it. ``at``: the device's clock."""
        state, lane = self.state, self.state.lane(ack.lane)
        row = self._db.execute(
            "SELECT digest FROM report WHERE lane = ? AND seq = ?", (LANES[ack.lane], ack.seq)
        ).fetchone()
        decision = marks.decide(
            marks.Held(
                epoch=state.epoch,
                confirmed=lane.confirmed,
                lowest=lane.lowest,
                highest=lane.highest,
                deleted=lane.deleted,
                deleted_digest=lane.digest,
                digest=None if row is None else row[0].hex(),
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
            self._db.execute("UPDATE report SET again = 1 WHERE lane = ? AND again = 0", (LANES[ack.lane],))
            self._replace(doubted_ms=at)
        if asked is not marks.Asked.NOTHING and ack.lane is Lane.LIVE:
            self._may_be_a_copy = False  # or its facts are doubted by now
        return decision

    def new_epoch(self, at: int) -> None:
        """Renumber everything held from 1, in order, flagged ``again`` (DELIVERY 6); so is from now on what was before
        ``at`` (device's clock): an older copy also knows less of how far its sources were read."""
        numbering.from_one(self._db)
        self._replace(epoch=mint_epoch(), dropped=0, refused=0, live=LaneState(), bulk=LaneState(), doubted_ms=at)
        self._repeats.clear()
        for lane in LANES:
            top = self._db.execute("SELECT coalesce(max(seq), 0) FROM report WHERE lane = ?", (LANES[lane],)).fetchone()
            self._replace_lane(lane, next=top[0] + 1)
            self._recount(lane)
            self._handed[lane] = self._window_end(lane)

    def split(self, lane: Lane, seq: int, *, bound: int) -> None:
        """A report that the broker finds too big becomes pieces; what follows it moves up.

        Numbers above it may move although they were sent: the server took none of them before this one.
        """
        body = self._bytes(lane, seq)
        if body is not None:
            self._exchange(lane, seq, forming.reform(body, bound=bound))

    def skip(self, lane: Lane, seq: int, *, reason: str) -> None:
        """A report that is refused for good is replaced, under its number, by a ``Skipped`` (DELIVERY 12)."""
        row = self._db.execute(
            "SELECT created, segment, items, size FROM report WHERE lane = ? AND seq = ?", (LANES[lane], seq)
        ).fetchone()
        if row is not None:
            at, segment, items, size = row
            self._exchange(lane, seq, [forming.stand_in(at=at, segment=segment, items=items, size=size, reason=reason)])

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
        number = self._body_id(Lane.LIVE, seq)
        if number is None:
            return fold.faults
        old = self._body(number)
        fault = forming.fault_at(old, index)
        for repeat in fold.faults:
            fault = repeats.merge(fault, repeat)
        made = forming.refold(old, index, fault, bound=self._bound)
        if made is None:
            return fold.faults
        self._db.execute("UPDATE body SET bytes = ? WHERE id = ?", (made.body, number))
        self._db.execute(
            "UPDATE report SET digest = ?, size = ? WHERE lane = ? AND seq = ?",
            (made.digest, len(made.body), LANES[Lane.LIVE], seq),
        )
        self._replace_lane(Lane.LIVE, size=self.state.live.size + len(made.body) - len(old))
        return ()

    def _drop_bulk(self, over: int) -> None:
        """Drop the oldest bulk that is not under way, at least ``over`` bytes, and note what it was."""
        if over <= 0:
            return
        rows = self._db.execute(
            "SELECT seq, size, created FROM report WHERE lane = ? AND seq > ? ORDER BY seq",
            (LANES[Lane.BULK], self._handed[Lane.BULK]),
        )
        reports, size, last, times = 0, 0, 0, []
        for seq, bytes_, created in rows:
            if size >= over:
                break
            reports, size, last = reports + 1, size + bytes_, seq
            times.append(created)
        rows.close()
        if not reports:
            return
        self._delete(Lane.BULK, self._handed[Lane.BULK], last)
        old = self.state.pending
        self._replace(
            dropped=self.state.dropped + reports,
            pending=Dropped(
                at=times[-1],
                reports=reports + (old.reports if old else 0),
                bytes=size + (old.bytes if old else 0),
                first=min([*times, *([old.first] if old else [])]),
                last=max([*times, *([old.last] if old else [])]),
            ),
        )

    def _insert(self, lane: Lane, seq: int, report: Formed, *, segment: int, created: int, again: bool) -> None:
        body = self._db.execute("INSERT INTO body (bytes) VALUES (?)", (report.body,)).lastrowid
        size, items = len(report.body), len(report.items)
        self._db.execute(
            "INSERT INTO report VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (LANES[lane], seq, body, report.digest, size, items, segment, created, int(again)),
        )
        old = self.state.lane(lane)
        self._replace_lane(
            lane,
            lowest=old.lowest if old.reports else seq,
            next=seq + 1,
            reports=old.reports + 1,
            size=old.size + size,
            items=old.items + items,
        )

    def _delete(self, lane: Lane, above: int, upto: int) -> None:
        """Delete the numbers above..upto."""
        range_ = (LANES[lane], above, upto)
        reports, size, items = self._db.execute(
            "SELECT count(*), coalesce(sum(size), 0), coalesce(sum(items), 0) FROM report "
            "WHERE lane = ? AND seq > ? AND seq <= ?",
            range_,
        ).fetchone()
        self._db.execute(
            "DELETE FROM body WHERE id IN (SELECT body FROM report WHERE lane = ? AND seq > ? AND seq <= ?)", range_
        )
        self._db.execute("DELETE FROM report WHERE lane = ? AND seq > ? AND seq <= ?", range_)
        old = self.state.lane(lane)
        self._replace_lane(
            lane,
            lowest=self._lowest(lane, old.next),
            reports=old.reports - reports,
            size=old.size - size,
            items=old.items - items,
        )

    def _lowest(self, lane: Lane, otherwise: int) -> int:
        found: int | None = self._db.execute("SELECT min(seq) FROM report WHERE lane = ?", (LANES[lane],)).fetchone()[0]
        return otherwise if found is None else found

    def _exchange(self, lane: Lane, seq: int, pieces: Sequence[Formed]) -> None:
        number = LANES[lane]
        segment, created, again = self._db.execute(
            "SELECT segment, created, again FROM report WHERE lane = ? AND seq = ?", (number, seq)
        ).fetchone()
        more = len(pieces) - 1
        self._delete(lane, seq - 1, seq)
        numbering.move_up(self._db, number, above=seq, by=more)
        next_ = self.state.lane(lane).next + more
        for index, piece in enumerate(pieces):
            self._insert(lane, seq + index, piece, segment=segment, created=created, again=bool(again))
        self._replace_lane(lane, next=next_, lowest=self._lowest(lane, next_))
        if self._handed[lane] >= seq:
            self._handed[lane] += more
        self._repeats.clear()

    def _body_id(self, lane: Lane, seq: int) -> int | None:
        row = self._db.execute("SELECT body FROM report WHERE lane = ? AND seq = ?", (LANES[lane], seq)).fetchone()
        return None if row is None else int(row[0])

    def _bytes(self, lane: Lane, seq: int) -> bytes | None:
        body = self._body_id(lane, seq)
        return None if body is None else self._body(body)

    def _body(self, number: int) -> bytes:
        found: bytes = self._db.execute("SELECT bytes FROM body WHERE id = ?", (number,)).fetchone()[0]
        return found

    def _recount(self, lane: Lane) -> None:
        """The figures of a lane from what is there, after opening and renumbering."""
        reports, size, items = self._db.execute(
            "SELECT count(*), coalesce(sum(size), 0), coalesce(sum(items), 0) FROM report WHERE lane = ?",
            (LANES[lane],),
        ).fetchone()
        lowest = self._lowest(lane, self.state.lane(lane).next)
        self._replace_lane(lane, lowest=lowest, reports=reports, size=size, items=items)

    def _window_end(self, lane: Lane) -> int:
        """The highest number that may be under way: a window's worth from the lowest (DELIVERY 11)."""
        rows = self._db.execute(
            "SELECT seq, size FROM report WHERE lane = ? ORDER BY seq LIMIT ?", (LANES[lane], WINDOW_REPORTS)
        ).fetchall()
        total, end = 0, 0
        for seq, size in rows:
            total += size
            if end and total > MAX_BODY:
                break
            end = seq
        return end

    def _replace(self, **changes: Any) -> None:
        self.state = msgspec.structs.replace(self.state, **changes)

    def _replace_lane(self, lane: Lane, **changes: Any) -> None:
        self._replace(**{lane.value: msgspec.structs.replace(self.state.lane(lane), **changes)})

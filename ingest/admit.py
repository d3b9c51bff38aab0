"""From messages as they arrived to what one transaction applies: numbers, decoding, de-duplication. No I/O."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, Generic

from msgspec.structs import replace

from ingest.admitted import Admitted, Gap
from ingest.clocks import Clock, hear, timeless
from ingest.fit import Fit
from ingest.letters import letter_of
from ingest.memory import DeviceMemory, Memory
from ingest.message import Message
from ingest.numbers import Decision, Fate, Mark, applied, decide
from ingest.ports import Applied, S, Work
from ingest.read import Read
from ingest.refusals import note, note_own
from wire.codec import decode_will
from wire.errors import WireError, WireErrorCode
from wire.items import Birth, Fault, Heartbeat, Readings, Reply
from wire.limits import MAX_MILLIS
from wire.report import HELLO, Numbers, Report
from wire.salvage import Flaws
from wire.topics import Channel, Lane

OFFSET_LEAST_MS: Final = 500
"""A smaller clock offset is left alone: it lies within the noise of a round trip through queues, and the same fact sent
again under another estimate would get another time."""
ACK_REPORTS: Final = 32
"""Half the agent's window: acknowledged at once, or a backlog would be paced by the coalescing second."""
AGAIN_MS: Final = 10_000
"""How soon a client sends again what wasn't acknowledged."""
_APPLIED: Final = Fate.APPLY.value


class Gate(Generic[S]):
    """Decides what becomes of each message of one lane, in order of arrival."""

    def __init__(
        self,
        *,
        lane: Lane,
        memory: Memory[S],
        clock_ms: Callable[[int], int],
        fit: Fit,
    ) -> None:
        self._lane = lane
        self._memory = memory
        self._clock_ms = clock_ms
        self._fit = fit
        self._decide = decide

    def admit(self, messages: Iterable[Message], out: Admitted[S], *, poison: dict[int, str]) -> None:
        """Sort messages of a batch into ``out``. ``poison``: id() of a message → why the database refused it."""
        for message in messages:
            if (content := message.content) is not None:
                try:
                    self._one(message, content, out, poison)
                except WireError as error:
                    self._dead(out, message, self._memory.get(content.uid), None, error)

    def _one(self, message: Message, content: Read, out: Admitted[S], poison: dict[int, str]) -> None:
        if content.refused is not None:
            raise content.refused
        memory = self._memory.get(content.uid)
        if memory is None or memory.device.retired:
            raise WireError(WireErrorCode.TOPIC, "device", "is not one of ours, or is retired")
        numbers = content.numbers
        if content.channel is Channel.WILL:
            self._will(memory, message, out)
        elif numbers is None:
            self._without_numbers(memory, message, content, out, poison)
        elif numbers.seq == HELLO:
            self._birth(memory, message, content, numbers, out)
        else:
            self._numbered(memory, message, content, numbers, out, poison)

    def _numbered(
        self,
        memory: DeviceMemory[S],
        message: Message,
        content: Read,
        numbers: Numbers,
        out: Admitted[S],
        poison: dict[int, str],
    ) -> None:
        uid = memory.device.uid
        decision: Decision = self._decide(memory.mark, numbers, content.digest)
        out.touched[uid] = memory
        self._note_sent(memory, message, numbers)
        if decision.gap is not None:
            memory.gap += decision.gap[1] - decision.gap[0] + 1
            out.gaps.append(
                Gap(device_id=memory.device.id, epoch=numbers.epoch, first=decision.gap[0], last=decision.gap[1])
            )
        if decision.fate is not Fate.APPLY:
            out.count(decision.fate.value)
            if decision.mark != memory.mark:
                self._move(memory, decision.mark, message, out)
            if decision.fate is Fate.BEYOND:
                memory.refused_back = True
            if decision.fate is not Fate.DUPLICATE:
                out.urgent[uid] = memory
            if decision.fate in (Fate.DUPLICATE, Fate.MISMATCH):
                self._below_mark(memory, message, content, numbers, out, poison)
            return
        # The number is consumed whether the body can be read or not (delivery 12).
        out.count(_APPLIED)
        self._move(memory, applied(decision.mark, numbers, content.digest), message, out)
        memory.unacked += 1
        if memory.unacked >= ACK_REPORTS:
            out.urgent[uid] = memory
        if content.report is not None:
            memory.made = made(content.report)
        self._take(memory, message, content, numbers, out, poison)

    def _below_mark(
        self,
        memory: DeviceMemory[S],
        message: Message,
        content: Read,
        numbers: Numbers,
        out: Admitted[S],
        poison: dict[int, str],
    ) -> None:
        """A duplicate, unless it was made after the mark's report: then the client began to count again under the same
        epoch. What is new in it is taken as from any renumbered outbox; the mark tells an agent to begin a new epoch.
        """
        report = content.report
        if report is None:
            return
        if memory.made is not None:
            later = made(report) > memory.made
        else:
            later = memory.reached_ms is not None and report.at + _offset(numbers) > memory.reached_ms
        if not later:
            return
        uid = memory.device.uid
        out.begun_again[uid] = memory
        out.urgent[uid] = memory
        self._seen(memory, message)
        memory.must_write = True  # no mark says when it was heard
        self._take(memory, message, content, replace(numbers, again=True), out, poison)

    def _take(
        self,
        memory: DeviceMemory[S],
        message: Message,
        content: Read,
        numbers: Numbers,
        out: Admitted[S],
        poison: dict[int, str],
    ) -> None:
        """What is good in a numbered report goes to the stages."""
        offset_ms = _offset(numbers)
        if numbers.sent_ms is None and numbers.offset_ms is None:
            offset_ms = self._by_receipt(memory, message, content)
        elif memory.presence.clock_offset_ms is not None:  # it didn't ask for the time once
            memory.clock, memory.presence.clock_offset_ms, memory.must_write = Clock(), None, True
        report = self._readable(memory, message, content, offset_ms, out, poison)
        if report is None or not report.items:
            out.urgent[memory.device.uid] = memory
            return
        gap, memory.gap = memory.gap, 0
        self._apply(
            memory,
            Applied(
                report=report,
                numbers=numbers,
                received_ms=message.received_ms,
                offset_ms=offset_ms,
                caught_up=numbers.head <= numbers.seq,
                gap=gap,
            ),
            out,
        )

    def _without_numbers(
        self, memory: DeviceMemory[S], message: Message, content: Read, out: Admitted[S], poison: dict[int, str]
    ) -> None:
        key = (memory.device.id, content.digest)
        out.touched[memory.device.uid] = memory
        timeless_ = content.report is not None and timeless(content.report, message.received_ms)
        if _repeated(memory, message, content) if timeless_ else key in out.known:
            out.count(Fate.DUPLICATE.value)
            self._heard(memory, message, out)
            return
        offset_ms = self._by_receipt(memory, message, content)
        report = self._readable(memory, message, content, offset_ms, out, poison)
        if report is None:
            return
        if timeless_:
            memory.last = (content.digest, message.received_ms)
        else:
            out.known.add(key)
            out.unnumbered.append(key)
        out.count(_APPLIED)
        self._heard(memory, message, out)
        if report.items:
            received_ms = message.received_ms
            one = Applied(report=report, numbers=None, received_ms=received_ms, offset_ms=offset_ms, caught_up=True)
            self._apply(memory, one, out)

    @staticmethod
    def _by_receipt(memory: DeviceMemory[S], message: Message, content: Read) -> int:
        """The clock's offset (ms) of a client that doesn't ask for the time: it will never know its own."""
        if content.report is None:
            return 0
        memory.clock, offset_ms = hear(memory.clock, content.report, message.received_ms)
        if memory.presence.clock_offset_ms != memory.clock.offset_ms:
            memory.presence.clock_offset_ms, memory.must_write = memory.clock.offset_ms, True
        return offset_ms

    def _birth(
        self, memory: DeviceMemory[S], message: Message, content: Read, numbers: Numbers, out: Admitted[S]
    ) -> None:
        """Outside the numbering: told once to the stages, answered every time."""
        report = content.report
        if report is None:
            raise _whole(content.flaws)
        refused: Counter[str] = Counter()
        birth = self._fit.admit(memory.device, report.items[0], refused)
        if type(birth) is not Birth or len(report.items) != 1:
            raise WireError(WireErrorCode.SCHEMA, "$.items", "of number 0 must be one birth")
        note_own(out.refused, memory.device, refused, now_ms=message.received_ms)
        if content.flaws is not None:
            parts = content.flaws.count
            self._dead(out, message, memory, numbers, _whole(content.flaws), whole=False, parts=parts)
        uid = memory.device.uid
        out.count("birth")
        out.touched[uid] = memory
        out.hello[uid] = memory
        self._note_sent(memory, message, numbers)
        self._seen(memory, message)
        presence = memory.presence
        if memory.mark is not None and numbers.epoch == memory.mark.previous_epoch:
            presence.conflict_ms = message.received_ms
            memory.must_write = True
        if (presence.epoch, presence.boot, presence.box) == (numbers.epoch, birth.boot, birth.box):
            return
        presence.epoch = numbers.epoch
        presence.boot = birth.boot
        presence.connected = True
        presence.interval_s = birth.interval_s
        presence.agent = birth.agent
        presence.box = birth.box
        memory.must_write = True
        told = replace(report, items=[birth])
        one = Applied(report=told, numbers=None, received_ms=message.received_ms, offset_ms=0, caught_up=True)
        self._apply(memory, one, out)

    def _will(self, memory: DeviceMemory[S], message: Message, out: Admitted[S]) -> None:
        """Only the present session's will counts, and silence never depends on it (delivery 18)."""
        will = decode_will(message.body)
        out.count("will")
        presence = memory.presence
        if (presence.epoch, presence.boot) == (will.epoch, will.boot) and presence.connected:
            presence.connected = False
            memory.must_write = True
            out.touched[memory.device.uid] = memory

    def _readable(
        self,
        memory: DeviceMemory[S],
        message: Message,
        content: Read,
        offset_ms: int,
        out: Admitted[S],
        poison: dict[int, str],
    ) -> Report | None:
        """What of a report can be understood and may be kept: without items, if that is nothing. What can't be
        understood becomes a dead letter, one a report; what may not be kept is counted and nothing else."""
        if poison and (refusal := poison.get(id(message))) is not None:
            self._dead(out, message, memory, content.numbers, WireError(WireErrorCode.VALUE, "database", refusal))
            return None
        report, flaws = content.report, content.flaws
        if report is not None:
            report, unfit, refused = self._fit.fit(memory.device, report, offset_ms)
            if unfit is not None:
                flaws = Flaws.both(flaws, unfit)
            if refused is not None:
                note_own(out.refused, memory.device, refused, now_ms=message.received_ms)
        if report is None or flaws is not None:
            parts = 1 if flaws is None else flaws.count
            self._dead(out, message, memory, content.numbers, _whole(flaws), whole=report is None, parts=parts)
        return report

    def _apply(self, memory: DeviceMemory[S], one: Applied, out: Admitted[S]) -> None:
        uid = memory.device.uid
        work = self._work(memory, out)
        work.applied.append(one)
        reached = min(one.report.at + one.offset_ms, MAX_MILLIS)
        if reached > out.reached.get(uid, 0):
            out.reached[uid] = reached
        if one.numbers is not None and one.numbers.again:
            out.again[uid] = work
        for item in one.report.items:
            kind = type(item)
            if kind is Readings:
                continue
            if type(item) is Heartbeat:
                memory.heartbeat = _heartbeat(item)
                if memory.presence.equipment_connected is not item.connected:
                    memory.presence.equipment_connected = item.connected
                    memory.must_write = True
                note(out.refused, memory.device, one, item)
                continue
            out.noted[uid] = work
            if kind is Fault or kind is Reply:
                out.urgent[uid] = memory

    def _work(self, memory: DeviceMemory[S], out: Admitted[S]) -> Work:
        uid = memory.device.uid
        work = out.works.get(uid)
        if work is None:
            out.works[uid] = work = Work(device=memory.device, lane=self._lane, applied=[], effects=[])
        return work

    def _heard(self, memory: DeviceMemory[S], message: Message, out: Admitted[S]) -> None:
        """A client without numbers says something, be it nothing new: it isn't silent."""
        self._seen(memory, message)
        memory.must_write = True  # no mark says when it was heard
        self._work(memory, out)

    def _move(self, memory: DeviceMemory[S], mark: Mark, message: Message, out: Admitted[S]) -> None:
        memory.mark = mark
        out.moved[memory.device.uid] = memory
        self._seen(memory, message)

    def _seen(self, memory: DeviceMemory[S], message: Message) -> None:
        presence = memory.presence
        presence.seen_ms = message.received_ms
        presence.seen_clock_ms = self._clock_ms(memory.device.partition)
        if not presence.connected and presence.epoch:
            presence.connected = True
            memory.must_write = True

    @staticmethod
    def _note_sent(memory: DeviceMemory[S], message: Message, numbers: Numbers) -> None:
        if numbers.sent_ms is not None:
            memory.echo_ms = numbers.sent_ms
            memory.echoed_at_ms = message.received_ms

    def _dead(
        self,
        out: Admitted[S],
        message: Message,
        memory: DeviceMemory[S] | None,
        numbers: Numbers | None,
        error: WireError,
        *,
        whole: bool = True,
        parts: int = 1,
    ) -> None:
        if whole:
            out.count("dead")
        device = None if memory is None else memory.device
        out.letters.append(letter_of(message, device, self._lane, numbers, error, parts))


def _repeated(memory: DeviceMemory[Any], message: Message, content: Read) -> bool:
    """Whether a report whose times tell nothing is the one before, sent again. Later the same body is news."""
    last = memory.last
    return last is not None and last[0] == content.digest and message.received_ms - last[1] <= AGAIN_MS


def made(report: Report) -> tuple[int, int]:
    """When a report was made, by the device's clock: comparable also when that was put back between two reports."""
    return (report.segment, report.at)


def _offset(numbers: Numbers) -> int:
    # No two clocks of ours are further apart; it would make times that no program can hold.
    offset = numbers.offset_ms or 0
    return offset if OFFSET_LEAST_MS <= abs(offset) <= MAX_MILLIS else 0


def _whole(flaws: Flaws | None) -> WireError:
    return WireError(WireErrorCode.SCHEMA, "$", "is no report") if flaws is None else flaws.whole()


def _heartbeat(item: Heartbeat) -> dict[str, Any]:
    return {name: getattr(item, name) for name in ("uptime_s", "live", "bulk", "dropped", "refused", "connected")}

"""From messages as they arrived to what one transaction applies: numbers, decoding, de-duplication. No I/O."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final, Generic

from msgspec import Struct

from ingest.memory import LANES, DeviceMemory, Memory
from ingest.mqtt import Message
from ingest.numbers import Decision, Fate, Mark, applied, decide
from ingest.ports import Applied, S, Work
from wire.codec import decode_report, decode_will, digest
from wire.errors import WireError, WireErrorCode
from wire.items import Birth, Fault, Heartbeat, Reply
from wire.report import HELLO, Numbers, Report, parse_numbers
from wire.topics import Channel, Lane, Up, parse_up

OFFSET_LEAST_MS: Final = 500
"""A smaller clock offset is left alone: it lies within the noise of a round trip through queues, and the same fact sent
again under another estimate would get another time."""
ACK_REPORTS: Final = 32
"""Half the agent's window: acknowledged at once, or a backlog would be paced by the coalescing second."""
UNKNOWN_BODY: Final = 1024
"""Bytes kept of a dead letter that is no device's of ours: anybody could fill the disk with them."""


@lru_cache(maxsize=65_536)
def parse(topic: str) -> Up:
    """``parse_up``, remembered: a device sends on the same three topics for ever."""
    return parse_up(topic)


class Letter(Struct, kw_only=True):
    """A dead letter before it is written: what could not be understood or stored, and why."""

    message: Message
    device_id: int | None
    lane: Lane
    numbers: Numbers | None
    code: str
    place: str
    detail: str


class Gap(Struct, frozen=True, kw_only=True):
    """Numbers ``first``..``last`` of an epoch that can never come any more (DELIVERY 4)."""

    device_id: int
    epoch: str
    first: int
    last: int


class Admitted(Generic[S]):
    """What a batch of messages amounts to; filled by ``Gate.admit``."""

    def __init__(self) -> None:
        self.works: dict[str, Work] = {}
        self.touched: dict[str, DeviceMemory[S]] = {}
        """Devices whose memory was changed: forgotten if the transaction fails."""
        self.moved: dict[str, DeviceMemory[S]] = {}
        """Devices whose mark moved or was newly heard."""
        self.urgent: dict[str, DeviceMemory[S]] = {}
        """Devices to be acknowledged at once."""
        self.hello: dict[str, DeviceMemory[S]] = {}
        """Devices whose birth is to be answered with both marks."""
        self.reached: dict[str, int] = {}
        """Corrected time of the newest report applied, by device."""
        self.gaps: list[Gap] = []
        self.letters: list[Letter] = []
        self.unnumbered: list[tuple[int, bytes]] = []
        """(device id, digest) of a maker's own reports, to be remembered for 24 h."""
        self.fates: dict[str, int] = {}

    def count(self, fate: str) -> None:
        """One more report of this fate."""
        self.fates[fate] = self.fates.get(fate, 0) + 1


class Gate(Generic[S]):
    """Decides what becomes of each message of one lane, in order of arrival."""

    def __init__(
        self,
        *,
        lane: Lane,
        memory: Memory[S],
        clock_ms: Callable[[int], int],
        too_many: Callable[[Report, int], bool],
    ) -> None:
        self._lane = lane
        self._memory = memory
        self._clock_ms = clock_ms
        self._too_many = too_many
        self._decide = decide

    def admit(
        self,
        messages: Iterable[Message],
        *,
        known_digests: frozenset[tuple[int, bytes]],
        poison: dict[int, str],
    ) -> Admitted[S]:
        """Sort the messages of a batch. ``poison``: id() of a message → why the database refused it."""
        out: Admitted[S] = Admitted()
        recent = set(known_digests)
        for message in messages:
            try:
                self._one(message, out, recent, poison)
            except WireError as error:
                self._dead(out, message, None, None, error)
        return out

    def _one(self, message: Message, out: Admitted[S], recent: set[tuple[int, bytes]], poison: dict[int, str]) -> None:
        if message.properties is None:
            raise WireError(WireErrorCode.ENCODING, "packet", "holds text that is not UTF-8")
        device, channel = parse(message.topic)
        memory = self._memory.get(device)
        if memory is None:
            raise WireError(WireErrorCode.TOPIC, "device", "is not one of ours, or is retired")
        if channel is Channel.WILL:
            self._will(memory, message, out)
            return
        numbers = parse_numbers(message.properties)
        if numbers is None:
            self._without_numbers(memory, message, out, recent, poison)
        elif numbers.seq == HELLO:
            self._birth(memory, message, numbers, out)
        else:
            self._numbered(memory, message, numbers, out, poison)

    def _numbered(
        self,
        memory: DeviceMemory[S],
        message: Message,
        numbers: Numbers,
        out: Admitted[S],
        poison: dict[int, str],
    ) -> None:
        uid = memory.device.uid
        body_digest = digest(message.body)
        decision: Decision = self._decide(memory.mark, numbers, body_digest)
        out.count(decision.fate)
        out.touched[uid] = memory
        self._note_sent(memory, message, numbers)
        if decision.mark != memory.mark:
            self._move(memory, decision.mark, message, out)
        if decision.gap is not None:
            out.gaps.append(
                Gap(device_id=memory.device.id, epoch=numbers.epoch, first=decision.gap[0], last=decision.gap[1])
            )
        if decision.fate is Fate.BEYOND:
            memory.refused_back = True
            out.urgent[uid] = memory
            return
        if decision.fate is not Fate.APPLY:
            if decision.fate is not Fate.DUPLICATE:
                out.urgent[uid] = memory
            return
        # The number is consumed whether the body can be read or not (DELIVERY 12).
        self._move(memory, applied(decision.mark, numbers, body_digest), message, out)
        memory.unacked += 1
        if memory.unacked >= ACK_REPORTS:
            out.urgent[uid] = memory
        report = self._decode(memory, message, numbers, out, poison)
        if report is None:
            out.urgent[uid] = memory
            return
        offset = numbers.offset_ms or 0
        self._apply(
            memory,
            Applied(
                report=report,
                numbers=numbers,
                received_ms=message.received_ms,
                offset_ms=offset if abs(offset) >= OFFSET_LEAST_MS else 0,
                caught_up=numbers.head <= numbers.seq,
            ),
            out,
        )

    def _without_numbers(
        self,
        memory: DeviceMemory[S],
        message: Message,
        out: Admitted[S],
        recent: set[tuple[int, bytes]],
        poison: dict[int, str],
    ) -> None:
        key = (memory.device.id, digest(message.body))
        if key in recent:
            out.count(Fate.DUPLICATE)
            return
        out.touched[memory.device.uid] = memory
        report = self._decode(memory, message, None, out, poison)
        if report is None:
            return
        recent.add(key)
        out.unnumbered.append(key)
        out.count(Fate.APPLY)
        self._seen(memory, message)
        memory.must_write = True  # no mark says when it was heard
        self._apply(
            memory,
            Applied(report=report, numbers=None, received_ms=message.received_ms, offset_ms=0, caught_up=True),
            out,
        )

    def _birth(self, memory: DeviceMemory[S], message: Message, numbers: Numbers, out: Admitted[S]) -> None:
        """Outside the numbering: told once to the stages, answered every time."""
        report = decode_report(message.body, message.content_type)
        birth = report.items[0]
        if type(birth) is not Birth or len(report.items) != 1:
            raise WireError(WireErrorCode.SCHEMA, "$.items", "of number 0 must be one birth")
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
        if (presence.epoch, presence.boot) == (numbers.epoch, birth.boot) and presence.connected:
            return
        again = (presence.epoch, presence.boot) == (numbers.epoch, birth.boot)
        presence.epoch = numbers.epoch
        presence.boot = birth.boot
        presence.connected = True
        presence.interval_s = birth.interval_s
        presence.agent = birth.agent
        memory.must_write = True
        if not again:
            applied_ = Applied(
                report=report, numbers=None, received_ms=message.received_ms, offset_ms=0, caught_up=True
            )
            self._apply(memory, applied_, out)

    def _will(self, memory: DeviceMemory[S], message: Message, out: Admitted[S]) -> None:
        """Only the present session's will counts, and silence never depends on it (DELIVERY 18)."""
        will = decode_will(message.body)
        out.count("will")
        presence = memory.presence
        if (presence.epoch, presence.boot) == (will.epoch, will.boot) and presence.connected:
            presence.connected = False
            memory.must_write = True
            out.touched[memory.device.uid] = memory

    def _decode(
        self,
        memory: DeviceMemory[S],
        message: Message,
        numbers: Numbers | None,
        out: Admitted[S],
        poison: dict[int, str],
    ) -> Report | None:
        try:
            return self._checked(memory, message, poison)
        except WireError as error:
            self._dead(out, message, memory, numbers, error)
            return None

    def _checked(self, memory: DeviceMemory[S], message: Message, poison: dict[int, str]) -> Report:
        refused = poison.get(id(message))
        if refused is not None:
            raise WireError(WireErrorCode.VALUE, "database", refused)
        report = decode_report(message.body, message.content_type)
        if self._too_many(report, len(memory.latest)):
            raise WireError(WireErrorCode.VALUE, "metric", "makes more distinct metrics than one device may have")
        return report

    def _apply(self, memory: DeviceMemory[S], one: Applied, out: Admitted[S]) -> None:
        device = memory.device
        work = out.works.get(device.uid)
        if work is None:
            out.works[device.uid] = work = Work(device=device, lane=self._lane, applied=[], effects=[])
        work.applied.append(one)
        out.reached[device.uid] = max(out.reached.get(device.uid, 0), one.report.at + one.offset_ms)
        for item in one.report.items:
            kind = type(item)
            if kind is Fault or kind is Reply:
                out.urgent[device.uid] = memory
            elif type(item) is Heartbeat:
                memory.heartbeat = _heartbeat(item)

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
    ) -> None:
        out.count("dead")
        out.letters.append(
            Letter(
                message=message,
                device_id=None if memory is None else memory.device.id,
                lane=self._lane,
                numbers=numbers,
                code=error.code.value,
                place=error.where,
                detail=error.detail,
            )
        )


def _heartbeat(item: Heartbeat) -> dict[str, Any]:
    return {
        "uptime_s": item.uptime_s,
        "live": item.live,
        "bulk": item.bulk,
        "dropped": item.dropped,
        "refused": item.refused,
        "connected": item.connected,
    }


def letter_row(letter: Letter, *, at: Any) -> tuple[Any, ...]:
    """The row of ``write_letters``. A text column can't hold NUL, and the topic is the sender's."""
    message = letter.message
    body = message.body if letter.device_id is not None else message.body[:UNKNOWN_BODY]
    return (
        at,
        message.partition,
        letter.device_id,
        message.topic.replace("\x00", "\ufffd")[:200],
        LANES[letter.lane],
        None if letter.numbers is None else letter.numbers.epoch,
        None if letter.numbers is None else letter.numbers.seq,
        letter.code,
        letter.place,
        letter.detail,
        (message.content_type or "").replace("\x00", "\ufffd")[:100],
        body,
    )

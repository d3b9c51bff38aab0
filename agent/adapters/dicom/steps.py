"""The performed procedure steps of one device: which are known, and what of them is entered into the outbox.

Known are the newest ``MAX_STEPS``, each by 8 keyed bytes of its instance UID, its status, and what was said of it so
far that is told with its end. They are in the outbox beside what they told: so a restart between creation and end is
none to the modality.
"""

import asyncio
import hashlib
import struct
from collections import OrderedDict
from typing import Final, NamedTuple

from agent.adapters.dicom import dimse
from agent.adapters.dicom.dimse import Answer
from agent.adapters.dicom.entry import split
from agent.adapters.dicom.image import Reading
from agent.adapters.dicom.mpps import ENDED, MAX_EXPOSURES, Decision, Status, Step, decide
from agent.adapters.port import Entry, Sink
from agent.errors import OutboxError
from catalog.model import Model
from wire.items import Item, StateChange

MAX_STEPS: Final = 1000
"""Several days of a busy room; 12 bytes each."""
POSITION: Final = "mpps"
_MARK: Final = 8
_KNOWN: Final = struct.Struct(f"<{_MARK}sB?H")
_CODES: Final = {Status.IN_PROGRESS: 0, Status.DISCONTINUED: 1, Status.COMPLETED: 2}
_STATUSES: Final = {code: status for status, code in _CODES.items()}
_UNSAID: Final = MAX_EXPOSURES + 1


class _Known(NamedTuple):
    """A step. ``failure``: its end is the equipment's fault; ``exposures`` None: not said yet."""

    status: Status
    failure: bool = False
    exposures: int | None = None


class Steps:
    """Answers requests about performed procedure steps, one at a time."""

    def __init__(self, *, source: str, model: Model, sink: Sink) -> None:
        self._source = source
        self._model = model
        self._sink = sink
        self._lock = asyncio.Lock()
        self._known = _decode(sink.position(POSITION) or b"")

    async def take(self, *, create: bool, instance: bytes, step: Step, at: int) -> Answer:
        """The answer, once what the step told is committed. ``at``: the time of receipt, ms since 1970 UTC; a step is
        told while it is performed, and its own times aren't read."""
        uid = instance.strip(b"\0 ")
        async with self._lock:
            mark = self._hash(uid, _MARK)
            before = self._known.get(mark)
            decision = decide(create=create, before=before and before.status, step=step)
            open_before = before is None or before.status is Status.IN_PROGRESS
            if decision.answer.status == dimse.SUCCESS and before is not None and not open_before:
                # The same end again, but with more in it, is none that was taken.
                decision = decision if _after(before, None, step) == before else Decision(ENDED)
            elif decision.answer.status == dimse.SUCCESS:
                try:
                    await self._enter(uid, mark, _after(before, decision.status, step), decision.status, at)
                except OutboxError:
                    return Answer(dimse.RESOURCE_LIMITATION, "not kept, send again")
        self._count(decision, step)
        return decision.answer

    async def _enter(self, uid: bytes, mark: bytes, now: _Known, status: Status | None, at: int) -> None:
        """Keep what is known of a step, and tell the status that was said of it, if one was."""
        known = OrderedDict(self._known)
        known[mark] = now
        known.move_to_end(mark)
        while len(known) > MAX_STEPS:
            known.popitem(last=False)
        live, bulk = self._items(now, at) if status is not None else ([], [])
        seen = () if status is None else (self._hash(uid + b"\0" + status.value.encode("ascii"), 16),)
        if status is None and now == self._known.get(mark):
            self._sink.untold(self._source, "mpps-without-news")
        await self._sink.aput(Entry(live=live, bulk=bulk, seen=seen, positions={POSITION: _encode(known)}))
        self._known = known

    def _items(self, now: _Known, at: int) -> tuple[list[Item], list[Item]]:
        """The numbers of a step are final with its end."""
        live: list[Item] = [StateChange(at=at, name="mpps.status", value=now.status.value)]
        if now.status is Status.IN_PROGRESS:
            return live, []
        discontinued = now.status is Status.DISCONTINUED
        readings = [
            Reading("mpps.discontinued", float(discontinued), "1"),
            Reading("mpps.equipment_failure", float(discontinued and now.failure), "1"),
        ]
        if now.exposures is not None:
            readings.append(Reading("mpps.exposures", float(now.exposures), "1"))
        more, bulk = split(at, readings, self._model)
        return [*live, *more], bulk

    def _count(self, decision: Decision, step: Step) -> None:
        if decision.answer.status == dimse.DUPLICATE_INSTANCE:
            self._sink.refused(self._source, "mpps-repeated")
        elif decision.answer.status != dimse.SUCCESS:
            self._sink.refused(self._source, "mpps-refused")
        for reason in step.refused.elements():
            self._sink.refused(self._source, reason, form=step.forms.get(reason, ""))

    def _hash(self, data: bytes, size: int) -> bytes:
        return hashlib.blake2b(data, key=self._sink.key, digest_size=size).digest()


def _after(before: _Known | None, status: Status | None, step: Step) -> _Known:
    """What is known of a step after a request. At its creation 0 exposures say that there were none yet."""
    exposures = None if before is None else before.exposures
    if step.exposures is not None and (before is not None or step.exposures > 0):
        exposures = int(step.exposures)
    failure = step.equipment_failure or (before is not None and before.failure)
    return _Known(status or (before.status if before is not None else Status.IN_PROGRESS), failure, exposures)


def _encode(known: OrderedDict[bytes, _Known]) -> bytes:
    return b"".join(
        _KNOWN.pack(mark, _CODES[step.status], step.failure, _UNSAID if step.exposures is None else step.exposures)
        for mark, step in known.items()
    )


def _decode(kept: bytes) -> OrderedDict[bytes, _Known]:
    """What ``_encode`` made; an entry of an unknown form is left out."""
    whole = len(kept) - len(kept) % _KNOWN.size
    return OrderedDict(
        (mark, _Known(_STATUSES[code], failure, None if exposures == _UNSAID else exposures))
        for mark, code, failure, exposures in _KNOWN.iter_unpack(kept[:whole])
        if code in _STATUSES
    )

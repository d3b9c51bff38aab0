"""The performed procedure steps of one device: which are known, and what of them is entered into the outbox.

Known are the newest ``MAX_STEPS``, each by 8 keyed bytes of its instance UID and its status, in the outbox beside what
they told: so a restart between creation and end is none to the modality.
"""

import asyncio
import hashlib
from collections import OrderedDict
from typing import Final

from agent.adapter import Entry, Sink
from agent.dicom import dimse
from agent.dicom.dimse import Answer
from agent.dicom.entry import split
from agent.dicom.image import Reading
from agent.dicom.mpps import Decision, Status, Step, decide
from agent.errors import OutboxError
from catalog.model import Model
from wire.items import Item, StateChange

MAX_STEPS: Final = 1000
"""Several days of a busy room; 9 bytes each."""
POSITION: Final = "mpps"
_MARK: Final = 8
_CODES: Final = {Status.IN_PROGRESS: 0, Status.DISCONTINUED: 1, Status.COMPLETED: 2}
_STATUSES: Final = {code: status for status, code in _CODES.items()}


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
        if not uid:
            self._sink.refused(self._source, "mpps-without-instance")
            return Answer(dimse.MISSING_ATTRIBUTE, "instance")
        async with self._lock:
            mark = self._hash(uid, _MARK)
            decision = decide(create=create, before=self._known.get(mark), step=step)
            if decision.status is not None:
                try:
                    await self._enter(uid, mark, decision.status, step, at)
                except OutboxError:
                    return Answer(dimse.RESOURCE_LIMITATION, "not kept, send again")
        self._count(decision, step)
        return decision.answer

    async def _enter(self, uid: bytes, mark: bytes, status: Status, step: Step, at: int) -> None:
        known = OrderedDict(self._known)
        known[mark] = status
        known.move_to_end(mark)
        while len(known) > MAX_STEPS:
            known.popitem(last=False)
        live, bulk = self._items(status, step, at)
        seen = self._hash(uid + b"\0" + status.value.encode("ascii"), 16)
        await self._sink.aput(Entry(live=live, bulk=bulk, seen=(seen,), positions={POSITION: _encode(known)}))
        self._known = known

    def _items(self, status: Status, step: Step, at: int) -> tuple[list[Item], list[Item]]:
        """The numbers of a step are final with its end."""
        live: list[Item] = [StateChange(at=at, name="mpps.status", value=status.value)]
        if status is Status.IN_PROGRESS:
            return live, []
        discontinued = status is Status.DISCONTINUED
        readings = [
            Reading("mpps.discontinued", float(discontinued), "1"),
            Reading("mpps.equipment_failure", float(discontinued and step.equipment_failure), "1"),
        ]
        if step.exposures is not None:
            readings.append(Reading("mpps.exposures", step.exposures, "1"))
        more, bulk = split(at, readings, self._model)
        return [*live, *more], bulk

    def _count(self, decision: Decision, step: Step) -> None:
        if decision.answer.status != dimse.SUCCESS:
            self._sink.refused(self._source, "mpps-refused")
        for reason in step.refused.elements():
            self._sink.refused(self._source, reason)

    def _hash(self, data: bytes, size: int) -> bytes:
        return hashlib.blake2b(data, key=self._sink.key, digest_size=size).digest()


def _encode(known: OrderedDict[bytes, Status]) -> bytes:
    return b"".join(mark + bytes((_CODES[status],)) for mark, status in known.items())


def _decode(kept: bytes) -> OrderedDict[bytes, Status]:
    """What ``_encode`` made; an entry of an unknown form is left out."""
    step = _MARK + 1
    entries = [kept[at : at + step] for at in range(0, len(kept), step)]
    return OrderedDict(
        (entry[:_MARK], _STATUSES[entry[_MARK]])
        for entry in entries
        if len(entry) == step and entry[_MARK] in _STATUSES
    )

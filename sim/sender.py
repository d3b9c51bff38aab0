"""Sends images and dose reports by C-STORE (PS3.4 annex B), performed procedure steps by N-CREATE and N-SET (F.7),
until they are taken, as a DR does."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final

import structlog
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    XRayRadiationDoseSRStorage,
)
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.sop_class import ModalityPerformedProcedureStep  # type: ignore[attr-defined]  # made when imported

from sim.pending import Pending, StepPending, Waiting

_log: Final = structlog.get_logger("sim.sender")

MAX_QUEUE: Final = 10_000
"""What waits at most. A DR whose disk is full makes no more images: the newest are given up, and counted."""
MAX_REFUSALS: Final = 5
"""An image that was refused that often is put aside, so that it doesn't hold up the others."""
_SUCCESS: Final = 0x0000
_WARNINGS: Final = range(0xB000, 0xC000)
_OUT_OF_RESOURCES: Final = range(0xA700, 0xA800)
"""PS3.4 B.2.3: refused for now, to be tried again."""
_RESOURCE_LIMITATION: Final = 0x0213
"""PS3.7 C.5.9: the same for a performed procedure step."""
_DUPLICATE_INSTANCE: Final = 0x0111
"""PS3.7 C.5.7: its creation was taken before, and the answer was lost."""
_STEP: Final = ModalityPerformedProcedureStep
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 10.0


class Sent(Enum):
    """How an attempt ended."""

    TAKEN = "taken"
    REFUSED = "refused"
    """The peer said no to this one."""
    UNWANTED = "unwanted"
    """The peer takes images, but none of this kind."""
    UNREACHABLE = "unreachable"
    """No association, or it broke, or the peer is out of resources: later."""


class Sender:
    """A queue and one association that is kept between what is sent (`keep`) or made for each.

    `make` turns what waits into a data set, at the moment of sending: the queue stays small. `run` is for a thread of
    its own; everything else may be called from others.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        called: str,
        calling: str,
        make: Callable[[Waiting], Dataset],
        keep: bool = True,
        waiting: Iterable[Waiting] = (),
    ) -> None:
        self._host, self._port, self._called = host, port, called
        self._make = make
        self._keep = keep
        self._queue = deque(waiting)
        self._changed = threading.Condition()
        self._stopping = False
        self._association: Association | None = None
        self._reachable = True
        self._refusals = 0
        self.taken = 0
        self.refused = 0
        self.unwanted = 0
        self.given_up = 0
        self._ae = AE(ae_title=calling)
        self._ae.connection_timeout = 3
        self._ae.acse_timeout = 5
        self._ae.dimse_timeout = 15
        self._ae.network_timeout = 120
        for kind in (DigitalXRayImageStorageForPresentation, XRayRadiationDoseSRStorage, _STEP):
            self._ae.add_requested_context(kind, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])

    def add(self, pending: Waiting) -> bool:
        """Queue something. False when the queue is full."""
        with self._changed:
            if len(self._queue) >= MAX_QUEUE:
                if self.given_up == 0:
                    _log.error("queue_full", called=self._called, images=MAX_QUEUE)
                self.given_up += 1
                return False
            self._queue.append(pending)
            self._changed.notify()
            return True

    def waiting(self) -> list[Waiting]:
        """What isn't taken yet, oldest first."""
        with self._changed:
            return list(self._queue)

    def run(self) -> None:
        """Send until `stop`."""
        wait = _FIRST_WAIT_S
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._queue)
                if self._stopping:
                    break
            if self.send_one() is Sent.UNREACHABLE:
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping, timeout=wait)
                wait = min(wait * 2, _LONGEST_WAIT_S)
            else:
                wait = _FIRST_WAIT_S
        self._leave()

    def stop(self) -> None:
        """End `run` after the attempt that is under way."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def send_one(self) -> Sent:
        """One attempt at the oldest. Raises IndexError when none waits."""
        pending = self._queue[0]
        outcome = self._attempt(pending)
        if outcome is not Sent.UNREACHABLE and not self._reachable:
            _log.info("archive_reachable", called=self._called)
        if outcome is Sent.UNREACHABLE and self._reachable:
            _log.warning("archive_unreachable", host=self._host, port=self._port, called=self._called)
        self._reachable = outcome is not Sent.UNREACHABLE
        self._refusals = self._refusals + 1 if outcome is Sent.REFUSED else 0
        if outcome is Sent.TAKEN:
            self.taken += 1
        if outcome in {Sent.TAKEN, Sent.UNWANTED} or self._refusals >= MAX_REFUSALS:
            self.refused += outcome is Sent.REFUSED
            self.unwanted += outcome is Sent.UNWANTED
            self._refusals = 0
            with self._changed:
                self._queue.popleft()
        if not self._keep:
            self._leave()
        return outcome

    def _attempt(self, pending: Waiting) -> Sent:
        association = self._associated()
        if association is None:
            return Sent.UNREACHABLE
        accepted = {context.abstract_syntax for context in association.accepted_contexts}
        if not isinstance(pending, Pending) and _kind(pending) not in accepted:
            return Sent.UNWANTED
        try:
            answer = self._ask(association, pending)
        except (RuntimeError, ValueError) as error:  # it ended meanwhile; or no context was accepted
            _log.debug("no_store", error=type(error).__name__)
            self._abort()
            return Sent.UNREACHABLE
        status = answer.get("Status")
        if status is None:  # it broke, or no answer came in time
            self._abort()
            return Sent.UNREACHABLE
        if status in _OUT_OF_RESOURCES or status == _RESOURCE_LIMITATION:
            self._leave()
            return Sent.UNREACHABLE
        creates = isinstance(pending, StepPending) and pending.status == "IN PROGRESS"
        known = creates and status == _DUPLICATE_INSTANCE
        return Sent.TAKEN if known or status == _SUCCESS or status in _WARNINGS else Sent.REFUSED

    def _ask(self, association: Association, pending: Waiting) -> Dataset:
        made = self._make(pending)
        if not isinstance(pending, StepPending):
            return association.send_c_store(made)
        ask = association.send_n_create if pending.status == "IN PROGRESS" else association.send_n_set
        answer, _ = ask(made, _STEP, UID(pending.study.instance))
        return answer

    def _associated(self) -> Association | None:
        if self._association is not None and self._association.is_established:
            return self._association
        association = self._ae.associate(self._host, self._port, ae_title=self._called)
        if not association.is_established:
            return None
        self._association = association
        return association

    def _abort(self) -> None:
        """Leave without waiting for somebody who may not be there."""
        if self._association is not None and self._association.is_established:
            self._association.abort()
        self._association = None

    def _leave(self) -> None:
        if self._association is not None and self._association.is_established:
            self._association.release()
        self._association = None


def _kind(pending: Waiting) -> str:
    return _STEP if isinstance(pending, StepPending) else XRayRadiationDoseSRStorage

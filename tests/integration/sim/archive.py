"""A storage SCP of pynetdicom's that remembers what it took."""

import threading
from collections.abc import Sequence
from typing import Any, Self

from pydicom.dataset import Dataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    XRayRadiationDoseSRStorage,
)
from pynetdicom import AE, evt
from pynetdicom.events import Event, EventHandlerType
from pynetdicom.sop_class import ModalityPerformedProcedureStep  # type: ignore[attr-defined]  # made when imported

_RESOURCE_LIMITATION = 0x0213
_DUPLICATE_INSTANCE = 0x0111


class Archive:
    """Listens on `port` until it leaves the context; answers with `statuses` in turn, then with success.

    `whole`: it takes dose reports and performed procedure steps too, and has room for these from the second on.
    """

    def __init__(
        self,
        *,
        port: int,
        statuses: Sequence[int] = (),
        implicit: bool = False,
        whole: bool = False,
    ) -> None:
        self._port = port
        self._statuses = list(statuses)
        self._whole = whole
        self._full = True
        self._syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        self._changed = threading.Condition()
        self.images: list[Dataset] = []
        """And dose reports."""
        self.steps: dict[str, list[Dataset]] = {}
        """By their instances."""
        self.associations = 0
        self.attempts = 0

    def __enter__(self) -> Self:
        ae = AE(ae_title="STETH")
        ae.add_supported_context(DigitalXRayImageStorageForPresentation, self._syntax)
        if self._whole:
            ae.add_supported_context(XRayRadiationDoseSRStorage, self._syntax)
            ae.add_supported_context(ModalityPerformedProcedureStep, self._syntax)
        handlers: list[EventHandlerType] = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_N_CREATE, self._create),
            (evt.EVT_N_SET, self._set),
            (evt.EVT_ACCEPTED, self._accepted),
        ]
        server = ae.start_server(("127.0.0.1", self._port), block=False, evt_handlers=handlers)
        assert server is not None
        self._server = server
        return self

    def __exit__(self, *_: object) -> None:
        for association in self._server.active_associations:
            association.abort()
        self._server.shutdown()

    def wait(self, count: int, seconds: float = 10) -> list[Dataset]:
        """The images, once there are `count`."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.images) >= count, timeout=seconds), len(self.images)
            return list(self.images)

    def _accepted(self, event: Event) -> None:
        self.associations += 1

    def _create(self, event: Event) -> tuple[int, Dataset | None]:
        full, self._full = self._full, False
        if full:
            return _RESOURCE_LIMITATION, None
        request: Any = event.request
        instance = request.AffectedSOPInstanceUID
        if instance in self.steps:
            return _DUPLICATE_INSTANCE, None
        self.steps[instance] = [event.attribute_list]
        return 0, event.attribute_list

    def _set(self, event: Event) -> tuple[int, Dataset | None]:
        request: Any = event.request
        told = self.steps[request.RequestedSOPInstanceUID]
        if told[-1] != event.modification_list:  # an answer that was lost
            told.append(event.modification_list)
        return 0, event.modification_list

    def _store(self, event: Event) -> int:
        with self._changed:
            self.attempts += 1
            status = self._statuses.pop(0) if self._statuses else 0
            if status == 0:
                dataset = event.dataset
                dataset.file_meta = event.file_meta
                self.images.append(dataset)
                self._changed.notify_all()
            return status

"""A DICOM SCP that keeps of each image, dose report and performed procedure step only what it says of the equipment.

DICOM PS3.4 annexes A (verification), B (storage) and F.7 (modality performed procedure step). Success is answered when
the outbox has committed (DELIVERY 1), "out of resources" when it hasn't, so that the modality sends again.

Why our own upper layer and not pynetdicom: with pydicom it takes 32 MB of the 48 MB that the agent may have at rest,
each open association polls a thousand times a second, it takes a PDU of any announced length into memory, and what
a hostile PDU provokes in its threads Python prints to stderr, content and all. In the tests it is the peer.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from agent import system
from agent.adapter import Sink
from agent.clock import Now
from agent.config import Dicom
from agent.connection import Door, lost, serve
from agent.dicom import dimse, pdu
from agent.dicom.association import Aborted, Association, last_words
from agent.dicom.dimse import Answer, Command
from agent.dicom.entry import Exposures
from agent.dicom.image import XRAY_IMAGES
from agent.dicom.mpps import PERFORMED_STEP, read_step
from agent.dicom.objects import read_object
from agent.dicom.pdu import Rejection, Request
from agent.dicom.report import DOSE_REPORT
from agent.dicom.steps import Steps
from agent.errors import AdapterError, OutboxError
from agent.zones import zone_of
from catalog.model import Model

NAME: Final = "dicom"


class DicomScp:
    """The adapter. ``port``: what is listened on, once it is."""

    sop_classes = frozenset({*XRAY_IMAGES, DOSE_REPORT, PERFORMED_STEP})

    def __init__(self, *, config: Dicom, model: Model, sink: Sink, now: Callable[[], Now] = system.now) -> None:
        self.port = 0
        self._config = config
        self._sink = sink
        self._now = now
        self._zone = zone_of(config.time_zone)
        self._exposures = Exposures(source=NAME, model=model, sink=sink)
        self._steps = Steps(source=NAME, model=model, sink=sink)

    @property
    def name(self) -> str:
        """A short word for logs and counters."""
        return NAME

    @property
    def max_bytes(self) -> int:
        """Of one object."""
        return self._config.max_mb * 1_000_000

    async def run(self) -> None:
        """Serve until cancelled. Raises ``AgentError`` when the address can't be listened on."""
        door = Door(name=NAME, sink=self._sink, peers=self._config.peers)
        await serve(self._config.listen, self._serve, name=NAME, door=door, ready=self._listens)

    def _listens(self, port: int) -> None:
        self.port = port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection; whatever its peer does ends here."""
        try:
            await Association(host=self, reader=reader, writer=writer).run()
        except (Aborted, AdapterError, TimeoutError, EOFError, OSError) as error:
            self._sink.refused(NAME, _reason(error))
            with contextlib.suppress(OSError, TimeoutError):
                await last_words(writer, error)

    def admits(self, request: Request) -> Rejection | None:
        """Why a peer may not associate, counted."""
        why: Rejection | None = None
        if not request.version & 1:
            why = pdu.UNKNOWN_VERSION
        elif request.application_context != pdu.APPLICATION_CONTEXT:
            why = pdu.UNKNOWN_CONTEXT_NAME
        elif request.called != self._config.ae_title:
            why = pdu.UNKNOWN_CALLED
        elif self._config.calling and request.calling not in self._config.calling:
            why = pdu.UNKNOWN_CALLING
        if why is not None:
            self._sink.refused(NAME, "association-rejected")
        return why

    async def store(self, data: bytes, *, size: int, transfer_syntax: str) -> Answer:
        """Read and enter an image or a dose report."""
        if size > self.max_bytes:
            self._sink.refused(NAME, "oversize")
            return Answer(dimse.OUT_OF_RESOURCES, f"larger than {self._config.max_mb} MB")
        try:
            # In a thread, as below: a dose report's tree takes some 10 ms, what a hostile peer makes up a second.
            found = await asyncio.to_thread(
                read_object,
                data,
                received=self._now().wall,
                zone=self._zone,
                key=self._sink.key,
                transfer_syntax=transfer_syntax,
                cut=size > len(data),
            )
            await self._exposures.put(found)
        except AdapterError as error:
            self._sink.refused(NAME, error.reason)
            status = dimse.NOT_OF_ITS_CLASS if error.reason == "not-xray" else dimse.NOT_UNDERSTOOD
            return Answer(status, error.reason)
        except OutboxError:
            return Answer(dimse.OUT_OF_RESOURCES, "not kept, send again")
        return Answer(dimse.SUCCESS)

    async def perform(self, command: Command, data: bytes, *, size: int, transfer_syntax: str) -> Answer:
        """Read and enter the creation or change of a performed procedure step."""
        if command.field not in {dimse.N_CREATE_RQ, dimse.N_SET_RQ}:
            return Answer(dimse.UNKNOWN_OPERATION)
        try:
            step = await asyncio.to_thread(read_step, data, transfer_syntax=transfer_syntax, cut=size > len(data))
        except AdapterError as error:
            self._sink.refused(NAME, error.reason)
            return Answer(dimse.PROCESSING_FAILURE, error.reason)
        create = command.field == dimse.N_CREATE_RQ
        return await self._steps.take(create=create, instance=command.instance, step=step, at=self._now().wall)


def _reason(error: Exception) -> str:
    """The word under which the end of a connection is counted."""
    if isinstance(error, Aborted):
        return error.why
    if isinstance(error, AdapterError):
        return error.reason
    if isinstance(error, TimeoutError):
        return "silent"
    return lost(error) if isinstance(error, OSError) else "connection-lost"

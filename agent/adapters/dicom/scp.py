"""A DICOM SCP that keeps of each image, dose report and performed procedure step only what it says of the equipment.

DICOM PS3.4 annexes A (verification), B (storage) and F.7 (modality performed procedure step). Success is answered when
the outbox has committed (delivery 1), "out of resources" when it hasn't, so that the modality sends again.

Why our own upper layer and not pynetdicom: with pydicom it takes 32 MB of the 48 MB that the agent may have at rest,
each open association polls a thousand times a second, it takes a PDU of any announced length into memory, and what
a hostile PDU provokes in its threads Python prints to stderr, content and all. In the tests it is the peer.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from typing import Final

from agent import system
from agent.adapters.connection import STRANGER, Door, lost, serve
from agent.adapters.dicom import dimse, pdu
from agent.adapters.dicom.association import Aborted, Association, last_words
from agent.adapters.dicom.dimse import Answer, Command
from agent.adapters.dicom.entry import Exposures
from agent.adapters.dicom.mpps import StepReader
from agent.adapters.dicom.objects import ObjectReader, Untold, is_read
from agent.adapters.dicom.pdu import Rejection, Request
from agent.adapters.dicom.reasons import Reasons
from agent.adapters.dicom.services import tells
from agent.adapters.dicom.steps import Steps
from agent.adapters.port import Sink
from agent.clock import Now
from agent.config.shapes import Dicom
from agent.config.zones import zone_of
from agent.errors import AdapterError, OutboxError
from catalog.model import Model

NAME: Final = "dicom"


class DicomScp:
    """The adapter. ``port``: what is listened on, once it is."""

    def __init__(self, *, config: Dicom, model: Model, sink: Sink, now: Callable[[], Now] = system.now) -> None:
        self.port = 0
        self._config = config
        self._sink = sink
        self._now = now
        self._zone = zone_of(config.time_zone)
        self._reasons = Reasons(model)
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
        association = Association(host=self, reader=reader, writer=writer)
        try:
            await association.run()
        except (Aborted, AdapterError, TimeoutError, EOFError, OSError) as error:
            stranger = isinstance(error, Aborted) and not association.asked
            self._sink.refused(NAME, STRANGER if stranger else _reason(error))
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
            # Who only asks whether somebody is there, as a scan or a technician does, had nothing to tell.
            told = any(tells(offer.abstract_syntax) for offer in request.offers.values())
            self._sink.refused(NAME, "association-rejected" if told else "verification-rejected")
        return why

    def refuses(self) -> None:
        """Count an association in which services were asked for that we don't have."""
        self._sink.refused(NAME, "other-service")

    def receive(self, sop_class: str, transfer_syntax: str) -> ObjectReader | None:
        """What reads an object of this class; None: it is to be dropped unread."""
        if not is_read(sop_class):
            return None
        return ObjectReader(
            zone=self._zone,
            reasons=self._reasons,
            key=self._sink.key,
            transfer_syntax=transfer_syntax,
            sop_class=sop_class,
        )

    async def store(self, reader: ObjectReader | None, *, size: int) -> Answer:
        """Enter an image or a dose report. Success is answered to what can't be read, too, and counted: it would be no
        better when sent again, and the study would stop."""
        if size > self.max_bytes:
            self._sink.refused(NAME, "object-oversize")
        if reader is None:
            self._sink.untold(NAME, "other-storage")
            return Answer(dimse.SUCCESS)
        try:
            # In a thread: what a dose report told takes some 10 ms.
            received = self._now().wall
            await self._exposures.put(await asyncio.to_thread(reader.facts, received), sent=received)
        except Untold as nothing:
            self._sink.untold(NAME, nothing.reason)
        except AdapterError as error:
            self._sink.refused(NAME, error.reason)
        except OutboxError:
            return Answer(dimse.OUT_OF_RESOURCES, "not kept, send again")
        return Answer(dimse.SUCCESS)

    async def perform(self, command: Command, reader: StepReader) -> Answer:
        """Enter the creation or change of a performed procedure step."""
        create = command.field == dimse.N_CREATE_RQ
        if not create and command.field != dimse.N_SET_RQ:
            return Answer(dimse.UNKNOWN_OPERATION)
        try:
            step = reader.step()
        except AdapterError as error:
            self._sink.refused(NAME, error.reason)
            return Answer(dimse.PROCESSING_FAILURE, error.reason)
        given = command.instance.strip(b"\0 ")
        instance = given or (b"2.25.%d" % uuid.uuid4().int if create else b"")
        answer = await self._steps.take(create=create, instance=instance, step=step, at=self._now().wall)
        return answer if given else answer._replace(instance=instance)


def _reason(error: Exception) -> str:
    """The word under which the end of a connection is counted."""
    if isinstance(error, Aborted):
        return error.why
    if isinstance(error, AdapterError):
        return error.reason
    if isinstance(error, TimeoutError):
        return "silent"
    return lost(error) if isinstance(error, OSError) else "connection-lost"

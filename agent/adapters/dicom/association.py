"""One association, from the accepted connection to its end: DICOM PS3.8, the acceptor's side.

A connection holds one PDU and of one object what is known of it so far, whatever the peer does: pixels are counted and
dropped as they arrive. While an object is being entered nothing is read: a flood waits in the peer's own buffers.

Every class of storage is accepted, for a modality sends a study as a whole and stops where a part of it isn't taken.
What isn't a storage class is refused context by context, which leaves the others as they are (PS3.8 9.3.3.2). So is
storage commitment (PS3.4 annex J): nothing is kept here that could be committed, and a modality told otherwise deletes
its images.
"""

import asyncio
import socket
from typing import Final, Protocol

from agent.adapters.connection import send
from agent.adapters.dicom import dimse, pdu
from agent.adapters.dicom.dimse import Answer, Command
from agent.adapters.dicom.elements import IMPLICIT, STANDARD
from agent.adapters.dicom.mpps import StepReader
from agent.adapters.dicom.objects import ObjectReader
from agent.adapters.dicom.pdu import Fragment, Offer, Rejection, Request
from agent.adapters.dicom.services import PERFORMED_STEP, VERIFICATION, is_storage, tells
from agent.errors import AdapterError

MAX_PDU: Final = 128 * 1024
"""Bytes of a P-DATA-TF that we ask peers to keep to; twice that is suffered, more is answered by an A-ABORT."""
MAX_COMMAND: Final = 4096
REQUEST_S: Final = 10.0
"""Seconds within which a peer that connected must have asked for an association (PS3.8 9.1.5, ARTIM). Behind it there
is no such limit, within a PDU neither: modalities keep an association open for a day, and a link may stall."""
_AT_ONCE: Final = 16 * 1024
"""Bytes of an object that are read on the event loop, in some milliseconds whatever they are; more in a thread."""


class Aborted(Exception):
    """The association is to end with an A-ABORT of this reason (PS3.8 table 9-26); ``why`` is a word for counters."""

    def __init__(self, reason: int, why: str = "protocol") -> None:
        super().__init__(why)
        self.reason = reason
        self.why = why


class Host(Protocol):
    """What an association asks of the server it belongs to."""

    @property
    def max_bytes(self) -> int:
        """Of one object's data set."""
        ...

    def admits(self, request: Request) -> Rejection | None:
        """Why this peer may not associate; None: it may."""
        ...

    def refuses(self) -> None:
        """Some of an association's contexts are of services that we don't have."""
        ...

    def receive(self, sop_class: str, transfer_syntax: str) -> ObjectReader | None:
        """What reads an object that begins to arrive; None: it is to be dropped unread."""
        ...

    async def store(self, reader: ObjectReader | None, *, size: int) -> Answer:
        """Enter an object of ``size`` bytes that was read so."""
        ...

    async def perform(self, command: Command, reader: StepReader) -> Answer:
        """Do to a performed procedure step what ``command`` asks, with the data set that was read so."""
        ...


class Association:
    """Answers one peer. ``run`` returns when the peer released or was rejected, and raises ``Aborted``,
    ``AdapterError`` (malformed), ``TimeoutError`` (no request), ``EOFError`` or ``OSError`` otherwise."""

    def __init__(self, *, host: Host, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host = host
        self._reader = reader
        self._writer = writer
        self.asked = False
        """Whether an association was asked for: the peer speaks DICOM."""
        self._contexts: dict[int, tuple[str, str]] = {}
        """Abstract and chosen transfer syntax of each accepted context."""
        self._peer_max = 0
        self._command = bytearray()
        self._open: tuple[int, Command] | None = None
        """Context and command of the object that is arriving."""
        self._reader_of: ObjectReader | StepReader | None = None
        self._size = 0

    async def run(self) -> None:
        """From the request for an association to its end."""
        async with asyncio.timeout(REQUEST_S):
            kind, body = await self._next()
        if kind == pdu.ABORT:
            return
        if kind != pdu.ASSOCIATE_RQ:
            raise Aborted(2)
        self.asked = True
        if not await self._associate(pdu.request(body)):
            return
        while True:
            kind, body = await self._next()
            if kind == pdu.P_DATA:
                for fragment in pdu.fragments(body):
                    await self._take(fragment)
            elif kind == pdu.RELEASE_RQ:
                await send(self._writer, pdu.release())
                return
            elif kind == pdu.ABORT:
                return
            else:
                raise Aborted(2)

    async def _next(self) -> tuple[int, bytes]:
        self._acknowledge_at_once()
        try:
            kind, length = pdu.HEAD.unpack(await self._reader.readexactly(pdu.HEAD.size))
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            return pdu.ABORT, b""  # hung up between two PDUs, as who only asked whether the port is open
        if not pdu.ASSOCIATE_RQ <= kind <= pdu.ABORT:
            raise Aborted(1)
        if length > 2 * MAX_PDU:
            raise Aborted(6, "oversize-pdu")
        return kind, await self._reader.readexactly(length)

    def _acknowledge_at_once(self) -> None:
        """A modality writes the command and the data set one after the other, and its TCP holds the second back until
        the first is acknowledged, which Linux delays by 40 ms: 47 ms an image without this, 4 ms with it."""
        if hasattr(socket, "TCP_QUICKACK"):
            self._writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    async def _associate(self, request: Request) -> bool:
        why = self._host.admits(request)
        if why is not None:
            await send(self._writer, pdu.reject(why))
            return False
        answers = {context: self._judge(offer) for context, offer in request.offers.items()}
        self._contexts = {
            context: (request.offers[context].abstract_syntax, syntax)
            for context, (result, syntax) in answers.items()
            if result == pdu.ACCEPTED
        }
        if any(result == pdu.ABSTRACT_SYNTAX_UNKNOWN for result, _ in answers.values()):
            self._host.refuses()
        self._peer_max = request.max_length
        await send(self._writer, pdu.accept(request.titles, answers, max_length=MAX_PDU))
        return True

    def _judge(self, offer: Offer) -> tuple[int, str]:
        """The peer's first standard transfer syntax: its native one, so that it needn't convert pixels for us. Rather a
        maker's own than none, for a refusal would stop the study."""
        abstract = offer.abstract_syntax
        if abstract != VERIFICATION and not tells(abstract):
            return pdu.ABSTRACT_SYNTAX_UNKNOWN, ""
        known = [uid for uid in offer.transfer_syntaxes if uid == IMPLICIT or uid.startswith(STANDARD)]
        taken = [*known, *offer.transfer_syntaxes]
        return (pdu.ACCEPTED, taken[0]) if taken else (pdu.TRANSFER_SYNTAXES_UNKNOWN, "")

    async def _take(self, fragment: Fragment) -> None:
        if fragment.context not in self._contexts or fragment.command != (self._open is None):
            raise Aborted(6)
        if fragment.command:
            self._command += fragment.data
            if len(self._command) > MAX_COMMAND:
                raise Aborted(6)
            if fragment.last:
                await self._commanded(fragment.context, dimse.command(bytes(self._command)))
                self._command.clear()
            return
        self._size += len(fragment.data)
        if self._size > 4 * self._host.max_bytes:
            raise Aborted(6, "oversize")  # the answer must wait for the end of the object, but not for ever
        await self._read(fragment.data)
        if fragment.last:
            await self._arrived()

    async def _read(self, data: bytes) -> None:
        reader = self._reader_of
        if reader is None:
            return
        if len(data) - reader.skipping > _AT_ONCE:
            await asyncio.to_thread(reader.feed, data)
        else:
            reader.feed(data)

    async def _commanded(self, context: int, command: Command) -> None:
        abstract, syntax = self._contexts[context]
        performs = abstract == PERFORMED_STEP
        stores = command.field == dimse.C_STORE_RQ and is_storage(abstract)
        if command.has_data:
            self._open = context, command
            if performs:
                self._reader_of = StepReader(transfer_syntax=syntax)
            elif stores:
                self._reader_of = self._receive(command, abstract, syntax)
        elif command.field == dimse.C_ECHO_RQ:
            await self._answer(context, command, Answer(dimse.SUCCESS))
        elif command.field == dimse.C_CANCEL_RQ:
            return  # there is nothing to cancel, and no answer to it
        elif performs:
            await self._answer(context, command, await self._host.perform(command, StepReader(transfer_syntax=syntax)))
        elif stores:
            await self._answer(
                context, command, await self._host.store(self._receive(command, abstract, syntax), size=0)
            )
        else:
            await self._answer(context, command, Answer(dimse.UNKNOWN_OPERATION))

    def _receive(self, command: Command, abstract: str, syntax: str) -> ObjectReader | None:
        """By the class that the command names, if the context is of another: some senders take the first that fits."""
        named = command.sop_class.decode("latin-1").strip(" \0")
        return self._host.receive(named, syntax) or self._host.receive(abstract, syntax)

    async def _arrived(self) -> None:
        if self._open is None:
            raise Aborted(6)
        context, command = self._open
        reader, size = self._reader_of, self._size
        self._open, self._reader_of, self._size = None, None, 0
        if isinstance(reader, StepReader):
            answer = await self._host.perform(command, reader)
        elif command.field == dimse.C_STORE_RQ and is_storage(self._contexts[context][0]):
            answer = await self._host.store(reader, size=size)
        else:
            answer = Answer(dimse.UNKNOWN_OPERATION)
        await self._answer(context, command, answer)

    async def _answer(self, context: int, command: Command, answer: Answer) -> None:
        encoded = dimse.response(command, answer)
        await send(self._writer, pdu.command(context, encoded, max_length=self._peer_max))


async def last_words(writer: asyncio.StreamWriter, error: Exception) -> None:
    """Tell the peer by A-ABORT that the association ended for this error."""
    malformed = 6 if isinstance(error, AdapterError) else 0
    reason = error.reason if isinstance(error, Aborted) else malformed
    writer.write(pdu.abort(reason))
    async with asyncio.timeout(1.0):
        await writer.drain()

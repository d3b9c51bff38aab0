"""One association, from the accepted connection to its end: DICOM PS3.8, the acceptor's side.

A connection holds one PDU and the beginning of one object, whatever the peer does: pixels are counted and dropped as
they arrive. While an object is being entered nothing is read, so that a flood waits in the peer's own buffers.
"""

import asyncio
import socket
from collections.abc import Set as AbstractSet
from typing import Final, Protocol

from agent.connection import send
from agent.dicom import dimse, pdu
from agent.dicom.dimse import Answer, Command
from agent.dicom.elements import HEADER_LIMIT
from agent.dicom.mpps import PERFORMED_STEP
from agent.dicom.pdu import Fragment, Offer, Rejection, Request
from agent.errors import AdapterError

VERIFICATION: Final = "1.2.840.10008.1.1"
MAX_PDU: Final = 128 * 1024
"""Bytes of a P-DATA-TF that we ask peers to keep to; twice that is suffered, more is answered by an A-ABORT."""
MAX_COMMAND: Final = 4096
REQUEST_S: Final = 10.0
"""Seconds within which a peer that connected must have asked for an association (PS3.8 9.1.5, ARTIM). Behind it there
is no such limit, within a PDU neither: modalities keep an association open for a day, and a link may stall."""
_STANDARD: Final = "1.2.840.10008.1.2"
"""The root of DICOM's own transfer syntaxes: all but a few private ones, whose headers we couldn't read."""


class Aborted(Exception):
    """The association is to end with an A-ABORT of this reason (PS3.8 table 9-26); ``why`` is a word for counters."""

    def __init__(self, reason: int, why: str = "protocol") -> None:
        super().__init__(why)
        self.reason = reason
        self.why = why


class Host(Protocol):
    """What an association asks of the server it belongs to."""

    @property
    def sop_classes(self) -> AbstractSet[str]:
        """SOP classes that are taken, beside verification."""
        ...

    @property
    def max_bytes(self) -> int:
        """Of one object's data set."""
        ...

    def admits(self, request: Request) -> Rejection | None:
        """Why this peer may not associate; None: it may."""
        ...

    async def store(self, data: bytes, *, size: int, transfer_syntax: str) -> Answer:
        """Enter an object of ``size`` bytes that begins with ``data``."""
        ...

    async def perform(self, command: Command, data: bytes, *, size: int, transfer_syntax: str) -> Answer:
        """Do to a performed procedure step what ``command`` asks, with the data set that begins with ``data``."""
        ...


class Association:
    """Answers one peer. ``run`` returns when the peer released or was rejected, and raises ``Aborted``,
    ``AdapterError`` (malformed), ``TimeoutError`` (no request), ``EOFError`` or ``OSError`` otherwise."""

    def __init__(self, *, host: Host, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host = host
        self._reader = reader
        self._writer = writer
        self._contexts: dict[int, tuple[str, str]] = {}
        """Abstract and chosen transfer syntax of each accepted context."""
        self._peer_max = 0
        self._command = bytearray()
        self._open: tuple[int, Command] | None = None
        """Context and command of the object that is arriving."""
        self._data = bytearray()
        self._size = 0

    async def run(self) -> None:
        """From the request for an association to its end."""
        async with asyncio.timeout(REQUEST_S):
            kind, body = await self._next()
        if kind != pdu.ASSOCIATE_RQ:
            raise Aborted(2)
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
        self._peer_max = request.max_length
        await send(self._writer, pdu.accept(request.titles, answers, max_length=MAX_PDU))
        return True

    def _judge(self, offer: Offer) -> tuple[int, str]:
        """The peer's first standard transfer syntax: its native one, so that it needn't convert pixels for us."""
        if offer.abstract_syntax not in self._host.sop_classes and offer.abstract_syntax != VERIFICATION:
            return pdu.ABSTRACT_SYNTAX_UNKNOWN, ""
        known = [uid for uid in offer.transfer_syntaxes if uid == _STANDARD or uid.startswith(_STANDARD + ".")]
        return (pdu.ACCEPTED, known[0]) if known else (pdu.TRANSFER_SYNTAXES_UNKNOWN, "")

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
        self._data += fragment.data[: max(0, HEADER_LIMIT - len(self._data))]
        if fragment.last:
            await self._arrived()

    async def _commanded(self, context: int, command: Command) -> None:
        if command.has_data:
            self._open = context, command
        elif command.field == dimse.C_ECHO_RQ:
            await self._answer(context, command, Answer(dimse.SUCCESS))
        elif command.field == dimse.C_CANCEL_RQ:
            return  # there is nothing to cancel, and no answer to it
        elif self._contexts[context][0] == PERFORMED_STEP:
            await self._answer(context, command, await self._performed(context, command, b"", 0))
        else:
            await self._answer(context, command, Answer(dimse.UNKNOWN_OPERATION))

    async def _arrived(self) -> None:
        if self._open is None:
            raise Aborted(6)
        context, command = self._open
        abstract, syntax = self._contexts[context]
        data, size = bytes(self._data), self._size
        self._open, self._size = None, 0
        self._data = bytearray()
        if abstract == PERFORMED_STEP:
            answer = await self._performed(context, command, data, size)
        elif command.field == dimse.C_STORE_RQ and abstract != VERIFICATION:
            answer = await self._host.store(data, size=size, transfer_syntax=syntax)
        else:
            answer = Answer(dimse.UNKNOWN_OPERATION)
        await self._answer(context, command, answer)

    async def _performed(self, context: int, command: Command, data: bytes, size: int) -> Answer:
        syntax = self._contexts[context][1]
        return await self._host.perform(command, data, size=size, transfer_syntax=syntax)

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

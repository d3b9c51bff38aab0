"""The upper layer's bytes: held against pynetdicom's own, and against bytes that nobody would send."""

import asyncio

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pynetdicom import build_context
from pynetdicom.dimse_messages import C_STORE_RSP
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ, A_RELEASE_RP, P_DATA_TF
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification

from agent.adapters.dicom import dimse, pdu
from agent.adapters.dicom.association import Aborted, Association
from agent.adapters.dicom.dimse import Answer, Command
from agent.adapters.dicom.mpps import StepReader
from agent.adapters.dicom.objects import ObjectReader
from agent.adapters.dicom.pdu import Rejection, Request
from agent.errors import AdapterError
from tests.fixtures.dicom import DX, EXPLICIT, IMPLICIT, reader
from tests.fixtures.dicom_peer import request, store_command, values

CT = "1.2.840.10008.5.1.4.1.1.2"


def pynetdicom_request() -> bytes:
    primitive = A_ASSOCIATE()
    primitive.application_context_name = pdu.APPLICATION_CONTEXT
    primitive.calling_ae_title = "MODALITY"
    primitive.called_ae_title = "STETH"
    first, second = build_context(DX, [EXPLICIT, IMPLICIT]), build_context(CT, [IMPLICIT])
    first.context_id, second.context_id = 1, 3
    primitive.presentation_context_definition_list = [first, second]
    length = MaximumLengthNotification()
    length.maximum_length_received = 32768
    implementation = ImplementationClassUIDNotification()
    implementation.implementation_class_uid = "1.2.3"
    primitive.user_information = [length, implementation]
    return A_ASSOCIATE_RQ(primitive).encode()


def test_a_request_of_pynetdicom_is_understood() -> None:
    found = pdu.request(pynetdicom_request()[6:])
    assert (found.version & 1, found.called, found.calling, found.max_length) == (1, "STETH", "MODALITY", 32768)
    assert found.application_context == pdu.APPLICATION_CONTEXT
    assert found.offers == {1: pdu.Offer(DX, (EXPLICIT, IMPLICIT)), 3: pdu.Offer(CT, (IMPLICIT,))}


def test_pynetdicom_understands_our_answers() -> None:
    titles = pdu.request(pynetdicom_request()[6:]).titles
    accepted = A_ASSOCIATE_AC()
    accepted.decode(pdu.accept(titles, {1: (0, IMPLICIT), 3: (3, "")}, max_length=70_000))
    assert [(context.context_id, context.result) for context in accepted.presentation_context] == [(1, 0), (3, 3)]
    assert accepted.presentation_context[0].transfer_syntax == IMPLICIT
    assert accepted.user_information is not None
    assert accepted.user_information.maximum_length == 70_000
    assert accepted.user_information.implementation_class_uid == pdu.IMPLEMENTATION
    rejected = A_ASSOCIATE_RJ()
    rejected.decode(pdu.reject(pdu.UNKNOWN_CALLING))
    assert (rejected.result, rejected.source, rejected.reason_diagnostic) == (1, 1, 3)
    aborted = A_ABORT_RQ()
    aborted.decode(pdu.abort(6))
    assert (aborted.source, aborted.reason_diagnostic) == (2, 6)
    A_RELEASE_RP().decode(pdu.release())


def test_pynetdicom_understands_our_responses() -> None:
    encoded = dimse.response(dimse.command(store_command()), Answer(0xA700, "not kept, send again"))
    data = P_DATA_TF()
    data.decode(pdu.command(1, encoded, max_length=16384))
    message = C_STORE_RSP()
    assert message.decode_msg(data.to_primitive())
    found = message.command_set
    assert (found.Status, found.ErrorComment, found.MessageIDBeingRespondedTo) == (0xA700, "not kept, send again", 7)
    assert (found.CommandField, found.AffectedSOPClassUID, found.AffectedSOPInstanceUID) == (0x8001, DX, "2.25.9")


@pytest.mark.parametrize("max_length", [0, 10, 80, 128, 16384])
def test_a_response_is_cut_to_what_the_peer_takes(max_length: int) -> None:
    encoded = dimse.response(dimse.command(store_command()), Answer(0))
    sent = pdu.command(1, encoded, max_length=max_length)
    parts: list[pdu.Fragment] = []
    while sent:
        kind, length = pdu.HEAD.unpack(sent[:6])
        assert kind == pdu.P_DATA
        assert length <= max(max_length, 70) or not max_length
        parts += pdu.fragments(sent[6 : 6 + length])
        sent = sent[6 + length :]
    assert b"".join(part.data for part in parts) == encoded
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    assert all(part.command for part in parts)


def test_a_command_without_what_it_must_have_is_refused() -> None:
    for encoded in (b"", b"\0" * 8, store_command()[:30], without_field(store_command())):
        with pytest.raises(AdapterError):
            dimse.command(encoded)


def without_field(encoded: bytes) -> bytes:
    at = encoded.index(b"\0\0\0\1\2\0\0\0")
    return encoded[:at] + encoded[at + 10 :]


@settings(deadline=None)
@given(data=st.binary(max_size=300))
@example(data=request()[6:])
def test_no_bytes_raise_anything_but_the_adapter_s_error(data: bytes) -> None:
    for read in (pdu.request, pdu.fragments, dimse.command):
        try:
            read(data)
        except AdapterError as error:
            assert error.reason in {"protocol", "truncated", "unreadable", "not-dicom"}  # noqa: PT017  # or none at all


class _Host:
    """Takes everything."""

    max_bytes = 1000

    def __init__(self) -> None:
        self.stored: list[int] = []

    def refuses(self) -> None:
        raise AssertionError("nothing but storage is asked for")

    def receive(self, sop_class: str, transfer_syntax: str) -> ObjectReader | None:
        assert sop_class
        return reader(zone=None, transfer_syntax=transfer_syntax)

    def admits(self, request: Request) -> Rejection | None:
        return None if request.called else pdu.UNKNOWN_CALLED

    async def store(self, reader: ObjectReader | None, *, size: int) -> Answer:
        assert reader is not None
        self.stored.append(size)
        return Answer(0)

    async def perform(self, command: Command, reader: StepReader) -> Answer:
        raise AssertionError("nothing but storage is asked for")


class _Writer:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    def get_extra_info(self, name: str) -> "_Writer":
        assert name == "socket"
        return self

    def setsockopt(self, *_: int) -> None:
        pass

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None:
        pass


async def talk(sent: bytes) -> tuple[_Host, bytes]:
    """One association with a peer that sends this and hangs up."""
    host, writer, stream = _Host(), _Writer(), asyncio.StreamReader()
    stream.feed_data(sent)
    stream.feed_eof()
    try:
        await Association(host=host, reader=stream, writer=writer).run()  # type: ignore[arg-type]  # what it uses of it
    except (Aborted, AdapterError, EOFError):
        writer.written += b"."
    return host, writer.written


PIECES = st.one_of(
    st.sampled_from(
        [
            values((3, store_command())),
            values((2, b"data")),
            values((0, b"data")),
            values((1, store_command()[:20])),
            values((3, store_command()[20:])),
            values((3, store_command()), (2, b"data")),
            values((3, store_command(field=0x30, data_set=False))),
            values((3, store_command(field=0xFFF, data_set=False))),
            values((2, b"x" * 5000)),
            pdu.pdu(pdu.RELEASE_RQ, bytes(4)),
            pdu.abort(0),
            request(),
        ]
    ),
    st.binary(max_size=30),
    st.builds(pdu.pdu, st.integers(0, 9), st.binary(max_size=60)),
)


@settings(deadline=None, max_examples=400)
@given(pieces=st.lists(PIECES, max_size=8), associated=st.booleans())
def test_an_association_ends_in_one_of_its_own_ways(pieces: list[bytes], associated: bool) -> None:
    host, written = asyncio.run(talk((request() if associated else b"") + b"".join(pieces)))
    answers = written.count(b"\0\0\0\x09\2\0\0\0\0\0")
    assert answers >= len(host.stored)
    assert all(size <= 4000 for size in host.stored)


async def test_a_message_cut_into_pieces_is_put_together() -> None:
    command = store_command()
    sent = request() + values((1, command[:10])) + values((1, command[10:30]), (3, command[30:]))
    sent += values((0, b"da")) + values((0, b"t")) + values((2, b"a")) + pdu.pdu(pdu.RELEASE_RQ, bytes(4))
    host, written = await talk(sent)
    assert host.stored == [4]
    assert written.endswith(pdu.release())

"""PS3.4 F.7.2, sentence by sentence: what is asked of an SCP of modality performed procedure steps by a real peer."""

import struct
from typing import Any

import pytest
from pydicom import Dataset

from agent.adapters.dicom.dimse import N_CREATE_RQ, N_SET_RQ
from tests.fixtures.dicom import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, element
from tests.fixtures.dicom_peer import Peer, values
from tests.fixtures.mpps import MPPS, begun, change, create, ended
from tests.fixtures.scp import serving
from tests.fixtures.scu import associated, away
from tests.fixtures.sink import MemorySink
from wire.items import Readings, StateChange

UID = "2.25.81"
MAY_NO_LONGER = (0x0110, 0xA710)
Said = tuple[str, Dataset]


def performed(port: int, *requests: Said, syntax: str = EXPLICIT) -> list[Any]:
    """Of each answer its status, with the error id where it has one. ``create`` and ``set`` say which it is."""
    found: list[Any] = []
    with associated(port, MPPS, syntaxes=[syntax]) as association:
        for what, attributes in requests:
            answer = (create if what == "create" else change)(association, UID, attributes)
            error = answer.get("ErrorID")
            found.append(answer.Status if error is None else (answer.Status, error))
    return found


def told(sink: MemorySink) -> tuple[list[str], dict[str, float]]:
    """The statuses, and the numbers."""
    statuses = [item.value for item in sink.items() if isinstance(item, StateChange)]
    numbers: dict[str, float] = {}
    for item in sink.items():
        if isinstance(item, Readings):
            numbers |= dict(zip(item.metric, item.value, strict=True))
    return statuses, numbers


async def asked(*requests: Said, sink: MemorySink | None = None) -> tuple[list[Any], MemorySink]:
    sink = sink or MemorySink()
    async with serving(sink) as scp:
        return await away(performed, scp.port, *requests), sink


class TestCreate:
    """F.7.2.1 N-CREATE."""

    async def test_it_begins_a_step_in_progress(self) -> None:
        answers, sink = await asked(("create", begun()))
        assert answers == [0]
        assert told(sink) == (["IN PROGRESS"], {})
        assert not sink.counts

    @pytest.mark.parametrize("status", ["COMPLETED", "DISCONTINUED", "SCHEDULED"])
    async def test_another_status_is_an_invalid_value_and_nothing_is_created(self, status: str) -> None:
        answers, sink = await asked(("create", begun(status)), ("set", ended()))
        assert answers == [0x0106, 0x0112]
        assert sink.entries == []
        assert sink.counts["dicom:mpps-refused"] == 2

    async def test_without_a_status_a_required_attribute_is_missing(self) -> None:
        answers, sink = await asked(("create", begun(None)), ("set", ended()))
        assert answers == [0x0120, 0x0112]
        assert sink.entries == []

    @pytest.mark.parametrize("keyword", ["Modality", "PerformedProcedureStepID", "ScheduledStepAttributesSequence"])
    async def test_of_the_others_that_are_required_none_is_asked_for(self, keyword: str) -> None:
        """They tell of the patient's examination and aren't read: no reason to stop a modality."""
        attributes = begun()
        del attributes[keyword]
        answers, _ = await asked(("create", attributes))
        assert answers == [0]

    async def test_an_instance_that_exists_is_a_duplicate_and_stays_as_it_is(self) -> None:
        answers, sink = await asked(("create", begun()), ("create", begun()), ("set", ended()))
        assert answers == [0, 0x0111, 0]
        assert told(sink)[0] == ["IN PROGRESS", "COMPLETED"]

    async def test_one_that_has_ended_is_a_duplicate_too(self) -> None:
        answers, _ = await asked(("create", begun()), ("set", ended()), ("create", begun()))
        assert answers == [0, 0, 0x0111]

    async def test_a_failure_says_that_nothing_was_created(self) -> None:
        sink = MemorySink()
        sink.failing = True
        answers, _ = await asked(("create", begun()), ("set", ended()), sink=sink)
        assert answers == [0x0213, 0x0112]
        sink.failing = False
        answers, _ = await asked(("create", begun()), sink=sink)
        assert answers == [0]

    async def test_without_an_instance_uid_one_is_made_and_said(self) -> None:
        """PS3.7 10.1.5.1.4; what is made so can be set to its end."""
        sink = MemorySink()
        async with serving(sink) as scp:
            first, second, status = await away(_unnamed, scp.port)
        assert first.startswith(b"2.25.")
        assert len(first) <= 64
        assert first != second
        assert status == 0
        assert told(sink)[0] == ["IN PROGRESS", "IN PROGRESS", "COMPLETED"]

    async def test_exposures_said_at_the_creation_are_those_of_the_end(self) -> None:
        attributes = begun()
        attributes.TotalNumberOfExposures = 4
        _, sink = await asked(("create", attributes), ("set", ended(exposures=None)))
        assert told(sink)[1]["mpps.exposures"] == 4

    async def test_none_said_at_the_creation_are_none_yet(self) -> None:
        attributes = begun()
        attributes.TotalNumberOfExposures = 0
        _, sink = await asked(("create", attributes), ("set", ended(exposures=None)))
        assert "mpps.exposures" not in told(sink)[1]


class TestSet:
    """F.7.2.2 N-SET."""

    @pytest.mark.parametrize("status", ["COMPLETED", "DISCONTINUED"])
    async def test_it_ends_a_step(self, status: str) -> None:
        answers, sink = await asked(("create", begun()), ("set", ended(status)))
        assert answers == [0, 0]
        assert told(sink)[0] == ["IN PROGRESS", status]

    async def test_as_often_as_one_likes_while_it_is_in_progress(self) -> None:
        more = ("set", ended("IN PROGRESS", exposures=1)), ("set", ended(None, exposures=2))
        answers, sink = await asked(("create", begun()), *more, ("set", ended(exposures=5)))
        assert answers == [0] * 4
        assert told(sink)[0] == ["IN PROGRESS", "COMPLETED"]
        assert told(sink)[1]["mpps.exposures"] == 5

    async def test_what_was_set_before_the_end_is_told_with_it(self) -> None:
        before = ended(None, exposures=3, reason="110501")
        answers, sink = await asked(
            ("create", begun()), ("set", before), ("set", ended("DISCONTINUED", exposures=None))
        )
        assert answers == [0] * 3
        assert told(sink)[1] == {"mpps.discontinued": 1, "mpps.equipment_failure": 1, "mpps.exposures": 3}

    async def test_over_a_restart_too(self) -> None:
        sink = MemorySink()
        await asked(("create", begun()), ("set", ended(None, exposures=3, reason="110501")), sink=sink)
        answers, _ = await asked(("set", ended("DISCONTINUED", exposures=None)), sink=sink)
        assert answers == [0]
        assert told(sink)[1] == {"mpps.discontinued": 1, "mpps.equipment_failure": 1, "mpps.exposures": 3}

    async def test_one_that_says_nothing_is_answered_well_and_counted(self) -> None:
        answers, sink = await asked(("create", begun()), ("set", ended(None, exposures=None)))
        assert answers == [0, 0]
        assert sink.nothing == {"dicom:mpps-without-news": 1}

    @pytest.mark.parametrize("after", ["COMPLETED", "DISCONTINUED", "IN PROGRESS", None])
    @pytest.mark.parametrize("final", ["COMPLETED", "DISCONTINUED"])
    async def test_after_its_end_it_may_no_longer_be_updated(self, final: str, after: str | None) -> None:
        """Save for the same end again, whose answer was lost."""
        answers, sink = await asked(("create", begun()), ("set", ended(final)), ("set", ended(after)))
        assert answers == [0, 0, 0 if after == final else MAY_NO_LONGER]
        assert told(sink)[0] == ["IN PROGRESS", final]
        assert sink.counts == ({} if after == final else {"dicom:mpps-refused": 1})

    @pytest.mark.parametrize("first", [2, None])
    async def test_the_same_end_with_more_in_it_isn_t_taken_and_isn_t_acknowledged(self, first: int | None) -> None:
        end, more = ended("DISCONTINUED", exposures=first), ended("DISCONTINUED", exposures=9)
        answers, sink = await asked(("create", begun()), ("set", end), ("set", more))
        assert answers == [0, 0, MAY_NO_LONGER]
        assert told(sink)[1].get("mpps.exposures") == first
        assert sink.counts == {"dicom:mpps-refused": 1}

    async def test_two_ends_at_once_are_none(self) -> None:
        end = ended("COMPLETED", exposures=None)
        end.PerformedProcedureStepStatus = ["COMPLETED", "DISCONTINUED"]
        answers, _ = await asked(("create", begun()), ("set", end), ("set", ended()))
        assert answers == [0, 0x0106, 0]

    async def test_an_instance_that_nobody_created_does_not_exist(self) -> None:
        answers, sink = await asked(("set", ended()))
        assert answers == [0x0112]
        assert sink.entries == []

    async def test_another_word_is_an_invalid_value_and_changes_nothing(self) -> None:
        answers, sink = await asked(("create", begun()), ("set", ended("CANARY")), ("set", ended()))
        assert answers == [0, 0x0106, 0]
        assert told(sink)[0] == ["IN PROGRESS", "COMPLETED"]
        assert sink.forms == {"dicom:unknown-code:mpps.status": "AAAAAA"}

    @pytest.mark.filterwarnings("ignore:Invalid value for VR")
    async def test_a_value_that_can_not_be_read_is_no_failure_and_no_warning(self) -> None:
        broken = ended(exposures=None)
        broken.add_new(0x00400301, "LO", "CANARY")
        answers, sink = await asked(("create", begun()), ("set", broken))
        assert answers == [0, 0]
        assert told(sink) == (
            ["IN PROGRESS", "COMPLETED"],
            {"mpps.discontinued": 0, "mpps.equipment_failure": 0},
        )
        assert sink.counts == {"dicom:malformed:mpps.exposures": 1}

    async def test_the_reason_of_what_was_completed_is_none(self) -> None:
        _, sink = await asked(("create", begun()), ("set", ended(reason="110501")))
        assert told(sink)[1]["mpps.equipment_failure"] == 0

    async def test_a_failure_says_that_nothing_was_changed(self) -> None:
        sink = MemorySink()
        await asked(("create", begun()), sink=sink)
        sink.failing = True
        answers, _ = await asked(("set", ended()), sink=sink)
        assert answers == [0x0213]
        sink.failing = False
        answers, _ = await asked(("set", ended()), sink=sink)
        assert answers == [0]
        assert told(sink)[0] == ["IN PROGRESS", "COMPLETED"]


@pytest.mark.parametrize("exposures", [1, 3, 9, 10, 32, 48, 50, 300])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED])
async def test_exposures_are_a_binary_number_in_every_transfer_syntax(syntax: str, exposures: int) -> None:
    """US (PS3.6): 3, 9, 10 and 32 are control signs and a blank when taken for text, 48 and 50 are digits."""
    sink = MemorySink()
    requests = ("create", begun()), ("set", ended(exposures=exposures))
    async with serving(sink) as scp:
        assert await away(performed, scp.port, *requests, syntax=syntax) == [0, 0]
    assert told(sink)[1]["mpps.exposures"] == exposures
    assert not sink.counts


async def test_and_may_come_as_text_from_whom_says_so() -> None:
    broken = ended(exposures=None)
    broken.add_new(0x00400301, "IS", "12")
    _, sink = await asked(("create", begun()), ("set", broken))
    assert told(sink)[1]["mpps.exposures"] == 12


def _request(field: int, instance: bytes, status: str) -> bytes:
    """The bytes of a request, without an instance UID where there is none."""

    def part(number: int, value: bytes) -> bytes:
        value += b"\0" * (len(value) % 2)
        return struct.pack("<HHI", 0, number, len(value)) + value

    asks = field == N_SET_RQ
    body = part(0x0003 if asks else 0x0002, MPPS.encode()) + part(0x0100, struct.pack("<H", field))
    body += part(0x0110, b"\7\0") + part(0x0800, b"\0\0")
    if instance:
        body += part(0x1001 if asks else 0x1000, instance)
    head = part(0, struct.pack("<I", len(body))) + body
    return values((3, head), (2, element("PerformedProcedureStepStatus", status)))


def _unnamed(port: int) -> tuple[bytes, bytes, int]:
    """The UIDs of two steps that were created without, and how the first one's end was answered."""
    with Peer(port) as peer:
        peer.associate(MPPS)
        uids = []
        for _ in range(2):
            peer.send(_request(N_CREATE_RQ, b"", "IN PROGRESS"))
            _, body = peer.read()
            at = body.index(b"\0\0\0\x10") + 4
            length = int.from_bytes(body[at : at + 4], "little")
            uids.append(body[at + 4 : at + 4 + length].strip(b"\0 "))
        peer.send(_request(N_SET_RQ, uids[0], "COMPLETED"))
        status = peer.status()
        peer.send(_request(N_SET_RQ, b"", "COMPLETED"))
        assert peer.status() == 0x0112
    return uids[0], uids[1], status

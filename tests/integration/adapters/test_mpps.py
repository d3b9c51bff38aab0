"""Performed procedure steps of a real peer (pynetdicom), and of one that knows no rules."""

import asyncio
import struct
from typing import Any

from pydicom import Dataset
from pydicom.tag import Tag

from agent.adapters.dicom.steps import MAX_STEPS, POSITION
from agent.adapters.port import Entry
from tests.fixtures.dicom import DX, element
from tests.fixtures.dicom_peer import Peer, store_command, values
from tests.fixtures.mpps import MPPS, begun, change, create, ended
from tests.fixtures.scp import serving
from tests.fixtures.scu import VERIFICATION, associated, away
from tests.fixtures.sink import MemorySink
from wire.items import Readings, StateChange

Request = tuple[str, Dataset]


def performed(port: int, *requests: Request, classes: tuple[str, ...] = (MPPS,)) -> list[int]:
    """The status of each answer; ``c:`` and ``s:`` before the instance say N-CREATE and N-SET."""
    with associated(port, *classes) as association:
        return [
            (create if name[0] == "c" else change)(association, name[2:], attributes).Status
            for name, attributes in requests
        ]


def told(sink: MemorySink) -> list[Any]:
    """The states and readings entered, in order."""
    found: list[Any] = []
    for item in sink.items():
        if isinstance(item, StateChange):
            found.append(item.value)
        elif isinstance(item, Readings):
            found.append(dict(zip(item.metric, item.value, strict=True)))
    return found


async def test_a_step_from_its_creation_to_its_end() -> None:
    sink = MemorySink()
    async with serving(sink) as scp:
        assert await away(performed, scp.port, ("c:2.25.81", begun()), ("s:2.25.81", ended())) == [0, 0]
    assert told(sink) == [
        "IN PROGRESS",
        "COMPLETED",
        {"mpps.equipment_failure": 0},
        {"mpps.discontinued": 0, "mpps.exposures": 2},
    ]
    assert "CANARY" not in repr(sink.entries)
    assert not sink.counts


async def test_what_was_discontinued_and_why() -> None:
    sink = MemorySink()
    async with serving(sink) as scp:
        broken, unwilling = (
            ended("DISCONTINUED", reason="110501"),
            ended("DISCONTINUED", reason="110505", exposures=None),
        )
        requests = [("c:2.25.1", begun()), ("s:2.25.1", broken), ("c:2.25.2", begun()), ("s:2.25.2", unwilling)]
        assert await away(performed, scp.port, *requests) == [0] * 4
    assert [each for each in told(sink) if isinstance(each, dict)] == [
        {"mpps.equipment_failure": 1},
        {"mpps.discontinued": 1, "mpps.exposures": 2},
        {"mpps.equipment_failure": 0},
        {"mpps.discontinued": 1},
    ]


async def test_answers_are_those_of_the_standard() -> None:
    sink = MemorySink()
    requests: list[Request] = [
        ("s:2.25.9", ended()),
        ("c:2.25.1", begun("COMPLETED")),
        ("c:2.25.1", begun(None)),
        ("c:2.25.1", begun()),
        ("c:2.25.1", begun()),
        ("s:2.25.1", ended("IN PROGRESS")),
        ("s:2.25.1", ended()),
        ("s:2.25.1", ended()),
        ("s:2.25.1", ended("DISCONTINUED")),
        ("s:2.25.1", ended("IN PROGRESS")),
    ]
    async with serving(sink) as scp:
        answers = await away(performed, scp.port, *requests)
    assert answers == [0x0112, 0x0106, 0x0120, 0, 0x0111, 0, 0, 0, 0x0110, 0x0110]
    assert told(sink).count("COMPLETED") == 1
    assert sink.counts == {"dicom:mpps-refused": 5, "dicom:mpps-repeated": 1}


async def test_why_an_ended_step_is_not_changed_is_said_by_its_error_id() -> None:
    def peer(port: int) -> Dataset:
        with associated(port, MPPS) as association:
            create(association, "2.25.1", begun())
            change(association, "2.25.1", ended())
            return change(association, "2.25.1", ended("DISCONTINUED"))

    async with serving(MemorySink()) as scp:
        answer = await away(peer, scp.port)
    assert (answer.Status, answer.ErrorID) == (0x0110, 0xA710)
    assert answer.ErrorComment == "performed procedure step may no longer be updated"


class HeldSink(MemorySink):
    """Commits when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.commit = asyncio.Event()

    async def aput(self, entry: Entry) -> bool:
        self.asked.set()
        await self.commit.wait()
        return await super().aput(entry)


async def test_success_only_after_the_commit() -> None:
    sink = HeldSink()
    async with serving(sink) as scp:
        sending = asyncio.create_task(away(performed, scp.port, ("c:2.25.1", begun())))
        await sink.asked.wait()
        done, _ = await asyncio.wait([sending], timeout=0.2)
        assert not done
        sink.commit.set()
        assert await sending == [0]


async def test_what_the_outbox_does_not_keep_is_sent_again() -> None:
    sink = MemorySink()
    async with serving(sink) as scp:
        sink.failing = True
        assert await away(performed, scp.port, ("c:2.25.1", begun())) == [0x0213]
        sink.failing = False
        assert await away(performed, scp.port, ("c:2.25.1", begun())) == [0]
        sink.failing = True
        assert await away(performed, scp.port, ("s:2.25.1", ended())) == [0x0213]
        sink.failing = False
        assert await away(performed, scp.port, ("s:2.25.1", ended())) == [0]
    assert told(sink)[:2] == ["IN PROGRESS", "COMPLETED"]


async def test_a_restart_between_creation_and_end_is_none_to_the_modality() -> None:
    sink = MemorySink()
    async with serving(sink) as scp:
        assert await away(performed, scp.port, ("c:2.25.1", begun())) == [0]
    async with serving(sink) as scp:
        assert await away(performed, scp.port, ("c:2.25.1", begun()), ("s:2.25.1", ended())) == [0x0111, 0]
    async with serving(sink) as scp:
        assert await away(performed, scp.port, ("s:2.25.1", ended()), ("s:2.25.1", ended("DISCONTINUED"))) == [
            0,
            0x0110,
        ]
    assert told(sink).count("COMPLETED") == 1


async def test_what_is_remembered_of_steps_is_bounded_and_says_nothing() -> None:
    sink = MemorySink()
    sink.positions[POSITION] = b"\x07" * 9 + b"\x01" * (9 * (MAX_STEPS + 5)) + b"torn"
    async with serving(sink) as scp:
        assert await away(performed, scp.port, *[(f"c:2.25.{number}", begun()) for number in range(20)]) == [0] * 20
    assert len(sink.positions[POSITION]) <= 9 * MAX_STEPS
    assert b"2.25" not in sink.positions[POSITION]


async def test_images_and_echoes_beside_it_and_other_operations() -> None:
    def peer(port: int) -> list[int]:
        with associated(port, MPPS, DX, VERIFICATION) as association:
            status, _ = association.send_n_get([Tag(0x00400252)], MPPS, "2.25.1")
            removed = association.send_n_delete(MPPS, "2.25.1")
            return [
                association.send_c_echo().Status,
                create(association, "2.25.1", begun()).Status,
                status.Status,
                removed.Status,
            ]

    async with serving(MemorySink()) as scp:
        assert await away(peer, scp.port) == [0, 0, 0x0211, 0x0211]


async def test_bytes_that_no_library_sends() -> None:
    sink = MemorySink()

    def command(field: int, *, data_set: bool = True, instance: bytes = b"2.25.1") -> bytes:
        def part(number: int, value: bytes) -> bytes:
            return struct.pack("<HHI", 0, number, len(value)) + value

        body = part(0x0002, MPPS.encode() + b"\0") + part(0x0100, struct.pack("<H", field)) + part(0x0110, b"\7\0")
        body += part(0x0800, b"\0\0" if data_set else b"\1\1") + part(0x1000, instance + b"\0" * (len(instance) % 2))
        return part(0, struct.pack("<I", len(body))) + body

    def peer(port: int) -> list[int]:
        found = []
        with Peer(port) as peer:
            peer.associate(MPPS)
            for head, body in (
                (command(0x140), b"\xff" * 50),
                (command(0x140), b"CANARY"),
                (command(0x140), element("PerformedProcedureStepStatus", "CANARY^NAME")),
                (command(0x140, instance=b""), element("PerformedProcedureStepStatus", "IN PROGRESS")),
                (store_command(MPPS), b"CANARY"),
            ):
                peer.send(values((3, head), (2, body)))
                found.append(peer.status())
            peer.send(values((3, command(0x140, data_set=False))))
            found.append(peer.status())
            peer.send(values((3, command(0xFFF, data_set=False))))  # C-CANCEL: no answer
            peer.send(values((3, command(0x140)), (2, element("PerformedProcedureStepStatus", "IN PROGRESS"))))
            found.append(peer.status())
        return found

    async with serving(sink) as scp:
        assert await away(peer, scp.port) == [0x0120, 0x0110, 0x0106, 0, 0x0211, 0x0120, 0]
    assert told(sink) == ["IN PROGRESS", "IN PROGRESS"]
    assert "CANARY" not in repr(sink.entries) + repr(sink.counts) + repr(sink.positions)

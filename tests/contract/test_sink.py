"""`agent.adapters.port.Sink`: kept when it returns, told when it is not, known when it comes again."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from agent.adapters.astm.file import _Found
from agent.adapters.port import Entry, Sink
from agent.clock import Clock, Now
from agent.outbox.outbox import Outbox
from agent.sink import DeviceSink
from catalog.load import load
from tests.fixtures.sink import MemorySink
from wire.items import Fault

PORT: Final = "agent.adapters.port.Sink"
NOW: Final = Now(wall=1_795_000_000_000, elapsed=5_000)


def real(folder: Path) -> Sink:
    return DeviceSink(
        device="d1",
        model=load().models["generic-dr"],
        outbox=Outbox(path=folder / "d.outbox"),
        clock=Clock(segments=[], now=NOW, machine="m"),
        now=lambda: NOW,
    )


BEHIND: Final[dict[str, Callable[[Path], Sink]]] = {
    "agent.sink.DeviceSink": real,
    "tests.fixtures.sink.MemorySink": lambda _: MemorySink(),
    "agent.adapters.astm.file._Found": lambda _: _Found(),
}
WITHOUT: Final = {"tests.unit.agent_core.test_host.Kept": "all but one method of it raise: the adapter calls no other"}
KEEPS_NO_POSITION: Final = {"agent.adapters.astm.file._Found"}
"""A file that is decoded is the first that is heard of its equipment."""


def entry(*seen: bytes, at: int = NOW.wall) -> Entry:
    return Entry(live=[Fault(at=at, code="E", state="event")], seen=seen, positions={"p": b"%d" % at})


@pytest.mark.parametrize("name", list(BEHIND))
async def test_what_is_known_already_is_entered_once_and_moves_the_position(tmp_path: Path, name: str) -> None:
    sink = BEHIND[name](tmp_path)
    assert len(sink.key) == 32
    assert sink.key == sink.key
    assert sink.position("p") is None
    one, two = b"1" * 16, b"2" * 16
    outcomes = [sink.put(entry(one, at=NOW.wall)), sink.put(entry(one, at=NOW.wall + 1))]
    outcomes += [await sink.aput(entry(one, two, at=NOW.wall + 2)), await sink.aput(entry(two, one, at=NOW.wall + 3))]
    assert outcomes == [True, False, True, False]
    assert sink.position("p") == (None if name in KEEPS_NO_POSITION else b"%d" % (NOW.wall + 3))
    sink.refused("astm", "oversize", form="AA-9")
    sink.untold("astm", "other-storage")

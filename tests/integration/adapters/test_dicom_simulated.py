"""The simulated DR before the real adapter: images, performed procedure steps and dose reports, and no patient."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from agent.privacy import admit
from sim.dr import Dr, DrConfig
from sim.pace import PlannedFault
from sim.patients import marks
from sim.pending import Pending, ReportPending, StepPending
from sim.sender import Sent
from tests.fixtures.ports import free_port
from tests.fixtures.scp import MODEL, serving
from tests.fixtures.scu import away
from tests.fixtures.sink import MemorySink
from wire.items import Readings, StateChange

SPEED = 60.0
MORNING = timedelta(hours=4) / SPEED
NUMBERS = ("tube.voltage", "tube.current", "exposure.time", "exposure.mas", "exposure.dap", "exposure.deviation_index")


def working(port: int, folder: Path, wall: datetime) -> Dr:
    """A DR from ``wall`` on, where it goes on if it worked before. It breaks down after two hours."""
    config = DrConfig(
        name="dr",
        port=port,
        log=str(folder / "dr.log"),
        state=str(folder / "dr.state"),
        seed=5,
        speed=SPEED,
        hour=8,
        faults_per_day=0,
        faults=(PlannedFault(code="GEN-KV-01", after_s=7200 / SPEED, lasts_s=600 / SPEED),),
    )
    return Dr(config=config, model=MODEL, now=lambda: wall)


@pytest.fixture
def dr(tmp_path: Path) -> Iterator[Dr]:
    """One that has worked for a morning, and told nobody yet."""
    began = datetime.now(tz=UTC) - MORNING - timedelta(minutes=5)
    with working(free_port(), tmp_path, began) as one:
        one.tick(began + MORNING)
        yield one


def port_of(one: Dr) -> int:
    return one.sender._port


def tell(one: Dr, number: int | None = None) -> None:
    """Send what waits, or so much of it. Once in some hundred times pynetdicom's reactor takes an answer away from who
    waits for it, when threads are short of time: it is sent again then, as a DR does."""
    one.sender._ae.dimse_timeout = 3
    for _ in range(len(one.sender.waiting()) if number is None else number):
        while (outcome := one.sender.send_one()) is Sent.UNREACHABLE:
            pass
        assert outcome is Sent.TAKEN
    one.sender._leave()


def exposed(one: Dr) -> list[Pending]:
    """All exposures of which anything waits, those that were rejected too."""
    found: dict[int, Pending] = {}
    for waiting in one.sender.waiting():
        if not isinstance(waiting, StepPending):
            several = [waiting] if isinstance(waiting, Pending) else waiting.study.exposures
            found |= {pending.exposure.number: pending for pending in several}
    return list(found.values())


def moment(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def told(sink: MemorySink, metric: str) -> Counter[int]:
    """How often a number of each moment was entered."""
    return Counter(item.at for item in sink.items() if isinstance(item, Readings) if metric in item.metric)


def values(sink: MemorySink, metric: str) -> list[float]:
    return [
        value
        for item in sink.items()
        if isinstance(item, Readings)
        for name, value in zip(item.metric, item.value, strict=True)
        if name == metric
    ]


async def test_a_morning_is_heard_whole_and_each_number_once(dr: Dr) -> None:
    sink, waiting = MemorySink(), dr.sender.waiting()
    exposures, steps = exposed(dr), [one for one in waiting if isinstance(one, StepPending)]
    ended = [one for one in steps if one.status != "IN PROGRESS"]
    async with serving(sink, port=port_of(dr)):
        await away(tell, dr)
    assert not sink.counts.keys() - {"dicom:mpps-refused", "dicom:mpps-repeated"}  # sent again, see above
    states = [item.value for item in sink.items() if isinstance(item, StateChange) if item.name == "mpps.status"]
    assert states == [step.status for step in steps]
    assert {"IN PROGRESS", "COMPLETED", "DISCONTINUED"} == set(states)
    assert values(sink, "mpps.exposures") == [len(step.study.exposures) for step in ended]
    assert values(sink, "mpps.discontinued") == [float(step.reason is not None) for step in ended]
    assert values(sink, "mpps.equipment_failure") == [float(step.reason == "equipment") for step in ended]
    assert "equipment" in {step.reason for step in ended}
    assert any(pending.exposure.rejected for pending in exposures)
    for metric in NUMBERS:
        assert told(sink, metric) == Counter(moment(pending.at) for pending in exposures), metric
    assert sum(values(sink, "exposure.dap")) == pytest.approx(sum(one.exposure.dap for one in exposures), rel=1e-6)
    passed, refused = admit(sink.items(), MODEL)
    assert not +refused
    assert not any(mark in msgspec.json.encode(passed).decode() for mark in marks())


async def test_an_agent_that_is_restarted_enters_no_dose_report_twice(dr: Dr) -> None:
    """Between the images of a study and its report, and between a report and the same one again."""
    sink, waiting = MemorySink(), dr.sender.waiting()
    exposures = exposed(dr)
    reports = [number for number, one in enumerate(waiting) if isinstance(one, ReportPending)]
    sent = 0
    for until in (reports[2], reports[2] + 1, reports[5] - 1, len(waiting)):
        async with serving(sink, port=port_of(dr)):
            await away(tell, dr, until - sent)
        sent = until
    assert not sink.counts.keys() - {"dicom:mpps-refused", "dicom:mpps-repeated"}  # sent again, see above
    for metric in NUMBERS:
        assert told(sink, metric) == Counter(moment(pending.at) for pending in exposures), metric


async def test_a_dr_that_is_restarted_makes_its_last_report_anew_and_it_is_entered_once(dr: Dr, tmp_path: Path) -> None:
    sink, exposures = MemorySink(), exposed(dr)
    dr.save()
    with working(port_of(dr), tmp_path, datetime.now(tz=UTC)) as again:
        waiting = again.sender.waiting()
        assert waiting[:-1] == dr.sender.waiting()
        last, before = waiting[-1], [one for one in waiting[:-1] if isinstance(one, ReportPending)][-1]
        assert isinstance(last, ReportPending)
        assert (last.study, last.number) == (before.study, before.number + 1)
        async with serving(sink, port=port_of(dr)):
            await away(tell, again)
    assert not sink.counts.keys() - {"dicom:mpps-refused", "dicom:mpps-repeated"}  # sent again, see above
    for metric in NUMBERS:
        assert told(sink, metric) == Counter(moment(pending.at) for pending in exposures), metric

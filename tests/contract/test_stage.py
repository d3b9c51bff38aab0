"""`ingest.ports.Stage`: acts inside the batch's transaction, commits nothing, and keeps nothing of it in memory."""

import re
from collections.abc import Callable, Sequence
from typing import Final

import pytest
from psycopg.pq import TransactionStatus

from alerts.recorder import AlertRecorder
from desk.tickets.stage import TicketStage
from ingest.ports import Applied, Batch, Effect, Now, Stage, Work
from ingest.transact import Boxes, Inventories
from remote.prepare import PrepareStage
from remote.replies import ReplyStage
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import CATALOG, NOW, Hospital, connect, episode
from tests.integration.ingest.harness import Recorder
from tests.unit.ingest.judged import Stage as SmallStage
from wire.items import Birth, Inventory, Item, Reply
from wire.report import Report
from wire.topics import Lane

PORT: Final = "ingest.ports.Stage"
BEHIND: Final[dict[str, Callable[[], Stage]]] = {
    "ingest.transact.Inventories": Inventories,
    "ingest.transact.Boxes": Boxes,
    "alerts.recorder.AlertRecorder": AlertRecorder,
    "desk.tickets.stage.TicketStage": lambda: TicketStage(catalog=CATALOG),
    "remote.prepare.PrepareStage": lambda: PrepareStage(catalog=CATALOG),
    "remote.replies.ReplyStage": lambda: ReplyStage(catalog=CATALOG),
    "tests.integration.ingest.harness.Recorder": Recorder,
    "tests.unit.ingest.judged.Stage": SmallStage,
}
EARLIER: Final = {"remote.prepare.PrepareStage": ["desk.tickets.stage.TicketStage"]}
"""What must have run for a stage to have something to do."""


def a_batch(hospital: Hospital, effects: Sequence[Effect] = ()) -> Batch:
    """Of two devices, with something for each stage."""
    items: list[Item] = [
        Birth(at=NOW, boot=1, agent="steth-agent/1", model="generic-dr", interval_s=20),
        Inventory(at=NOW, fields={"device.serial": "1"}),
        Reply(at=NOW, command="c0000001", status="done"),
    ]
    applied = Applied(report=Report(at=NOW, items=items), numbers=None, received_ms=NOW, offset_ms=0, caught_up=True)
    works = [
        Work(device=device, lane=Lane.LIVE, applied=[applied], effects=[episode(), *effects])
        for device in hospital.devices
    ]
    return Batch(lane=Lane.LIVE, now=Now(wall_ms=NOW, clock_ms=0), works=works)


@pytest.fixture(params=list(BEHIND))
def name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def test_a_batch_that_was_undone_is_judged_again_as_if_it_were_the_first(database: Database, name: str) -> None:
    hospital = Hospital.make(database, devices=2)
    stage = BEHIND[name]()
    made = []
    async with await connect(database.ingest) as connection:
        for _ in range(2):
            batch = a_batch(hospital)
            async with connection.transaction(force_rollback=True):
                for earlier in EARLIER.get(name, []):
                    await BEHIND[earlier]().run(connection, batch)
                await stage.run(connection, batch)
                assert connection.info.transaction_status == TransactionStatus.INTRANS, "who runs it commits"
            made.append([[type(effect) for effect in work.effects] for work in batch.works])
    assert made[0] == made[1]
    assert all(types[0] is type(episode()) for types in made[0]), "effects of earlier stages stay"


async def test_an_empty_batch_is_none(database: Database, name: str) -> None:
    async with await connect(database.ingest) as connection:
        await BEHIND[name]().run(connection, Batch(lane=Lane.BULK, now=Now(wall_ms=NOW, clock_ms=0), works=[]))


def test_each_has_a_name_of_its_own() -> None:
    names = [make().name for make in BEHIND.values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(\.[a-z]+)?", each) for each in names)

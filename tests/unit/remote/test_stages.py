from catalog.load import load
from desk.tickets.stage import TicketStage
from ingest.ports import Stage
from remote.prepare import PrepareStage
from remote.replies import ReplyStage

CATALOG = load()


def test_desk_and_remote_are_stages_of_the_pipeline() -> None:
    stages: list[Stage] = [TicketStage(catalog=CATALOG), PrepareStage(catalog=CATALOG), ReplyStage(catalog=CATALOG)]
    assert [stage.name for stage in stages] == ["desk.tickets", "remote.prepare", "remote.replies"]

"""A sabotage that overrides what isn't called any more would be none, and the run that passes it would look broken."""

import inspect

import pytest

from agent.outbox.storage import Storage
from ingest.admit import Gate
from ingest.service import Ingest
from ingest.writer import LaneWriter
from tests.chaos.sabotaged_ingest import SABOTAGES


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_sabotage_overrides_what_is_there(name: str) -> None:
    broken = SABOTAGES[name]
    changed = [key for key, value in vars(broken).items() if inspect.isfunction(value)]
    assert changed
    whole = Ingest if issubclass(broken, Ingest) else LaneWriter
    assert not [key for key in changed if not hasattr(whole, key)]


def test_the_gate_decides_by_what_the_sabotage_replaces() -> None:
    assert "self._decide(" in inspect.getsource(Gate)


def test_the_outbox_synchronises_by_the_setting_that_the_sabotage_takes_away() -> None:
    assert Storage.PRAGMAS["synchronous"] == "FULL"

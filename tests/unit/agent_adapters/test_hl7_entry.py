"""What of a message's facts is news, and in which lane it travels."""

import pytest

from agent.adapters.hl7.entry import Facts, Said
from agent.adapters.hl7.kinds import kind_of
from agent.adapters.hl7.message import Message
from agent.adapters.hl7.reading import Extracted, read
from agent.adapters.port import Entry
from agent.config.zones import zone_of
from agent.errors import OutboxError
from catalog.load import load
from tests.fixtures.hl7 import AT, MODEL, RECEIVED, control, controls, equipment, inventory, notification, supply
from tests.fixtures.sink import MemorySink
from wire.items import Fault, Inventory, Readings, StateChange


def facts(data: bytes) -> Extracted:
    made = Message(data)
    return read(made, kind_of(made), model=MODEL, received=RECEIVED, zone=zone_of("Asia/Shanghai"))


class Heard(Said):
    """Each message is entered."""

    def hear(self, data: bytes) -> Entry:
        found = facts(data)
        entry = self.entry(found)
        self.remember(found)
        return entry


def told(entry: Entry) -> list[str]:
    """States as their values, faults as code and state."""
    words = []
    for item in entry.live:
        if isinstance(item, StateChange):
            words.append(item.value)
        if isinstance(item, Fault):
            words.append(f"{item.code} {item.state}")
    return words


def minute(number: int) -> str:
    return f"202611211800{number:02d}"


@pytest.fixture
def heard() -> Heard:
    return Heard(model=MODEL)


def test_a_state_is_told_when_it_changes(heard: Heard) -> None:
    assert told(heard.hear(equipment("OP", "W")))[:3] == ["operating", "remote", "warning"]
    again = heard.hear(equipment("OP", "W", at=minute(1)))
    assert (again.live, again.bulk) == ([], [])
    assert told(heard.hear(equipment("PD", "W", at=minute(2)))) == ["paused"]


def test_an_alert_level_is_a_fault_while_it_lasts(heard: Heard) -> None:
    over = ["EQU-ALERT-SERIOUS cleared", "EQU-ALERT-CRITICAL cleared"]
    assert told(heard.hear(equipment("OP", "N"))) == ["operating", "remote", "normal", *over]
    serious = ["serious", "EQU-ALERT-SERIOUS active", "EQU-ALERT-CRITICAL cleared"]
    assert told(heard.hear(equipment("OP", "S", at=minute(1)))) == serious
    critical = ["critical", "EQU-ALERT-SERIOUS cleared", "EQU-ALERT-CRITICAL active"]
    assert told(heard.hear(equipment("OP", "C", at=minute(2)))) == critical
    assert told(heard.hear(equipment("OP", "C", at=minute(3)))) == []
    assert told(heard.hear(equipment("OP", "W", at=minute(4)))) == ["warning", *over]


def test_a_model_without_these_codes_tells_the_level_only() -> None:
    said = Said(model=load().models["generic-dr"])
    assert told(said.entry(facts(equipment("OP", "C")))) == ["operating", "remote", "critical"]


def test_what_comes_late_is_told_at_its_own_time(heard: Heard) -> None:
    heard.hear(equipment("PD", "N", at=minute(5)))
    late = heard.hear(equipment("OP", "N", at=minute(1)))
    assert late.live == [StateChange(at=AT + 1_000, name="equipment", value="operating")]
    assert told(heard.hear(equipment("PD", "N", at=minute(6)))) == ["paused"]


def test_a_clock_that_was_set_back_makes_no_flood(heard: Heard) -> None:
    heard.hear(equipment("OP", "N"))
    for number in range(60):
        assert heard.hear(equipment("OP", "N", at=f"2001010100{number:02d}00")).live == []


def test_notifications_are_told_each_time(heard: Heard) -> None:
    heard.hear(notification())
    assert told(heard.hear(notification(at=minute(1)))) == ["PHO-LMP-01 event"]


def test_the_inventory_is_told_when_it_changes(heard: Heard) -> None:
    first = heard.hear(inventory(supply(f16="L-7")))
    fields = {"device.serial": "SN-0042", "reagent.glu.lot": "L-7"}
    assert Inventory(at=AT, fields=fields) in first.bulk
    assert not any(isinstance(item, Inventory) for item in heard.hear(inventory(supply(f16="L-7"))).bulk)
    changed = heard.hear(inventory(supply(f16="L-8"))).bulk[-1]
    assert isinstance(changed, Inventory)
    assert changed.fields["reagent.glu.lot"] == "L-8"


def test_readings_of_one_moment_are_one_item(heard: Heard) -> None:
    later = control(test="ALT", unit="U/L").replace("20261121180000", "20261121180100")
    entry = heard.hear(controls(control(), control(test="AST", unit="U/L"), later))
    assert entry.live == []
    items = [item for item in entry.bulk if isinstance(item, Readings)]
    assert [(item.at, len(item.metric)) for item in items] == [(AT, 4), (AT + 60_000, 2)]


class TestPutting:
    async def test_what_is_not_kept_is_news_again(self) -> None:
        sink = MemorySink()
        putting = Facts(model=MODEL, sink=sink)
        sink.failing = True
        with pytest.raises(OutboxError):
            await putting.put(facts(equipment()), (b"1" * 16,))
        sink.failing = False
        await putting.put(facts(equipment()), (b"1" * 16,))
        assert [type(item) for item in sink.items()][:3] == [StateChange] * 3

    async def test_a_repeat_counts_its_refusals_once(self) -> None:
        sink = MemorySink()
        putting = Facts(model=MODEL, sink=sink)
        for _ in range(2):
            await putting.put(facts(notification("ZHANG")), (b"1" * 16,))
        assert sink.counts == {"hl7:unknown-code": 1}

    async def test_a_repeat_that_comes_late_hides_no_state(self) -> None:
        sink = MemorySink()
        putting = Facts(model=MODEL, sink=sink)
        for number, state in ((b"1", "OP"), (b"2", "ID"), (b"1", "OP"), (b"3", "OP")):
            await putting.put(facts(equipment(state)), (number * 16,))
        states = [item.value for item in sink.items() if isinstance(item, StateChange) and item.name == "equipment"]
        assert states == ["operating", "idle", "operating"]

    async def test_what_is_no_news_is_no_entry(self) -> None:
        sink = MemorySink()
        putting = Facts(model=MODEL, sink=sink)
        await putting.put(facts(equipment()), (b"1" * 16,))
        await putting.put(facts(equipment(at=minute(1))), (b"2" * 16,))
        assert sink.puts == 1

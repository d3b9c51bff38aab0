"""A fault's state is the device's: the bulk lane hands over what it hears of faults, and the live lane judges it."""

import msgspec

from alerts.effects import EpisodeActive, EpisodeOpened, LateSummary
from alerts.plan import MAX_UNKNOWN
from ingest.ports import Applied, Effect, HandOver
from tests.unit.alerts.device import Reporting, beat, fault, moves, ms, only, opened, reading
from wire.topics import Lane


def handed(effects: list[Effect]) -> list[Applied]:
    """As they are kept until the live lane takes them up."""
    encode, decode = msgspec.msgpack.encode, msgspec.msgpack.decode
    return [decode(encode(effect.applied), type=Applied) for effect in only(HandOver, effects)]


class Both:
    """A device's two lanes; what bulk hands over is judged in live at once, as ingest does it."""

    def __init__(self) -> None:
        self.live, self.bulk = Reporting(), Reporting(lane=Lane.BULK)

    def in_bulk(self, at: float, *items: object, caught_up: bool = True) -> list[Effect]:
        effects = self.bulk.report(at, *items, caught_up=caught_up)  # type: ignore[arg-type]
        return [effect for one in handed(effects) for effect in self.live.apply(at, one)]


def test_a_fault_that_comes_in_both_lanes_is_one_episode_and_one_ticket() -> None:
    device = Both()
    assert opened(device.live.report(1, fault("E1", 1))) == [("fault:E1", "active")]
    found = device.in_bulk(2, fault("E1", 2))
    assert opened(found) == []
    assert device.live.state.entries["fault:E1"].count == 2
    assert len(only(EpisodeActive, device.live.effects)) == 1
    assert not device.bulk.state.entries


def test_one_lane_ends_what_the_other_began() -> None:
    device = Both()
    assert opened(device.in_bulk(1, fault("E1", 1), fault("E2", 1))) == [("fault:E1", "active"), ("fault:E2", "active")]
    assert moves(device.live.report(2, fault("E1", 2, "cleared"))) == [("fault-cleared", "active", "ok")]
    assert moves(device.live.report(3, fault("OK2", 3))) == [("cleared-by", "active", "ok")]
    device.live.report(4, fault("E1", 4), fault("E2", 4))
    assert moves(device.in_bulk(5, fault("E1", 5, "cleared"))) == [("fault-cleared", "active", "ok")]
    assert ("cleared-by", "active", "ok") in moves(device.in_bulk(6, fault("OK2", 6)))


def test_unknown_codes_of_both_lanes_share_one_bound() -> None:
    device = Both()
    for number in range(MAX_UNKNOWN):
        device.live.report(number, fault(f"L{number}", number))
    found = device.in_bulk(50, *(fault(f"B{number}", 50) for number in range(9)))
    assert opened(found) == [("fault:*", "active")]


def test_the_readings_beside_a_fault_stay_in_their_lane() -> None:
    device = Both()
    effects = device.bulk.report(1, reading("load", 99, 1), fault("E1", 1), reading("load", 98, 1))
    [one] = handed(effects)
    assert [type(item).__name__ for item in one.report.items] == ["Fault"]
    assert opened(effects) == [("limit:busy", "active")]


def test_its_times_are_corrected_as_where_it_came() -> None:
    live, bulk = Reporting(), Reporting(lane=Lane.BULK)
    [one] = handed(bulk.report(100, fault("E1", 90), offset_s=5.0))
    [new] = only(EpisodeOpened, live.apply(100, one))
    assert new.occurred_ms == ms(95)


def test_late_faults_of_the_bulk_lane_are_judged_when_it_has_caught_up() -> None:
    device = Both()
    assert device.in_bulk(9000, fault("E1", 100), fault("E2", 50), caught_up=False) == []
    assert device.in_bulk(9001, fault("E1", 200, "cleared")) == [], "the live lane has to catch up too"
    found = device.live.report(9002, beat(9002))
    assert [effect.count for effect in only(LateSummary, found)] == [1]
    [late] = only(EpisodeOpened, found)
    assert (late.rule, late.late, late.occurred_ms) == ("fault:E2", True, ms(50))
    assert device.bulk.state.held == ()


def test_what_the_bulk_lane_hears_does_not_say_that_the_live_lane_has_caught_up() -> None:
    device = Both()
    device.live.report(9000, fault("E1", 100), caught_up=False)
    assert opened(device.in_bulk(9001, fault("E2", 9001))) == [("fault:E2", "active")]
    assert device.live.report(9002, fault("E1", 200, "cleared")) != []
    assert "fault:E1" not in device.live.state.entries


def test_a_flood_of_faults_is_handed_over_report_by_report() -> None:
    bulk = Reporting(lane=Lane.BULK)
    effects = bulk.report(1, *(fault("E1", 1) for _ in range(500)))
    [one] = handed(effects)
    assert len(one.report.items) == 500


def test_a_device_that_is_silent_live_is_not_heard_because_bulk_hands_over() -> None:
    device = Both()
    device.live.report(0, beat(0))
    device.live.tick(180)
    assert "silence" in device.live.state.entries
    found = device.in_bulk(200, fault("E1", 200))
    assert opened(found) == [("fault:E1", "active")]
    assert "silence" in device.live.state.entries

"""What users of other systems suffer from each answered by a test. Flapping is in test_faults."""

from alerts.effects import EpisodeAgain, EpisodeChanged, EpisodeOpened
from tests.unit.alerts.device import Reporting, birth, fault, moves, ms, only, opened, reading, temp, tickets


def test_a_late_disconnect_marks_nothing() -> None:
    """Connected is a fact of its own: no will makes a device silent, none keeps it alive."""
    device = Reporting()
    device.report(10, birth(10))
    device.presence.connected = False
    assert device.tick(100) == []
    device.presence.connected = True
    assert tickets(device.tick(190)) == ["silence"]


def test_silence_and_return_race_and_each_is_told_each_time() -> None:
    device = Reporting()
    for at in range(0, 3000, 1000):
        device.report(at, birth(at))
        assert device.tick(at + 179.999) == []
        assert opened(device.tick(at + 180)) == [("silence", "active")]
        assert device.tick(at + 181) == []
        assert moves(device.report(at + 181, birth(at + 181))) == [("heard", "active", "ok")]
    assert len({e.alert_id for e in only(EpisodeOpened, device.effects)}) == 3


def test_a_tick_under_way_when_a_report_comes_makes_no_device_silent() -> None:
    device = Reporting()
    device.report(179, birth(179))
    assert device.tick(180) == []  # asked for when 180 was due


def test_silence_is_known_at_the_moment_it_is_due() -> None:
    device = Reporting(seen=False)
    device.tick(0)
    assert device.due() == 180
    assert opened(device.tick(180)) == [("silence", "active")]


def test_the_present_is_the_newest_and_not_the_last_received() -> None:
    device = Reporting()
    device.report(600, reading("load", 99, 600))
    assert device.report(601, reading("load", 20, 400)) == []
    device.report(700, reading("load", 20, 700))
    assert device.report(701, reading("load", 99, 640)) == []
    assert device.state.entries == {}


def test_also_where_nothing_had_happened_before() -> None:
    device = Reporting()
    device.report(600, reading("load", 50, 600))
    assert device.report(601, reading("load", 99, 500)) == []


def test_stale_values_in_a_fresh_report_are_not_fresh() -> None:
    device = Reporting()
    device.report(9000, reading("load", 50, 9000))
    found = device.report(9010, reading("load", 99, 4000), reading("volt", 15, 4000))
    assert tickets(found) == ["limit:high"]  # nothing newer is known of it, and it says since when
    assert only(EpisodeOpened, found)[0].occurred_ms == ms(4000)


def test_two_facts_in_one_millisecond_both_count() -> None:
    device = Reporting()
    found = device.report(1, fault("E1", 1), fault("E2", 1), fault("E1", 1))
    assert opened(found) == [("fault:E1", "active"), ("fault:E2", "active")]
    assert [e.count for e in only(EpisodeAgain, found)] == [2]
    found = device.report(2, fault("E1", 2, "cleared"), fault("E1", 2))
    assert moves(found) == [("fault-cleared", "active", "ok")]
    assert opened(found) == [("fault:E1", "active")]


def test_a_new_occurrence_is_a_new_episode() -> None:
    device = Reporting()
    for at in (0, 1000, 2000):
        device.report(at, fault("E1", at))
        device.report(at + 500, fault("E1", at + 500, "cleared"))
    new, over = only(EpisodeOpened, device.effects), only(EpisodeChanged, device.effects)
    assert len({e.alert_id for e in new}) == 3
    fault_ids = [e.alert_id for e in new]
    assert [e.alert_id for e in over if e.event == "fault-cleared"] == fault_ids


def test_even_in_the_same_millisecond() -> None:
    device = Reporting()
    device.report(1, fault("E1", 1), fault("E1", 1, "cleared"), fault("E1", 1))
    first, second = only(EpisodeOpened, device.effects)
    assert first.alert_id != second.alert_id


def test_no_data_keeps_the_pending_period_and_flips_nothing() -> None:
    device = Reporting()
    device.report(0, temp(50, 0))
    found = device.tick(180)
    assert [e.to_state for e in only(EpisodeChanged, found)] == ["no-data"]
    assert device.tick(10_000) == []
    found = device.report(10_000, temp(20, 10_000))
    assert moves(found)[1:] == [("back", "no-data", "pending"), ("within", "pending", "ok")]
    assert tickets(device.effects) == ["silence"]

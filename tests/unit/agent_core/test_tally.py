"""What nobody took is counted by source and reason; a burst of it is three lines of the log."""

from agent.adapters.form import form_of
from agent.clock import Now
from agent.tally import BURST_MS, MAX_PAIRS, OTHER, REMIND_MS, Kind, Line, Tally
from wire.items import Refusal

START = 1_800_000_000_000


def at(elapsed: int, *, ahead: int = 0) -> Now:
    return Now(wall=START + elapsed + ahead, elapsed=elapsed)


def note(
    tally: Tally,
    now: Now,
    *,
    kind: Kind = "refused",
    source: str = "astm",
    reason: str = "unknown-code",
    form: str = "",
) -> Line | None:
    return tally.note(kind, source, reason, form, now)


def test_a_pair_knows_its_count_since_when_its_last_and_what_it_looked_like() -> None:
    tally = Tally()
    note(tally, at(0), form=form_of("BTH-TMP-01"))
    note(tally, at(5_000))
    note(tally, at(7_000), kind="untold", reason="patient-results")
    assert tally.all() == [
        Refusal(source="astm", reason="unknown-code", count=2, since=START, last=START + 5_000, form="AAA-AAA-99"),
        Refusal(
            kind="untold", source="astm", reason="patient-results", count=1, since=START + 7_000, last=START + 7_000
        ),
    ]


def test_a_flood_is_one_line_at_its_beginning_one_an_hour_and_one_at_its_end() -> None:
    tally = Tally()
    hours = 3
    lines = [note(tally, at(ms), form="AA-9") for ms in range(0, hours * REMIND_MS + 1, 10_000)]
    said = [line for line in lines if line is not None]
    each = REMIND_MS // 10_000
    assert [(line.what, line.times) for line in said] == [
        ("input refused", 1),
        *(("input still refused", hour * each + 1) for hour in range(1, hours + 1)),
    ]
    assert {line.form for line in said} == {"AA-9"}
    end = hours * REMIND_MS
    assert tally.settle(at(end + BURST_MS - 1)) == []
    (line,) = tally.settle(at(end + BURST_MS))
    assert (line.what, line.times) == ("input refused no more", hours * each + 1)
    assert tally.settle(at(end + 2 * BURST_MS)) == []
    again = note(tally, at(end + 2 * BURST_MS))
    assert again is not None
    assert (again.what, again.times) == ("input refused", 1)


def test_a_single_one_has_no_end_to_tell_of_and_what_told_nothing_is_no_line_at_all() -> None:
    tally = Tally()
    assert note(tally, at(0)) is not None
    assert note(tally, at(0), kind="untold") is None
    assert tally.settle(at(BURST_MS)) == []


def test_pairs_beyond_the_bound_share_one_word() -> None:
    tally = Tally()
    for number in range(MAX_PAIRS + 100):
        note(tally, at(0), reason=f"word-{number}")
    note(tally, at(0), reason="word-1")
    found = {each.reason: each.count for each in tally.all()}
    assert len(found) == MAX_PAIRS + 1
    assert found["word-1"] == 2
    assert found[OTHER] == 100


def test_no_text_of_the_equipment_passes_as_a_word_or_as_a_form() -> None:
    tally = Tally()
    for said in ("Doe^Jane", "Doe Jane", "DOE", "a" * 200, "张三", "", "x:", "malformed:Doe Jane", "unknown\n"):
        note(tally, at(0), reason=said)
        note(tally, at(0), source=said or " ")
    note(tally, at(0), form="Doe^Jane 1984-02-29")
    assert {each.reason for each in tally.all()} == {OTHER, "unknown-code"}
    assert {each.form for each in tally.all()} == {"", "Aaa^Aaaa 9999-99-99"}


def test_what_the_server_knows_is_not_told_again_until_nobody_is_sure() -> None:
    tally = Tally()
    note(tally, at(0))
    note(tally, at(0), reason="malformed:time")
    told = tally.changed()
    note(tally, at(1))  # while the heartbeat is on its way to the disk
    tally.told(told)
    assert [(each.reason, each.count) for each in tally.changed()] == [("unknown-code", 2)]
    tally.tell_again()
    assert len(tally.changed()) == 2


def test_it_goes_on_where_it_was_and_a_clock_set_back_turns_no_time_around() -> None:
    tally = Tally()
    note(tally, at(10_000), form="AA-9")
    later = Tally(tally.all())
    note(later, at(0, ahead=-3_600_000))
    (only,) = later.all()
    assert (only.count, only.form) == (2, "AA-9")
    assert only.since == only.last == START - 3_600_000


def test_a_clock_without_battery_breaks_no_heartbeat() -> None:
    tally = Tally()
    note(tally, Now(wall=-5_000, elapsed=0))
    assert [(each.since, each.last) for each in tally.all()] == [(0, 0)]

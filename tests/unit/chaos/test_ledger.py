"""What the chaos run's comparison sees, and what it forgives: a comparison that can't fail would prove nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from tests.chaos.ledger import FaultLine, Image, Ledger, Reading, Stored, StoredFault, compare

DEVICE = "d1"


def reading(at: int, metric: str = "m") -> Reading:
    return Reading(DEVICE, metric, at, 1.0)


def line(at: int, code: str = "E") -> FaultLine:
    return FaultLine(DEVICE, code, "active", at)


def single(at: int, code: str = "E") -> StoredFault:
    return StoredFault(DEVICE, code, "active", at, at, at, 1)


def stored(
    *,
    readings: Sequence[Reading] = (),
    faults: Sequence[StoredFault] = (),
    dropped: Mapping[str, int] | None = None,
    gaps: Mapping[str, int] | None = None,
    tickets: Sequence[tuple[str, str]] = (),
    alerts: Mapping[tuple[str, str], Sequence[int]] | None = None,
) -> Stored:
    return Stored(
        readings=Counter(readings),
        faults=faults,
        dropped=dropped or {},
        gaps=gaps or {},
        tickets=Counter(tickets),
        alerts=alerts or {},
        dead_letters=0,
        to_judge=0,
        asides=0,
    )


@pytest.fixture
def ledger() -> Ledger:
    made = Ledger()
    made.add_lines([reading(1), reading(2)], [line(1), line(5)])
    made.expect_ticket(DEVICE, "family", once="E")
    return made


def complete() -> Stored:
    return stored(
        readings=[reading(1), reading(2)],
        faults=[single(1), single(5)],
        tickets=[(DEVICE, "family")],
        alerts={(DEVICE, "E"): [1]},
    )


def test_all_that_was_said_once_each_is_clean(ledger: Ledger) -> None:
    verdict = compare(ledger, complete())
    assert verdict.clean
    assert verdict.line == "sent 4 stored 4 lost 0 duplicated 0 tickets 1 expected 1"


def test_a_missing_and_a_doubled_reading_show_and_do_not_cancel(ledger: Ledger) -> None:
    verdict = compare(ledger, replace(complete(), readings=Counter([reading(1), reading(1)])))
    assert (len(verdict.lost), len(verdict.duplicated), verdict.stored) == (1, 1, 3)
    assert not verdict.clean


def test_a_reading_that_nobody_said_is_one_too_many(ledger: Ledger) -> None:
    verdict = compare(ledger, replace(complete(), readings=complete().readings + Counter([reading(9)])))
    assert len(verdict.duplicated) == 1


def test_a_fault_line_that_is_missing_or_stored_twice_shows(ledger: Ledger) -> None:
    assert len(compare(ledger, replace(complete(), faults=[single(1)])).lost) == 1
    assert len(compare(ledger, replace(complete(), faults=[single(1), single(5), single(5)])).duplicated) == 1


def test_a_folded_fault_stands_for_the_lines_between_its_first_and_its_last(ledger: Ledger) -> None:
    folded = StoredFault(DEVICE, "E", "active", 1, 1, 5, 2)
    assert compare(ledger, replace(complete(), faults=[folded])).clean
    assert len(compare(ledger, replace(complete(), faults=[folded, single(5)])).duplicated) == 1
    assert len(compare(ledger, replace(complete(), faults=[replace_count(folded, 3)])).duplicated) == 1
    assert len(compare(ledger, replace(complete(), faults=[replace_count(folded, 1)])).lost) == 1


def replace_count(fault: StoredFault, times: int) -> StoredFault:
    return fault._replace(times=times)


def test_tickets_too_many_too_few_and_of_another_family_show(ledger: Ledger) -> None:
    family = (DEVICE, "family")
    for tickets in ([], [family, family], [(DEVICE, "link")]):
        assert not compare(ledger, replace(complete(), tickets=Counter(tickets))).clean


def test_a_fault_judged_twice_shows(ledger: Ledger) -> None:
    for counts in ([2], [1, 1], []):
        assert not compare(ledger, replace(complete(), alerts={(DEVICE, "E"): counts})).clean


def test_dead_letters_and_what_is_left_to_judge_show(ledger: Ledger) -> None:
    assert not compare(ledger, replace(complete(), dead_letters=1)).clean
    assert not compare(ledger, replace(complete(), to_judge=1)).clean
    assert not compare(ledger, replace(complete(), asides=1)).clean


def overflowed() -> Ledger:
    made = Ledger()
    for at in (1, 2, 3):
        made.add_image(DEVICE, Image(live=(reading(at, "live"),), bulk=(reading(at, "a"), reading(at, "b"))))
    return made


def test_what_the_outbox_dropped_is_subtracted_exactly_as_agent_and_gap_rows_say() -> None:
    ledger = overflowed()
    live = [reading(at, "live") for at in (1, 2, 3)]
    kept = [reading(3, "a"), reading(3, "b")]
    verdict = compare(ledger, stored(readings=[*live, *kept], dropped={DEVICE: 2}, gaps={DEVICE: 2}))
    assert verdict.clean
    assert verdict.line.startswith("sent 5 stored 5 lost 0")
    for dropped, gaps in ((1, 2), (2, 1), (3, 3)):
        verdict = compare(ledger, stored(readings=[*live, *kept], dropped={DEVICE: dropped}, gaps={DEVICE: gaps}))
        assert len(verdict.lost) == 4


def test_a_live_reading_of_a_dropped_image_is_not_forgiven() -> None:
    kept = [reading(1, "live"), reading(2, "live"), reading(2, "a"), reading(2, "b"), reading(3, "a"), reading(3, "b")]
    verdict = compare(overflowed(), stored(readings=kept, dropped={DEVICE: 1}, gaps={DEVICE: 1}))
    assert verdict.lost == [str(reading(3, "live"))]

"""What the judge does with a batch, a failure, what waits, and time; without a database."""

import msgspec
import psycopg
import pytest
from psycopg import errors
from structlog.testing import capture_logs

from ingest.judge import everybodys
from ingest.later import FIRST_MS, GIVEN_UP, ROWS, TRIES, TRIES_THEN
from tests.unit.ingest.judged import WALL, Court, Lines, fault
from wire.ids import mint_device_id
from wire.topics import Lane

PACK = msgspec.msgpack.Encoder().encode


async def test_a_batch_is_judged_together_and_its_effects_go_to_the_stages() -> None:
    court = Court.open()
    first, second, quiet = court.device(), court.device(), court.device()
    quiet.state = 7
    await court.hear((first, "AB"), (second, "C"), (quiet, ""))
    assert court.stage.batches == [[1, 2, 3]]
    assert court.seen == [(1, "A"), (1, "B"), (2, "C")]
    assert [each.state for each in (first, second, quiet)] == [2, 1, 7]
    assert list(court.judge.changed) == [second.device.uid], "a state that can wait goes with the next checkpoint"


@pytest.mark.parametrize(("codes", "eventful", "batches"), [("Q", False, 0), ("Q", True, 1), ("A", False, 1)])
async def test_stages_run_only_where_something_happened(codes: str, eventful: bool, batches: int) -> None:
    court = Court.open()
    await court.hear((court.device(), codes), eventful=eventful)
    assert len(court.stage.batches) == batches


async def test_nothing_to_judge_asks_nothing_of_the_database() -> None:
    court = Court.open()
    await court.hear(ticks=[mint_device_id()], eventful=True)
    assert (court.lines.said, court.stage.batches) == ([], [])


async def test_a_device_whose_time_has_come_is_stepped_once() -> None:
    court = Court.open()
    heard, still = court.device(), court.device()
    court.probed.ms = 77
    await court.hear((heard, "A"), ticks=[heard.device.uid, still.device.uid, mint_device_id()])
    assert court.engine.stepped == [(1, 1, 77), (2, 0, 77)]


async def test_what_bulk_hands_over_is_written_for_the_live_lane() -> None:
    court = Court.open(Lane.BULK)
    memory = court.device()
    await court.hear((memory, "AH"))
    ((_, (device, lane, at, why, facts)),) = [said for said in court.lines.said if said[0] == "write_to_judge"]
    assert (device, lane, at.timestamp() * 1000, why, facts) == (1, 0, WALL, "handed over", PACK(fault("H")))
    assert court.judge.later.handed == {memory.device.uid: memory.device.partition}
    court.judge.begin()
    assert (court.judge.later.handed, court.judge.changed, court.judge.used) == ({}, {}, set())


@pytest.mark.parametrize("stage", [False, True])
async def test_what_fails_is_one_devices_and_set_aside(stage: bool) -> None:
    court = Court.open()
    good, bad, quiet = court.device(), court.device(), court.device()
    court.stage.errors["Y"] = KeyError("patient")
    with capture_logs() as logs:
        await court.hear((good, "A"), (bad, "BY" if stage else "BX"), (quiet, "Q"))
    assert [(line["event"], line["device"]) for line in logs] == [("device_not_judged", bad.device.uid)]
    assert "patient" not in str(logs)
    assert court.seen == [(1, "A")]
    assert court.stage.batches[-1] == [3], "alone each is eventful"
    assert [name for name, _ in court.lines.said].count("wait_less") == 2, "of those that were judged"
    assert (good.state, bad.state) == (1, 0)
    set_aside = [given for name, given in court.lines.said if name == "write_to_judge"]
    assert [(row[0], row[3]) for row in set_aside] == [(2, "KeyError" if stage else "ZeroDivisionError")] * 2
    assert [row[4] for row in set_aside] == [PACK(fault("B")), PACK(fault("Y" if stage else "X"))]
    assert (good.backlog, bad.backlog) == (False, True)
    court.steady.ms += FIRST_MS
    assert court.judge.later.take() == [bad.device.uid]


async def test_what_comes_behind_it_waits_and_time_passes_nevertheless() -> None:
    court = Court.open()
    memory = court.device()
    memory.backlog = True
    await court.hear((memory, "A"))
    assert (court.engine.stepped, court.lines.names) == ([], ["write_to_judge", "too_many_to_judge"])
    await court.hear((memory, ""))
    assert court.engine.stepped == [(1, 0, court.probed.ms)]


async def test_the_oldest_of_too_many_that_wait_are_given_up() -> None:
    court = Court.open()
    memory = court.device()
    memory.backlog = True
    court.lines.answers["too_many_to_judge"] = [(7, 2, PACK(fault("A")))]
    await court.hear((memory, "B"))
    assert court.lines.names == ["write_to_judge", "too_many_to_judge", "judged", "write_letters"]
    assert [given for name, given in court.lines.said if name == "judged"] == [{"id": 7}]
    assert memory.presence.unjudged_ms == WALL


@pytest.mark.parametrize(
    ("error", "closed", "broken", "everybody"),
    [
        (errors.DiskFull(), False, False, True),
        (errors.ConnectionFailure(), False, False, True),
        (errors.IoError(), False, False, True),
        (errors.LockNotAvailable(), False, False, False),
        (errors.QueryCanceled(), False, False, False),
        (errors.UniqueViolation(), False, False, False),
        (psycopg.OperationalError(), False, False, False),
        (KeyError(), False, False, False),
        (KeyError(), True, False, True),
        (KeyError(), False, True, True),
    ],
)
async def test_what_is_the_databases_is_no_devices(
    error: Exception, closed: bool, broken: bool, everybody: bool
) -> None:
    lines = Lines()
    lines.closed, lines.broken = closed, broken
    assert everybodys(lines, error) is everybody  # type: ignore[arg-type]


async def test_an_error_of_the_database_sets_nothing_aside() -> None:
    for alone in (False, True):
        court = Court.open()
        memory = court.device()
        court.stage.errors |= {"A": KeyError() if alone else errors.DiskFull(), "B": errors.DiskFull()}
        with pytest.raises(errors.DiskFull):
            await court.hear((court.device(), "A" if alone else "Q"), (memory, "B"))
        assert memory.backlog is False
        assert [name for name in court.lines.names if name == "write_to_judge"] == ["write_to_judge"] * alone
        assert len(court.engine.stepped) == (4 if alone else 2), "nobody is tried alone for what is everybody's"


# what waits -----------------------------------------------------------------------------------------------------------


def waiting(*rows: tuple[int, int, bytes], device: int = 1) -> list[tuple[int, int, int, bytes]]:
    return [(id_, device, attempts, facts) for id_, attempts, facts in rows]


async def test_what_waits_is_judged_in_order_and_then_what_comes_is_judged_at_once() -> None:
    court = Court.open()
    memory = court.device()
    memory.backlog = True
    court.engine.next = {2: 10}
    court.lines.answers["first_to_judge"] = waiting((5, 0, PACK(fault("A"))), (6, 3, PACK(fault("B"))))
    await court.take_up(memory.device.uid)
    court.judge.after()
    assert court.judge.due(memory.device.partition, 10, 10) == [memory.device.uid]
    assert [name for name, _ in court.lines.said].count("wait_less") == 2
    assert court.lines.names == ["first_to_judge", "judged", "judged", "judged", "judged"]
    done = [given for name, given in court.lines.said if name == "judged"]
    assert done == [{"seen": (1, "A")}, {"id": 5}, {"seen": (1, "B")}, {"id": 6}]
    assert (memory.backlog, memory.state, court.judge.used) == (False, 2, {memory.device.uid})
    court.judge.begin()
    assert court.judge.used == set()
    assert not court.judge.later.due


async def test_where_more_waits_than_is_taken_at_once_the_device_comes_again() -> None:
    court = Court.open()
    memory = court.device()
    memory.backlog = True
    court.lines.answers["first_to_judge"] = waiting(*((id_, 0, PACK(fault("Q"))) for id_ in range(ROWS)))
    await court.take_up(memory.device.uid)
    assert memory.backlog
    assert court.judge.later.take() == [memory.device.uid]


async def test_a_device_of_which_nothing_waited_is_left_alone() -> None:
    court = Court.open()
    memory = court.device()
    with capture_logs() as logs:
        await court.take_up(memory.device.uid)
    assert (court.lines.names, memory.backlog, court.engine.stepped) == (["first_to_judge"], False, [])
    assert logs == []


async def test_what_fails_again_keeps_what_is_behind_it_until_it_is_given_up() -> None:
    court = Court.open()
    memory = court.device()
    pauses = []
    for attempts in range(TRIES - 1):
        court.lines.answers["first_to_judge"] = waiting((5, attempts, PACK(fault("X"))), (6, 0, PACK(fault("A"))))
        await court.take_up(memory.device.uid)
        assert (court.seen, memory.backlog) == ([], True)
        assert court.lines.said[-1] == ("judge_failed", {"id": 5, "error": "ZeroDivisionError"})
        began = court.steady.ms
        while not court.judge.later.due:
            court.steady.ms += FIRST_MS
        court.judge.later.take()
        pauses.append(court.steady.ms - began)
    assert pauses == [FIRST_MS << nth for nth in range(1, TRIES)]
    court.lines.answers["first_to_judge"] = waiting((5, TRIES - 1, PACK(fault("X"))), (6, 0, PACK(fault("A"))))
    assert memory.presence.unjudged_ms == 0
    await court.take_up(memory.device.uid)
    assert [given for name, given in court.lines.said if name == "judged"] == [
        {"id": 5}, {"seen": (1, "A")}, {"id": 6},
    ]  # fmt: skip
    ((_, letter),) = [said for said in court.lines.said if said[0] == "write_letters"]
    assert (letter["code"], letter["detail"], letter["device"]) == ("unjudged", "ZeroDivisionError", 1)
    assert (memory.presence.unjudged_ms, memory.backlog) == (WALL, False)
    assert court.engine.stepped[-2:] == [(1, 0, court.probed.ms), (1, 1, court.probed.ms)], "the engine is told first"
    # More of the kind soon after is not tried as often: what comes behind isn't kept for a minute each time.
    court.lines.answers["first_to_judge"] = waiting((7, TRIES_THEN - 1, PACK(fault("X"))))
    await court.take_up(memory.device.uid)
    assert [given for name, given in court.lines.said if name == "judged"][-1] == {"id": 7}


@pytest.mark.parametrize("lane", list(Lane))
async def test_facts_that_nobody_can_read_are_given_up_at_once(lane: Lane) -> None:
    court = Court.open(lane)
    memory = court.device()
    court.lines.answers["first_to_judge"] = waiting((5, 0, b"\xc1"), (6, 0, PACK(fault("A"))))
    await court.take_up(memory.device.uid)
    assert "write_letters" in court.lines.names
    assert court.seen == [(1, "A")], "what is behind it is judged"
    told = [given[4] for name, given in court.lines.said if name == "write_to_judge"]
    live = lane is Lane.LIVE
    assert (told, memory.presence.unjudged_ms) == (([], WALL) if live else ([GIVEN_UP], 0)), (
        "the live lane raises the alert"
    )


async def test_what_the_other_lane_gave_up_is_told_to_the_engine_by_a_step_without_reports() -> None:
    court = Court.open()
    memory = court.device()
    court.lines.answers["first_to_judge"] = waiting((5, 0, GIVEN_UP))
    await court.take_up(memory.device.uid)
    assert (memory.presence.unjudged_ms, court.engine.stepped) == (WALL, [(1, 0, court.probed.ms)])
    assert court.lines.names == ["first_to_judge", "judged"]


async def test_a_note_of_it_that_can_not_be_told_becomes_no_note_of_its_own() -> None:
    court = Court.open()
    memory = court.device()
    court.engine.ticks.add(1)
    court.lines.answers["first_to_judge"] = waiting((5, TRIES - 1, GIVEN_UP))
    await court.take_up(memory.device.uid)
    assert len(court.engine.stepped) == 1
    assert not court.judge.failing(memory.device.uid)


async def test_an_error_of_the_database_gives_nothing_up() -> None:
    court = Court.open()
    memory = court.device()
    court.stage.errors["A"] = errors.DiskFull()
    court.lines.answers["first_to_judge"] = waiting((5, TRIES - 1, PACK(fault("A"))))
    with pytest.raises(errors.DiskFull):
        await court.take_up(memory.device.uid)
    assert court.lines.names == ["first_to_judge"]


async def test_what_waits_of_devices_that_are_gone_is_dropped() -> None:
    court = Court.open()
    gone, here = mint_device_id(), court.device()
    await court.take_up(gone, here.device.uid)
    assert court.lines.said[0] == ("drop_to_judge", {"uids": [gone], "lane": 0})
    assert court.lines.said[1] == ("first_to_judge", {"devices": [1], "lane": 0, "most": ROWS})

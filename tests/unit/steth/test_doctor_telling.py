from datetime import UTC, datetime, timedelta

from agent.show.findings import failed
from catalog.load import load
from desk.telling.watch import Untold, Watch
from steth.doctor.telling import MOST, judge_telling

CATALOG = load()
NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)


def test_that_nobody_is_to_be_told_is_a_warning_and_that_nobody_can_be_reached_a_failure() -> None:
    watch = Watch(
        untold=[
            Untold(id=1, name="第一医院", dealer="服务商", why="no-recipient", since=None),
            Untold(id=2, name="第二医院", dealer="服务商", why="failing", since=NOW),
        ],
        waits_s=0,
    )
    one, other = judge_telling(watch, [], CATALOG, NOW)
    assert (one.level, other.level) == ("warn", "fail")
    assert "第一医院" in one.said.zh
    assert "no active recipient" in one.said.en
    assert "can be reached" in other.said.en


def test_a_recipient_that_fails_is_named_with_why_and_without_its_address() -> None:
    row = (7, "NOC", "dingtalk://s3cret@t0ken", NOW - timedelta(minutes=30), "telling.status", {"status": 404})
    well, failing = judge_telling(Watch(untold=[], waits_s=0), [row], CATALOG, NOW)
    assert (well.level, failing.level) == ("ok", "warn")
    assert failing.said.en == "NOC (dingtalk://…, id 7) can't be told since 30 min: the receiver answered HTTP 404"
    assert "HTTP 404" in failing.said.zh


def test_many_are_counted() -> None:
    watch = Watch(
        untold=[Untold(id=n, name=f"H{n}", dealer="服务商", why="no-recipient", since=None) for n in range(MOST + 5)],
        waits_s=0,
    )
    found = list(judge_telling(watch, [], CATALOG, NOW))
    assert len(found) == MOST + 1
    assert "5" in found[-1].said.en
    assert not failed(found)
    watch.untold[-1] = Untold(id=0, name="H", dealer="服务商", why="failing", since=NOW)
    assert failed(judge_telling(watch, [], CATALOG, NOW)), "however many are named before it"

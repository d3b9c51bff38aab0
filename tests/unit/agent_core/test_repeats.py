from hypothesis import given
from hypothesis import strategies as st

from agent.outbox.repeats import Plan, Repeats, merge, related
from catalog.load import load
from wire.items import Fault, Item, StateChange

CLEARS = {"A": frozenset({"OK"}), "OK": frozenset({"A"})}


def fault(code: str, at: int, *, state: str = "active", source: str = "log") -> Fault:
    return Fault(at=at, code=code, state="cleared" if state == "cleared" else "active", source=source)


def index() -> Repeats:
    return Repeats(related_codes=CLEARS, spans_ms={"E": 10})


def enter(repeats: Repeats, items: list[Item], *, seq: int) -> None:
    repeats.entered(items, seq=seq, segment=0)


def plan(repeats: Repeats, *items: Item, segment: int = 0, unsent_from: int = 1) -> Plan:
    return repeats.plan(items, segment=segment, unsent_from=unsent_from)


def test_delivery_2_a_repeat_folds_into_an_unsent_report() -> None:
    repeats = index()
    enter(repeats, [StateChange(at=1, name="mode", value="x"), fault("A", 1)], seq=1)
    found = plan(repeats, fault("A", 2), fault("A", 3), fault("B", 4))
    assert [(fold.place.seq, fold.place.index, len(fold.faults)) for fold in found.folds] == [(1, 1, 2)]
    assert found.items == (fault("B", 4),)


def test_what_was_handed_out_is_never_changed() -> None:
    repeats = index()
    enter(repeats, [fault("A", 1)], seq=1)
    assert not plan(repeats, fault("A", 2), unsent_from=2).folds


def test_another_segment_of_the_clock_is_another_report() -> None:
    repeats = index()
    enter(repeats, [fault("A", 1)], seq=1)
    assert not plan(repeats, fault("A", 2), segment=1).folds


def test_what_comes_after_the_time_that_ends_it_is_another_occurrence() -> None:
    """A folded fault tells no gaps: folded, one that ended and came again would have lasted."""
    repeats = index()
    enter(repeats, [fault("E", 1)], seq=1)
    found = plan(repeats, fault("E", 11))
    assert len(found.folds) == 1
    assert plan(repeats, fault("E", 12)).items == (fault("E", 12),)
    alone = plan(repeats, fault("X", 1), fault("E", 21), fault("E", 31), fault("E", 32))
    assert [(item.count, item.at) for item in alone.items if isinstance(item, Fault) and item.code == "E"] == [
        (2, 21),
        (1, 32),
    ]


def test_another_state_or_source_in_between_ends_folding() -> None:
    for between in (fault("A", 2, state="cleared"), fault("A", 2, source="dicom"), fault("OK", 2)):
        repeats = index()
        enter(repeats, [fault("A", 1)], seq=1)
        enter(repeats, [between], seq=2)
        assert not plan(repeats, fault("A", 3)).folds
        assert plan(repeats, between, fault("A", 3)).items[-1] == fault("A", 3)
        assert plan(repeats, fault("A", 3)).items == (fault("A", 3),)


def test_the_same_holds_within_one_entry() -> None:
    found = plan(index(), fault("A", 1), fault("A", 2), fault("OK", 3), fault("A", 4), fault("A", 5), fault("OK", 6))
    codes = [(item.code, item.count) for item in found.items if isinstance(item, Fault)]
    assert codes == [("A", 2), ("OK", 1), ("A", 2), ("OK", 1)]


def test_codes_that_have_nothing_to_do_with_each_other_fold_past_each_other() -> None:
    found = plan(index(), fault("B", 1), fault("C", 2), fault("B", 3), fault("C", 4))
    assert [item.count for item in found.items if isinstance(item, Fault)] == [2, 2]


def test_merging_keeps_count_first_last_and_the_newest_parameters() -> None:
    one = Fault(at=5, code="A", state="active", params={"kv": 70.0})
    two = Fault(at=3, code="A", state="active", count=4, first=2, last=9, params={"kv": 71.0})
    both = merge(one, two)
    assert (both.at, both.count, both.first, both.last, both.params) == (5, 5, 2, 9, {"kv": 71.0})
    assert merge(one, Fault(at=7, code="A", state="active")).params == {"kv": 70.0}


def test_relations_go_both_ways() -> None:
    for model in load().models.values():
        pairs = related(model)
        for code, others in pairs.items():
            assert all(code in pairs[other] for other in others)
        for code, known in model.faults.items():
            if known.clear is not None and known.clear.by:
                assert pairs[code] >= set(known.clear.by)


@given(
    st.lists(
        st.tuples(st.sampled_from(["A", "OK", "B"]), st.sampled_from(["active", "cleared"]), st.booleans()), max_size=40
    )
)
def test_folding_never_changes_what_a_reader_ends_up_with(history: list[tuple[str, str, bool]]) -> None:
    """A reader that goes by order, with OK ending A, sees the same end; and nothing is counted twice or lost."""

    def end(items: list[Fault]) -> dict[str, str]:
        state: dict[str, str] = {}
        for item in items:
            state[item.code] = item.state
            if item.code == "OK":
                state["A"] = "cleared"
        return state

    repeats, held, seq = index(), list[list[Fault]](), 0
    told = [fault(code, at, state=state) for at, (code, state, _) in enumerate(history, 1)]
    batch: list[Fault] = []
    for item, (_, _, commit) in zip(told, history, strict=True):
        batch.append(item)
        if not commit and item is not told[-1]:
            continue
        found = plan(repeats, *batch)
        for fold in found.folds:
            report = held[fold.place.seq - 1]
            for repeat in fold.faults:
                report[fold.place.index] = merge(report[fold.place.index], repeat)
        rest = [each for each in found.items if isinstance(each, Fault)]
        if rest:
            seq += 1
            held.append(rest)
            repeats.entered(rest, seq=seq, segment=0)
        batch = []
    arrived = [item for report in held for item in report]
    assert end(arrived) == end(told)
    assert sum(item.count for item in arrived) == len(told)
    assert {(item.code, item.state) for item in arrived} == {(item.code, item.state) for item in told}

import math

from hypothesis import given
from hypothesis import strategies as st

from agent.outbox.forming import Formed, fault_at, form, refold, reform, stand_in
from catalog.own_words import REFUSED, TOO_BIG
from wire.codec import decode_report, digest
from wire.errors import WireErrorCode
from wire.items import Fault, Inventory, Item, Readings, Skipped
from wire.limits import MAX_BODY, MAX_ITEMS, MAX_READINGS

AT = 1_700_000_000_000


def readings(rows: int, *, columns: bool = True) -> Readings:
    return Readings(
        at=AT,
        metric=[f"metric.{row % 7}" for row in range(rows)],
        value=[float(row) for row in range(rows)],
        dt=list(range(rows)) if columns else None,
        unit=["mAs"] * rows if columns else None,
        quality=[0] * rows if columns else None,
    )


def rows(items: list[Item]) -> list[tuple[str, float, int | None]]:
    return [
        (metric, value, None if item.dt is None else item.dt[row])
        for item in items
        if isinstance(item, Readings)
        for row, (metric, value) in enumerate(zip(item.metric, item.value, strict=True))
    ]


def formed(items: list[Item], *, bound: int = 64 * 1024) -> list[Formed]:
    reports, broken = form(items, at=AT, segment=3, bound=bound)
    assert not broken
    return reports


def items_of(reports: list[Formed]) -> list[Item]:
    found: list[Item] = []
    for report in reports:
        decoded = decode_report(report.body)
        assert (decoded.at, decoded.segment) == (AT, 3)
        assert report.digest == digest(report.body)
        assert list(report.items) == decoded.items
        found += decoded.items
    return found


def test_nothing_forms_nothing() -> None:
    assert form([], at=AT, segment=0, bound=1000) == ([], [])


def test_what_fits_is_one_report() -> None:
    items: list[Item] = [Fault(at=AT, code="A", state="active"), readings(20)]
    reports = formed(items)
    assert len(reports) == 1
    assert items_of(reports) == items


@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=12), bound=st.integers(600, 8000))
def test_delivery_12_splitting_keeps_every_row_in_order_and_each_body_within_the_bound(
    sizes: list[int], bound: int
) -> None:
    items: list[Item] = [readings(size) for size in sizes]
    reports = formed(items, bound=bound)
    assert all(len(report.body) <= bound for report in reports)
    assert rows(items_of(reports)) == rows(items)


def test_counts_bound_a_report_too() -> None:
    faults: list[Item] = [Fault(at=AT, code=f"C-{number}", state="active") for number in range(MAX_ITEMS + 1)]
    reports = formed(faults, bound=MAX_BODY)
    assert [len(report.items) for report in reports] == [MAX_ITEMS, 1]
    many = formed([readings(MAX_READINGS + 1, columns=False)], bound=MAX_BODY)
    assert len(many) > 1
    assert len(rows(items_of(many))) == MAX_READINGS + 1


def test_an_item_too_big_for_itself_leaves_a_note() -> None:
    big = Inventory(at=AT, fields={f"field.{number}": "x" * 60 for number in range(60)})
    fault = Fault(at=AT, code="A", state="active")
    found = items_of(formed([big, fault], bound=1000))
    assert isinstance(found[0], Skipped)
    assert (found[0].reason, found[0].items) == (TOO_BIG, 1)
    assert found[0].bytes > 1000
    assert found[1] == fault


def test_an_item_that_breaks_the_contract_is_left_out_and_said_why() -> None:
    good = Fault(at=AT, code="A", state="active")
    broken: list[Item] = [
        Fault(at=AT, code="no such code!", state="active"),
        Fault(at=AT, code="B", state="active", params={"x": math.nan}),
        Fault(at=AT, code="B", state="active", params={"x": "\ud800"}),
        Fault(at=-1, code="B", state="active"),
        Fault(at=2**70, code="B", state="active"),
        Readings(at=AT, metric=["a", "b"], value=[1.0]),
        Readings(at=AT, metric=["Bad Name"], value=[1.0]),
        Readings(at=AT, metric=["a"] * 3000, value=[*[1.0] * 2999, math.inf]),
    ]
    reports, codes = form([*broken, good], at=AT, segment=3, bound=64 * 1024)
    assert items_of(reports) == [good]
    assert len(codes) == len(broken)
    assert set(codes) <= {WireErrorCode.SCHEMA, WireErrorCode.VALUE}


def test_a_report_that_the_broker_refuses_is_split_again() -> None:
    whole = formed([readings(500)])[0]
    pieces = reform(whole.body, bound=2000)
    assert len(pieces) > 5
    assert rows(items_of(pieces)) == rows([readings(500)])


def test_a_stand_in_tells_what_is_missing() -> None:
    made = decode_report(stand_in(at=AT, segment=3, items=2, size=99, reason=REFUSED).body)
    assert made.items == [Skipped(at=AT, reason=REFUSED, items=2, bytes=99)]
    assert made.segment == 3


def test_a_fault_is_exchanged_in_its_place() -> None:
    faults: list[Item] = [Fault(at=AT, code=code, state="active") for code in "ABC"]
    whole = formed(faults)[0]
    new = Fault(at=AT, code="B", state="active", count=10)
    made = refold(whole.body, 1, new, bound=64 * 1024)
    assert made is not None
    assert items_of([made]) == [faults[0], new, faults[2]]
    assert fault_at(made.body, 1) == new
    assert refold(whole.body, 1, new, bound=len(whole.body)) is None

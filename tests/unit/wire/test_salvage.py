"""What is good in a report that breaks the contract is kept; what is bad is told by its place, and by nothing else."""

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.test_codec import ITEMS
from wire.codec import JSON, MSGPACK, NO_VALUE, decode_report, encode_report
from wire.errors import WireError, WireErrorCode
from wire.items import Fault, Heartbeat, Inventory, Item, Readings, Refusal, Reply
from wire.limits import MAX_ITEMS, MAX_READINGS, MAX_VALUE
from wire.report import Report
from wire.salvage import MENDED, PLACES, Flaws, salvage

AT = 1_795_000_000_000
FAULT: dict[str, Any] = {"t": "fault", "at": AT, "code": "E1", "state": "active"}
GOOD = Fault(at=AT, code="E1", state="active")


def readings(*value: Any, **columns: Any) -> dict[str, Any]:
    return {"t": "readings", "at": AT, "metric": [f"m{i}" for i in range(len(value))], "value": list(value), **columns}


def body_of(content_type: str, items: list[Any], **fields: Any) -> bytes:
    raw = {"at": AT, "items": items, **fields}
    return json.dumps(raw).encode() if content_type == JSON else msgspec.msgpack.encode(raw)


def opened(body: bytes, content_type: str = JSON) -> tuple[Report | None, Flaws]:
    with pytest.raises(WireError) as refused:
        decode_report(body, content_type)
    return salvage(body, content_type, refused.value)


def places(flaws: Flaws) -> list[str]:
    return [error.where for error in flaws.first]


BOTH = pytest.mark.parametrize("content_type", [JSON, MSGPACK])


@BOTH
@pytest.mark.parametrize(
    "value", [None, math.nan, math.inf, -math.inf, 1.797e308, -3.4e38, 9.96921e36, 2.0**63, -(2.0**63), 1e19]
)
def test_a_value_that_no_signal_can_have_takes_its_row_and_nothing_else(content_type: str, value: Any) -> None:
    item = readings(1, 2, 3, value, 5, dt=[0, 1, 2, 3, 4], unit=["kV", "", "1", "%", "%"], quality=[0, 1, 2, 0, 1])
    report, flaws = opened(body_of(content_type, [FAULT, item]), content_type)
    left = Readings(
        at=AT,
        metric=["m0", "m1", "m2", "m4"],
        value=[1, 2, 3, 5],
        dt=[0, 1, 2, 4],
        unit=["kV", "", "1", "%"],
        quality=[0, 1, 2, 1],
    )
    assert report == Report(at=AT, items=[GOOD, left])
    assert [(e.code, e.where, e.detail) for e in flaws.first] == [
        (WireErrorCode.VALUE, "$.items[1].value[3]", NO_VALUE)
    ]


@BOTH
def test_the_largest_value_either_way_is_taken(content_type: str) -> None:
    body = body_of(content_type, [readings(MAX_VALUE, -MAX_VALUE, 0.0, 5e-324)])
    assert decode_report(body, content_type).items[0].value == [MAX_VALUE, -MAX_VALUE, 0.0, 5e-324]  # type: ignore[union-attr]


@BOTH
@pytest.mark.parametrize(
    ("bad", "place"),
    [
        ({"t": "nonsense", "at": AT}, "$.items[1].t"),
        ({"at": AT}, "$.items[1]"),
        (5, "$.items[1]"),
        (None, "$.items[1]"),
        ([], "$.items[1]"),
        ({**FAULT, "code": "no code"}, "$.items[1].code"),
        ({**FAULT, "state": "broken"}, "$.items[1].state"),
        ({**FAULT, "at": None}, "$.items[1].at"),
        ({**FAULT, "at": 10**18}, "$.items[1].at"),
        ({**FAULT, "at": "2026-11-29"}, "$.items[1].at"),
        ({"t": "fault", "at": AT}, "$.items[1]"),
        ({"t": "state", "at": AT, "name": "mode", "value": "a\x00b"}, "$.items[1].value"),
        ({"t": "state", "at": AT, "name": "mode", "value": 5}, "$.items[1].value"),
        ({"t": "inventory", "at": AT, "fields": {"serial": "\x00"}}, "$.items[1].fields[...]"),
        ({"t": "inventory", "at": AT, "fields": []}, "$.items[1].fields"),
        (readings(1, 2, dt=[0]), "$.items[1].dt"),
        (readings(1, 2, quality=[0, 0, 0]), "$.items[1].quality"),
        (readings(1, 2, unit="kV"), "$.items[1].unit"),
        ({"t": "readings", "at": AT, "metric": ["a"]}, "$.items[1].value"),
        ({"t": "readings", "at": AT, "metric": "a", "value": 1}, "$.items[1].metric"),
        ({"t": "readings", "at": None, "metric": ["a"], "value": [1]}, "$.items[1].at"),
        (readings(None), "$.items[1].value[0]"),
    ],
)
def test_an_item_that_does_not_fit_takes_none_beside_it(content_type: str, bad: Any, place: str) -> None:
    report, flaws = opened(body_of(content_type, [FAULT, bad, readings(1)]), content_type)
    assert report == Report(at=AT, items=[GOOD, Readings(at=AT, metric=["m0"], value=[1])])
    assert places(flaws) == [place]


@BOTH
@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({"metric": ["A b", "m1"]}, "metric[0]"),
        ({"metric": [None, "m1"]}, "metric[0]"),
        ({"metric": ["x" * 65, "m1"]}, "metric[0]"),
        ({"value": ["1", 2]}, "value[0]"),
        ({"value": [True, 2]}, "value[0]"),
        ({"value": [{}, 2]}, "value[0]"),
        ({"dt": [None, 0]}, "dt[0]"),
        ({"dt": [0.5, 0]}, "dt[0]"),
        ({"unit": ["k V", ""]}, "unit[0]"),
        ({"unit": ["kV" * 20, ""]}, "unit[0]"),
        ({"quality": [3, 0]}, "quality[0]"),
    ],
)
def test_whatever_is_wrong_with_a_row_takes_that_row(content_type: str, row: dict[str, Any], place: str) -> None:
    report, flaws = opened(body_of(content_type, [readings(1, 2) | row]), content_type)
    assert report is not None
    (item,) = report.items
    assert isinstance(item, Readings)
    assert (item.metric, item.value) == (["m1"], [2])
    assert places(flaws) == [f"$.items[0].{place}"]


@BOTH
def test_a_fault_is_told_without_what_it_can_do_without(content_type: str) -> None:
    """A number that says "no value" beside a code must not hide the code."""
    bad = {
        **FAULT,
        "count": 0,
        "first": "x",
        "source": "no name",
        "params": {"kv": None, "A b": 1, "mA": 3.5, "u": 1e30},
    }
    report, flaws = opened(body_of(content_type, [bad]), content_type)
    assert report == Report(at=AT, items=[Fault(at=AT, code="E1", state="active")])
    assert {place.split("[")[1].partition(".")[2] for place in places(flaws)} == {"count", "first", "source", "params"}


def test_of_the_parameters_of_a_fault_those_stay_that_fit() -> None:
    report, flaws = opened(body_of(JSON, [{**FAULT, "params": {"kv": None, "ma": 3.5, "axis": "tube"}}]))
    assert report == Report(at=AT, items=[Fault(at=AT, code="E1", state="active", params={"ma": 3.5, "axis": "tube"})])
    assert flaws.count == 1


@BOTH
def test_a_heartbeat_lives_though_what_it_tells_is_wrong(content_type: str) -> None:
    told = {"source": "astm", "reason": "unknown-code", "count": 1, "since": AT, "last": AT}
    beat = {"t": "heartbeat", "at": AT, "uptime_s": None, "live": -1, "refusals": [told, {**told, "form": "Doe^Jane"}]}
    report, _ = opened(body_of(content_type, [beat]), content_type)
    refusal = Refusal(source="astm", reason="unknown-code", count=1, since=AT, last=AT)
    assert report == Report(at=AT, items=[Heartbeat(at=AT, refusals=[refusal])])


def test_of_an_inventory_the_fields_stay_that_fit() -> None:
    report, _ = opened(body_of(JSON, [{"t": "inventory", "at": AT, "fields": {"a": "1", "b": "\x00", "c d": "x"}}]))
    assert report == Report(at=AT, items=[Inventory(at=AT, fields={"a": "1"})])


def test_a_reply_is_one_though_its_verdict_is_none() -> None:
    reply = {"t": "reply", "at": AT, "command": "c1234567", "status": "done", "verdict": {"runbook": "x"}}
    report, flaws = opened(body_of(JSON, [reply]))
    assert report == Report(at=AT, items=[Reply(at=AT, command="c1234567", status="done")])
    assert places(flaws) == ["$.items[0].verdict"]


def test_numbers_as_some_write_them_in_json() -> None:
    """Not JSON at all, and yet what Python's own ``json.dumps`` makes of "no value"."""
    for text in (b"NaN", b"-Infinity", b"1e999", b"9" * 400):
        body = b'{"at":1,"items":[{"t":"readings","at":1,"metric":["a","b"],"value":[%s,2]}]}' % text
        report, flaws = opened(body)
        assert report == Report(at=1, items=[Readings(at=1, metric=["b"], value=[2])])
        assert places(flaws) == ["$.items[0].value[0]"]


def test_text_that_is_no_unicode_takes_its_item() -> None:
    state = b'{"t":"state","at":1,"name":"mode","value":"%s"}'
    for wrong in ("停机".encode("gbk"), b"\\ud800", b"\xff"):
        report, flaws = opened(b'{"at":1,"items":[%s,%s]}' % (state % wrong, state % b"ok"))
        assert report is not None
        assert [item.value for item in report.items] == ["ok"]  # type: ignore[union-attr]
        assert places(flaws) == ["$.items[0].value"]
    packed = msgspec.msgpack.encode({"at": 1, "items": [{**FAULT, "code": "zz"}, FAULT]}).replace(
        b"\xa2zz", b"\xa2\xff\xff"
    )
    report, flaws = opened(packed, MSGPACK)
    assert report == Report(at=1, items=[GOOD])
    assert places(flaws) == ["$.items[0]"]


@BOTH
def test_a_report_without_its_own_time_has_that_of_its_newest_item(content_type: str) -> None:
    report, flaws = opened(body_of(content_type, [FAULT, {**FAULT, "at": AT - 5}], at=None, segment=-1), content_type)
    assert report is not None
    assert (report.at, report.segment, len(report.items)) == (AT, 0, 2)
    assert places(flaws) == ["$.segment", "$.at"]


def test_what_goes_beyond_the_bounds_of_a_report_is_left_out() -> None:
    report, flaws = opened(body_of(JSON, [FAULT] * (MAX_ITEMS + 7)))
    assert report is not None
    assert len(report.items) == MAX_ITEMS
    assert places(flaws) == [f"$.items[{MAX_ITEMS}]"]
    half = {
        "t": "readings",
        "at": AT,
        "metric": ["a"] * (MAX_READINGS // 2 + 1),
        "value": [0] * (MAX_READINGS // 2 + 1),
    }
    report, flaws = opened(body_of(JSON, [half, half, FAULT]))
    assert report is not None
    assert [type(item) for item in report.items] == [Readings, Fault]
    assert places(flaws) == ["$.items[1]"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", JSON),
        (b"[1]", JSON),
        (b'{"at":1}', JSON),
        (b'{"at":1,"items":[]}', JSON),
        (b'{"at":1,"items":{}}', JSON),
        (b'{"at":1,"items":[5]}', JSON),
        (b'{"at":1,"items":[{"t":"heartbeat","at":1}]', JSON),
        (b'{"at":1,"items":' + b"[" * 100_000, JSON),
        (b"\x81\xa5items\xdd\xff\xff\xff\xff", MSGPACK),
        (b"\x90" * 50, MSGPACK),
    ],
)
def test_where_nothing_is_good_nothing_is_kept_and_the_reason_stands(body: bytes, content_type: str) -> None:
    report, flaws = opened(body, content_type)
    assert report is None
    assert flaws.whole().where


def test_many_places_are_told_and_the_others_counted() -> None:
    _, flaws = opened(body_of(JSON, [readings(1, *[None] * 500)]))
    whole = flaws.whole()
    assert flaws.count == 500
    assert whole.where.startswith("$.items[0].value[1], $.items[0].value[2], ")
    assert whole.where.endswith(f" and {500 - PLACES} more")
    assert whole.detail == NO_VALUE
    assert len(whole.where) < 1000


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(st.lists(st.sampled_from(ITEMS), min_size=1, max_size=4), _json, st.sampled_from([JSON, MSGPACK]), st.data())
def test_a_twisted_item_leaves_its_neighbours_and_what_is_kept_fits_the_contract(
    items: list[Item], junk: object, content_type: str, data: st.DataObject
) -> None:
    raw = [msgspec.to_builtins(item) for item in items]
    twisted = data.draw(st.integers(0, len(raw) - 1))
    raw[twisted][data.draw(st.sampled_from(sorted(raw[twisted])))] = junk
    body = body_of(content_type, raw)
    try:
        decode_report(body, content_type)
    except WireError as refused:
        report, flaws = salvage(body, content_type, refused)
        assert flaws.count
        assert all(place.startswith(f"$.items[{twisted}]") for place in places(flaws))
        others = [item for index, item in enumerate(items) if index != twisted]
        kept = [] if report is None else list(report.items)
        assert len(kept) - len(others) in (0, 1)
        if len(kept) > len(others):
            del kept[twisted]
        assert kept == others
        if report is not None:
            decode_report(encode_report(report, content_type), content_type)
            assert "CANARY" not in flaws.whole().where


@given(st.binary(max_size=400), st.sampled_from([JSON, MSGPACK, None, "x"]))
def test_no_bytes_raise_anything(body: bytes, content_type: str | None) -> None:
    try:
        decode_report(body, content_type)
    except WireError as refused:
        salvage(body, content_type, refused)


def test_a_body_made_to_be_mended_is_not_mended_for_ever() -> None:
    """The bound is on flaws, so what is good stays good: also behind them."""
    twisted = {**FAULT, "count": 0, "first": "x", "last": "x", "source": "!"}
    report, flaws = opened(body_of(JSON, [twisted] * 300 + [FAULT]))
    assert report is not None
    assert len(report.items) == MENDED // 4 + 1
    assert flaws.count == 300 + MENDED // 4 * 3
    many = {**FAULT, "params": {f"A{number}": 1 for number in range(MENDED + 1)} | {"ma": 1.0}}
    report, _ = opened(body_of(JSON, [many]))
    assert report == Report(at=AT, items=[GOOD])

"""Every message round-trips; no bytes raise anything but a wire error."""

import json
import math

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wire import topics
from wire.codec import (
    JSON,
    MSGPACK,
    decode_ack,
    decode_command,
    decode_report,
    decode_will,
    digest,
    encode,
    encode_report,
)
from wire.commands import Ack, Announce, Command, RunRunbook, Will
from wire.errors import WireError, WireErrorCode
from wire.ids import (
    Epoch,
    bucket,
    buckets_of,
    is_box_id,
    is_command_id,
    is_device_id,
    is_epoch,
    mint_box_id,
    mint_command_id,
    mint_device_id,
    mint_epoch,
    partition,
)
from wire.items import (
    Birth,
    ClockStep,
    Dropped,
    Fault,
    Heartbeat,
    Inventory,
    Item,
    Readings,
    Refusal,
    Reply,
    Skipped,
    StateChange,
    StepResult,
    Verdict,
)
from wire.limits import MAX_BODY, MAX_READINGS
from wire.report import Numbers, Report, parse_numbers
from wire.topics import Channel, Down, Lane

AT = 1_795_000_000_000
_ONE_ROW = b'{"at":1,"items":[{"t":"readings","at":1,"metric":[%b]}]}'
ITEMS: list[Item] = [
    Birth(at=AT, boot=3, agent="steth-agent 0.1", model="generic-dr", interval_s=15),
    Birth(at=AT, boot=3, agent="steth-agent 0.1", model="generic-dr", interval_s=15, box=mint_box_id()),
    Heartbeat(at=AT, uptime_s=12.5, live=1, bulk=2, dropped=3, refused=4, connected=True),
    Heartbeat(
        at=AT,
        refusals=[
            Refusal(source="astm", reason="malformed:R-4", count=2, since=AT - 9, last=AT, form="AAA-99 ?^a…"),
            Refusal(kind="untold", source="dicom", reason="other-storage", count=2**53, since=0, last=AT),
        ],
    ),
    Readings(at=AT, metric=["tube.voltage", "host.cpu"], value=[80.5, 12.0]),
    Readings(at=AT, metric=["a", "b"], value=[1, 2], dt=[0, -5], unit=["kV", "1"], quality=[0, 1]),
    Fault(at=AT, code="GEN-KV-01", state="active", count=3, first=AT - 9, last=AT, params={"n": 2.0, "side": "A"}),
    StateChange(at=AT, name="mode", value="服务"),
    Inventory(at=AT, fields={"device.serial": "SN 1"}),
    ClockStep(at=AT, segment=2, step_ms=-3_600_000),
    Reply(
        at=AT,
        command="c0123456789abcdef",
        status="done",
        verdict=Verdict(
            runbook="host-health",
            outcome="warn",
            began=AT,
            ended=AT + 5,
            steps=[StepResult(id="disk", outcome="warn", reason="remote.step.disk", values={"used": 91.5})],
        ),
    ),
    Skipped(at=AT, reason="oversize", items=1, bytes=300_000),
    Dropped(at=AT, reports=4, bytes=1000, first=AT - 5, last=AT),
]


@pytest.mark.parametrize("content_type", [JSON, MSGPACK])
@pytest.mark.parametrize("item", ITEMS, ids=[f"{n}-{type(item).__name__}" for n, item in enumerate(ITEMS)])
def test_every_item_round_trips_in_both_encodings(item: Item, content_type: str) -> None:
    report = Report(at=AT, items=[item], segment=1)
    assert decode_report(encode_report(report, content_type), content_type) == report


def test_all_items_are_among_those_that_round_trip() -> None:
    assert {type(item) for item in ITEMS} == set(Item.__args__)


@pytest.mark.parametrize(
    ("message", "decode"),
    [
        (
            Command(id="c0123456789", issued=1, expires=2, do=RunRunbook(runbook="dr-check", params={"n": 1.0})),
            decode_command,
        ),
        (Command(id="c0123456789", issued=1, expires=2, do=Announce()), decode_command),
        (Ack(lane=Lane.LIVE, epoch="abcdefgh", seq=7, digest="0" * 32, now=5, echo=4, held_ms=0.5, back=8), decode_ack),
        (Ack(lane=Lane.BULK, epoch="", seq=0, now=5, hello=True), decode_ack),
        (Will(epoch="abcdefgh", boot=2), decode_will),
    ],
)
def test_what_goes_down_round_trips(message: Command | Ack | Will, decode: object) -> None:
    assert callable(decode)
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"", JSON, WireErrorCode.SYNTAX),
        (b"\xff\xfe", JSON, WireErrorCode.SYNTAX),
        (b"[1]", JSON, WireErrorCode.SCHEMA),
        (b'{"at":1,"items":[]}', JSON, WireErrorCode.SCHEMA),
        (b'{"at":1,"items":[{"t":"nonsense"}]}', JSON, WireErrorCode.SCHEMA),
        (b'{"at":1,"x":' + b"[" * 50_000, JSON, WireErrorCode.SYNTAX),
        (b" " * (MAX_BODY + 1), JSON, WireErrorCode.OVERSIZE),
        (b"{}", "text/plain", WireErrorCode.ENCODING),
        (b"{}", MSGPACK, WireErrorCode.SCHEMA),
        (_ONE_ROW % b'"a"],"value":[', JSON, WireErrorCode.SCHEMA),
        (_ONE_ROW % b'"A b"],"value":[1', JSON, WireErrorCode.SCHEMA),
        (_ONE_ROW % b'"a"],"value":[1],"unit":["\\u0000"', JSON, WireErrorCode.SCHEMA),
        (b'{"at":-1,"items":[{"t":"heartbeat","at":1}]}', JSON, WireErrorCode.SCHEMA),
    ],
)  # fmt: skip
def test_what_breaks_the_contract_is_a_typed_error(body: bytes, content_type: str, code: WireErrorCode) -> None:
    with pytest.raises(WireError) as caught:
        decode_report(body, content_type)
    assert caught.value.code is code


@pytest.mark.parametrize(
    "item",
    [
        {"t": "readings", "at": 1, "metric": ["a"], "value": [math.nan]},
        {"t": "fault", "at": 1, "code": "X", "state": "event", "params": {"a": math.inf}},
        {"t": "heartbeat", "at": 1, "uptime_s": math.inf},
        {"t": "birth", "at": 1, "boot": 1, "agent": "a", "model": "m", "interval_s": math.nan},
    ],
)
def test_messagepack_can_t_smuggle_what_is_no_number(item: dict[str, object]) -> None:
    with pytest.raises(WireError):
        decode_report(msgspec.msgpack.encode({"at": 1, "items": [item]}), MSGPACK)


def test_more_readings_than_a_report_may_hold() -> None:
    half = Readings(at=1, metric=["a"] * (MAX_READINGS // 2 + 1), value=[0] * (MAX_READINGS // 2 + 1))
    with pytest.raises(WireError):
        encode_report(Report(at=1, items=[half, half]))


def test_an_error_quotes_nothing_of_the_message() -> None:
    canary = "张三CANARY19700101"
    body = json.dumps({"at": 1, "items": [{"t": "state", "at": 1, "name": canary, "value": canary}]}).encode()
    with pytest.raises(WireError) as caught:
        decode_report(body)
    assert canary not in str(caught.value)
    assert "CANARY" not in str(caught.value)


def test_fields_of_a_newer_agent_are_ignored() -> None:
    report = decode_report(b'{"at":1,"new":{"x":[1]},"items":[{"t":"heartbeat","at":2,"mood":"good"}]}')
    assert report == Report(at=1, items=[Heartbeat(at=2)])


@given(st.binary(max_size=400), st.sampled_from([JSON, MSGPACK, None, "x"]))
@example(b"\x81\xa5items\xdd\xff\xff\xff\xff", MSGPACK)
def test_no_bytes_raise_anything_but_a_wire_error(body: bytes, content_type: str | None) -> None:
    for decode in (lambda b: decode_report(b, content_type), decode_ack, decode_command, decode_will):
        try:
            decode(body)
        except WireError:
            continue


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(_json, st.sampled_from(ITEMS), st.data())
def test_no_twisted_report_raises_anything_but_a_wire_error(junk: object, item: Item, data: st.DataObject) -> None:
    built = msgspec.to_builtins(item)
    built[data.draw(st.sampled_from(sorted(built)))] = junk
    body = msgspec.msgpack.encode({"at": AT, "items": [built]})
    try:
        report = decode_report(body, MSGPACK)
    except WireError:
        return
    assert decode_report(encode_report(report, MSGPACK), MSGPACK) == report


_numbers = st.builds(
    lambda low, more, head, again, offset, sent: Numbers(
        epoch=Epoch("abcdefgh01"),
        seq=low + more,
        floor=low,
        head=low + more + head,
        again=again,
        offset_ms=offset,
        sent_ms=sent,
    ),
    st.integers(1, 2**40),
    st.integers(0, 100),
    st.integers(0, 100),
    st.booleans(),
    st.none() | st.integers(-(2**40), 2**40),
    st.none() | st.integers(0, 2**42),
)


@given(_numbers)
def test_numbers_round_trip_in_user_properties(numbers: Numbers) -> None:
    assert parse_numbers([("other", "x"), *numbers.properties()]) == numbers


@pytest.mark.parametrize(
    "properties",
    [
        [("seq", "1")],
        [("epoch", "abcdefgh"), ("seq", "1")],
        [("epoch", "ABCDEFGH"), ("seq", "1"), ("floor", "1")],
        [("epoch", "abcdefgh"), ("seq", "1 "), ("floor", "1")],
        [("epoch", "abcdefgh"), ("seq", "１"), ("floor", "1")],
        [("epoch", "abcdefgh"), ("seq", "1_0"), ("floor", "1")],
        [("epoch", "abcdefgh"), ("seq", "-1"), ("floor", "1")],
        [("epoch", "abcdefgh"), ("seq", "1"), ("floor", "2")],
        [("epoch", "abcdefgh"), ("seq", "5"), ("floor", "2"), ("head", "4")],
        [("epoch", "abcdefgh"), ("seq", "9" * 30), ("floor", "1")],
        [("epoch", "abcdefgh"), ("seq", "1"), ("seq", "1"), ("floor", "1")],
        [("epoch", "abcdefgh"), ("seq", "1"), ("floor", "1"), ("again", "yes")],
    ],
)
def test_numbers_that_make_no_sense_are_refused(properties: list[tuple[str, str]]) -> None:
    with pytest.raises(WireError) as caught:
        parse_numbers(properties)
    assert caught.value.code is WireErrorCode.NUMBERS


def test_a_maker_s_own_client_has_no_numbers() -> None:
    assert parse_numbers([]) is None
    assert parse_numbers([("vendor", "x")]) is None


@given(st.lists(st.tuples(st.sampled_from(["epoch", "seq", "floor", "head", "offset", "x"]), st.text(max_size=12))))
def test_no_properties_raise_anything_but_a_wire_error(properties: list[tuple[str, str]]) -> None:
    try:
        parse_numbers(properties)
    except WireError:
        return


def test_topics_and_their_partitions() -> None:
    device = mint_device_id()
    assert is_device_id(device)
    assert topics.parse_up(topics.up(device, Lane.LIVE)) == (device, Channel.LIVE)
    assert topics.parse_up(topics.will(device)) == (device, Channel.WILL)
    assert topics.down(device, Down.ACK).startswith(f"steth/1/{bucket(device)}/{device}/down/")
    owned = [b for p in range(16) for b in buckets_of(p)]
    assert len(owned) == len(set(owned)) == 256
    assert bucket(device) in buckets_of(partition(bucket(device)))


@given(st.text(alphabet="steh/1023abcdef-live+#bulkwi\x00", max_size=60))
@example("steth/2/aa/dxxxx/live")
@example("steth/1/zz/dxxxx/live")
def test_no_topic_raises_anything_but_a_wire_error(topic: str) -> None:
    try:
        parsed = topics.parse_up(topic)
    except WireError:
        return
    assert topics.parse_up(topic) == parsed


def test_ids_have_the_form_that_is_checked() -> None:
    assert is_epoch(mint_epoch())
    assert is_box_id(mint_box_id())
    assert mint_box_id() != mint_box_id()
    assert is_command_id(mint_command_id())
    assert not is_device_id("../x")
    assert not is_device_id("a" * 41)


def test_the_digest_is_of_the_body_alone() -> None:
    assert digest(b"a") == digest(b"a") != digest(b"b")
    assert len(digest(b"")) == 16


class FormerHeartbeat(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="heartbeat"):
    """As agents and servers had it before what was refused was told in it."""

    at: int
    uptime_s: float = 0.0
    live: int = 0
    bulk: int = 0
    dropped: int = 0
    refused: int = 0
    connected: bool | None = None


class FormerReport(msgspec.Struct, frozen=True, kw_only=True):
    at: int
    items: list[FormerHeartbeat]
    segment: int = 0


@pytest.mark.parametrize("content_type", [JSON, MSGPACK])
def test_a_former_server_takes_a_heartbeat_that_tells_refusals(content_type: str) -> None:
    told = Refusal(source="astm", reason="unknown-code", count=1, since=AT, last=AT, form="AAA-99")
    body = encode_report(Report(at=AT, items=[Heartbeat(at=AT, refused=1, refusals=[told])]), content_type)
    reader = msgspec.json if content_type == JSON else msgspec.msgpack
    assert reader.decode(body, type=FormerReport).items == [FormerHeartbeat(at=AT, refused=1)]


@pytest.mark.parametrize("content_type", [JSON, MSGPACK])
def test_a_former_agents_heartbeat_tells_none(content_type: str) -> None:
    writer = msgspec.json if content_type == JSON else msgspec.msgpack
    body = writer.encode(FormerReport(at=AT, items=[FormerHeartbeat(at=AT, refused=1)]))
    assert decode_report(body, content_type).items == [Heartbeat(at=AT, refused=1)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"form": "Doe^Jane"},
        {"form": "A" * 26},
        {"form": "张"},
        {"reason": "Doe Jane"},
        {"reason": "unknown-code:"},
        {"source": "Doe"},
        {"count": 0},
        {"kind": "other"},
    ],
)
def test_a_refusal_holds_words_and_masks_alone(wrong: dict[str, object]) -> None:
    refusal = {"source": "astm", "reason": "unknown-code", "count": 1, "since": AT, "last": AT, **wrong}
    body = msgspec.json.encode({"at": AT, "items": [{"t": "heartbeat", "at": AT, "refusals": [refusal]}]})
    with pytest.raises(WireError) as caught:
        decode_report(body)
    assert caught.value.code is WireErrorCode.SCHEMA
    assert "Doe" not in str(caught.value)

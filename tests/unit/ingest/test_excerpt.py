"""What a body looks like: its structure, bounded, and not a character of the sender's."""

import json
import time
from typing import Any

import msgspec
import pytest

from ingest.excerpt import LONGEST, READ, excerpt
from wire.codec import JSON, MSGPACK, encode_report
from wire.items import Fault, Readings
from wire.report import Report

CANARY = "ZhangSan"
ODD: dict[str, Any] = {
    "at": CANARY,
    "items": [
        {"t": "fault", "at": 1, "code": CANARY, "params": {CANARY: CANARY, "t": CANARY}},
        {"t": CANARY, CANARY: {CANARY: [CANARY, None, True]}},
        {"t": "readings", "metric": [CANARY], "value": [1.5]},
        CANARY,
        CANARY,
    ],
    CANARY: 1,
}


@pytest.mark.parametrize("content_type", [JSON, None, MSGPACK])
def test_it_shows_fields_of_the_contract_tags_types_and_lengths(content_type: str | None) -> None:
    body = msgspec.msgpack.encode(ODD) if content_type == MSGPACK else json.dumps(ODD).encode()
    assert excerpt(body, content_type) == (
        '{at: text(8), items: [{t: "fault", at: number, code: text(8), params: {?: text(8), t: text(8)}}, '
        "{t: text(8), ?: {?: [text(8), null, boolean]}}, "
        '{t: "readings", metric: [text(8)], value: [number]}, +2], ?: number}'
    )


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b"", JSON, "empty, no JSON from character 0"),
        (b"ZhangSan 1980", JSON, "text, no JSON from character 0"),
        (b'{"at":1,"items":[{"t":"ZhangSan', JSON, "text, no JSON from character 22"),
        (b"\x00\xff{ZhangSan", None, "no UTF-8 from byte 1, no JSON from character 0"),
        (b'{"\xff\xfe":"\xff"}', None, "{?: text(1)}"),
        (b'"\\ud800ZhangSan"', JSON, "text(9)"),
        (b"[NaN,-Infinity,1e999]", JSON, "[number, number, number]"),
        (b"9" * 10_000, JSON, "number"),
        (b"\xc1ZhangSan", MSGPACK, "no UTF-8 from byte 0"),
        (b"\x81\xa8ZhangSan\xc4\x03abc", MSGPACK, "{?: bytes(3)}"),
        (b"\xd6\xff\x00\x00\x00\x01", MSGPACK, "other"),
        (b"\x81\x81\x01\x02\x03", MSGPACK, "no UTF-8 from byte 0"),
        (b"ZhangSan", "ZhangSan", "text"),
        (b"ZhangSan" * READ, JSON, "text"),
    ],
)
def test_what_cannot_be_read_says_where_it_ends(body: bytes, content_type: str, said: str) -> None:
    assert excerpt(body, content_type) == said


@pytest.mark.parametrize("content_type", [JSON, MSGPACK])
def test_it_is_bounded_whatever_comes_and_made_at_once(content_type: str) -> None:
    of_msgpack = content_type == MSGPACK
    pack = msgspec.msgpack.encode if of_msgpack else msgspec.json.encode
    nested: Any = []
    for _ in range(500):
        nested = [nested]
    bodies = [
        pack({f"{CANARY}{number}": number for number in range(3_000)}),
        pack(nested),
        pack([[[]] * 3] * 5_000),
        b"\x91" * READ if of_msgpack else b"[" * READ,
        b"\x81\xa1a" * (READ // 3) if of_msgpack else b'{"a":' * (READ // 5),
    ]
    for body in bodies:
        began = time.perf_counter()
        found = excerpt(body, content_type)
        assert time.perf_counter() - began < 1
        assert 0 < len(found) <= LONGEST
        assert CANARY not in found


def test_a_good_report_shows_nothing_of_its_values() -> None:
    report = Report(at=1, items=[Fault(at=1, code="E1", state="event"), Readings(at=1, metric=["kv"], value=[7])])
    for content_type in (JSON, MSGPACK):
        found = excerpt(encode_report(report, content_type), content_type)
        assert '{t: "fault", at: number, code: text(2), state: text(5)' in found
        assert "kv" not in found

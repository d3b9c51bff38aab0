"""Letters of one moment: those alike are one, and no sender has more than its share."""

from collections import Counter

import pytest

from ingest.letters import EACH, Letter, folded, letter_of
from ingest.message import Message
from wire.errors import WireError, WireErrorCode
from wire.topics import Lane


def letter(place: str, *, device: int | None = 1, code: str = "schema", partition: int = 0) -> Letter:
    return Letter(
        partition=partition,
        device_id=device,
        uid=None,
        lane=Lane.LIVE,
        numbers=None,
        code=code,
        place=place,
        detail="",
        content_type=None,
        body=b"",
    )


def test_those_alike_are_one_with_a_count() -> None:
    given = [letter("$.at"), letter("$.at"), letter("$.items"), letter("$.at", device=2), letter("$.at", code="value")]
    found = {(each.device_id, each.code, each.place): each.count for each in folded(given)}
    assert found == {(1, "schema", "$.at"): 2, (1, "schema", "$.items"): 1, (2, "schema", "$.at"): 1,
        (1, "value", "$.at"): 1}  # fmt: skip
    assert [each.count for each in given] == [1] * 5, "a batch may be tried again"


def test_beyond_its_share_a_sender_is_counted_by_code_and_takes_no_room_of_others() -> None:
    flood = [letter(f"$.items[{number}]", code=code) for number in range(500) for code in ("schema", "value")]
    strangers = [letter(f"$.items[{number}]", device=None, partition=number % 2) for number in range(500)]
    found = folded([*flood, letter("$.at", device=2), *strangers])
    of = Counter((each.partition, each.device_id) for each in found)
    assert of == {(0, 1): EACH + 2, (0, 2): 1, (0, None): EACH + 1, (1, None): EACH + 1}
    beyond = {each.code: each.count for each in found if each.device_id == 1 and each.place == ""}
    assert beyond == {"schema": 500 - EACH // 2, "value": 500 - EACH // 2}
    assert sum(each.count for each in found) == 1_501, "none is lost from the count"


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("$", "$"),
        ("$.items[2].value[5], $.fields[...] and 3 more", "$.items[2].value[5], $.fields[...] and 3 more"),
        ("content type", "content type"),
        ("seq", "seq"),
        ("$.items[0].fields.zhang", "?"),
        ("$.at, $.zhang, zhang", "$.at, ?, ?"),
        ("zhang and 3 more", "?"),
        ("$.items[0] and zhang more", "?"),
        ("$.at\n", "?"),
    ],
)  # fmt: skip
def test_a_place_holds_no_word_but_ours(where: str, said: str) -> None:
    message = Message(
        topic="t", body=b"", content_type=None, properties=None, packet_id=0, partition=0, link=0,
        received_ms=0,
    )  # fmt: skip
    error = WireError(WireErrorCode.SCHEMA, where, "d" * 1000)
    found = letter_of(message, None, Lane.LIVE, None, error, 1)
    assert (found.place, len(found.detail)) == (said, 200)

"""What a batch's log lines say of reports: their numbers, and nothing that is in them."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from ingest import logs
from ingest.admitted import Admitted, Gap
from ingest.letters import Letter, letter_of
from ingest.message import Message
from ingest.ports import Device
from wire.errors import WireError, WireErrorCode
from wire.ids import DeviceId, Epoch
from wire.report import Numbers
from wire.topics import Lane

CANARY = b"ZhangSanCanary"
TOPIC = "steth/1/4f/d3k9m2q7x1z5a/live"
DEVICE = Device(id=5, uid=DeviceId("d3k9m2q7x1z5a"), org_id=1, site_id=1, partition=3, model="m", name=CANARY.decode())
NUMBERS = Numbers(epoch=Epoch("e" * 16), seq=7, floor=1, head=9)


@dataclass
class Named:
    """A device in memory, as far as the log asks."""

    id: int
    uid: str
    device: Any = field(init=False)

    def __post_init__(self) -> None:
        self.device = self


def letter(*, ours: bool = True) -> Letter:
    message = Message(
        topic=TOPIC,
        body=CANARY,
        content_type=CANARY.decode(),
        properties=NUMBERS.properties(),
        packet_id=1,
        partition=3,
        link=1,
        received_ms=1,
    )
    error = WireError(WireErrorCode.SYNTAX, f"$, {CANARY.decode()}, $.items[2].{CANARY.decode()}", CANARY.decode())
    return letter_of(message, DEVICE if ours else None, Lane.LIVE, NUMBERS, error, 2)


def said(admitted: Admitted[Any]) -> list[dict[str, Any]]:
    with capture_logs() as captured:
        logs.say(Lane.LIVE, admitted)
    assert CANARY.decode() not in str(captured)
    return [dict(line) for line in captured]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_log", structlog.get_logger("test"))


def test_a_dead_letter_is_told_with_its_numbers_and_without_its_content() -> None:
    admitted: Admitted[Any] = Admitted()
    admitted.begun.append(letter())
    (line,) = said(admitted)
    assert line["event"] == "dead_letter"
    assert [line[key] for key in ("device", "lane", "epoch", "seq", "code", "place", "bytes")] == [
        DEVICE.uid,
        "live",
        "e" * 16,
        7,
        "syntax",
        "$, ?, ?",
        len(CANARY),
    ]


def test_who_is_none_of_ours_is_not_named() -> None:
    admitted: Admitted[Any] = Admitted()
    admitted.begun.append(letter(ours=False))
    assert said(admitted)[0]["device"] is None


def test_a_gap_is_told_with_its_device() -> None:
    admitted: Admitted[Any] = Admitted()
    admitted.touched["d1"] = Named(5, "d1")  # type: ignore[assignment]  # as far as the log asks
    admitted.gaps.append(Gap(device_id=5, epoch="e" * 16, first=3, last=9))
    (line,) = said(admitted)
    assert [line[key] for key in ("event", "device", "lane", "epoch", "first", "last")] == [
        "gap",
        "d1",
        "live",
        "e" * 16,
        3,
        9,
    ]


def test_a_flood_is_a_few_lines() -> None:
    admitted: Admitted[Any] = Admitted()
    admitted.begun += [letter()] * 500
    told = said(admitted)
    assert len(told) == logs.MOST + 1
    assert told[-1]["lines"] == 500 - logs.MOST
    assert said(Admitted()) == []
